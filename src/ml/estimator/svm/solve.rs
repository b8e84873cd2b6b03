//! The dual problem, two multipliers at a time (Fan, Chen and Lin: selection by second order).
//!
//! `min ½ aᵀQa + pᵀa` with `yᵀa = 0` and `0 ≤ a ≤ C`, where `Q = y yᵀ · K`. There may be twice
//! as many multipliers as rows: then the second half belongs to the same rows.

use super::kernel::Rows;

/// What stands in for a curvature that is not above 0.
const FLAT: f64 = 1e-12;

/// What is sought.
pub(super) struct Sought<'a> {
    pub(super) rows: Rows<'a>,
    /// `y`: 1 or -1.
    pub(super) signs: Vec<f64>,
    /// `p`.
    pub(super) linear: Vec<f64>,
    /// `C`, of each.
    pub(super) limits: Vec<f64>,
    pub(super) tolerance: f64,
}

/// `Σ coefficient · K(row, x) + bias`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Solution {
    /// Rows by their number in the matrix, with their coefficients; none is 0.
    pub(super) terms: Vec<(usize, f64)>,
    pub(super) bias: f64,
}

/// Solves it, or comes as near as is worth the time.
pub(super) fn solve(sought: Sought<'_>) -> Solution {
    let count = sought.signs.len();
    let own: Vec<f64> = (0..sought.rows.len()).map(|at| sought.rows.own(at)).collect();
    let slopes = sought.linear.clone();
    let mut state = State { multipliers: vec![0.0; count], slopes, sought };
    // As libsvm bounds it.
    for _ in 0..count.saturating_mul(100).max(10_000_000) {
        let Some((first, second)) = state.choose(&own) else { break };
        state.step(first, second, &own);
    }
    state.finish()
}

struct State<'a> {
    multipliers: Vec<f64>,
    /// Of the function, by each multiplier.
    slopes: Vec<f64>,
    sought: Sought<'a>,
}

impl State<'_> {
    fn can_rise(&self, at: usize) -> bool {
        match self.sought.signs[at] > 0.0 {
            true => self.multipliers[at] < self.sought.limits[at],
            false => self.multipliers[at] > 0.0,
        }
    }

    fn can_fall(&self, at: usize) -> bool {
        match self.sought.signs[at] > 0.0 {
            true => self.multipliers[at] > 0.0,
            false => self.multipliers[at] < self.sought.limits[at],
        }
    }

    /// The slope along the sign, which is the same for all free ones in the solution.
    fn pull(&self, at: usize) -> f64 {
        -self.sought.signs[at] * self.slopes[at]
    }

    /// Returns the pair that promises most; none where all is within the tolerance.
    fn choose(&mut self, own: &[f64]) -> Option<(usize, usize)> {
        let count = self.multipliers.len();
        let rows = own.len();
        let mut first: Option<(usize, f64)> = None;
        for at in (0..count).filter(|at| self.can_rise(*at)) {
            let pull = self.pull(at);
            if first.is_none_or(|(_, most)| pull > most) {
                first = Some((at, pull));
            }
        }
        let (first, most) = first?;
        let place = first % rows;
        // Borrowed for a moment: the pulls are read meanwhile.
        let near: Vec<f32> = self.sought.rows.two(place, place).0.to_vec();
        let (mut least, mut second) = (f64::INFINITY, None);
        let mut best = f64::INFINITY;
        for at in (0..count).filter(|at| self.can_fall(*at)) {
            let pull = self.pull(at);
            least = least.min(pull);
            let difference = most - pull;
            if difference > 0.0 {
                let row = at % rows;
                let curvature = own[place] + own[row] - 2.0 * f64::from(near[row]);
                let curvature = if curvature > 0.0 { curvature } else { FLAT };
                let gain = -difference * difference / curvature;
                if gain < best {
                    (best, second) = (gain, Some(at));
                }
            }
        }
        (most - least > self.sought.tolerance).then_some((first, second?))
    }

    /// Moves two multipliers to their best place between their limits.
    fn step(&mut self, first: usize, second: usize, own: &[f64]) {
        let rows = own.len();
        let (a, b) = (first % rows, second % rows);
        let difference = self.pull(first) - self.pull(second);
        let (near_a, near_b) = self.sought.rows.two(a, b);
        let curvature = own[a] + own[b] - 2.0 * f64::from(near_a[b]);
        let wanted = difference / if curvature > 0.0 { curvature } else { FLAT };
        let room = |at: usize, up: bool| {
            let rises = (self.sought.signs[at] > 0.0) == up;
            if rises { self.sought.limits[at] - self.multipliers[at] } else { self.multipliers[at] }
        };
        let (room_first, room_second) = (room(first, true), room(second, false));
        let length = wanted.min(room_first).min(room_second);
        let (sign_first, sign_second) = (self.sought.signs[first], self.sought.signs[second]);
        for (at, slope) in self.slopes.iter_mut().enumerate() {
            let row = at % rows;
            let change = f64::from(near_a[row]) - f64::from(near_b[row]);
            *slope += self.sought.signs[at] * length * change;
        }
        let moved = |at: usize, sign: f64, at_end: bool, value: f64| {
            // Who comes to a limit is on it, whatever rounding says.
            match (at_end, sign > 0.0) {
                (true, true) => self.sought.limits[at],
                (true, false) => 0.0,
                (false, _) => value + sign * length,
            }
        };
        let new_first = moved(first, sign_first, length == room_first, self.multipliers[first]);
        let new_second =
            moved(second, -sign_second, length == room_second, self.multipliers[second]);
        self.multipliers[first] = new_first;
        self.multipliers[second] = new_second;
    }

    fn finish(self) -> Solution {
        let (mut sum, mut free) = (0.0, 0.0_f64);
        let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
        for at in 0..self.multipliers.len() {
            let pull = self.pull(at);
            match (self.can_rise(at), self.can_fall(at)) {
                (true, true) => (sum, free) = (sum + pull, free + 1.0),
                (true, false) => low = low.max(pull),
                (false, true) => high = high.min(pull),
                (false, false) => {}
            }
        }
        let bias = match (free > 0.0, low.is_finite(), high.is_finite()) {
            (true, _, _) => sum / free,
            (false, true, true) => f64::midpoint(low, high),
            (false, true, false) => low,
            (false, false, true) => high,
            (false, false, false) => 0.0,
        };
        let rows = &self.sought.rows;
        let mut coefficients = vec![0.0; rows.len()];
        for (at, (multiplier, sign)) in self.multipliers.iter().zip(&self.sought.signs).enumerate()
        {
            coefficients[at % rows.len()] += multiplier * sign;
        }
        let terms = coefficients.into_iter().enumerate();
        let terms = terms.filter(|(_, coefficient)| *coefficient != 0.0);
        Solution { terms: terms.map(|(at, c)| (rows.number(at), c)).collect(), bias }
    }
}
