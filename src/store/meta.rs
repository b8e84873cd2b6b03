//! Small facts about the project, a text each.

use rusqlite::Connection;

use crate::store::fault::StoreError;
use crate::store::row;

/// Returns a fact.
pub fn get(conn: &Connection, key: &str) -> Result<Option<String>, StoreError> {
    row::first(conn, "SELECT value FROM meta WHERE key = ?1", [key], |row| Ok(row.get(0)?))
}

/// Inserts or replaces a fact.
pub fn put(conn: &Connection, key: &str, value: &str) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)";
    row::execute(conn, sql, [key, value]).map(drop)
}
