//! Pages across runs: what fits, in which order, and by which index.

use super::*;
use crate::sched::Change;
use crate::store::Store;
use crate::store::sample::{self, key, run, task};
use crate::types::DagRunState;

/// Two DAGs of two tasks, ten runs each; the first task of each third run fails.
fn history() -> (tempfile::TempDir, Store) {
    let (dir, store) = sample::store();
    let mut changes = Vec::new();
    for number in 0..10 {
        for dag_id in ["a", "b"] {
            let run_id = format!("r{number}");
            changes.push(Change::PutDagRun(run(dag_id, &run_id, number, DagRunState::Success)));
            let failed = number % 3 == 0;
            for task_id in ["first", "second"] {
                let state = match task_id {
                    "first" if failed => TaskInstanceState::Failed,
                    _ => TaskInstanceState::Success,
                };
                let mut row = task(key(dag_id, &run_id, task_id), Some(state));
                row.pool = if dag_id == "a" { "small".into() } else { row.pool };
                changes.push(Change::PutTaskInstance(row));
            }
        }
    }
    store.write_blocking(|tx| crate::store::apply::apply(tx, changes)).unwrap();
    (dir, store)
}

fn names(store: &Store, query: &TaskInstanceQuery) -> (Vec<String>, Option<i64>) {
    let (tasks, next) = store.read_blocking(|conn| page(conn, query)).unwrap();
    let name = |task: &TaskInstance| {
        format!("{}.{}.{}", task.key.dag_id, task.key.dag_run_id, task.key.task_id)
    };
    (tasks.iter().map(name).collect(), next)
}

#[test]
fn pages_follow_each_other_from_the_newest_on_without_a_gap() {
    let (_dir, store) = history();
    let mut query = TaskInstanceQuery { limit: 7, ..TaskInstanceQuery::default() };
    let mut all = Vec::new();
    loop {
        let (names, next) = names(&store, &query);
        all.extend(names);
        query.before = next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(all.len(), 40);
    assert_eq!(all[0], "b.r9.second");
    assert_eq!(all[39], "a.r0.first");
    let distinct: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), 40);
}

#[test]
fn each_filter_leaves_what_fits_it() {
    let (_dir, store) = history();
    let any = TaskInstanceQuery { limit: 100, ..TaskInstanceQuery::default() };
    let count = |query: TaskInstanceQuery| names(&store, &query).0.len();
    let failed = Some(TaskInstanceState::Failed);
    assert_eq!(count(TaskInstanceQuery { state: failed, ..any.clone() }), 8);
    let success = Some(TaskInstanceState::Success);
    assert_eq!(count(TaskInstanceQuery { state: success, ..any.clone() }), 32);
    assert_eq!(count(TaskInstanceQuery { pool: Some("small".into()), ..any.clone() }), 20);
    assert_eq!(count(TaskInstanceQuery { operator: Some("none".into()), ..any.clone() }), 0);
    let of_a = TaskInstanceQuery { dag_id: Some("a".into()), ..any.clone() };
    assert_eq!(count(of_a.clone()), 20);
    assert_eq!(count(TaskInstanceQuery { state: failed, ..of_a.clone() }), 4);
    let first = TaskInstanceQuery { task_id: Some("first".into()), ..of_a };
    assert_eq!(count(first.clone()), 10);
    assert_eq!(count(TaskInstanceQuery { state: failed, ..first }), 4);
    let rare = TaskInstanceQuery { state: failed, pool: Some("small".into()), ..any };
    assert_eq!(count(rare), 4);
}

#[test]
fn a_state_that_is_left_is_left_in_the_index_too() {
    let (_dir, store) = history();
    let mended = task(key("a", "r0", "first"), Some(TaskInstanceState::Success));
    store.write_blocking(move |tx| put(tx, &mended)).unwrap();
    let failed = TaskInstanceQuery {
        dag_id: Some("a".into()),
        state: Some(TaskInstanceState::Failed),
        limit: 100,
        ..TaskInstanceQuery::default()
    };
    assert_eq!(names(&store, &failed).0.len(), 3);
}

#[test]
fn no_page_sorts_or_scans() {
    let (_dir, store) = history();
    let state = [None, Some(TaskInstanceState::Failed), Some(TaskInstanceState::Success)];
    for state in state {
        for (dag, task) in [(None, None), (Some("a"), None), (Some("a"), Some("first"))] {
            let query = TaskInstanceQuery {
                dag_id: dag.map(Into::into),
                task_id: task.map(Into::into),
                state,
                limit: 5,
                ..TaskInstanceQuery::default()
            };
            let found = names(&store, &query).0;
            assert!(!found.is_empty(), "{query:?}");
        }
    }
}

#[test]
fn the_task_instances_of_a_run_are_found_by_the_run() {
    let (_dir, store) = history();
    let plan = store
        .read_blocking(|conn| {
            let sql = format!("EXPLAIN QUERY PLAN {OF_RUN}");
            row::first(conn, &sql, ["a", "r0"], |row| Ok(row.get::<_, String>(3)?))
        })
        .unwrap();
    let plan = plan.unwrap();
    assert!(plan.contains("(dag_id=? AND dag_run_id=?)"), "{plan}");
}
