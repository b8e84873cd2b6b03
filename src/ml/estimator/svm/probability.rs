//! From margins to probabilities.

use serde::{Deserialize, Serialize};

use super::super::Problem;
use super::kernel::Kernel;
use super::separate;
use crate::random::{Random, Stream};

const FOLDS: usize = 5;
/// A chance of a pair is kept this far from 0 and 1, as libsvm keeps it.
const CHANCE_MIN: f64 = 1e-7;

/// `1 / (1 + exp(slope · margin + shift))`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Sigmoid {
    pub(super) slope: f64,
    pub(super) shift: f64,
}

impl Sigmoid {
    /// Returns the chance of the first class.
    pub(super) fn of(self, margin: f64) -> f64 {
        let exponent = self.slope * margin + self.shift;
        let chance = match exponent >= 0.0 {
            true => (-exponent).exp() / (1.0 + (-exponent).exp()),
            false => 1.0 / (1.0 + exponent.exp()),
        };
        chance.clamp(CHANCE_MIN, 1.0 - CHANCE_MIN)
    }
}

/// Fits the sigmoid of a pair to margins that machines of the other folds give.
pub(super) fn of_pair(
    problem: &Problem<'_>,
    kernel: &Kernel,
    rows: &[usize],
    signs: &[f64],
) -> Sigmoid {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    Random::new(problem.settings.seed(), Stream::Calibration).shuffle(&mut order);
    let mut margins = vec![0.0; rows.len()];
    for fold in 0..FOLDS {
        let part = |held_out: bool| -> Vec<usize> {
            let of = |(at, _): &(usize, &usize)| (at % FOLDS == fold) == held_out;
            order.iter().enumerate().filter(of).map(|(_, place)| *place).collect()
        };
        let (learnt, asked) = (part(false), part(true));
        let own: Vec<usize> = learnt.iter().map(|place| rows[*place]).collect();
        let own_signs: Vec<f64> = learnt.iter().map(|place| signs[*place]).collect();
        let (has_first, has_second) = (own_signs.contains(&1.0), own_signs.contains(&-1.0));
        if !(has_first && has_second) {
            let only = f64::from(i8::from(has_first) - i8::from(has_second));
            asked.iter().for_each(|place| margins[*place] = only);
            continue;
        }
        let machine = separate(problem, kernel, &own, &own_signs);
        for place in asked {
            let row = problem.matrix.row(rows[place]);
            let terms = machine.terms.iter();
            let sum: f64 =
                terms.map(|(other, c)| c * kernel.of_rows(problem.matrix.row(*other), row)).sum();
            margins[place] = sum + machine.bias;
        }
    }
    fit(&margins, signs)
}

/// Newton's method with a line that is halved until it falls, on the targets that Platt smooths.
fn fit(margins: &[f64], signs: &[f64]) -> Sigmoid {
    let first = signs.iter().filter(|sign| **sign > 0.0).count() as f64;
    let second = signs.len() as f64 - first;
    let (high, low) = ((first + 1.0) / (first + 2.0), 1.0 / (second + 2.0));
    let targets: Vec<f64> = signs.iter().map(|sign| if *sign > 0.0 { high } else { low }).collect();
    let loss = |sigmoid: Sigmoid| -> f64 {
        let terms = margins.iter().zip(&targets).map(|(margin, target)| {
            let exponent = sigmoid.slope * margin + sigmoid.shift;
            match exponent >= 0.0 {
                true => target * exponent + (-exponent).exp().ln_1p(),
                false => (target - 1.0) * exponent + exponent.exp().ln_1p(),
            }
        });
        terms.sum()
    };
    let mut at = Sigmoid { slope: 0.0, shift: ((second + 1.0) / (first + 1.0)).ln() };
    let mut value = loss(at);
    for _ in 0..100 {
        let (mut h11, mut h22, mut h21, mut g1, mut g2) = (1e-12, 1e-12, 0.0, 0.0, 0.0);
        for (margin, target) in margins.iter().zip(&targets) {
            let chance = 1.0 / (1.0 + (at.slope * margin + at.shift).exp());
            let (spread, off) = (chance * (1.0 - chance), target - chance);
            h11 += margin * margin * spread;
            h22 += spread;
            h21 += margin * spread;
            g1 += margin * off;
            g2 += off;
        }
        if g1.abs() < 1e-5 && g2.abs() < 1e-5 {
            break;
        }
        let area = h11 * h22 - h21 * h21;
        let (slope, shift) = (-(h22 * g1 - h21 * g2) / area, -(h11 * g2 - h21 * g1) / area);
        let descent = g1 * slope + g2 * shift;
        let mut length = 1.0;
        let next = loop {
            let tried =
                Sigmoid { slope: at.slope + length * slope, shift: at.shift + length * shift };
            let found = loss(tried);
            if found < value + 1e-4 * length * descent {
                break Some((tried, found));
            }
            length /= 2.0;
            if length < 1e-10 {
                break None;
            }
        };
        let Some(next) = next else { break };
        (at, value) = next;
    }
    at
}

