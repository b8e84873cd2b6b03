//! What people did to runs: the audit, and what it takes to undo the last of it.

use rusqlite::{Connection, Row, params};

use crate::sched::change::{Images, OperationRow};
use crate::store::fault::StoreError;
use crate::store::{row, task_instance};
use crate::types::operation::{OperationDetailView, OperationLine};

/// How many operations can still be undone; what it takes is not kept for longer.
const UNDOABLE_MAX: i64 = 50;

/// Why those before them cannot.
const TOO_LONG_AGO: &str = "it was too long ago";

/// An operation with what it takes to undo it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredOperation {
    pub line: OperationLine,
    pub images: Option<Images>,
}

/// Appends, and keeps the outputs that it is about to take away.
pub(crate) fn insert(conn: &Connection, operation: &OperationRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO operation (id, \"when\", owner, kind, description, wish, final_since,
            images, moves) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let images = operation.images.as_ref();
    let images = images.map(|images| row::json_text(&**images, "images")).transpose()?;
    let values = params![
        operation.id,
        row::micros(operation.when),
        operation.owner,
        operation.kind,
        operation.description,
        row::json_text(&operation.wish, "wish")?,
        operation.final_since,
        images,
        row::json_text(&operation.moves, "moves")?,
    ];
    row::execute(conn, sql, values)?;
    let sql = "INSERT OR REPLACE INTO operation_xcom
            (operation_id, dag_id, dag_run_id, task_id, map_index, key, value, path, size, sha256,
            length)
        SELECT ?5, dag_id, dag_run_id, task_id, map_index, key, value, path, size, sha256, length
        FROM xcom
        WHERE dag_id = ?1 AND dag_run_id = ?2 AND task_id = ?3 AND map_index = ?4";
    for task in &operation.outputs {
        let (dag_id, run, task, index) = task_instance::key_params(task);
        row::execute(conn, sql, params![dag_id, run, task, index, operation.id])?;
    }
    forget(conn, operation.id - UNDOABLE_MAX)
}

fn forget(conn: &Connection, id: i64) -> Result<(), StoreError> {
    let sql = "UPDATE operation SET images = NULL, final_since = ifnull(final_since, ?2)
        WHERE id = ?1 AND images IS NOT NULL";
    row::execute(conn, sql, params![id, TOO_LONG_AGO])?;
    row::execute(conn, "DELETE FROM operation_xcom WHERE operation_id = ?1", [id]).map(drop)
}

/// Gives its outputs back, and notes which operation undid it.
pub(crate) fn undo(conn: &Connection, id: i64, by: i64) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO xcom (dag_id, dag_run_id, task_id, map_index, key, value,
            path, size, sha256, length)
        SELECT dag_id, dag_run_id, task_id, map_index, key, value, path, size, sha256, length
        FROM operation_xcom WHERE operation_id = ?1";
    row::execute(conn, sql, [id])?;
    row::execute(conn, "DELETE FROM operation_xcom WHERE operation_id = ?1", [id])?;
    let sql = "UPDATE operation SET undone_by = ?2, images = NULL WHERE id = ?1";
    row::execute(conn, sql, params![id, by]).map(drop)
}

/// Returns the last `limit` operations, newest first; with `before_id`, those before that one.
pub fn list(
    conn: &Connection,
    limit: u32,
    before_id: Option<i64>,
) -> Result<Vec<OperationLine>, StoreError> {
    let sql = "SELECT id, \"when\", owner, kind, description, wish, final_since, undone_by
        FROM operation WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
    row::all(conn, sql, params![before_id.unwrap_or(i64::MAX), limit], read)
}

/// Returns an operation; without `id` the last one that is neither undone nor an undo.
pub fn get(conn: &Connection, id: Option<i64>) -> Result<Option<StoredOperation>, StoreError> {
    let sql = "SELECT * FROM operation
        WHERE id = ?1 OR (?1 IS NULL AND undone_by IS NULL AND kind <> 'undo')
        ORDER BY id DESC LIMIT 1";
    row::first(conn, sql, [id], |row| {
        let images = match row.get::<_, Option<String>>("images")? {
            Some(_) => Some(row::json(row, "images")?),
            None => None,
        };
        Ok(StoredOperation { line: read(row)?, images })
    })
}

/// Returns an operation with what it did to each run and task.
pub fn detail(conn: &Connection, id: i64) -> Result<Option<OperationDetailView>, StoreError> {
    let sql = "SELECT id, \"when\", owner, kind, description, wish, final_since, undone_by, moves
        FROM operation WHERE id = ?1";
    row::first(conn, sql, [id], |row| {
        let moves = match row.get::<_, Option<String>>("moves")? {
            Some(_) => Some(row::json(row, "moves")?),
            None => None,
        };
        Ok(OperationDetailView { line: read(row)?, moves })
    })
}

/// Returns the number of the last one.
pub(crate) fn last_id(conn: &Connection) -> Result<i64, StoreError> {
    let last = row::first(conn, "SELECT max(id) FROM operation", [], |row| Ok(row.get(0)?))?;
    Ok(last.flatten().unwrap_or(0))
}

fn read(row: &Row<'_>) -> Result<OperationLine, StoreError> {
    Ok(OperationLine {
        id: row.get("id")?,
        when: row::time(row, "when")?,
        owner: row.get("owner")?,
        kind: row.get("kind")?,
        description: row.get("description")?,
        wish: row::json(row, "wish")?,
        final_since: row.get("final_since")?,
        undone_by: row.get("undone_by")?,
    })
}
