//! Our figures beside those of scikit-learn, XGBoost and LightGBM on the same rows; see
//! `tests/golden/make_golden.py`.

use serde_json::{Value, json};

use super::*;
use crate::sample::{full, housing, iris, titanic};

fn golden(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn dataset(name: &str) -> Dataset {
    match name {
        "iris" => iris(),
        "titanic" => titanic(),
        _ => housing(),
    }
}

#[test]
fn the_split_is_the_one_the_golden_figures_rest_on() {
    let mut found = Map::new();
    for name in ["iris", "titanic", "housing"] {
        let set = dataset(name);
        let (_, test) = split(&set, 42, 0.2);
        let of = json!({ "task": set.task, "target": set.target, "test": test });
        found.insert(name.to_owned(), of);
    }
    let found = Value::Object(found);
    assert!(
        found == golden(include_str!("../../../tests/golden/splits.json")),
        "if this is meant, make new figures after writing to tests/golden/splits.json:\n{found}"
    );
}

/// Checks the figures of a family on a data set against the golden ones. Each may be two standard
/// errors off, which is the noise of so few held-out rows, or one row.
fn compare(name: &str, family: &str) {
    let set = dataset(name);
    let trained = train(&set, &TrainSpec { folds: 2, ..full(family) }, &mut |_| {}).unwrap();
    let golden = golden(include_str!("../../../tests/golden/figures.json"));
    let figures = golden["figures"][name][family].as_object().unwrap();
    let one_row = match set.task {
        LearningTask::Classification => 1.0 / trained.test_rows as f64,
        LearningTask::Regression => 0.0,
    };
    for (metric, figure) in figures {
        let (value, error) = (figure["value"].as_f64().unwrap(), figure["error"].as_f64().unwrap());
        let found = trained.metrics[metric];
        assert!(
            (found - value).abs() <= (2.0 * error).max(one_row),
            "{family} on {name}: {metric} is {found}, golden {value} ± {error}"
        );
        // A convex problem has one solution; two programs that solve it agree closely.
        if family.ends_with("regression") {
            let near = 1e-3 * value.abs();
            assert!((found - value).abs() <= near, "{name}: {metric} is {found}, golden {value}");
        }
    }
}

#[test]
fn xgboost_is_as_good_as_xgboost() {
    for name in ["iris", "titanic", "housing"] {
        compare(name, "xgboost");
    }
}

#[test]
fn lightgbm_is_as_good_as_lightgbm() {
    for name in ["iris", "titanic", "housing"] {
        compare(name, "lightgbm");
    }
}

#[test]
fn random_forest_is_as_good_as_scikit_learns() {
    for name in ["iris", "titanic", "housing"] {
        compare(name, "random_forest");
    }
}

#[test]
fn logistic_regression_is_scikit_learns() {
    for name in ["iris", "titanic"] {
        compare(name, "logistic_regression");
    }
}

#[test]
fn linear_regression_is_scikit_learns() {
    compare("housing", "linear_regression");
}
