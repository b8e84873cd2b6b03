//! Arguments that make no sense, and names of metrics.

use serde_json::{Value, json};

use super::{fold_key, short};
use crate::dag::spec::LearningTask;
use crate::runtime::layout::Layout;
use crate::runtime::operator::tests::Bench;
use crate::sched::Outcome;
use crate::store::Store;
use crate::tracking::run;
use crate::types::{TrackingRunId, time};

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

#[test]
fn a_search_that_makes_no_sense_is_fatal_and_named() {
    let bench = titanic();
    let with = |key: &str, value: Value| {
        let mut args = json!({ "model": "k_neighbors", "trials": 2 });
        args[key] = value;
        args
    };
    bench.is_fatal(with("trials", json!(-1)), "`trials` is -1; expected 0 to 10000");
    bench.is_fatal(with("sampler", json!("guess")), "`sampler` is `guess`; expected tpe, random");
    bench.is_fatal(with("metric", json!("rmse")), "`metric` is `rmse`; expected one of accuracy");
    bench.is_fatal(with("search", json!({ "neighbors": [1] })), "no hyperparameter `neighbors`");
}

fn titanic() -> Bench {
    let mut bench = Bench::new("ml.train");
    bench.write("data/titanic.csv", include_str!("../../../../data/titanic.csv"));
    bench.order.dataset = Some(crate::runtime::attempt::DatasetOrder {
        name: "titanic".into(),
        path: bench.project().join("data/titanic.csv"),
        uri: None,
        table: crate::dag::spec::TableSpec::new(LearningTask::Classification, "survived"),
        assets: Vec::new(),
    });
    bench
}

fn output(outcome: Outcome) -> Value {
    match outcome {
        Outcome::Success { output, .. } => output,
        other => panic!("it must succeed: {other:?}"),
    }
}

#[test]
fn trials_are_runs_under_the_run_and_a_stopped_search_goes_on() {
    let mut bench = titanic();
    let args = |trials: u32| {
        json!({
            "model": "decision_tree", "trials": trials, "sampler": "random", "folds": 2,
            "search": { "max_depth": { "low": 1, "high": 9 } },
        })
    };
    let first = output(bench.run(args(3)));
    let run_id = TrackingRunId::from(first["run_id"].as_str().unwrap());
    let store = Store::open(&Layout::new(bench.project()).database()).unwrap();
    let tracked = run::get(&store, &run_id).unwrap();
    let trials = |key: &str| run::nested_tags(&store, &tracked, key).unwrap();
    assert_eq!(trials("dagdeck.trial_state"), ["complete"; 3]);
    let best = run::metric_history(&store, &run_id, "best_log_loss").unwrap();
    assert_eq!(best.iter().map(|point| point.step).collect::<Vec<_>>(), [0, 1, 2]);
    assert!(best.windows(2).all(|pair| pair[1].value <= pair[0].value));
    let depth = first["hyperparameters"]["max_depth"].to_string();
    assert!(tracked.params.contains(&("max_depth".to_owned(), depth)));

    // Another attempt of a task whose run has not finished takes it over, and its trials.
    run::end(&store, &run_id, "FAILED", time::now()).unwrap();
    bench.order.token = "t2".into();
    let second = output(bench.run(args(5)));
    assert_eq!(second["run_id"], first["run_id"]);
    assert_eq!(trials("dagdeck.trial_state").len(), 5);
    assert!(bench.log().contains("search: 5 trials by random, 3 of them done"), "{}", bench.log());
    assert_eq!(run::get(&store, &run_id).unwrap().status, "FINISHED");

    // In one go it comes to the same.
    bench.order.key.task.dag_run_id = "other".into();
    bench.order.token = "t3".into();
    let whole = output(bench.run(args(5)));
    assert_ne!(whole["run_id"], first["run_id"]);
    assert_eq!(whole["hyperparameters"], second["hyperparameters"]);
    assert_eq!(whole["metrics"], second["metrics"]);
}
