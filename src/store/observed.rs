//! What attempts read and wrote, and what their checks came to.

use rusqlite::{Connection, Row, params};

use crate::store::fault::StoreError;
use crate::store::lineage;
use crate::store::row;
use crate::store::task_instance::{key_params, read_key};
use crate::types::io::{CheckResult, CheckView, Observed};
use crate::types::{AttemptKey, DagId, TaskId, Timestamp};

/// Keeps it, in place of what was kept of the attempt before: it may be told twice.
pub(crate) fn put(
    conn: &Connection,
    key: &AttemptKey,
    observed: &Observed,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (dag_id, dag_run_id, task_id, map_index) = key_params(&key.task);
    if !observed.inputs.is_empty() || !observed.outputs.is_empty() {
        let io = Observed { checks: Vec::new(), ..observed.clone() };
        let sql = "INSERT OR REPLACE INTO task_io
            (dag_id, dag_run_id, task_id, map_index, try_number, observed)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let text = row::json_text(&io, "observed")?;
        let values = params![dag_id, dag_run_id, task_id, map_index, key.try_number, text];
        row::execute(conn, sql, values)?;
        lineage::put_attempt(conn, key, &io, now)?;
    }
    let sql = "INSERT OR REPLACE INTO check_result
        (dag_id, dag_run_id, task_id, map_index, try_number, number, timestamp, result)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    for (number, result) in (0_i64..).zip(&observed.checks) {
        let text = row::json_text(result, "result")?;
        let at = row::micros(now);
        let values =
            params![dag_id, dag_run_id, task_id, map_index, key.try_number, number, at, text];
        row::execute(conn, sql, values)?;
    }
    Ok(())
}

/// Returns what an attempt read and wrote.
pub fn io(conn: &Connection, key: &AttemptKey) -> Result<Option<Observed>, StoreError> {
    let sql = "SELECT observed FROM task_io WHERE dag_id = ?1 AND dag_run_id = ?2
        AND task_id = ?3 AND map_index = ?4 AND try_number = ?5";
    let (dag_id, dag_run_id, task_id, map_index) = key_params(&key.task);
    let values = params![dag_id, dag_run_id, task_id, map_index, key.try_number];
    row::first(conn, sql, values, |row| row::json(row, "observed"))
}

/// Returns what the checks of an attempt came to, in their order.
pub fn checks_of(conn: &Connection, key: &AttemptKey) -> Result<Vec<CheckResult>, StoreError> {
    let sql = "SELECT result FROM check_result WHERE dag_id = ?1 AND dag_run_id = ?2
        AND task_id = ?3 AND map_index = ?4 AND try_number = ?5 ORDER BY number";
    let (dag_id, dag_run_id, task_id, map_index) = key_params(&key.task);
    let values = params![dag_id, dag_run_id, task_id, map_index, key.try_number];
    row::all(conn, sql, values, |row| row::json(row, "result"))
}

/// Returns the results of the checks of a task, newest first.
pub fn checks(
    conn: &Connection,
    dag_id: &DagId,
    task_id: &TaskId,
    limit: u32,
) -> Result<Vec<CheckView>, StoreError> {
    let sql = "SELECT * FROM check_result WHERE dag_id = ?1 AND task_id = ?2
        ORDER BY timestamp DESC, dag_run_id DESC, map_index, number LIMIT ?3";
    row::all(conn, sql, params![dag_id.as_str(), task_id.as_str(), limit], read_check)
}

fn read_check(row: &Row<'_>) -> Result<CheckView, StoreError> {
    Ok(CheckView {
        task: read_key(row)?,
        try_number: row.get("try_number")?,
        timestamp: row::time(row, "timestamp")?,
        result: row::json(row, "result")?,
    })
}
