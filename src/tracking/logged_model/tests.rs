//! Logged models from the first file to the search by what was found of them.

use rusqlite::params;

use super::search::{DatasetWanted, LoggedModelSearch, MetricOrder};
use super::*;
use crate::store::sample::{self, at};
use crate::types::FaultKind;

/// A connection to a store of its own.
fn empty() -> (tempfile::TempDir, Connection) {
    let (dir, _) = sample::store();
    let conn = Connection::open(dir.path().join("dagdeck.db")).unwrap();
    (dir, conn)
}

fn made(conn: &Connection, name: &str, secs: i64) -> LoggedModel {
    let new = NewLoggedModel {
        experiment_id: "0".into(),
        name: Some(name.into()),
        model_type: Some("tree".into()),
        params: vec![("depth".into(), secs.to_string())],
        tags: vec![("a".into(), "1".into())],
        ..NewLoggedModel::default()
    };
    create(conn, &new, at(secs)).unwrap()
}

fn find(conn: &Connection, model_id: &str, value: f64, step: i64, dataset: Option<&str>) {
    let run_id = format!("r{step}{}", dataset.unwrap_or_default());
    let sql = "INSERT OR IGNORE INTO runs (run_id, experiment_id, run_name, user_id, status,
            start_time, artifact_uri)
        VALUES (?1, 0, 'r', 'ada', 'RUNNING', 0, 'a')";
    row::execute(conn, sql, [&run_id]).unwrap();
    let sql = "INSERT INTO model_metrics (model_id, run_id, key, timestamp, step, value,
            dataset_name, dataset_digest)
        VALUES (?1, ?2, 'auc', ?3, ?4, ?5, ?6, 'd1')";
    let values = params![model_id, run_id, row::micros(at(step)), step, value, dataset];
    row::execute(conn, sql, values).unwrap();
}

fn refusal<R: std::fmt::Debug>(result: Result<R, StoreError>) -> Fault {
    match result {
        Err(StoreError::Refused(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_logged_model_is_pending_until_its_files_are_there() {
    let (_dir, conn) = empty();
    let model = made(&conn, "tree", 1);
    assert!(model.model_id.starts_with("m-") && model.model_id.len() == 34, "{model:?}");
    assert_eq!(model.status, "PENDING");
    let at_home = format!("mlflow-artifacts:/0/models/{}/artifacts", model.model_id);
    assert_eq!(model.artifact_uri, at_home);
    let ready = finalize(&conn, &model.model_id, "READY", at(2)).unwrap();
    assert_eq!((ready.status.as_str(), ready.last_updated_timestamp), ("READY", at(2)));
    assert_eq!(refusal(finalize(&conn, &model.model_id, "GONE", at(2))).kind, FaultKind::Invalid);
    set_tags(&conn, &model.model_id, &[("b".into(), "2".into())]).unwrap();
    delete_tag(&conn, &model.model_id, "a").unwrap();
    assert_eq!(refusal(delete_tag(&conn, &model.model_id, "a")).kind, FaultKind::NotFound);
    log_params(&conn, &model.model_id, &[("width".into(), "9".into())]).unwrap();
    let model = of(&conn, &model.model_id).unwrap();
    assert_eq!(model.tags, [("b".to_owned(), "2".to_owned())]);
    assert_eq!(model.params.len(), 2);
    delete(&conn, &model.model_id, at(3)).unwrap();
    assert_eq!(refusal(of(&conn, &model.model_id)).kind, FaultKind::NotFound);
    assert_eq!(refusal(delete(&conn, &model.model_id, at(3))).kind, FaultKind::NotFound);
}

#[test]
fn a_model_needs_an_experiment_and_a_name_that_a_uri_can_hold() {
    let (_dir, conn) = empty();
    let new = |experiment: &str, name: &str| NewLoggedModel {
        experiment_id: experiment.into(),
        name: Some(name.into()),
        ..NewLoggedModel::default()
    };
    assert_eq!(refusal(create(&conn, &new("77", "x"), at(0))).kind, FaultKind::NotFound);
    for name in ["a/b", "a:b", "a.b", "a%b", "a'b", "a\"b"] {
        assert_eq!(
            refusal(create(&conn, &new("0", name), at(0))).kind,
            FaultKind::Invalid,
            "{name}"
        );
    }
}

#[test]
fn models_are_found_by_what_runs_found_of_them_also_on_one_data_set() {
    let (_dir, conn) = empty();
    let (one, two) = (made(&conn, "one", 1), made(&conn, "two", 2));
    made(&conn, "three", 3);
    find(&conn, &one.model_id, 0.9, 1, Some("train"));
    find(&conn, &one.model_id, 0.4, 2, Some("test"));
    find(&conn, &two.model_id, 0.6, 1, Some("test"));
    let names = |search: LoggedModelSearch| {
        let search = LoggedModelSearch { experiment_ids: vec!["0".into()], limit: 10, ..search };
        let found = search::models(&conn, &search).unwrap();
        found.into_iter().map(|model| model.name).collect::<Vec<_>>()
    };
    let filter = |filter: &str| LoggedModelSearch { filter: filter.into(), ..Default::default() };
    let test = DatasetWanted { name: "test".into(), digest: None };
    let by = |field: &str, is_descending, dataset: Option<DatasetWanted>| LoggedModelSearch {
        order_by: vec![MetricOrder { field_name: field.into(), is_descending, dataset }],
        ..Default::default()
    };
    assert_eq!(names(filter("")), ["three", "two", "one"]);
    assert_eq!(names(filter("metrics.auc > 0.5")), ["two", "one"]);
    let on = LoggedModelSearch { datasets: vec![test.clone()], ..filter("metrics.auc > 0.5") };
    assert_eq!(names(on), ["two"]);
    let on = LoggedModelSearch { datasets: vec![test.clone()], ..filter("") };
    assert_eq!(names(on), ["two", "one"]);
    assert_eq!(names(filter("params.depth = '3' AND name LIKE 'th%'")), ["three"]);
    assert_eq!(names(by("metrics.auc", true, None)), ["two", "one", "three"]);
    let train = DatasetWanted { name: "train".into(), digest: Some("d1".into()) };
    assert_eq!(names(by("metrics.auc", false, Some(train))), ["one", "three", "two"]);
    assert_eq!(names(by("creation_timestamp", false, None)), ["one", "two", "three"]);
    let odd = LoggedModelSearch { limit: 1, ..by("name", false, Some(test)) };
    assert_eq!(refusal(search::models(&conn, &odd)).kind, FaultKind::Invalid);
}
