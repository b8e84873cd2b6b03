//! What is learnt to be less: the logistic loss of two classes, of many, or the squared error.

use rayon::prelude::*;

use super::block;
use super::histogram::Gradient;
use crate::estimator::{Labels, softmax};

/// The answers to learn, and how they are judged. Scores are kept row after row, one a class (of
/// two classes, one).
#[derive(Debug, Clone, Copy)]
pub(super) struct Loss<'a> {
    labels: Labels<'a>,
    weights: Option<&'a [f64]>,
}

impl<'a> Loss<'a> {
    pub(super) fn new(labels: Labels<'a>, weights: Option<&'a [f64]>) -> Self {
        Self { labels, weights }
    }

    /// Returns how many scores a row has.
    pub(super) fn outputs(&self) -> usize {
        match self.labels {
            Labels::Classes { count: 2, .. } | Labels::Numbers(_) => 1,
            Labels::Classes { count, .. } => count,
        }
    }

    /// Returns the name of the figure it is judged by, as XGBoost has it.
    pub(super) fn metric(&self) -> &'static str {
        match self.labels {
            Labels::Classes { count: 2, .. } => "logloss",
            Labels::Classes { .. } => "mlogloss",
            Labels::Numbers(_) => "rmse",
        }
    }

    /// Returns the best scores without any tree.
    pub(super) fn start(&self) -> Vec<f64> {
        let total: f64 = (0..self.rows()).map(|row| self.weight(row)).sum();
        let share = |class: usize, rows: &[usize]| {
            let of = rows.iter().enumerate().filter(|(_, of)| **of == class);
            (of.map(|(row, _)| self.weight(row)).sum::<f64>() / total).clamp(1e-15, 1.0 - 1e-15)
        };
        match self.labels {
            Labels::Classes { rows, count: 2 } => {
                let share = share(1, rows);
                vec![(share / (1.0 - share)).ln()]
            }
            Labels::Classes { rows, count } => {
                (0..count).map(|class| share(class, rows).ln()).collect()
            }
            Labels::Numbers(values) => {
                let sum = values.iter().enumerate().map(|(row, value)| value * self.weight(row));
                vec![sum.sum::<f64>() / total]
            }
        }
    }

    /// Returns the gradients of each output, row after row.
    pub(super) fn gradients(&self, scores: &[f64]) -> Vec<Vec<Gradient>> {
        let outputs = self.outputs();
        let mut all = vec![vec![[0.0; 2]; self.rows()]; outputs];
        if outputs == 1 {
            let len = block(self.rows());
            all[0].par_chunks_mut(len).enumerate().for_each(|(at, gradients)| {
                for (row, gradient) in (at * len..).zip(gradients) {
                    *gradient = self.weighted(row, self.of_one(row, scores[row]));
                }
            });
            return all;
        }
        let Labels::Classes { rows, count } = self.labels else { return all };
        // LightGBM's: the scores of `k` classes have `k - 1` degrees of freedom.
        let factor = count as f64 / (count as f64 - 1.0);
        let mut shares = vec![0.0; outputs];
        for (row, scores) in scores.chunks_exact(outputs).enumerate() {
            shares.copy_from_slice(scores);
            softmax(&mut shares);
            for (class, share) in shares.iter().copied().enumerate() {
                let first = share - f64::from(u8::from(rows[row] == class));
                let second = factor * share * (1.0 - share);
                all[class][row] = self.weighted(row, [first, second]);
            }
        }
        all
    }

    /// Returns how far off the scores are: the mean loss, of numbers its root.
    pub(super) fn judge(&self, scores: &[f64]) -> f64 {
        let outputs = self.outputs();
        let (mut sum, mut total) = (0.0, 0.0);
        for (row, scores) in scores.chunks_exact(outputs).enumerate() {
            let off = match self.labels {
                Labels::Classes { rows, count: 2 } => {
                    let score = if rows[row] == 1 { scores[0] } else { -scores[0] };
                    (-score).exp().ln_1p()
                }
                Labels::Classes { rows, .. } => {
                    let mut shares = scores.to_vec();
                    softmax(&mut shares) - scores[rows[row]]
                }
                Labels::Numbers(values) => (scores[0] - values[row]).powi(2),
            };
            sum += self.weight(row) * off;
            total += self.weight(row);
        }
        match self.labels {
            Labels::Numbers(_) => (sum / total).sqrt(),
            Labels::Classes { .. } => sum / total,
        }
    }

    /// Returns the number of rows.
    pub(super) fn rows(&self) -> usize {
        match self.labels {
            Labels::Classes { rows, .. } => rows.len(),
            Labels::Numbers(values) => values.len(),
        }
    }

    fn of_one(&self, row: usize, score: f64) -> [f64; 2] {
        match self.labels {
            Labels::Classes { rows, .. } => {
                let share = 1.0 / (1.0 + (-score).exp());
                [share - rows[row] as f64, share * (1.0 - share)]
            }
            Labels::Numbers(values) => [score - values[row], 1.0],
        }
    }

    fn weighted(&self, row: usize, gradient: [f64; 2]) -> Gradient {
        let weight = self.weight(row);
        gradient.map(|of| (of * weight) as f32)
    }

    fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row])
    }
}
