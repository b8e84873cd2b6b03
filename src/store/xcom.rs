//! Outputs of tasks (XComs): by key, `return_value` first among them. A long one lies in a file;
//! its row says where.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, params};

use crate::store::fault::StoreError;
use crate::store::row;
use crate::store::task_instance::{key_params, read_key};
use crate::types::run::{DagRun, DagRunKey};
use crate::types::xcom::{RETURN_VALUE, XcomFile, XcomValue, XcomView};
use crate::types::{DagId, DagRunId, MapIndex, TaskId, TaskInstanceKey};

/// Which outputs are pulled: those of one task, of every map index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pull<'a> {
    pub dag_id: &'a DagId,
    pub dag_run_id: &'a DagRunId,
    pub task_id: &'a TaskId,
    pub key: &'a str,
}

/// Inserts or replaces.
pub(crate) fn put(
    conn: &Connection,
    task: &TaskInstanceKey,
    key: &str,
    value: &XcomValue,
) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO xcom
            (dag_id, dag_run_id, task_id, map_index, key, value, path, size, sha256, length)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let (dag_id, dag_run_id, task_id, map_index) = key_params(task);
    let (text, file) = match value {
        XcomValue::Value(value) => (row::json_text(value, "value")?, None),
        XcomValue::File(file) => ("null".to_owned(), Some(file)),
    };
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let values = params![
        dag_id,
        dag_run_id,
        task_id,
        map_index,
        key,
        text,
        file.map(|file| file.path.as_str()),
        file.map(|file| number(file.size)),
        file.map(|file| file.sha256.as_str()),
        file.and_then(|file| file.length).map(number),
    ];
    row::execute(conn, sql, values).map(drop)
}

/// Removes every value of a task instance. A file stays until its run goes.
pub(crate) fn delete(conn: &Connection, key: &TaskInstanceKey) -> Result<(), StoreError> {
    let sql = "DELETE FROM xcom
        WHERE dag_id = ?1 AND dag_run_id = ?2 AND task_id = ?3 AND map_index = ?4";
    row::execute(conn, sql, key_params(key)).map(drop)
}

/// Returns one output of a task instance.
pub fn get(
    conn: &Connection,
    task: &TaskInstanceKey,
    key: &str,
) -> Result<Option<XcomValue>, StoreError> {
    let sql = "SELECT * FROM xcom WHERE dag_id = ?1 AND dag_run_id = ?2
        AND task_id = ?3 AND map_index = ?4 AND key = ?5";
    let (dag_id, dag_run_id, task_id, map_index) = key_params(task);
    row::first(conn, sql, params![dag_id, dag_run_id, task_id, map_index, key], read)
}

/// Returns what a task returned.
pub fn return_value(
    conn: &Connection,
    task: &TaskInstanceKey,
) -> Result<Option<XcomValue>, StoreError> {
    get(conn, task, RETURN_VALUE)
}

/// Returns one output of every instance of a task, by map index.
pub fn pull(conn: &Connection, of: &Pull<'_>) -> Result<Vec<(MapIndex, XcomValue)>, StoreError> {
    let sql = "SELECT * FROM xcom WHERE dag_id = ?1 AND dag_run_id = ?2 AND task_id = ?3
        AND key = ?4 ORDER BY map_index";
    let values = [of.dag_id.as_str(), of.dag_run_id.as_str(), of.task_id.as_str(), of.key];
    row::all(conn, sql, values, |row| Ok((row.get("map_index")?, read(row)?)))
}

/// Returns the last run before another one (by logical date) in which the task left that output.
pub fn prior_run(
    conn: &Connection,
    of: &Pull<'_>,
    before: &DagRun,
) -> Result<Option<DagRunId>, StoreError> {
    let sql = "SELECT r.dag_run_id FROM dag_run AS r
        WHERE r.dag_id = ?1 AND r.logical_date < ?2 AND EXISTS (
            SELECT 1 FROM xcom AS x WHERE x.dag_id = r.dag_id AND x.dag_run_id = r.dag_run_id
                AND x.task_id = ?3 AND x.key = ?4)
        ORDER BY r.logical_date DESC LIMIT 1";
    let values = params![
        of.dag_id.as_str(),
        row::opt_micros(before.logical_date),
        of.task_id.as_str(),
        of.key
    ];
    row::first(conn, sql, values, |row| row::text(row, "dag_run_id"))
}

/// Returns the outputs of a run, or of one of its tasks, without the values of long ones.
pub fn list(
    conn: &Connection,
    run: &DagRunKey,
    task_id: Option<&TaskId>,
) -> Result<Vec<XcomView>, StoreError> {
    let sql = "SELECT *, length(CAST(value AS BLOB)) AS bytes FROM xcom
        WHERE dag_id = ?1 AND dag_run_id = ?2 AND (?3 IS NULL OR task_id = ?3)
        ORDER BY task_id, map_index, key";
    let values = params![run.dag_id.as_str(), run.dag_run_id.as_str(), task_id.map(TaskId::as_str)];
    row::all(conn, sql, values, |row| {
        let task = read_key(row)?;
        let key = row.get("key")?;
        let bytes: i64 = row.get("bytes")?;
        Ok(match read(row)? {
            XcomValue::Value(value) => {
                let size = u64::try_from(bytes).unwrap_or(0);
                XcomView { task, key, size, path: None, value: Some(value) }
            }
            XcomValue::File(file) => {
                XcomView { task, key, size: file.size, path: Some(file.path), value: None }
            }
        })
    })
}

fn read(row: &Row<'_>) -> Result<XcomValue, StoreError> {
    let Some(path) = row.get::<_, Option<String>>("path")? else {
        return Ok(XcomValue::Value(row::json(row, "value")?));
    };
    let number = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
    Ok(XcomValue::File(XcomFile {
        path,
        size: number(row.get("size")?).unwrap_or(0),
        sha256: row.get::<_, Option<String>>("sha256")?.unwrap_or_default(),
        length: number(row.get("length")?),
        lengths: BTreeMap::new(),
    }))
}
