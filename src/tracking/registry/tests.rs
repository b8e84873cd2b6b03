//! Versions, aliases, their history, and the way back.

use super::*;
use crate::store::fault::injection;
use crate::store::sample::{self, at};
use crate::tracking::run::{MetricPoint, NewRun};
use crate::tracking::{artifact, run};
use crate::types::FaultKind;

fn trained(store: &Store, accuracy: f64, depth: &str) -> TrackingRunId {
    let signature = r#"{"inputs":[],"outputs":[]}"#;
    let new = NewRun {
        experiment_id: "0".into(),
        run_name: "r".into(),
        user_id: "ada".into(),
        start_time: at(0),
        tags: vec![(SIGNATURE_TAG.into(), signature.into()), ("data".into(), "iris".into())],
        attempt_token: None,
    };
    let id = run::create(store, new).unwrap().run_id;
    let point = MetricPoint { key: "accuracy".into(), value: accuracy, timestamp: at(1), step: 0 };
    let params = vec![("depth".into(), depth.into()), ("seed".into(), "42".into())];
    run::log_batch(store, &id, vec![point], params, vec![]).unwrap();
    artifact::record(store, &id, MODEL_FILE, b"{}").unwrap();
    id
}

/// A store with `count` versions of the model `iris`.
fn with_versions(count: u32) -> (tempfile::TempDir, Store) {
    let (dir, store) = sample::store();
    for i in 1..=count {
        let run = trained(&store, 0.9 + f64::from(i) / 100.0, &i.to_string());
        register(&store, "iris", &run, at(i64::from(i))).unwrap();
    }
    (dir, store)
}

fn wish(version: u32, action: &'static str) -> MoveAlias {
    MoveAlias {
        name: "iris".into(),
        alias: "production".into(),
        version,
        expected_current: None,
        user: "ada".into(),
        action,
        reason: None,
        now: at(100),
    }
}

fn promote(store: &Store, version: u32) {
    move_alias(store, wish(version, "promote")).unwrap();
}

fn roll_back(store: &Store) -> u32 {
    let target = rollback_target(store, "iris", "production").unwrap();
    move_alias(store, wish(target, "rollback")).unwrap();
    target
}

