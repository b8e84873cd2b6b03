//! A history of a million task instances, written in bulk.

use std::path::Path;

use dagdeck::store::Store;
use rusqlite::{Connection, params};

pub(crate) const DAGS: usize = 50;
pub(crate) const RUNS_OF_DAG: usize = 2_000;
pub(crate) const TASKS: usize = 10;

/// Makes a store with `DAGS` × `RUNS_OF_DAG` × `TASKS` task instances, each with a try, an output
/// and lines in the feed; one in fifty failed, the last run of each DAG is under way.
pub(crate) fn make(path: &Path) {
    drop(Store::open(path).unwrap());
    let mut conn = Connection::open(path).unwrap();
    conn.execute_batch("PRAGMA synchronous = off; PRAGMA cache_size = -200000;").unwrap();
    let tx = conn.transaction().unwrap();
    for dag in 0..DAGS {
        tx.execute(
            "INSERT INTO dag (dag_id, is_paused, is_stale) VALUES (?1, 0, 0)",
            [dag_id(dag)],
        )
        .unwrap();
    }
    for run in 0..RUNS_OF_DAG {
        for dag in 0..DAGS {
            insert_run(&tx, dag, run);
        }
    }
    tx.commit().unwrap();
}

pub(crate) fn dag_id(dag: usize) -> String {
    format!("pipeline_{dag}")
}

fn insert_run(tx: &Connection, dag: usize, run: usize) {
    let (dag_id, run_id) = (dag_id(dag), format!("scheduled__{run:06}"));
    let at = 1_767_225_600_000_000 + (run as i64) * 3_600_000_000 + dag as i64;
    let is_last = run + 1 == RUNS_OF_DAG;
    let is_failed = (run + dag).is_multiple_of(50) && !is_last;
    let state = if is_last {
        "running"
    } else if is_failed {
        "failed"
    } else {
        "success"
    };
    let sql = "INSERT INTO dag_run (dag_id, dag_run_id, run_type, state, triggered_by,
            logical_date, run_after, queued_at, start_date, end_date, conf, params, dag_version)
        VALUES (?1, ?2, 'scheduled', ?3, 'timetable', ?4, ?4, ?4, ?4, ?5, '{}', '{}', 'v1')";
    let end = (!is_last).then_some(at + 60_000_000);
    let mut insert = tx.prepare_cached(sql).unwrap();
    insert.execute(params![dag_id, run_id, state, at, end]).unwrap();
    for task in 0..TASKS {
        let task_id = format!("task_{task}");
        let task_state = match state {
            "running" => None,
            "failed" if task + 1 == TASKS => Some("failed"),
            _ => Some("success"),
        };
        let sql = "INSERT INTO task_instance (dag_id, dag_run_id, task_id, map_index, state,
                try_number, max_tries, operator, pool, start_date, end_date)
            VALUES (?1, ?2, ?3, -1, ?4, 1, 1, ?5, ?6, ?7, ?8)";
        let operator = if task == 3 { "python" } else { "command" };
        let pool = if task == 4 { "training" } else { "default_pool" };
        let values = params![dag_id, run_id, task_id, task_state, operator, pool, at, end];
        tx.prepare_cached(sql).unwrap().execute(values).unwrap();
        if let Some(task_state) = task_state {
            insert_try(tx, &dag_id, &run_id, &task_id, task_state, at);
        }
    }
    insert_events(tx, &dag_id, &run_id, at);
}

fn insert_try(tx: &Connection, dag_id: &str, run_id: &str, task_id: &str, state: &str, at: i64) {
    let sql = "INSERT INTO task_instance_history (dag_id, dag_run_id, task_id, map_index,
            try_number, token, state, start_date, end_date)
        VALUES (?1, ?2, ?3, -1, 1, 't', ?4, ?5, ?5)";
    let values = params![dag_id, run_id, task_id, state, at];
    tx.prepare_cached(sql).unwrap().execute(values).unwrap();
    let sql = "INSERT INTO xcom (dag_id, dag_run_id, task_id, map_index, key, value)
        VALUES (?1, ?2, ?3, -1, 'return_value', '{\"rows\": 12345}')";
    tx.prepare_cached(sql).unwrap().execute(params![dag_id, run_id, task_id]).unwrap();
}

fn insert_events(tx: &Connection, dag_id: &str, run_id: &str, at: i64) {
    let sql = "INSERT INTO log (\"when\", severity, event, dag_id, dag_run_id, message)
        VALUES (?1, 'info', ?2, ?3, ?4, 'a line of the feed, as long as they mostly are')";
    for event in ["dag_run.running", "dag_run.success"] {
        tx.prepare_cached(sql).unwrap().execute(params![at, event, dag_id, run_id]).unwrap();
    }
    let sql = "INSERT INTO asset_event (name, uri, timestamp, source, extra, dedupe_key)
        VALUES (?1, ?2, ?3, '{\"kind\":\"watcher\"}', '{}', ?4)";
    let (name, key) = (format!("asset_of_{dag_id}"), format!("{dag_id}:{run_id}"));
    let values = params![name, format!("file:{name}"), at, key];
    tx.prepare_cached(sql).unwrap().execute(values).unwrap();
}
