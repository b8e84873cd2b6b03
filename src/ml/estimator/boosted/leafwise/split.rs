//! The best cut of a leaf.

use super::Params;
use super::bins::Binned;
use super::histogram::Sums;

/// Keeps sums of second derivatives above zero.
const EPSILON: f64 = 1e-15;

/// A cut of a leaf in two.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Split {
    /// What the loss falls by, beyond `min_split_gain`.
    pub(super) gain: f64,
    pub(super) column: usize,
    /// Rows of the bins up to this one go left.
    pub(super) bin: usize,
    pub(super) is_missing_left: bool,
    /// Sums of the left part.
    pub(super) left: Sums,
}

impl Params {
    /// Returns what a leaf with these sums answers.
    pub(super) fn output(&self, sums: Sums) -> f64 {
        -self.beyond_alpha(sums[0]) / (sums[1] + EPSILON + self.reg_lambda)
    }

    fn gain(&self, sums: Sums) -> f64 {
        self.beyond_alpha(sums[0]).powi(2) / (sums[1] + EPSILON + self.reg_lambda)
    }

    fn beyond_alpha(&self, gradient: f64) -> f64 {
        gradient.signum() * (gradient.abs() - self.reg_alpha).max(0.0)
    }
}

/// A leaf of so many rows, and the sums of its gradients.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whole {
    pub(super) sums: Sums,
    pub(super) rows: usize,
}

/// Finds the cut that gains most, if any gains at all; of equal ones the first column's, and in it
/// the uppermost.
pub(super) fn best(
    binned: &Binned,
    columns: &[usize],
    histogram: &[Sums],
    whole: Whole,
    params: &Params,
) -> Option<Split> {
    // As LightGBM does, rows of a part are told, rounded, from its share of the second derivatives.
    let hessian_of_row = (whole.sums[1] + EPSILON) / whole.rows as f64;
    let of_samples = (params.min_child_samples - 0.5) * hessian_of_row;
    let mut search = Search {
        params,
        whole,
        best: None,
        floor: params.gain(whole.sums) + params.min_split_gain,
        least: params.min_child_weight.max(of_samples),
    };
    for column in columns {
        let sums = &histogram[binned.column(*column)];
        search.column(*column, sums, binned.columns[*column].values());
    }
    search.best
}

struct Search<'a> {
    params: &'a Params,
    whole: Whole,
    best: Option<Split>,
    /// What the parts must gain more than.
    floor: f64,
    /// The least sum of second derivatives of a part.
    least: f64,
}

impl Search<'_> {
    fn column(&mut self, column: usize, sums: &[Sums], values: usize) {
        let missing = sums.get(values).copied();
        let absent = missing.unwrap_or_default();
        let mut right = [0.0; 2];
        // From above, with the missing values left: all but the lowest bin may be on the right.
        for bin in (1..values).rev() {
            add(&mut right, sums[bin]);
            let left = [self.whole.sums[0] - right[0], self.whole.sums[1] - right[1]];
            self.consider(column, bin - 1, true, left, right);
        }
        if missing.is_none() {
            return;
        }
        // And with the missing values right, at last alone.
        let mut right = absent;
        for bin in (0..values).rev() {
            let left = [self.whole.sums[0] - right[0], self.whole.sums[1] - right[1]];
            self.consider(column, bin, false, left, right);
            add(&mut right, sums[bin]);
        }
    }

    #[inline]
    fn consider(
        &mut self,
        column: usize,
        bin: usize,
        is_missing_left: bool,
        left: Sums,
        right: Sums,
    ) {
        if left[1] < self.least || right[1] < self.least {
            return;
        }
        let gain = self.params.gain(left) + self.params.gain(right) - self.floor;
        if gain > self.best.map_or(0.0, |best| best.gain) {
            self.best = Some(Split { gain, column, bin, is_missing_left, left });
        }
    }
}

fn add(sum: &mut Sums, other: Sums) {
    sum[0] += other[0];
    sum[1] += other[1];
}
