//! What goes, what stays, and what is left after a write that failed.

use super::*;
use crate::sched::Change;
use crate::store::fault::injection;
use crate::store::sample::{self, asset_event, at, key, line, run, task, task_try};
use crate::store::{Store, apply, dag_run, event_log, xcom};
use crate::types::{DagRunState, TaskInstanceState};

fn commit(store: &Store, changes: Vec<Change>) {
    store.write_blocking(|tx| apply::apply(tx, changes)).unwrap();
}

fn run_key(dag_id: &str, run_id: &str) -> DagRunKey {
    DagRunKey { dag_id: dag_id.into(), dag_run_id: run_id.into() }
}

/// A run with tasks, each with a try and an output.
fn history(store: &Store, run_id: &str, secs: i64, state: DagRunState, tasks: usize) {
    let mut changes = vec![Change::PutDagRun(run("d", run_id, secs, state))];
    for number in 0..tasks {
        let key = key("d", run_id, &format!("t{number}"));
        let state = TaskInstanceState::Success;
        changes.push(Change::PutTaskTry(task_try(key.clone(), 1, state)));
        let value = crate::types::xcom::XcomValue::Value(1.into());
        changes.push(Change::PutXcom { task: key.clone(), key: "return_value".into(), value });
        changes.push(Change::PutTaskInstance(task(key, Some(state))));
    }
    commit(store, changes);
}

fn delete(store: &Store, run_id: &str) -> Vec<Left> {
    let mut all = Vec::new();
    loop {
        let key = run_key("d", run_id);
        let left = store.write_blocking(move |tx| delete_run(tx, &key)).unwrap();
        all.push(left);
        if left != Left::More {
            return all;
        }
    }
}

fn rows(store: &Store, table: &str) -> u64 {
    let sql = format!("SELECT count(*) FROM {table}");
    store.read_blocking(|conn| row::count(conn, &sql, [])).unwrap()
}

fn ids(runs: &[DagRunKey]) -> Vec<&str> {
    runs.iter().map(|run| run.dag_run_id.as_str()).collect()
}

#[test]
fn a_run_goes_with_all_that_is_its_own_in_bounded_pieces() {
    let (_dir, store) = sample::store();
    history(&store, "large", 0, DagRunState::Success, 1100);
    history(&store, "other", 1, DagRunState::Success, 2);
    let pieces = delete(&store, "large");
    assert_eq!(pieces[..5], [Left::More; 5]);
    assert_eq!(pieces[5..], [Left::Nothing]);
    for table in ["task_instance", "task_instance_history", "xcom"] {
        assert_eq!(rows(&store, table), 2, "{table}");
    }
    assert_eq!(rows(&store, "dag_run"), 1);
    assert_eq!(rows(&store, "deleted_folder"), 1);
    assert_eq!(delete(&store, "large"), [Left::Kept]);
}

#[test]
fn small_runs_share_a_piece() {
    let (_dir, store) = sample::store();
    let mut keys = Vec::new();
    for number in 0..10 {
        let state = if number == 3 { DagRunState::Running } else { DagRunState::Failed };
        history(&store, &format!("r{number}"), number, state, 30);
        keys.push(run_key("d", &format!("r{number}")));
    }
    let mut pieces = Vec::new();
    while !keys.is_empty() {
        let wanted = keys.clone();
        let settled = store.write_blocking(move |tx| delete_runs(tx, &wanted)).unwrap();
        keys.drain(..settled.len());
        pieces.push(settled);
    }
    assert_eq!(pieces.concat().iter().filter(|gone| !**gone).count(), 1);
    assert_eq!(pieces.len(), 2, "{pieces:?}");
    assert_eq!(rows(&store, "task_instance"), 30);
}

#[test]
fn a_run_under_way_is_kept() {
    let (_dir, store) = sample::store();
    history(&store, "r", 0, DagRunState::Running, 2);
    assert_eq!(delete(&store, "r"), [Left::Kept]);
    assert_eq!(rows(&store, "task_instance"), 2);
}

