//! The sample project's data sets, for tests.

use serde_json::{Map, Value};

use super::dataset::{Dataset, read_csv};
use super::train::TrainSpec;
use crate::dag::spec::{LearningTask, TableSpec};

pub(super) const FAMILIES: [&str; 11] = [
    "xgboost",
    "lightgbm",
    "random_forest",
    "extra_trees",
    "decision_tree",
    "logistic_regression",
    "linear_regression",
    "elastic_net",
    "svm",
    "naive_bayes",
    "k_neighbors",
];

pub(super) fn iris() -> Dataset {
    let bytes = include_bytes!("../../data/iris.csv");
    read_csv("iris", &TableSpec::new(LearningTask::Classification, "species"), bytes).unwrap()
}

pub(super) fn titanic() -> Dataset {
    let bytes = include_bytes!("../../data/titanic.csv");
    read_csv("titanic", &TableSpec::new(LearningTask::Classification, "survived"), bytes).unwrap()
}

pub(super) fn housing() -> Dataset {
    let bytes = include_bytes!("../../data/housing.csv");
    read_csv("housing", &TableSpec::new(LearningTask::Regression, "medv"), bytes).unwrap()
}

/// Twenty-four rows with a hole in each kind of column but `whole`.
pub(super) fn holes(task: LearningTask) -> Dataset {
    let text = (0..24).fold("half,whole,flag,word,y\n".to_owned(), |text, n| {
        let half = if n == 5 { String::new() } else { format!("{n}.5") };
        let flag = if n == 6 { "" } else { ["true", "false"][n % 3 % 2] };
        let word = if n == 7 { "" } else { ["red", "green", "blue"][n % 3] };
        text + &format!("{half},{},{flag},{word},{}\n", n * 2, n % 2)
    });
    read_csv("holes", &TableSpec::new(task, "y"), text.as_bytes()).unwrap()
}

/// Small and quick; the figures do not matter.
pub(super) fn quick(model: &str) -> TrainSpec {
    let mut hyperparameters = Map::new();
    if ["xgboost", "lightgbm", "random_forest", "extra_trees"].contains(&model) {
        hyperparameters.insert("n_estimators".to_owned(), Value::from(5));
    }
    TrainSpec { hyperparameters, folds: 2, ..full(model) }
}

/// As the pipeline trains.
pub(super) fn full(model: &str) -> TrainSpec {
    TrainSpec {
        model: model.to_owned(),
        hyperparameters: Map::new(),
        seed: 42,
        test_size: 0.2,
        folds: 5,
    }
}