/// Makes of the chances of pairs (0 against 1, 0 against 2 …) the chances of the classes.
pub(super) fn couple(pairs: &[f64], out: &mut [f64]) {
    let count = out.len();
    if count == 2 {
        out[0] = pairs[0];
        out[1] = 1.0 - pairs[0];
        return;
    }
    let mut chances = vec![0.0; count * count];
    let mut given = pairs.iter();
    for first in 0..count {
        for second in first + 1..count {
            let chance = given.next().copied().unwrap_or(0.5);
            chances[first * count + second] = chance;
            chances[second * count + first] = 1.0 - chance;
        }
    }
    let mut square = vec![0.0; count * count];
    for class in 0..count {
        for other in (0..count).filter(|other| *other != class) {
            let (own, back) = (chances[class * count + other], chances[other * count + class]);
            square[class * count + class] += back * back;
            square[class * count + other] = -back * own;
        }
    }
    out.fill(1.0 / count as f64);
    let mut products = vec![0.0; count];
    for _ in 0..count.max(100) {
        let mut whole = 0.0;
        for (class, row) in square.chunks_exact(count).enumerate() {
            products[class] = row.iter().zip(out.iter()).map(|(q, p)| q * p).sum();
            whole += out[class] * products[class];
        }
        if products.iter().all(|product| (product - whole).abs() < 0.005 / count as f64) {
            break;
        }
        for class in 0..count {
            let own = square[class * count + class];
            let change = (whole - products[class]) / own;
            out[class] += change;
            let scale = 1.0 + change;
            whole = (whole + change * (change * own + 2.0 * products[class])) / scale / scale;
            let row = &square[class * count..(class + 1) * count];
            for ((product, out), entry) in products.iter_mut().zip(out.iter_mut()).zip(row) {
                *product = (*product + change * entry) / scale;
                *out /= scale;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_on_both_sides_become_chances() {
        let margins = [-2.0, -1.0, -0.5, 0.4, 1.0, 2.0];
        let sigmoid = fit(&margins, &[-1.0, -1.0, -1.0, 1.0, 1.0, 1.0]);
        assert!(sigmoid.of(2.0) > 0.7 && sigmoid.of(-2.0) < 0.3, "{sigmoid:?}");
        assert!((sigmoid.of(0.0) - 0.5).abs() < 0.1);
    }

    #[test]
    fn chances_of_pairs_that_agree_are_coupled_to_what_they_come_from() {
        let whole = [0.5, 0.3, 0.2];
        let pair = |a: usize, b: usize| whole[a] / (whole[a] + whole[b]);
        let mut out = [0.0; 3];
        couple(&[pair(0, 1), pair(0, 2), pair(1, 2)], &mut out);
        for (found, wanted) in out.iter().zip(whole) {
            assert!((found - wanted).abs() < 0.01, "{out:?}");
        }
        assert!((out.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}