#[test]
fn a_write_that_fails_undoes_its_piece_and_no_more() {
    let (_dir, store) = sample::store();
    history(&store, "r", 0, DagRunState::Success, 3);
    let mut n = 1;
    loop {
        injection::fail_nth_write(&store, n);
        let key = run_key("d", "r");
        let result = store.write_blocking(move |tx| delete_run(tx, &key));
        if injection::disarm(&store) {
            assert_eq!(result.unwrap(), Left::Nothing);
            break;
        }
        assert!(result.is_err(), "{n}");
        assert_eq!((rows(&store, "xcom"), rows(&store, "deleted_folder")), (3, 0), "{n}");
        n += 1;
    }
    assert!(n > 12, "{n}");
    assert_eq!((rows(&store, "dag_run"), rows(&store, "deleted_folder")), (0, 1));
}

#[test]
fn by_age_the_old_go_and_the_latest_success_stays() {
    let (_dir, store) = sample::store();
    for (number, state) in [
        DagRunState::Failed,
        DagRunState::Success,
        DagRunState::Success,
        DagRunState::Failed,
        DagRunState::Running,
    ]
    .into_iter()
    .enumerate()
    {
        history(&store, &format!("r{number}"), number as i64 * 100, state, 0);
    }
    let before = |secs| {
        let read = |conn: &Connection| runs_before(conn, &"d".into(), at(secs));
        store.read_blocking(read).unwrap()
    };
    // Each ends ten seconds after it began; `r2` is the latest success.
    assert_eq!(ids(&before(109)), ["r0"]);
    assert_eq!(ids(&before(1000)), ["r0", "r1", "r3"]);
}

#[test]
fn by_count_the_newest_stay() {
    let (_dir, store) = sample::store();
    for number in 0..6 {
        let state = if number == 1 { DagRunState::Success } else { DagRunState::Failed };
        history(&store, &format!("r{number}"), number * 100, state, 0);
    }
    let beyond = |kept| store.read_blocking(|conn| runs_beyond(conn, &"d".into(), kept)).unwrap();
    assert_eq!(ids(&beyond(6)), [""; 0]);
    assert_eq!(ids(&beyond(3)), ["r0", "r2", "r3"]);
    assert_eq!(ids(&beyond(1)), ["r0", "r2", "r3", "r4", "r5"], "the success is the one");
}

#[test]
fn counts_follow_what_happens_to_runs() {
    let (_dir, store) = sample::store();
    history(&store, "a", 0, DagRunState::Running, 0);
    history(&store, "b", 1, DagRunState::Success, 0);
    history(&store, "a", 0, DagRunState::Success, 0);
    let total = |state| {
        let filter = dag_run::RunFilter::of(Some("d".into()), state);
        store.read_blocking(|conn| dag_run::list(conn, &filter, 1, 0)).unwrap().1
    };
    assert_eq!((total(None), total(Some(DagRunState::Running))), (2, 0));
    delete(&store, "b");
    assert_eq!((total(None), total(Some(DagRunState::Success))), (1, 1));
}

#[test]
fn logs_are_gone_once_and_there_again_when_the_run_goes_on() {
    let (_dir, store) = sample::store();
    history(&store, "r", 0, DagRunState::Success, 0);
    let with_logs = || {
        let read = |conn: &Connection| runs_with_logs(conn, &"d".into(), at(1000));
        store.read_blocking(read).unwrap().len()
    };
    assert_eq!(with_logs(), 1);
    let key = run_key("d", "r");
    store.write_blocking(move |tx| note_logs_pruned(tx, &key, at(999))).unwrap();
    assert_eq!(with_logs(), 0);
    history(&store, "r", 0, DagRunState::Running, 0);
    history(&store, "r", 5, DagRunState::Success, 0);
    assert_eq!(with_logs(), 1);
}