fn refusal<R: std::fmt::Debug>(result: Result<R, StoreError>) -> Fault {
    match result {
        Err(StoreError::Refused(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn versions_count_up_and_a_run_has_one_version_under_one_name() {
    let (_dir, store) = sample::store();
    let run = trained(&store, 0.9, "3");
    let first = register(&store, "iris", &run, at(1)).unwrap();
    assert_eq!((first.version, first.run_id.as_ref()), (1, Some(&run)));
    assert_eq!(first.source, format!("mlflow-artifacts:/0/{run}/artifacts/model"));
    assert_eq!(first.signature, Some(serde_json::json!({"inputs": [], "outputs": []})));
    assert!(first.tags.iter().any(|(key, value)| key == "data" && value == "iris"));
    assert!(first.tags.iter().all(|(key, _)| key != SIGNATURE_TAG));
    assert_eq!(register(&store, "iris", &run, at(9)).unwrap(), first);
    assert_eq!(register(&store, "other", &run, at(9)).unwrap().version, 1);
    assert_eq!(register(&store, "iris", &trained(&store, 0.9, "3"), at(2)).unwrap().version, 2);
    let names: Vec<_> =
        list(&store).unwrap().into_iter().map(|m| (m.name, m.version_count)).collect();
    assert_eq!(names, [("iris".into(), 2), ("other".into(), 1)]);
}

#[test]
fn a_run_without_a_model_cannot_be_registered() {
    let (_dir, store) = sample::store();
    let new = NewRun {
        experiment_id: "0".into(),
        run_name: "r".into(),
        user_id: "ada".into(),
        start_time: at(0),
        tags: vec![],
        attempt_token: None,
    };
    let run = run::create(&store, new).unwrap().run_id;
    let fault = refusal(register(&store, "iris", &run, at(1)));
    assert_eq!(fault.kind, FaultKind::Invalid);
    assert!(fault.message.contains(MODEL_FILE), "{fault}");
    assert!(list(&store).unwrap().is_empty(), "no empty model is left");
    artifact::record(&store, &run, MODEL_FILE, b"{}").unwrap();
    let tags = vec![(SIGNATURE_TAG.to_owned(), "not json".to_owned())];
    run::log_batch(&store, &run, vec![], vec![], tags).unwrap();
    assert_eq!(refusal(register(&store, "iris", &run, at(1))).kind, FaultKind::Invalid);
    assert!(list(&store).unwrap().is_empty());
}

#[test]
fn names_that_could_not_stand_in_a_uri_are_refused() {
    let (_dir, store) = with_versions(1);
    let run = trained(&store, 0.9, "3");
    for name in ["", " ", "a/b", "a@b", "a:b", "a*", "a\nb"] {
        assert_eq!(refusal(register(&store, name, &run, at(1))).kind, FaultKind::Invalid);
        let moved = move_alias(&store, MoveAlias { alias: name.into(), ..wish(1, "promote") });
        assert_eq!(refusal(moved).kind, FaultKind::Invalid, "{name}");
    }
}

#[test]
fn an_alias_moves_with_a_line_in_its_history() {
    let (_dir, store) = with_versions(2);
    let first = move_alias(&store, wish(1, "promote")).unwrap().unwrap();
    assert_eq!((first.from_version, first.to_version, first.when), (None, Some(1), at(100)));
    assert_eq!(move_alias(&store, wish(1, "promote")).unwrap(), None);
    let second = move_alias(&store, wish(2, "promote")).unwrap().unwrap();
    assert_eq!((second.from_version, second.to_version), (Some(1), Some(2)));
    let bearer = by_alias(&store, "iris", "production").unwrap().unwrap();
    assert_eq!((bearer.version, bearer.aliases), (2, vec!["production".to_owned()]));
    assert_eq!(by_alias(&store, "iris", "staging").unwrap(), None);
    assert_eq!(by_alias(&store, "nope", "production").unwrap(), None);
    assert_eq!(moves_after(&store, 0).unwrap(), [first.clone(), second.clone()]);
    assert_eq!(moves_after(&store, first.id).unwrap(), std::slice::from_ref(&second));
    let shown = show(&store, "iris").unwrap();
    assert_eq!(shown.history, [second, first]);
    assert_eq!(shown.model.aliases, [("production".into(), 2)]);
    assert_eq!(shown.model.latest_version, Some(2));
    assert_eq!(shown.model.last_updated_timestamp, at(100));
    assert_eq!(shown.versions.iter().map(|v| v.version).collect::<Vec<_>>(), [2, 1]);
}

#[test]
fn a_move_is_refused_where_the_alias_is_not_where_it_was_expected() {
    let (_dir, store) = with_versions(2);
    let expecting = |version, expected| MoveAlias {
        expected_current: Some(expected),
        ..wish(version, "promote")
    };
    let fault = refusal(move_alias(&store, expecting(1, Some(2))));
    assert_eq!(fault.kind, FaultKind::Conflict);
    assert!(fault.message.contains("stands nowhere, not at version 2"), "{fault}");
    move_alias(&store, expecting(1, None)).unwrap();
    let fault = refusal(move_alias(&store, expecting(2, None)));
    assert!(fault.message.contains("stands at version 1, not nowhere"), "{fault}");
    move_alias(&store, expecting(2, Some(1))).unwrap();
    assert_eq!(moves_after(&store, 0).unwrap().len(), 2);
}

#[test]
fn a_rollback_leads_back_and_never_to_what_was_rolled_back() {
    let (_dir, store) = with_versions(4);
    for version in [1, 2, 3] {
        promote(&store, version);
    }
    assert_eq!(roll_back(&store), 2);
    assert_eq!(roll_back(&store), 1, "not 3, which was rolled back");
    let fault = refusal(rollback_target(&store, "iris", "production"));
    assert_eq!(fault.kind, FaultKind::Conflict);
    promote(&store, 3);
    promote(&store, 4);
    assert_eq!(roll_back(&store), 3, "promoted again, it counts again");
}

#[test]
fn a_rollback_needs_a_model_with_a_history() {
    let (_dir, store) = with_versions(1);
    let target = |name| refusal(rollback_target(&store, name, "production"));
    assert_eq!(target("iris").kind, FaultKind::Conflict);
    promote(&store, 1);
    let fault = target("iris");
    assert_eq!(fault.kind, FaultKind::Conflict);
    assert!(fault.message.contains("before 1"), "{fault}");
    assert_eq!(target("none").kind, FaultKind::NotFound);
}

#[test]
fn a_plan_says_what_would_change() {
    let (_dir, store) = with_versions(2);
    let first = plan(&store, "iris", "production", 1).unwrap();
    assert_eq!(first.from, None);
    assert_eq!(first.metrics, [("accuracy".into(), None, Some(0.91))]);
    assert_eq!(first.params.len(), 2);
    promote(&store, 1);
    let next = plan(&store, "iris", "production", 2).unwrap();
    assert_eq!((next.from.unwrap().version, next.to.version), (1, 2));
    assert_eq!(next.metrics, [("accuracy".into(), Some(0.91), Some(0.92))]);
    assert_eq!(next.params, [("depth".into(), Some("1".into()), Some("2".into()))]);
}

#[test]
fn unknown_models_and_versions_are_refused_with_a_hint() {
    let (_dir, store) = with_versions(1);
    let fault = refusal(show(&store, "iriss"));
    assert_eq!(fault.kind, FaultKind::NotFound);
    assert_eq!(fault.hint.as_deref(), Some("did you mean `iris`?"));
    let fault = refusal(version(&store, "iris", 7));
    assert_eq!(fault.kind, FaultKind::NotFound);
    assert!(fault.message.contains("no version 7"), "{fault}");
    assert_eq!(refusal(plan(&store, "zzz", "production", 1)).kind, FaultKind::NotFound);
    assert_eq!(refusal(move_alias(&store, wish(9, "promote"))).kind, FaultKind::NotFound);
    let unknown = TrackingRunId::new("nope");
    assert_eq!(refusal(register(&store, "iris", &unknown, at(0))).kind, FaultKind::NotFound);
}

#[test]
fn whichever_write_of_a_move_fails_alias_and_history_agree() {
    let (_dir, store) = with_versions(2);
    promote(&store, 1);
    let mut n = 1;
    loop {
        injection::fail_nth_write(&store, n);
        if move_alias(&store, wish(2, "promote")).is_ok() {
            break;
        }
        assert!(!injection::disarm(&store));
        let stands = by_alias(&store, "iris", "production").unwrap().unwrap().version;
        assert_eq!((stands, moves_after(&store, 0).unwrap().len()), (1, 1), "write {n}");
        n += 1;
    }
    assert!(injection::disarm(&store));
    assert_eq!(n, 5, "three statements and the commit");
    assert_eq!(moves_after(&store, 0).unwrap().len(), 2);
}
