//! Which way a metric gets better, by its name: as far as that is known.

/// The metrics that say most, first.
const MAIN: [&str; 10] =
    ["accuracy", "f1_macro", "f1", "roc_auc", "log_loss", "r2", "rmse", "mae", "mape", "precision"];

/// Says how much a metric tells, less being more: first the main ones, then what else was
/// measured once, then what was found over the folds.
pub fn rank(metric: &str) -> usize {
    let last = MAIN.len() + usize::from(metric.starts_with("cv_"));
    MAIN.iter().position(|main| *main == metric).unwrap_or(last)
}

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    More,
    Less,
}

const LESS: &[&str] =
    &["loss", "rmse", "mse", "mae", "mape", "median_ae", "error", "brier", "ece", "pinball"];
const MORE: &[&str] =
    &["accuracy", "auc", "r2", "f1", "precision", "recall", "mcc", "kappa", "explained_variance"];

/// Says which way a metric gets better. `cv_rmse_std` and the like spread: less is better.
pub fn better(metric: &str) -> Option<Better> {
    let name = metric.to_lowercase();
    let has = |words: &[&str]| {
        words.iter().any(|word| {
            // `ece` is a word of its own, not a part of `recent_piece`.
            let mut places = name.match_indices(word);
            places.any(|(at, _)| {
                let before = name[..at].chars().next_back();
                let after = name[at + word.len()..].chars().next();
                let is_edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphabetic());
                is_edge(before) && is_edge(after) || word.len() > 4
            })
        })
    };
    if has(LESS) || name.contains("logloss") || (name.ends_with("_std") && has(MORE)) {
        return Some(Better::Less);
    }
    has(MORE).then_some(Better::More)
}

/// How far two values may lie apart, as a share of the larger, that differ by the order only in
/// which their parts were added up.
const ROUNDING: f64 = 1e-12;

/// Says whether two values are the same but for rounding.
pub fn is_same(before: f64, after: f64) -> bool {
    before == after || (before - after).abs() <= ROUNDING * before.abs().max(after.abs())
}

/// Says whether going from one value to another is better (`Some(true)`), worse, or neither,
/// where nobody knows which way is which.
pub fn is_gain(metric: &str, before: f64, after: f64) -> Option<bool> {
    if is_same(before, after) {
        return None;
    }
    match better(metric)? {
        Better::More => Some(after > before),
        Better::Less => Some(after < before),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_is_known_by_the_name_or_not_at_all() {
        for name in ["accuracy", "roc_auc_ovr", "cv_accuracy", "f1_macro", "r2", "recall_weighted"]
        {
            assert_eq!(better(name), Some(Better::More), "{name}");
        }
        for name in [
            "rmse",
            "log_loss",
            "logloss",
            "valid-loss",
            "mae",
            "ece",
            "max_error",
            "cv_r2_std",
            "cv_pinball_90_mean",
        ] {
            assert_eq!(better(name), Some(Better::Less), "{name}");
        }
        for name in ["rows", "recent_piece", "mae_west_side_story", ""] {
            let expected = (name == "mae_west_side_story").then_some(Better::Less);
            assert_eq!(better(name), expected, "{name}");
        }
    }

    #[test]
    fn a_gain_is_told_by_the_direction() {
        assert_eq!(is_gain("accuracy", 0.8, 0.9), Some(true));
        assert_eq!(is_gain("rmse", 0.8, 0.9), Some(false));
        assert_eq!(is_gain("rmse", 0.8, 0.8), None);
        assert_eq!(is_gain("accuracy", 0.3, 0.1 + 0.2), None, "only rounded otherwise");
        assert_eq!(is_gain("accuracy", 0.3, 0.300_000_1), Some(true));
        assert!(is_same(0.0, 0.0) && !is_same(0.0, 1e-300) && !is_same(f64::NAN, 1.0));
        assert_eq!(is_gain("rows", 1.0, 2.0), None);
    }
}
