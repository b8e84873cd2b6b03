use super::*;
use crate::store::{Store, sample};
use crate::tracking::run::{NestedRun, NewRun};
use crate::tracking::{artifact, registry};
use crate::types::{Fault, Timestamp};

const SERVER: &str = "http://h:5000";

fn followed() -> (tempfile::TempDir, Store) {
    let (dir, store) = sample::store();
    store.write_blocking(|tx| follow(tx, Some(SERVER))).unwrap();
    (dir, store)
}

fn made(store: &Store, attempt_token: Option<&str>) -> crate::types::view::TrackingRunView {
    let new = NewRun {
        experiment_id: "0".into(),
        run_name: "r".into(),
        user_id: "ada".into(),
        start_time: Timestamp::UNIX_EPOCH,
        tags: Vec::new(),
        attempt_token: attempt_token.map(str::to_owned),
    };
    run::create(store, new).unwrap()
}

fn now_due(store: &Store) -> Vec<(Kind, String)> {
    let due = store.read_blocking(|conn| due(conn, 100)).unwrap();
    due.into_iter().map(|due| (due.kind, due.id)).collect()
}

fn tell_all(store: &Store) {
    let due = store.read_blocking(|conn| due(conn, 100)).unwrap();
    store.write_blocking(move |tx| due.iter().try_for_each(|due| told(tx, due))).unwrap();
}

#[test]
fn nothing_is_written_down_where_nobody_is_told() {
    let (_dir, store) = sample::store();
    made(&store, Some("t"));
    assert!(now_due(&store).is_empty());
    store.write_blocking(|tx| follow(tx, Some(SERVER))).unwrap();
    made(&store, Some("u"));
    assert_eq!(now_due(&store).len(), 1);
    store.write_blocking(|tx| follow(tx, None)).unwrap();
    made(&store, Some("v"));
    assert!(now_due(&store).is_empty() && !store.read_blocking(is_followed).unwrap());
}

#[test]
fn whatever_changes_of_a_run_is_due_from_any_process() {
    let (dir, store) = followed();
    let run = made(&store, Some("t"));
    let id = run.run_id.clone();
    // An attempt has the database open for itself.
    let other = Store::open(store.path()).unwrap();
    let pair = || vec![("k".to_owned(), "v".to_owned())];
    let point =
        MetricPoint { key: "m".into(), value: 1.0, timestamp: Timestamp::UNIX_EPOCH, step: 0 };
    let due_by = |what: &str, change: &dyn Fn()| {
        tell_all(&store);
        assert!(now_due(&store).is_empty());
        change();
        assert_eq!(now_due(&store), [(Kind::Run, id.to_string())], "{what}");
    };
    due_by("param", &|| run::log_batch(&other, &id, vec![], pair(), vec![]).unwrap());
    due_by("tag", &|| run::log_batch(&other, &id, vec![], vec![], pair()).unwrap());
    due_by("metric", &|| run::log_batch(&other, &id, vec![point.clone()], vec![], vec![]).unwrap());
    due_by("artifact", &|| artifact::record(&other, &id, "a", b"1").unwrap());
    due_by("end", &|| run::end(&other, &id, "FINISHED", Timestamp::UNIX_EPOCH).unwrap());
    drop(dir);
}

#[test]
fn what_changes_while_it_is_told_stays_due() {
    let (_dir, store) = followed();
    let run = made(&store, Some("t"));
    let before = store.read_blocking(|conn| due(conn, 1)).unwrap().remove(0);
    run::end(&store, &run.run_id, "FAILED", Timestamp::UNIX_EPOCH).unwrap();
    store.write_blocking(move |tx| told(tx, &before)).unwrap();
    assert_eq!(now_due(&store).len(), 1);
}

