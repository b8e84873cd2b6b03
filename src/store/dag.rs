//! What is kept of a DAG beyond its definition.

use rusqlite::{Connection, Row, params};

use crate::sched::change::{DagState, FailedRow};
use crate::store::fault::StoreError;
use crate::store::row;

/// Inserts or replaces.
pub(crate) fn put(conn: &Connection, state: &DagState) -> Result<(), StoreError> {
    let sql = "INSERT INTO dag (dag_id, is_paused, is_stale, last_logical_date, scheduled_until,
            next_dagrun_run_after, failed_in_a_row) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT (dag_id) DO UPDATE SET is_paused = excluded.is_paused,
            is_stale = excluded.is_stale, last_logical_date = excluded.last_logical_date,
            scheduled_until = excluded.scheduled_until,
            next_dagrun_run_after = excluded.next_dagrun_run_after,
            failed_in_a_row = excluded.failed_in_a_row";
    let has_failed = state.failed_in_a_row != FailedRow::default();
    let failed = has_failed.then(|| row::json_text(&state.failed_in_a_row, "failed_in_a_row"));
    let values = params![
        state.dag_id.as_str(),
        state.is_paused,
        state.is_stale,
        row::opt_micros(state.last_logical_date),
        row::opt_micros(state.scheduled_until),
        row::opt_micros(state.next_run_after),
        failed.transpose()?,
    ];
    row::execute(conn, sql, values).map(drop)
}

/// Lists them, by id.
pub fn list(conn: &Connection) -> Result<Vec<DagState>, StoreError> {
    row::all(conn, "SELECT * FROM dag ORDER BY dag_id", [], read)
}

fn read(row: &Row<'_>) -> Result<DagState, StoreError> {
    Ok(DagState {
        dag_id: row::text(row, "dag_id")?,
        is_paused: row.get("is_paused")?,
        is_stale: row.get("is_stale")?,
        last_logical_date: row::opt_time(row, "last_logical_date")?,
        scheduled_until: row::opt_time(row, "scheduled_until")?,
        next_run_after: row::opt_time(row, "next_dagrun_run_after")?,
        failed_in_a_row: match row.get::<_, Option<String>>("failed_in_a_row")? {
            Some(_) => row::json(row, "failed_in_a_row")?,
            None => FailedRow::default(),
        },
    })
}
