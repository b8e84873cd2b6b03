//! The project's own sample.

use std::path::Path;

use serde_json::json;

use crate::spec::{AssetUri, Deck};
use crate::{Dag, load};

fn sample() -> Deck {
    load(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")), &|_| None, &Default::default())
        .unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

fn upstream<'d>(dag: &'d Dag, task: &str) -> Vec<&'d str> {
    dag.tasks[task].upstream.iter().map(|before| before.as_str()).collect()
}

#[test]
fn the_sample_project_loads() {
    let deck = sample();
    let dags: Vec<&str> = deck.dags.keys().map(|dag_id| dag_id.as_str()).collect();
    assert_eq!(
        dags,
        [
            "basic_dag_example",
            "etl_example",
            "minio_producer",
            "minio_path_watcher",
            "minio_consumer",
            "mlops_pipeline",
            "model_serving_pipeline",
            "orchestration_example",
        ]
    );
    assert_eq!(deck.name, "practice");
    assert_eq!(
        deck.pools.iter().collect::<Vec<_>>(),
        [(&"default_pool".to_owned(), &128), (&"training".to_owned(), &2)]
    );
    assert_eq!(deck.datasets.len(), 3);
    let incoming = &deck.assets["incoming"];
    assert_eq!(incoming.watch.unwrap().every.as_secs(), 300);
    assert_eq!(
        incoming.uri,
        AssetUri::Connection { connection: "lake".to_owned(), path: "incoming/*.csv".to_owned() }
    );
    assert_eq!(deck.serving.listen, "127.0.0.1:3000");
}

#[test]
fn the_graph_of_the_sample_comes_from_dependencies_outputs_and_choices() {
    let deck = sample();
    let mlops = &deck.dags["mlops_pipeline"];
    assert_eq!(upstream(mlops, "train"), ["validate_data"]);
    assert_eq!(upstream(mlops, "decide"), ["train"]);
    assert_eq!(upstream(mlops, "register"), ["train", "decide"]);
    assert_eq!(upstream(mlops, "promote"), ["register"]);
    assert_eq!(upstream(mlops, "reject"), ["decide"]);
    let etl = &deck.dags["etl_example"];
    assert_eq!(upstream(etl, "load"), ["check", "transform"]);
    let order: Vec<&str> = etl.graph.topological().iter().map(|task| task.as_str()).collect();
    assert_eq!(order, ["extract", "transform", "check", "load"]);
}

#[test]
fn the_sample_inherits_and_keeps_what_was_written() {
    let deck = sample();
    let train = &deck.dags["mlops_pipeline"].tasks["train"];
    assert_eq!((train.retries, train.retry_delay.as_secs()), (1, 2));
    assert_eq!((train.pool.as_str(), train.pool_slots), ("training", 1));
    assert_eq!(train.execution_timeout.unwrap().as_secs(), 600);
    assert_eq!(train.args["model"], json!("{{ params.model }}"));
    let params = &deck.dags["mlops_pipeline"].params;
    assert_eq!(
        serde_json::to_string(&params.defaults).unwrap(),
        r#"{"dataset":"iris","model":"xgboost","hyperparameters":{},"trials":0}"#
    );
    let deploy = &deck.dags["model_serving_pipeline"].tasks["deploy"];
    assert_eq!(deploy.args["strategy"]["canary"], json!([10, 50, 100]));
    let expression = deck.dags["model_serving_pipeline"].schedule.assets();
    assert_eq!(expression.unwrap().to_string(), "models:/*@production");
    let etl = &deck.dags["etl_example"];
    assert_eq!(etl.schedule.summary(), "@daily");
    assert_eq!(etl.start_date.unwrap().to_string(), "2026-01-01T00:00:00Z");
    assert_eq!(etl.version.len(), 12);
}

/// Every seventh place of the sample, broken in three ways.
#[test]
fn no_broken_sample_brings_the_check_down() {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("dags.toml");
    let text = std::fs::read_to_string(path).unwrap();
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).step_by(7).collect();
    for (number, at) in places.into_iter().enumerate() {
        let (before, after) = text.split_at(at);
        let broken = match number % 3 {
            0 => before.to_owned(),
            1 => format!("{before}ü\"{after}"),
            _ => format!("{before}{}", after.chars().skip(1).collect::<String>()),
        };
        // What is said about it is not the matter here.
        if let Err(found) = super::load_text(&broken) {
            assert!(found.iter().all(|one| !one.drawing.is_empty()));
        }
    }
}
