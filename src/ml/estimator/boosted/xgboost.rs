//! XGBoost's parameters and defaults.

use std::sync::Arc;

use hessboost::config::{TrainingParams, TreeMethod};
use serde_json::Value;

use super::super::hyperparameter::{CLASS_WEIGHT, Hyperparameter, Kind, NOT_NEGATIVE, SEED, SHARE};
use super::super::{BOTH, Family, Outcome, Problem};
use crate::preprocess::Layout;

pub(in crate::estimator) static XGBOOST: Family = Family {
    name: "xgboost",
    tasks: BOTH,
    layout: Layout::Raw,
    engine: ("hessboost", "0.4.6"),
    source: "XGBoost `XGBClassifier`, `XGBRegressor`",
    importance: "gain",
    hyperparameters: &[
        Hyperparameter {
            name: "n_estimators",
            aliases: &["num_boost_round"],
            kind: Kind::Integer { min: 1, max: 10_000 },
            default: |_| Value::from(100),
        },
        Hyperparameter {
            name: "max_depth",
            aliases: &[],
            kind: Kind::Integer { min: 0, max: 64 },
            default: |_| Value::from(6),
        },
        Hyperparameter {
            name: "learning_rate",
            aliases: &["eta"],
            kind: SHARE,
            default: |_| Value::from(0.3),
        },
        Hyperparameter {
            name: "min_child_weight",
            aliases: &[],
            kind: NOT_NEGATIVE,
            default: |_| Value::from(1.0),
        },
        Hyperparameter {
            name: "gamma",
            aliases: &["min_split_loss"],
            kind: NOT_NEGATIVE,
            default: |_| Value::from(0.0),
        },
        Hyperparameter {
            name: "subsample",
            aliases: &[],
            kind: SHARE,
            default: |_| Value::from(1.0),
        },
        Hyperparameter {
            name: "colsample_bytree",
            aliases: &[],
            kind: SHARE,
            default: |_| Value::from(1.0),
        },
        Hyperparameter {
            name: "reg_lambda",
            aliases: &["lambda"],
            kind: NOT_NEGATIVE,
            default: |_| Value::from(1.0),
        },
        Hyperparameter {
            name: "reg_alpha",
            aliases: &["alpha"],
            kind: NOT_NEGATIVE,
            default: |_| Value::from(0.0),
        },
        Hyperparameter {
            name: "max_bin",
            aliases: &[],
            kind: Kind::Integer { min: 2, max: 65_535 },
            default: |_| Value::from(256),
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
    let params = TrainingParams::builder()
        .tree_method(TreeMethod::Hist)
        .eta(settings.number("learning_rate"))
        .min_child_weight(settings.number("min_child_weight"))
        .gamma(settings.number("gamma"))
        .subsample(settings.number("subsample"))
        .colsample_bytree(settings.number("colsample_bytree"))
        .lambda(settings.number("reg_lambda"))
        .alpha(settings.number("reg_alpha"))
        .max_bin(settings.count("max_bin").unwrap_or(256));
    // As in XGBoost, 0 is no limit.
    let params = match settings.count("max_depth") {
        None | Some(0) => params.unlimited_depth(),
        Some(depth) => params.max_depth(depth),
    };
    let rounds = settings.count("n_estimators").unwrap_or(1);
    Ok(Arc::new(super::fit(problem, params, rounds)?))
}
