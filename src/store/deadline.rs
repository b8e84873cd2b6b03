//! Deadlines of runs.

use rusqlite::{Connection, Row, params};

use crate::store::fault::StoreError;
use crate::store::row;
use crate::types::deadline::Deadline;
use crate::types::run::DagRunKey;

/// Inserts or replaces.
pub(crate) fn put(conn: &Connection, deadline: &Deadline) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO deadline (dag_id, dag_run_id, number, reference,
            deadline_time, missed, met_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let values = params![
        deadline.dag_id.as_str(),
        deadline.dag_run_id.as_str(),
        deadline.number,
        deadline.reference,
        row::micros(deadline.deadline_time),
        deadline.missed,
        row::opt_micros(deadline.met_at),
    ];
    row::execute(conn, sql, values).map(drop)
}

/// Returns those neither missed nor met, of runs that have not ended.
pub fn open(conn: &Connection) -> Result<Vec<Deadline>, StoreError> {
    let sql = "SELECT d.* FROM deadline AS d
        JOIN dag_run AS r ON r.dag_id = d.dag_id AND r.dag_run_id = d.dag_run_id
        WHERE d.missed = 0 AND d.met_at IS NULL AND r.state IN ('queued', 'running')
        ORDER BY d.dag_id, d.dag_run_id, d.number";
    row::all(conn, sql, [], read)
}

/// Returns the deadlines of a run.
pub fn for_run(conn: &Connection, run: &DagRunKey) -> Result<Vec<Deadline>, StoreError> {
    let sql = "SELECT * FROM deadline WHERE dag_id = ?1 AND dag_run_id = ?2 ORDER BY number";
    row::all(conn, sql, [run.dag_id.as_str(), run.dag_run_id.as_str()], read)
}

fn read(row: &Row<'_>) -> Result<Deadline, StoreError> {
    Ok(Deadline {
        dag_id: row::text(row, "dag_id")?,
        dag_run_id: row::text(row, "dag_run_id")?,
        number: row.get("number")?,
        reference: row.get("reference")?,
        deadline_time: row::time(row, "deadline_time")?,
        missed: row.get("missed")?,
        met_at: row::opt_time(row, "met_at")?,
    })
}
