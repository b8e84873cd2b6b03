//! Versions that answered different requests, judged by what was told of their answers later:
//! which is better, and whether that can be chance.
//!
//! Other than in `compare` the requests are not the same ones, so nothing is paired. Proportions
//! are compared with one success and one failure added to each (Agresti and Caffo, 2000), which
//! holds its level where figures are near 0 or 1; means by their standard errors (Welch), with the
//! normal distribution, since nothing is said of less than [`OUTCOMES_MIN`] outcomes.

/// Outcomes of each version below which nothing is said.
pub const OUTCOMES_MIN: u64 = 30;

/// The 97.5th and the 80th percentile of the normal distribution: a test at 5 % that finds a
/// difference with a probability of 80 %.
const Z_LEVEL: f64 = 1.959_963_985;
const Z_POWER: f64 = 0.841_621_234;

/// Outcomes asked for at most.
const MORE_MAX: f64 = 1e12;

/// What was told of one version.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Arm {
    pub outcomes: u64,
    pub total: f64,
    /// Of the squares.
    pub total_sq: f64,
}

/// What a figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// Of outcomes that are 0 or 1.
    Proportion,
    Mean,
}

/// How one version stands against another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// Of the figures as they are: own less other.
    pub difference: f64,
    /// 95 %.
    pub interval: [f64; 2],
    /// How likely a difference as large, either way, is where there is none.
    pub p: f64,
    /// Outcomes that each version still needs, about, for a difference such as this one to be
    /// told from chance; `None` where it can be told, or where there is no difference at all.
    pub more: Option<u64>,
    /// The difference that as many outcomes would show in four of five trials.
    pub detectable: f64,
}

impl Arm {
    /// Returns the mean; NaN of nothing.
    pub fn mean(&self) -> f64 {
        self.total / self.outcomes as f64
    }

    /// Returns the root of the mean square.
    pub fn root_mean_square(&self) -> f64 {
        (self.total_sq / self.outcomes as f64).sqrt()
    }

    /// Adds what was told elsewhere.
    pub fn add(&mut self, other: Self) {
        self.outcomes += other.outcomes;
        self.total += other.total;
        self.total_sq += other.total_sq;
    }

    /// Returns the mean and its variance.
    fn estimate(&self, figure: Figure) -> (f64, f64) {
        let count = self.outcomes as f64;
        match figure {
            Figure::Proportion => {
                let share = (self.total + 1.0) / (count + 2.0);
                (share, share * (1.0 - share) / (count + 2.0))
            }
            Figure::Mean => {
                let mean = self.mean();
                let spread = (self.total_sq - count * mean * mean).max(0.0) / (count - 1.0);
                (mean, spread / count)
            }
        }
    }

    /// Compares with another; `None` where there are too few outcomes.
    pub fn against(&self, other: &Self, figure: Figure) -> Option<Standing> {
        let fewest = self.outcomes.min(other.outcomes);
        if fewest < OUTCOMES_MIN {
            return None;
        }
        let (own, own_variance) = self.estimate(figure);
        let (against, other_variance) = other.estimate(figure);
        let error = (own_variance + other_variance).sqrt();
        let shift = own - against;
        let p = match error {
            0.0 if shift == 0.0 => 1.0,
            0.0 => 0.0,
            error => (2.0 * upper_tail(shift.abs() / error)).min(1.0),
        };
        // Each needs so many times as many outcomes as the smaller has.
        let times = ((Z_LEVEL + Z_POWER) * error / shift.abs()).powi(2);
        let wanted = (fewest as f64 * (times - 1.0)).ceil();
        let more =
            (p >= 0.05 && wanted.is_finite() && wanted < MORE_MAX).then_some(wanted.max(1.0));
        Some(Standing {
            difference: self.mean() - other.mean(),
            interval: [shift - Z_LEVEL * error, shift + Z_LEVEL * error],
            p,
            more: more.map(|more| more as u64),
            detectable: (Z_LEVEL + Z_POWER) * error,
        })
    }
}

