//! Arguments that make no sense, and names of metrics.

use serde_json::json;

use super::{fold_key, short};
use crate::runtime::operator::tests::Bench;

#[test]
fn arguments_that_make_no_sense_are_fatal_and_named() {
    let bench = Bench::new("ml.train");
    bench.is_fatal(json!({ "model": "xgboost", "test_size": 1.5 }), "`test_size` is 1.5");
    bench.is_fatal(json!({ "model": "xgboost", "folds": 1 }), "`folds` must be between");
    bench.is_fatal(json!({ "model": "xgboost", "seed": -1 }), "`seed` must not be negative");
    bench.is_fatal(json!({ "model": "xgboost", "hyperparameters": 3 }), "expected a table");
    bench.is_fatal(json!({}), "`model` is missing");
}

#[test]
fn fold_metrics_are_named_alike() {
    assert_eq!(fold_key("accuracy"), "cv_accuracy_fold");
    assert_eq!(fold_key("cv_accuracy"), "cv_accuracy_fold");
    assert_eq!(fold_key("cv_accuracy_fold"), "cv_accuracy_fold");
    assert_eq!(short("0f-ab12cd34"), "12cd34");
}