#[test]
fn what_is_refused_waits_until_it_changes_or_is_tried_again() {
    let (_dir, store) = followed();
    let run = made(&store, Some("t"));
    let refuse = || {
        let one = store.read_blocking(|conn| due(conn, 1)).unwrap().remove(0);
        store.write_blocking(move |tx| refused(tx, &one, "too long")).unwrap();
        assert!(now_due(&store).is_empty());
    };
    refuse();
    let found = store.read_blocking(standing).unwrap();
    assert_eq!((found.waiting, found.refused), (0, 1));
    assert_eq!(found.refusal.unwrap(), format!("run {}: too long", run.run_id));
    store.write_blocking(again).unwrap();
    refuse();
    run::end(&store, &run.run_id, "FAILED", Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(now_due(&store).len(), 1);
}

fn again(tx: &rusqlite::Transaction<'_>) -> Result<(), StoreError> {
    super::again(tx)
}

#[test]
fn trials_go_along_and_what_clients_track_here_does_not() {
    let (_dir, store) = followed();
    let run = made(&store, Some("t"));
    let trial = NestedRun {
        run_name: "trial".into(),
        user_id: "ada".into(),
        status: "FINISHED",
        start_time: Timestamp::UNIX_EPOCH,
        end_time: Timestamp::UNIX_EPOCH,
        params: vec![],
        metrics: vec![],
        tags: vec![],
        on_parent: vec![],
    };
    let trial = run::nest(&store, &run, trial).unwrap();
    let client = made(&store, None);
    let facts = |id: &TrackingRunId| {
        let id = id.to_string();
        store.read_blocking(|conn| run_facts(conn, &id)).unwrap()
    };
    let told = facts(&trial).unwrap();
    assert_eq!((told.parent, told.experiment), (Some(run.run_id.to_string()), "Default".into()));
    assert_eq!(facts(&run.run_id).unwrap().parent, None);
    assert_eq!((facts(&client.run_id), facts(&TrackingRunId::new("gone"))), (None, None));
}

#[test]
fn points_are_told_in_the_order_in_which_they_came() {
    let (_dir, store) = followed();
    let run = made(&store, Some("t"));
    let point =
        |step| MetricPoint { key: "m".into(), value: 1.0, timestamp: Timestamp::UNIX_EPOCH, step };
    let log = |steps: &[i64]| {
        let points = steps.iter().map(|step| point(*step)).collect();
        run::log_batch(&store, &run.run_id, points, vec![], vec![]).unwrap();
    };
    let after = |number: i64| {
        let id = run.run_id.clone();
        let read = store.read_blocking(|conn| points_after(conn, id.as_str(), number, 2)).unwrap();
        (read.0.iter().map(|point| point.step).collect::<Vec<_>>(), read.1)
    };
    log(&[5, 1, 3]);
    let (first, last) = after(0);
    let (second, end) = after(last);
    assert_eq!((first, second), (vec![5, 1], vec![3]));
    log(&[2]);
    assert_eq!(after(end).0, [2]);
}

#[test]
fn models_are_due_by_their_names_and_keep_their_copy_when_renamed() {
    let (_dir, store) = followed();
    let run = made(&store, Some("t"));
    artifact::record(&store, &run.run_id, "model/model.json", b"{}").unwrap();
    registry::register(&store, "m", &run.run_id, Timestamp::UNIX_EPOCH).unwrap();
    assert!(now_due(&store).contains(&(Kind::Model, "m".into())));
    let copy = Copy { remote: "m".to_owned(), state: vec![1] };
    store.write_blocking(move |tx| keep(tx, Kind::Model, "m", &copy)).unwrap();
    tell_all(&store);
    let now = Timestamp::UNIX_EPOCH;
    store.write_blocking(move |tx| registry::record::rename(tx, "m", "n", now).map(drop)).unwrap();
    assert_eq!(now_due(&store), [(Kind::Model, "n".into())]);
    let kept = store.read_blocking(|conn| copy_of(conn, "n")).unwrap().unwrap();
    assert_eq!((kept.remote.as_str(), kept.state), ("m", vec![1]));
    let (model, versions) = store.read_blocking(|conn| model_facts(conn, "n")).unwrap().unwrap();
    assert_eq!((model.name.as_str(), versions.len()), ("n", 1));
    tell_all(&store);
    store.write_blocking(|tx| registry::record::delete(tx, "n")).unwrap();
    assert_eq!(now_due(&store), [(Kind::Model, "n".into())]);
    assert!(store.read_blocking(|conn| model_facts(conn, "n")).unwrap().is_none());
    // Another server knows nothing of it.
    store.write_blocking(|tx| follow(tx, Some("http://other"))).unwrap();
    assert!(store.read_blocking(|conn| copy_of(conn, "n")).unwrap().is_none());
}

fn copy_of(conn: &Connection, name: &str) -> Result<Option<Copy<Vec<i32>>>, StoreError> {
    super::copy(conn, Kind::Model, name)
}

#[test]
fn a_model_that_is_not_there_is_refused_as_ever() {
    let (_dir, store) = followed();
    let refused = store.write_blocking(|tx| registry::record::delete(tx, "none"));
    assert!(matches!(refused, Err(StoreError::Refused(Fault { .. }))));
    assert!(now_due(&store).is_empty());
}
