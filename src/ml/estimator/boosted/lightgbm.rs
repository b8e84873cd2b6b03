//! LightGBM's parameters and defaults.

use std::sync::Arc;

use hessboost::config::{GrowPolicy, TrainingParams, TreeMethod};
use serde_json::Value;

use super::super::hyperparameter::{CLASS_WEIGHT, Hyperparameter, Kind, NOT_NEGATIVE, SEED, SHARE};
use super::super::{BOTH, Family, Labels, Outcome, Problem};
use super::bins::Bins;
use crate::preprocess::Layout;

pub(in crate::estimator) static LIGHTGBM: Family = Family {
    name: "lightgbm",
    tasks: BOTH,
    layout: Layout::Raw,
    engine: super::ENGINE,
    source: "LightGBM `LGBMClassifier`, `LGBMRegressor`",
    importance: "gain",
    hyperparameters: &[
        Hyperparameter {
            name: "n_estimators",
            aliases: &["num_iterations"],
            kind: Kind::Integer { min: 1, max: 10_000 },
            default: |_| Value::from(100),
        },
        Hyperparameter {
            name: "num_leaves",
            aliases: &[],
            kind: Kind::Integer { min: 2, max: 131_072 },
            default: |_| Value::from(31),
        },
        Hyperparameter {
            name: "max_depth",
            aliases: &[],
            kind: Kind::Integer { min: -1, max: 64 },
            default: |_| Value::from(-1),
        },
        Hyperparameter {
            name: "learning_rate",
            aliases: &[],
            kind: SHARE,
            default: |_| Value::from(0.1),
        },
        Hyperparameter {
            name: "min_child_samples",
            aliases: &["min_data_in_leaf"],
            kind: Kind::Integer { min: 0, max: 1_000_000_000 },
            default: |_| Value::from(20),
        },
        Hyperparameter {
            name: "min_child_weight",
            aliases: &["min_sum_hessian_in_leaf"],
            kind: NOT_NEGATIVE,
            default: |_| Value::from(1e-3),
        },
        Hyperparameter {
            name: "min_split_gain",
            aliases: &["min_gain_to_split"],
            kind: NOT_NEGATIVE,
            default: |_| Value::from(0.0),
        },
        Hyperparameter {
            name: "subsample",
            aliases: &["bagging_fraction"],
            kind: SHARE,
            default: |_| Value::from(1.0),
        },
        Hyperparameter {
            name: "colsample_bytree",
            aliases: &["feature_fraction"],
            kind: SHARE,
            default: |_| Value::from(1.0),
        },
        Hyperparameter {
            name: "reg_lambda",
            aliases: &["lambda_l2"],
            kind: NOT_NEGATIVE,
            default: |_| Value::from(0.0),
        },
        Hyperparameter {
            name: "reg_alpha",
            aliases: &["lambda_l1"],
            kind: NOT_NEGATIVE,
            default: |_| Value::from(0.0),
        },
        Hyperparameter {
            name: "max_bin",
            aliases: &[],
            kind: Kind::Integer { min: 2, max: 65_535 },
            default: |_| Value::from(255),
        },
        Hyperparameter {
            name: "min_data_in_bin",
            aliases: &[],
            kind: Kind::Integer { min: 1, max: 1_000_000_000 },
            default: |_| Value::from(3),
        },
        super::EARLY_STOPPING_ROUNDS,
        super::VALIDATION_FRACTION,
        CLASS_WEIGHT,
        SEED,
    ],
    fit,
    read: super::read,
};

/// Of `k` classes, LightGBM counts `k / (k - 1) · p (1 - p)` as second derivative where XGBoost
/// counts `2 p (1 - p)`; what is weighed against it is scaled by the ratio of the two.
fn hessian_ratio(labels: Labels<'_>) -> f64 {
    match labels {
        Labels::Classes { count, .. } if count > 2 => 2.0 * (count as f64 - 1.0) / count as f64,
        Labels::Classes { .. } | Labels::Numbers(_) => 1.0,
    }
}

fn fit(problem: &Problem<'_>) -> Outcome {
    let settings = problem.settings;
    let ratio = hessian_ratio(problem.labels);
    let params = TrainingParams::builder()
        .tree_method(TreeMethod::Hist)
        .grow_policy(GrowPolicy::LossGuide)
        .max_leaves(settings.count("num_leaves").unwrap_or(31))
        .eta(settings.number("learning_rate") * ratio)
        .min_child_groups(settings.count("min_child_samples").unwrap_or(0))
        .min_child_weight(settings.number("min_child_weight") * ratio)
        .gamma(settings.number("min_split_gain") / ratio)
        .subsample(settings.number("subsample"))
        .colsample_bytree(settings.number("colsample_bytree"))
        .lambda(settings.number("reg_lambda") * ratio)
        .alpha(settings.number("reg_alpha"))
        .max_bin(settings.count("max_bin").unwrap_or(255));
    // As in LightGBM, -1 and 0 are no limit.
    let params = match settings.count("max_depth") {
        None | Some(0) => params.unlimited_depth(),
        Some(depth) => params.max_depth(depth),
    };
    let rounds = settings.count("n_estimators").unwrap_or(1);
    let bins = Bins::of(problem.matrix, settings.count("min_data_in_bin").unwrap_or(1));
    let mut boosted = super::fit(problem, |matrix| bins.numbers(matrix), params, rounds)?;
    boosted.model = bins.restore(&boosted.model)?;
    Ok(Arc::new(boosted))
}
