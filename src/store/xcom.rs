//! Outputs of tasks (XCom `return_value`).

use rusqlite::{Connection, params};
use serde_json::Value;

use crate::store::fault::StoreError;
use crate::store::row;
use crate::store::task_instance::{key_params, read_key};
use crate::types::TaskInstanceKey;
use crate::types::run::DagRunKey;

/// The only key there is so far.
const RETURN_VALUE: &str = "return_value";

/// Inserts or replaces.
pub(crate) fn put(
    conn: &Connection,
    key: &TaskInstanceKey,
    value: &Value,
) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO xcom (dag_id, dag_run_id, task_id, map_index, key, value)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let (dag_id, dag_run_id, task_id, map_index) = key_params(key);
    let value = row::json_text(value, "value")?;
    row::execute(conn, sql, params![dag_id, dag_run_id, task_id, map_index, RETURN_VALUE, value])
        .map(drop)
}

/// Removes every value of a task instance.
pub(crate) fn delete(conn: &Connection, key: &TaskInstanceKey) -> Result<(), StoreError> {
    let sql = "DELETE FROM xcom
        WHERE dag_id = ?1 AND dag_run_id = ?2 AND task_id = ?3 AND map_index = ?4";
    row::execute(conn, sql, key_params(key)).map(drop)
}

/// Returns the output of a task instance.
pub fn get(conn: &Connection, key: &TaskInstanceKey) -> Result<Option<Value>, StoreError> {
    let sql = "SELECT value FROM xcom WHERE dag_id = ?1 AND dag_run_id = ?2
        AND task_id = ?3 AND map_index = ?4 AND key = 'return_value'";
    row::first(conn, sql, key_params(key), |row| row::json(row, "value"))
}

/// Returns all outputs of a run, by task and map index.
pub fn for_run(
    conn: &Connection,
    run: &DagRunKey,
) -> Result<Vec<(TaskInstanceKey, Value)>, StoreError> {
    let sql = "SELECT * FROM xcom WHERE dag_id = ?1 AND dag_run_id = ?2 AND key = 'return_value'
        ORDER BY task_id, map_index";
    row::all(conn, sql, [run.dag_id.as_str(), run.dag_run_id.as_str()], |row| {
        Ok((read_key(row)?, row::json(row, "value")?))
    })
}
