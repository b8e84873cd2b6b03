//! LightGBM's parameters and defaults.

use std::sync::Arc;

use serde_json::Value;

use super::super::hyperparameter::{CLASS_WEIGHT, Hyperparameter, Kind, NOT_NEGATIVE, SEED, SHARE};
use super::super::{BOTH, Family, Outcome, Problem};
use super::leafwise::{self, Params};
use super::{Boosted, decode, task};
use crate::preprocess::Layout;

pub(in crate::estimator) static LIGHTGBM: Family = Family {
    name: "lightgbm",
    tasks: BOTH,
    layout: Layout::Raw,
    engine: ("dagdeck", env!("CARGO_PKG_VERSION")),
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

fn fit(problem: &Problem<'_>) -> Outcome {
    let settings = problem.settings;
    let count = |name| settings.count(name).unwrap_or(1);
    let params = Params {
        n_estimators: count("n_estimators"),
        num_leaves: count("num_leaves"),
        // As in LightGBM, -1 and 0 are no limit.
        max_depth: settings.count("max_depth").filter(|depth| *depth > 0),
        learning_rate: settings.number("learning_rate"),
        min_child_samples: settings.number("min_child_samples").max(1.0),
        min_child_weight: settings.number("min_child_weight"),
        min_split_gain: settings.number("min_split_gain"),
        subsample: settings.number("subsample"),
        colsample_bytree: settings.number("colsample_bytree"),
        reg_lambda: settings.number("reg_lambda"),
        reg_alpha: settings.number("reg_alpha"),
        max_bin: count("max_bin"),
        min_data_in_bin: count("min_data_in_bin"),
        seed: settings.seed(),
        patience: settings.early_stopping().map(|(rounds, _)| rounds),
    };
    let learnt = leafwise::learn(problem, &params);
    let task = task(problem.labels);
    let model = decode(&leafwise::document(&learnt, task))?;
    Ok(Arc::new(Boosted { model, task, rounds: learnt.rounds }))
}
