//! What the templates of an attempt gave (Airflow's `rendered_task_instance_fields`), secrets
//! masked by whoever rendered them.

use rusqlite::{Connection, params};
use serde_json::{Map, Value};

use crate::store::fault::StoreError;
use crate::store::row;
use crate::store::task_instance::key_params;
use crate::types::AttemptKey;

/// Inserts or replaces; the run exists by then.
pub fn put(
    conn: &Connection,
    key: &AttemptKey,
    fields: &Map<String, Value>,
) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO rendered_task_instance_fields
            (dag_id, dag_run_id, task_id, map_index, try_number, rendered_fields)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let (dag_id, dag_run_id, task_id, map_index) = key_params(&key.task);
    let fields = row::json_text(fields, "rendered_fields")?;
    row::execute(conn, sql, params![dag_id, dag_run_id, task_id, map_index, key.try_number, fields])
        .map(drop)
}

/// Returns the fields of one try.
pub fn get(conn: &Connection, key: &AttemptKey) -> Result<Option<Map<String, Value>>, StoreError> {
    let sql = "SELECT rendered_fields FROM rendered_task_instance_fields WHERE dag_id = ?1
        AND dag_run_id = ?2 AND task_id = ?3 AND map_index = ?4 AND try_number = ?5";
    let (dag_id, dag_run_id, task_id, map_index) = key_params(&key.task);
    let values = params![dag_id, dag_run_id, task_id, map_index, key.try_number];
    row::first(conn, sql, values, |row| row::json(row, "rendered_fields"))
}
