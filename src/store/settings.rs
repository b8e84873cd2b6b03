//! What operators set at run time: variables, connections, pools.

use std::path::Path;

use rusqlite::{Connection as Database, OpenFlags, params};

use crate::store::fault::StoreError;
use crate::store::row;
use crate::types::settings::{Connection, Pool, Settings, Variable};

/// Returns all of it.
pub fn load(conn: &Database) -> Result<Settings, StoreError> {
    let variables = row::all(conn, "SELECT * FROM variable ORDER BY key", [], |row| {
        Ok(Variable {
            key: row.get("key")?,
            value: row.get("val")?,
            description: row.get("description")?,
        })
    })?;
    let connections = row::all(conn, "SELECT * FROM connection ORDER BY conn_id", [], |row| {
        Ok(Connection {
            conn_id: row.get("conn_id")?,
            url: row.get("url")?,
            options: row::json(row, "extra")?,
            description: row.get("description")?,
        })
    })?;
    let pools = row::all(conn, "SELECT * FROM slot_pool ORDER BY pool", [], |row| {
        Ok(Pool {
            pool: row.get("pool")?,
            slots: row.get("slots")?,
            description: row.get("description")?,
        })
    })?;
    Ok(Settings { variables, connections, pools })
}

/// Reads the settings of a project without opening its store: nothing is made or migrated. A
/// database that is not there, or of a schema before this table, has none.
pub fn peek(path: &Path) -> Settings {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Database::open_with_flags(path, flags)
        .ok()
        .and_then(|conn| load(&conn).ok())
        .unwrap_or_default()
}

/// Inserts or replaces.
pub fn put_variable(conn: &Database, variable: &Variable) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO variable (key, val, description) VALUES (?1, ?2, ?3)";
    let values = params![variable.key, variable.value, variable.description];
    row::execute(conn, sql, values).map(drop)
}

/// Inserts or replaces.
pub fn put_connection(conn: &Database, connection: &Connection) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO connection (conn_id, url, extra, description)
        VALUES (?1, ?2, ?3, ?4)";
    let extra = row::json_text(&connection.options, "extra")?;
    let values = params![connection.conn_id, connection.url, extra, connection.description];
    row::execute(conn, sql, values).map(drop)
}

/// Inserts or replaces.
pub fn put_pool(conn: &Database, pool: &Pool) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO slot_pool (pool, slots, description) VALUES (?1, ?2, ?3)";
    row::execute(conn, sql, params![pool.pool, pool.slots, pool.description]).map(drop)
}

/// Removes a variable.
pub fn delete_variable(conn: &Database, key: &str) -> Result<(), StoreError> {
    row::execute(conn, "DELETE FROM variable WHERE key = ?1", [key]).map(drop)
}

/// Removes a connection.
pub fn delete_connection(conn: &Database, conn_id: &str) -> Result<(), StoreError> {
    row::execute(conn, "DELETE FROM connection WHERE conn_id = ?1", [conn_id]).map(drop)
}

/// Removes a pool.
pub fn delete_pool(conn: &Database, pool: &str) -> Result<(), StoreError> {
    row::execute(conn, "DELETE FROM slot_pool WHERE pool = ?1", [pool]).map(drop)
}