/// Returns the probability of the normal distribution above z, which is not negative, to within
/// 1.2e-7 of itself (Press et al., Numerical Recipes, `erfcc`).
fn upper_tail(z: f64) -> f64 {
    let x = z / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.5 * x);
    let coefficients = [
        -1.265_512_23,
        1.000_023_68,
        0.374_091_96,
        0.096_784_18,
        -0.186_288_06,
        0.278_868_07,
        -1.135_203_98,
        1.488_515_87,
        -0.822_152_23,
        0.170_872_77,
    ];
    let sum = coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * t + coefficient);
    0.5 * t * (sum - x * x).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proportion(successes: u64, outcomes: u64) -> Arm {
        let total = successes as f64;
        Arm { outcomes, total, total_sq: total }
    }

    fn near(found: f64, expected: f64, within: f64) {
        assert!((found - expected).abs() < within, "{found} where {expected} is expected");
    }

    #[test]
    fn the_tail_is_the_normal_distributions() {
        // By scipy.stats.norm.sf.
        for (z, expected) in
            [(0.0, 0.5), (1.0, 0.158_655_25), (1.959_964, 0.025), (5.0, 2.866_5e-7)]
        {
            near(upper_tail(z) / expected, 1.0, 1e-4);
        }
    }

    #[test]
    fn proportions_are_compared_as_agresti_and_caffo_do() {
        // (46 + 1)/(50 + 2) against (35 + 1)/(50 + 2).
        let standing = proportion(46, 50).against(&proportion(35, 50), Figure::Proportion).unwrap();
        near(standing.difference, 0.22, 1e-12);
        let (a, b) = (47.0_f64 / 52.0, 36.0_f64 / 52.0);
        let error = (a * (1.0 - a) / 52.0 + b * (1.0 - b) / 52.0).sqrt();
        near(standing.interval[0], a - b - 1.959_964 * error, 1e-6);
        assert!(standing.p < 0.01 && standing.more.is_none(), "{standing:?}");
    }

    #[test]
    fn figures_near_one_are_no_proof_by_themselves() {
        let all = proportion(40, 40);
        let standing = all.against(&proportion(39, 40), Figure::Proportion).unwrap();
        assert!(standing.p > 0.3 && standing.interval[0] < 0.0, "{standing:?}");
        let more = standing.more.unwrap();
        assert!((100..10_000).contains(&more), "{more}");
        let same = all.against(&all, Figure::Proportion).unwrap();
        assert_eq!((same.difference, same.p, same.more), (0.0, 1.0, None));
        assert!(same.detectable > 0.0);
    }

    #[test]
    fn means_are_compared_as_welch_does() {
        // 1, 2, 3 … 40 against the same plus ten: by scipy's ttest_ind_from_stats, equal_var=False,
        // t = 3.825.
        let arm = |plus: f64| {
            let values = (1..=40).map(|n| f64::from(n) + plus);
            values.fold(Arm::default(), |mut arm, value| {
                arm.add(Arm { outcomes: 1, total: value, total_sq: value * value });
                arm
            })
        };
        let standing = arm(10.0).against(&arm(0.0), Figure::Mean).unwrap();
        near(standing.difference, 10.0, 1e-9);
        near(standing.interval[0], 10.0 - 1.959_964 * 2.614_06, 1e-3);
        assert!(standing.p < 2e-4, "{standing:?}");
        near(arm(0.0).root_mean_square(), (22_140.0_f64 / 40.0).sqrt(), 1e-9);
    }

    #[test]
    fn of_few_outcomes_nothing_is_said() {
        assert_eq!(proportion(29, 29).against(&proportion(10, 500), Figure::Proportion), None);
    }

    /// A test at 5 % is wrong about five times in a hundred where there is no difference.
    #[test]
    fn where_there_is_no_difference_it_is_seldom_seen() {
        use crate::random::{Random, Stream};
        let mut random = Random::new(7, Stream::Bootstrap);
        let mut draw = || proportion((0..200).filter(|_| random.unit() < 0.9).count() as u64, 200);
        let trials = 2000;
        let seen = (0..trials)
            .filter(|_| draw().against(&draw(), Figure::Proportion).unwrap().p < 0.05)
            .count();
        let share = seen as f64 / f64::from(trials);
        assert!(share < 0.065, "{share}");
    }
}
