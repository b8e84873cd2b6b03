//! How alike two rows are, and a bounded store of what was computed of it.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::super::Problem;
use crate::preprocess::Matrix;

/// Numbers that are kept of the kernel, at most: 200 MB, as libsvm keeps.
const KEPT_MAX: usize = 50_000_000;

/// A kernel with its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kernel", rename_all = "snake_case")]
pub(super) enum Kernel {
    Linear,
    Rbf { gamma: f64 },
    Poly { gamma: f64, degree: i32, coef0: f64 },
}

impl Kernel {
    /// Returns the kernel of the settings; `scale` is by the variance of all numbers.
    pub(super) fn of(problem: &Problem<'_>) -> Self {
        let settings = problem.settings;
        let width = problem.matrix.width() as f64;
        let gamma = match settings.word("gamma") {
            None => settings.number("gamma"),
            Some("auto") => 1.0 / width,
            Some(_) => match variance(problem.matrix.values()) {
                0.0 => 1.0,
                variance => 1.0 / (width * variance),
            },
        };
        match settings.word("kernel") {
            Some("linear") => Self::Linear,
            Some("poly") => Self::Poly {
                gamma,
                // At most 20, by its range.
                degree: settings.count("degree").unwrap_or(1) as i32,
                coef0: settings.number("coef0"),
            },
            _ => Self::Rbf { gamma },
        }
    }

    pub(super) fn is_linear(&self) -> bool {
        matches!(self, Self::Linear)
    }

    pub(super) fn is_finite(&self) -> bool {
        match self {
            Self::Linear => true,
            Self::Rbf { gamma } => gamma.is_finite(),
            Self::Poly { gamma, coef0, .. } => gamma.is_finite() && coef0.is_finite(),
        }
    }

    /// Returns how alike two rows are.
    pub(super) fn of_rows(&self, a: &[f64], b: &[f64]) -> f64 {
        let product = || a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        match self {
            Self::Linear => product(),
            Self::Rbf { gamma } => {
                let distance: f64 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
                (-gamma * distance).exp()
            }
            Self::Poly { gamma, degree, coef0 } => (gamma * product() + coef0).powi(*degree),
        }
    }
}

fn variance(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().map(|value| value / count).sum::<f64>();
    values.iter().map(|value| (value - mean).powi(2) / count).sum()
}

/// The kernel of some rows of a matrix against each other, row by row as asked for.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    matrix: &'a Matrix,
    kernel: &'a Kernel,
    rows: &'a [usize],
    kept: Vec<Option<Box<[f32]>>>,
    /// Which are kept, the oldest first.
    order: VecDeque<usize>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(matrix: &'a Matrix, kernel: &'a Kernel, rows: &'a [usize]) -> Self {
        let kept = (0..rows.len()).map(|_| None).collect();
        Self { matrix, kernel, rows, kept, order: VecDeque::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns the number that a row has in the matrix.
    pub(super) fn number(&self, at: usize) -> usize {
        self.rows[at]
    }

    /// Returns how alike a row is to itself.
    pub(super) fn own(&self, at: usize) -> f64 {
        let row = self.matrix.row(self.rows[at]);
        self.kernel.of_rows(row, row)
    }

    /// Makes sure that two rows are there, whatever has to go for them, and returns them.
    pub(super) fn two(&mut self, a: usize, b: usize) -> (&[f32], &[f32]) {
        self.keep(a, b);
        self.keep(b, a);
        (self.kept[a].as_deref().unwrap_or_default(), self.kept[b].as_deref().unwrap_or_default())
    }

    fn keep(&mut self, at: usize, other: usize) {
        if self.kept[at].is_some() {
            return;
        }
        let most = (KEPT_MAX / self.rows.len().max(1)).max(2);
        while self.order.len() >= most {
            match self.order.pop_front() {
                Some(oldest) if oldest == other => self.order.push_back(oldest),
                Some(oldest) => self.kept[oldest] = None,
                None => break,
            }
        }
        let own = self.matrix.row(self.rows[at]);
        let of = |row: &usize| self.kernel.of_rows(own, self.matrix.row(*row)) as f32;
        self.kept[at] = Some(self.rows.iter().map(of).collect());
        self.order.push_back(at);
    }
}
