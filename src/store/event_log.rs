//! The event feed (Airflow's `log`).

use rusqlite::{Connection, Row, params};

use crate::store::fault::StoreError;
use crate::store::row;
use crate::types::event::EventLog;

/// Appends, and returns the number it was given.
pub fn insert(conn: &Connection, line: &EventLog) -> Result<i64, StoreError> {
    let sql = "INSERT INTO log (\"when\", severity, event, dag_id, dag_run_id, task_id, owner,
            message) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let values = params![
        row::micros(line.when),
        severity(line)?,
        line.event,
        line.dag_id.as_ref().map(|id| id.as_str()),
        line.dag_run_id.as_ref().map(|id| id.as_str()),
        line.task_id.as_ref().map(|id| id.as_str()),
        line.owner,
        line.message,
    ];
    row::execute(conn, sql, values)?;
    Ok(conn.last_insert_rowid())
}

/// Returns the last `limit` lines, newest first; with `before_id`, those before that one.
pub fn list(
    conn: &Connection,
    limit: u32,
    before_id: Option<i64>,
) -> Result<Vec<EventLog>, StoreError> {
    let sql = "SELECT * FROM log WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
    row::all(conn, sql, params![before_id.unwrap_or(i64::MAX), limit], read)
}

fn severity(line: &EventLog) -> Result<String, StoreError> {
    Ok(row::json_text(&line.severity, "severity")?.trim_matches('"').to_owned())
}

fn read(row: &Row<'_>) -> Result<EventLog, StoreError> {
    Ok(EventLog {
        id: row.get("id")?,
        when: row::time(row, "when")?,
        severity: row::word(row, "severity")?,
        event: row.get("event")?,
        dag_id: row::opt_text(row, "dag_id")?,
        dag_run_id: row::opt_text(row, "dag_run_id")?,
        task_id: row::opt_text(row, "task_id")?,
        owner: row.get("owner")?,
        message: row.get("message")?,
    })
}
