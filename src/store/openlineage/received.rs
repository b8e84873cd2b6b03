//! Events of OpenLineage that other programs tell. Each counts once, by its run, type, time and
//! job: whoever is not sure that it arrived tells it again.

use rusqlite::{Connection, Row, params};
use serde_json::Value;

use crate::store::fault::StoreError;
use crate::store::row;
use crate::types::Timestamp;

/// How many are kept at most, whatever retention says: somebody who tells too much fills no disk.
const LEN_MAX: i64 = 100_000;

/// An event, and what tells it from others.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    pub received_at: Timestamp,
    pub event_time: Timestamp,
    /// Empty where it says none.
    pub event_type: String,
    /// Empty of a job or a data set without a run.
    pub run_id: String,
    /// Empty of a data set without a job.
    pub job_namespace: String,
    pub job_name: String,
    pub event: Value,
}

/// Keeps it; `false`: it is known.
pub fn insert(conn: &Connection, one: &Received) -> Result<bool, StoreError> {
    let sql = "INSERT OR IGNORE INTO openlineage_event
        (received_at, event_time, event_type, run_id, job_namespace, job_name, event)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let values = params![
        row::micros(one.received_at),
        row::micros(one.event_time),
        one.event_type,
        one.run_id,
        one.job_namespace,
        one.job_name,
        row::json_text(&one.event, "event")?,
    ];
    if row::execute(conn, sql, values)? == 0 {
        return Ok(false);
    }
    let sql = "DELETE FROM openlineage_event WHERE id <= ?1";
    row::execute(conn, sql, [conn.last_insert_rowid() - LEN_MAX])?;
    Ok(true)
}

/// Returns the last ones, the newest first.
pub fn list(conn: &Connection, limit: u32) -> Result<Vec<Received>, StoreError> {
    row::all(conn, "SELECT * FROM openlineage_event ORDER BY id DESC LIMIT ?1", [limit], read)
}

/// Returns how many were received before an instant.
pub fn count_before(conn: &Connection, before: Timestamp) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM openlineage_event WHERE received_at < ?1";
    row::count(conn, sql, [row::micros(before)])
}

/// Deletes some of those that were received before an instant; returns how many.
pub fn delete_before(
    conn: &Connection,
    before: Timestamp,
    limit: usize,
) -> Result<usize, StoreError> {
    let sql = "DELETE FROM openlineage_event WHERE id IN
        (SELECT id FROM openlineage_event WHERE received_at < ?1 LIMIT ?2)";
    row::execute(conn, sql, params![row::micros(before), limit as i64])
}

fn read(row: &Row<'_>) -> Result<Received, StoreError> {
    Ok(Received {
        received_at: row::time(row, "received_at")?,
        event_time: row::time(row, "event_time")?,
        event_type: row.get("event_type")?,
        run_id: row.get("run_id")?,
        job_namespace: row.get("job_namespace")?,
        job_name: row.get("job_name")?,
        event: row::json(row, "event")?,
    })
}
