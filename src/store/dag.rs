//! What is kept of a DAG beyond its definition.

use rusqlite::{Connection, Row, params};

use crate::sched::change::DagState;
use crate::store::fault::StoreError;
use crate::store::row;

/// Inserts or replaces.
pub(crate) fn put(conn: &Connection, state: &DagState) -> Result<(), StoreError> {
    let sql = "INSERT INTO dag (dag_id, is_paused, is_stale, scheduled_until,
            next_dagrun_run_after) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (dag_id) DO UPDATE SET is_paused = excluded.is_paused,
            is_stale = excluded.is_stale, scheduled_until = excluded.scheduled_until,
            next_dagrun_run_after = excluded.next_dagrun_run_after";
    let values = params![
        state.dag_id.as_str(),
        state.is_paused,
        state.is_stale,
        row::opt_micros(state.scheduled_until),
        row::opt_micros(state.next_run_after),
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
        scheduled_until: row::opt_time(row, "scheduled_until")?,
        next_run_after: row::opt_time(row, "next_dagrun_run_after")?,
    })
}