#[test]
fn old_lines_of_the_feed_go() {
    let (_dir, store) = sample::store();
    let write = |tx: &rusqlite::Transaction<'_>| {
        for secs in 0..10 {
            let line = crate::types::event::EventLog { when: at(secs), ..line("x") };
            event_log::insert(tx, &line)?;
        }
        Ok(())
    };
    store.write_blocking(write).unwrap();
    assert_eq!(store.read_blocking(|conn| lines_before(conn, at(6))).unwrap(), 6);
    assert_eq!(store.write_blocking(|tx| delete_lines(tx, at(6))).unwrap(), 6);
    assert_eq!(store.write_blocking(|tx| delete_lines(tx, at(6))).unwrap(), 0);
    assert_eq!(rows(&store, "log"), 4);
}

#[test]
fn asset_events_that_something_needs_stay() {
    let (_dir, store) = sample::store();
    let mut told = asset_event(5, "a");
    told.dedupe_key = Some("alias-move:7".into());
    let mut untold = asset_event(6, "a");
    untold.dedupe_key = Some("alias-move:8".into());
    let mut changes: Vec<Change> =
        (1..=4).map(|id| Change::InsertAssetEvent(asset_event(id, "a"))).collect();
    changes.extend([told, untold, asset_event(7, "a")].map(Change::InsertAssetEvent));
    changes.push(Change::PutDagRun(run("d", "r", 0, DagRunState::Success)));
    let triggering =
        Change::PutTriggeringAssetEvents { run: run_key("d", "r"), event_ids: vec![2] };
    let queued = Change::PutQueuedAssetEvents { dag_id: "e".into(), event_ids: vec![3] };
    changes.extend([triggering, queued]);
    commit(&store, changes);
    let read = |conn: &Connection| asset_events_before(conn, at(1000), 7);
    let found = store.read_blocking(read).unwrap();
    // 2 brought a run about, 3 is waited for, 6 may be told again, 7 is the last one.
    assert_eq!(found, [1, 4, 5]);
    let deleted = store.write_blocking(|tx| delete_asset_events(tx, &[1, 2, 3, 4, 5, 7])).unwrap();
    assert_eq!(deleted, 3);
    let summary = store.read_blocking(crate::store::asset::summary).unwrap();
    assert_eq!(summary["a"].1, 4);
}

#[test]
fn a_folder_is_buried_once_and_not_where_its_rows_are_there_again() {
    let (_dir, store) = sample::store();
    for run_id in ["a", "b", "c"] {
        history(&store, run_id, 0, DagRunState::Success, 1);
        delete(&store, run_id);
    }
    history(&store, "b", 0, DagRunState::Success, 1);
    let (sender, asked) = std::sync::mpsc::channel();
    let settled = store
        .write_blocking(move |tx| {
            bury(tx, |folder| {
                let DeletedFolder::Run(run) = folder else { panic!("{folder:?}") };
                sender.send(run.dag_run_id.to_string()).unwrap();
                if run.dag_run_id.as_str() == "c" {
                    return Err(std::io::Error::other("no"));
                }
                Ok(())
            })
        })
        .unwrap();
    assert_eq!(settled, 2);
    assert_eq!(asked.iter().collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!(rows(&store, "deleted_folder"), 1, "what failed is tried again");
}

#[test]
fn free_pages_are_given_back() {
    let (_dir, store) = sample::store();
    let text = "x".repeat(2000);
    let write = move |tx: &rusqlite::Transaction<'_>| {
        for number in 0..200 {
            xcom_row(tx, number, &text)?;
        }
        Ok(())
    };
    history(&store, "r", 0, DagRunState::Success, 0);
    store.write_blocking(write).unwrap();
    let full = store.read_blocking(used_bytes).unwrap();
    delete(&store, "r");
    assert!(store.read_blocking(used_bytes).unwrap() + 300_000 < full);
    let mut left = u64::MAX;
    while left > 0 {
        let now = store.write_blocking(|tx| give_back_pages(tx, 16)).unwrap();
        assert!(now < left);
        left = now;
    }
    store.write_blocking(|tx| optimize(tx)).unwrap();
}

fn xcom_row(conn: &Connection, number: usize, text: &str) -> Result<(), StoreError> {
    let value = crate::types::xcom::XcomValue::Value(text.into());
    xcom::put(conn, &key("d", "r", &format!("t{number}")), "return_value", &value)
}
