//! What is found, and that it is found by indexes.

use super::*;
use crate::store::sample::{self, at, key, run, task};
use crate::store::{dag_run, deadline, task_instance};
use crate::types::deadline::Deadline;
use crate::types::run::{DagRun, TaskInstance};
use crate::types::{DagRunState, TaskInstanceState};

use DagRunState::{Failed, Queued, Running, Success};

fn store_of(
    runs: Vec<DagRun>,
    tasks: Vec<TaskInstance>,
) -> (tempfile::TempDir, crate::store::Store) {
    let (dir, store) = sample::store();
    let write = move |tx: &rusqlite::Transaction<'_>| {
        runs.iter().try_for_each(|run| dag_run::put(tx, run))?;
        tasks.iter().try_for_each(|task| task_instance::put(tx, task))
    };
    store.write_blocking(write).unwrap();
    (dir, store)
}

#[test]
fn a_failed_run_is_told_until_a_later_one_succeeds() {
    let (_dir, store) = store_of(
        vec![
            run("a", "a1", 1, Success),
            run("a", "a2", 2, Failed),
            run("a", "a3", 3, Failed),
            run("a", "a4", 4, Running),
            run("b", "b1", 1, Failed),
            run("b", "b2", 2, Success),
            run("c", "c1", 1, Failed),
        ],
        vec![],
    );
    let ids = ["a", "b", "c", "none"].map(DagId::from);
    let found = store.read_blocking(move |conn| failures(conn, &ids)).unwrap();
    let found: Vec<_> = found.iter().map(|one| (one.dag_run_id.as_str(), one.in_a_row)).collect();
    assert_eq!(found, [("a3", 2), ("c1", 1)]);
}

#[test]
fn a_task_is_slow_against_the_median_of_those_before() {
    let mut tasks: Vec<TaskInstance> = Vec::new();
    let mut runs = Vec::new();
    for n in 0..5 {
        let id = format!("r{n}");
        runs.push(run("etl", &id, n, Success));
        let mut done = task(key("etl", &id, "load"), Some(TaskInstanceState::Success));
        done.end_date = Some(at(13));
        tasks.push(done);
    }
    runs.push(run("etl", "now", 9, Running));
    tasks.push(task(key("etl", "now", "load"), Some(TaskInstanceState::Running)));
    tasks.push(task(key("etl", "now", "new"), Some(TaskInstanceState::Running)));
    let (_dir, store) = store_of(runs, tasks);
    let slow = |now| {
        let found = store.read_blocking(move |conn| slow_tasks(conn, now, now, 3.0)).unwrap();
        found.into_iter().map(|one| (one.key.task_id.to_string(), one.median_secs)).collect()
    };
    let none: Vec<(String, f64)> = slow(at(20));
    assert_eq!(none, []);
    let found: Vec<(String, f64)> = slow(at(40));
    assert_eq!(found, [("load".to_owned(), 10.0)], "nobody knows what is usual for `new`");
}

#[test]
fn what_waits_is_told_by_run_and_pool_and_by_dag() {
    let queued = |id: &str| task(key("etl", "r1", id), Some(TaskInstanceState::Scheduled));
    let (_dir, store) = store_of(
        vec![
            run("etl", "r1", 1, Running),
            run("etl", "q1", 2, Queued),
            run("etl", "q2", 3, Queued),
            DagRun { backfill_id: Some(7), ..run("etl", "q3", 1, Queued) },
        ],
        vec![queued("a"), queued("b")],
    );
    let found = store.read_blocking(|conn| waiting_tasks(conn, at(100))).unwrap();
    assert_eq!((found.len(), found[0].count, found[0].since), (1, 2, at(2)));
    assert_eq!(store.read_blocking(|conn| waiting_tasks(conn, at(2))).unwrap(), []);
    let found = store.read_blocking(|conn| waiting_runs(conn, at(100))).unwrap();
    assert_eq!((found.len(), found[0].count), (1, 2));
    assert_eq!(found[0].run.dag_run_id.as_str(), "q1");
}

#[test]
fn missed_deadlines_are_those_of_runs_under_way() {
    let (_dir, store) =
        store_of(vec![run("a", "on", 1, Running), run("a", "off", 1, Success)], vec![]);
    let put = |id: &str, missed| Deadline {
        dag_id: "a".into(),
        dag_run_id: id.into(),
        number: 0,
        reference: "dagrun_queued_at".into(),
        deadline_time: at(30),
        missed,
        met_at: None,
    };
    let all = [put("on", true), put("off", true)];
    store.write_blocking(move |tx| all.iter().try_for_each(|d| deadline::put(tx, d))).unwrap();
    let found = store.read_blocking(missed_deadlines).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].0.dag_run_id.as_str(), found[0].1), ("on", at(30)));
}

#[test]
fn the_pulse_counts_by_the_hour() {
    let (_dir, store) = store_of(
        vec![run("a", "1", 0, Success), run("a", "2", 10, Failed), run("a", "3", 3600, Success)],
        vec![],
    );
    let hours = store.read_blocking(|conn| pulse(conn, at(7300), 3)).unwrap();
    let hour = |runs, failed| PulseHour { runs, failed };
    assert_eq!(hours, [hour(2, 1), hour(1, 0), hour(0, 0)]);
}

#[test]
fn a_brief_counts_states_and_names_what_runs_and_failed() {
    let mut failed = task(key("a", "r", "x"), Some(TaskInstanceState::Failed));
    failed.note = Some("exit code 1".into());
    let (_dir, store) = store_of(
        vec![run("a", "r", 1, Running)],
        vec![
            failed,
            task(key("a", "r", "y"), Some(TaskInstanceState::Running)),
            task(key("a", "r", "z"), None),
        ],
    );
    let key = DagRunKey { dag_id: "a".into(), dag_run_id: "r".into() };
    let found = store.read_blocking(move |conn| brief(conn, &key)).unwrap();
    assert_eq!(found.progress(), (1, 3));
    assert_eq!(found.running[0].task_id.as_str(), "y");
    assert_eq!(found.failed[0].note.as_deref(), Some("exit code 1"));
}

/// Time depends on how many DAGs there are and on what is under way, not on the history.
#[test]
fn nothing_walks_the_history() {
    let (_dir, store) = store_of(vec![run("a", "a1", 1, Success)], vec![]);
    for sql in [
        "SELECT 1 FROM dag_run WHERE dag_id = 'a' AND state = 'failed' ORDER BY run_after DESC",
        "SELECT 1 FROM dag_run WHERE state = 'queued' AND backfill_id IS NULL",
        "SELECT 1 FROM dag_run WHERE end_date IS NOT NULL AND end_date >= 5",
    ] {
        let explain = format!("EXPLAIN QUERY PLAN {sql}");
        let plan = store
            .read_blocking(move |conn| {
                row::all(conn, &explain, [], |row| Ok(row.get::<_, String>("detail")?))
            })
            .unwrap()
            .join("\n");
        assert!(plan.contains("INDEX"), "{sql}: {plan}");
    }
}
