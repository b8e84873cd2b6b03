//! Our figures beside those of scikit-learn, XGBoost and LightGBM on the same folds of the same
//! tables; see `tests/golden/make_golden.py`.

use serde_json::{Value, json};

use super::*;
use crate::dag::spec::TableSpec;
use crate::dataset::read_csv;
use crate::sample::{full, housing, iris, titanic};

const FOLDS: usize = 5;
const SEED: u64 = 42;

fn dataset(name: &str) -> Dataset {
    let (target, task, bytes): (_, _, &[u8]) = match name {
        "iris" => return iris(),
        "titanic" => return titanic(),
        "housing" => return housing(),
        "breast_cancer" => (
            "diagnosis",
            LearningTask::Classification,
            include_bytes!("../../../tests/golden/tables/breast_cancer.csv"),
        ),
        "digits" => (
            "digit",
            LearningTask::Classification,
            include_bytes!("../../../tests/golden/tables/digits.csv"),
        ),
        "wine" => (
            "cultivar",
            LearningTask::Classification,
            include_bytes!("../../../tests/golden/tables/wine.csv"),
        ),
        _ => (
            "progression",
            LearningTask::Regression,
            include_bytes!("../../../tests/golden/tables/diabetes.csv"),
        ),
    };
    read_csv(name, &TableSpec::new(task, target), bytes).unwrap()
}

/// The metrics that are better when they are less.
const LESS: [&str; 6] = ["log_loss", "brier", "rmse", "mae", "mape", "pinball_50"];
const CLASSES: [&str; 5] = ["iris", "titanic", "breast_cancer", "digits", "wine"];
const NUMBERS: [&str; 2] = ["housing", "diabetes"];

fn folds(set: &Dataset) -> Vec<Vec<usize>> {
    let rows: Vec<usize> = (0..set.rows()).collect();
    split::folds(set, &rows, SEED, FOLDS).into_iter().map(|(_, fold)| fold).collect()
}

#[test]
fn the_folds_are_those_that_the_golden_figures_rest_on() {
    let mut found = Map::new();
    for name in CLASSES.into_iter().chain(NUMBERS) {
        let set = dataset(name);
        let of = json!({ "task": set.task, "target": set.target, "folds": folds(&set) });
        found.insert(name.to_owned(), of);
    }
    let (found, file) = (Value::Object(found), "../../../tests/golden/splits.json");
    let known: Value =
        serde_json::from_str(include_str!("../../../tests/golden/splits.json")).unwrap();
    assert!(
        found == known,
        "if this is meant, write this to {file} and make new figures:\n{found}"
    );
}

/// Families whose problem has one solution: they may not be better either.
const EXACT: [&str; 4] = ["logistic_regression", "linear_regression", "elastic_net", "naive_bayes"];
/// Families that may answer 0 outright: their log loss hangs on single rows.
const CERTAIN: [&str; 4] = ["random_forest", "extra_trees", "decision_tree", "k_neighbors"];
/// Runs that a tree, which rolls dice for equal cuts, is taken as the mean of.
const RUNS: u64 = 5;

/// Checks the mean figures of a family over the folds against the golden ones: not worse by more
/// than one standard error. That is told by the spread over the folds; of a share of rows it is
/// at least that of so many draws, as five folds may be alike by chance.
fn compare(family: &str, names: &[&str]) {
    let golden: Value =
        serde_json::from_str(include_str!("../../../tests/golden/figures.json")).unwrap();
    let mut faults = Vec::new();
    for name in names {
        let set = dataset(name);
        let spec = full(family);
        let known = family_for(family, set.task).unwrap();
        let mut sums: IndexMap<String, f64> = IndexMap::new();
        let runs = if family == "decision_tree" { RUNS } else { 1 };
        for run in 0..runs {
            let settings =
                Settings::resolve(known, &Map::new(), set.task, spec.seed + run).unwrap();
            for fold in folds(&set) {
                let others: Vec<usize> =
                    (0..set.rows()).filter(|row| fold.binary_search(row).is_err()).collect();
                let fit = evaluate::fit(&set, &others, &[], known, &settings, SEED).unwrap();
                for (metric, value) in evaluate::judge(&set, &fold, &fit).metrics() {
                    *sums.entry(metric).or_default() += value / (FOLDS as f64 * runs as f64);
                }
            }
        }
        for (metric, figure) in golden["figures"][name][family].as_object().unwrap() {
            let (value, error) =
                (figure["value"].as_f64().unwrap(), figure["error"].as_f64().unwrap());
            let allowed = match metric.as_str() {
                "accuracy" | "balanced_accuracy" | "f1_macro" => {
                    error.max((value * (1.0 - value) / set.rows() as f64).sqrt())
                }
                "log_loss" if CERTAIN.contains(&family) => 2.0 * error,
                _ => error,
            };
            let found = sums[metric];
            let worse = if LESS.contains(&metric.as_str()) { found - value } else { value - found };
            let off = if EXACT.contains(&family) { worse.abs() } else { worse };
            if off > allowed {
                faults.push(format!(
                    "{name}: {metric} is {found:.5}, golden {value:.5} ± {error:.5}"
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{family}\n{}", faults.join("\n"));
}

#[test]
fn xgboost_is_as_good_as_xgboost() {
    compare("xgboost", &CLASSES);
    compare("xgboost", &NUMBERS);
}

#[test]
fn lightgbm_is_as_good_as_lightgbm() {
    compare("lightgbm", &CLASSES);
    compare("lightgbm", &NUMBERS);
}

#[test]
fn random_forest_is_as_good_as_scikit_learns() {
    compare("random_forest", &CLASSES);
    compare("random_forest", &NUMBERS);
}

#[test]
fn extra_trees_is_as_good_as_scikit_learns() {
    compare("extra_trees", &CLASSES);
    compare("extra_trees", &NUMBERS);
}

#[test]
fn decision_tree_is_as_good_as_scikit_learns() {
    compare("decision_tree", &CLASSES);
    compare("decision_tree", &NUMBERS);
}

#[test]
fn the_linear_models_are_scikit_learns() {
    compare("logistic_regression", &CLASSES);
    compare("linear_regression", &NUMBERS);
    compare("elastic_net", &NUMBERS);
}

#[test]
fn svm_is_as_good_as_scikit_learns() {
    compare("svm", &CLASSES);
    compare("svm", &NUMBERS);
}

#[test]
fn naive_bayes_is_scikit_learns() {
    compare("naive_bayes", &CLASSES);
}

#[test]
fn k_neighbors_is_scikit_learns() {
    compare("k_neighbors", &CLASSES);
    compare("k_neighbors", &NUMBERS);
}
