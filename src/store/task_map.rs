//! How long the outputs are that tasks are mapped over.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use crate::store::fault::StoreError;
use crate::store::row;
use crate::store::task_instance::{key_params, read_key};
use crate::types::TaskInstanceKey;
use crate::types::run::DagRunKey;

/// Inserts or replaces.
pub(crate) fn put(
    conn: &Connection,
    key: &TaskInstanceKey,
    lengths: &BTreeMap<String, usize>,
) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO task_map (dag_id, dag_run_id, task_id, map_index, lengths)
        VALUES (?1, ?2, ?3, ?4, ?5)";
    let (dag_id, dag_run_id, task_id, map_index) = key_params(key);
    let lengths = row::json_text(lengths, "lengths")?;
    row::execute(conn, sql, params![dag_id, dag_run_id, task_id, map_index, lengths]).map(drop)
}

/// Removes what was noted of a task instance.
pub(crate) fn delete(conn: &Connection, key: &TaskInstanceKey) -> Result<(), StoreError> {
    let sql = "DELETE FROM task_map
        WHERE dag_id = ?1 AND dag_run_id = ?2 AND task_id = ?3 AND map_index = ?4";
    row::execute(conn, sql, key_params(key)).map(drop)
}

/// How many elements the parts of an output have, by their path.
type Lengths = BTreeMap<String, usize>;

/// Returns what was noted of a run, by task and map index.
pub fn for_run(
    conn: &Connection,
    run: &DagRunKey,
) -> Result<Vec<(TaskInstanceKey, Lengths)>, StoreError> {
    let sql = "SELECT * FROM task_map WHERE dag_id = ?1 AND dag_run_id = ?2
        ORDER BY task_id, map_index";
    row::all(conn, sql, [run.dag_id.as_str(), run.dag_run_id.as_str()], |row| {
        Ok((read_key(row)?, row::json(row, "lengths")?))
    })
}
