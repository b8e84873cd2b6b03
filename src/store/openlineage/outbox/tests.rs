//! Starts and ends are written down with the change, once each.

use super::*;
use crate::sched::Change;
use crate::store::Store;
use crate::store::sample::{self, at, key, run, task_try};
use crate::types::{DagRunState, TaskInstanceState};

fn store() -> (tempfile::TempDir, Store) {
    let (dir, store) = sample::store();
    store.write_blocking(|tx| follow(tx, true)).unwrap();
    (dir, store)
}

fn commit(store: &Store, changes: Vec<Change>) {
    store.write_blocking(move |tx| crate::store::apply::apply(tx, changes)).unwrap();
}

fn told(store: &Store) -> Vec<(&'static str, Option<u32>)> {
    let due = store.read_blocking(|conn| due(conn, 100)).unwrap();
    due.iter()
        .map(|due| match &due.subject {
            Subject::Run(_) => (due.event_type.as_str(), None),
            Subject::Try(key) => (due.event_type.as_str(), Some(key.try_number)),
        })
        .collect()
}

fn put_try(number: u32, state: TaskInstanceState) -> Change {
    Change::PutTaskTry(task_try(key("etl", "r1", "extract"), number, state))
}

fn put_run(state: DagRunState) -> Change {
    Change::PutDagRun(run("etl", "r1", 0, state))
}

#[test]
fn a_run_and_its_tries_start_once_and_end_once() {
    let (_dir, store) = store();
    commit(&store, vec![put_run(DagRunState::Queued)]);
    assert!(told(&store).is_empty());
    commit(&store, vec![put_run(DagRunState::Running)]);
    for _ in 0..2 {
        commit(&store, vec![put_try(1, TaskInstanceState::Running)]);
    }
    for _ in 0..2 {
        commit(&store, vec![put_try(1, TaskInstanceState::UpForRetry)]);
    }
    commit(&store, vec![put_try(2, TaskInstanceState::Success)]);
    commit(&store, vec![put_run(DagRunState::Success)]);
    commit(&store, vec![put_run(DagRunState::Success)]);
    let expected = [
        ("START", None),
        ("START", Some(1)),
        ("FAIL", Some(1)),
        ("START", Some(2)),
        ("COMPLETE", Some(2)),
        ("COMPLETE", None),
    ];
    assert_eq!(told(&store), expected);
}

#[test]
fn a_run_that_goes_on_starts_again_and_one_that_is_made_ended_does_both() {
    let (_dir, store) = store();
    commit(&store, vec![put_run(DagRunState::Failed)]);
    commit(&store, vec![put_run(DagRunState::Queued)]);
    commit(&store, vec![put_run(DagRunState::Running)]);
    commit(&store, vec![put_run(DagRunState::Success)]);
    let expected = [("START", None), ("FAIL", None), ("START", None), ("COMPLETE", None)];
    assert_eq!(told(&store), expected);
}

#[test]
fn what_a_failed_commit_undoes_is_not_told() {
    let (_dir, store) = store();
    let refused = store.write_blocking(|tx| {
        crate::store::apply::apply(tx, vec![put_run(DagRunState::Running)])?;
        Err::<(), _>(StoreError::ReadOnly)
    });
    assert!(refused.is_err());
    assert!(told(&store).is_empty());
}

#[test]
fn what_nobody_is_told_is_not_kept() {
    let (_dir, store) = store();
    commit(&store, vec![put_run(DagRunState::Running)]);
    store.write_blocking(|tx| follow(tx, true)).unwrap();
    assert_eq!(told(&store).len(), 1, "said again, it stays");
    store.write_blocking(|tx| follow(tx, false)).unwrap();
    commit(&store, vec![put_run(DagRunState::Success)]);
    assert!(told(&store).is_empty());
}

#[test]
fn the_oldest_go_first_when_they_are_taken_or_too_many() {
    let (_dir, store) = store();
    for index in 0..6 {
        let run = run("etl", &format!("r{index}"), index, DagRunState::Running);
        commit(&store, vec![Change::PutDagRun(run)]);
    }
    let waiting_now = |store: &Store| store.read_blocking(waiting).unwrap();
    assert_eq!(waiting_now(&store), 6);
    let first = store.read_blocking(|conn| due(conn, 1)).unwrap().remove(0);
    assert_eq!(first.event_time, at(0));
    assert_eq!(store.write_blocking(move |tx| taken(tx, first.id)).unwrap(), 1);
    assert_eq!(store.write_blocking(|tx| cut(tx, 3)).unwrap(), 2);
    assert_eq!(waiting_now(&store), 3);
    assert_eq!(store.write_blocking(|tx| cut(tx, 3)).unwrap(), 0);
}
