//! Aliases of model versions and the history of their moves.

use std::collections::BTreeSet;

use rusqlite::{Connection, Row, params};

use crate::store::{StoreError, row};
use crate::types::Fault;
use crate::types::view::AliasMove;

/// What the line of an alias says that came over from elsewhere: nobody promoted the version here,
/// and nothing starts of it.
pub const IMPORT: &str = "import";

/// Returns the version that bears the alias.
pub(crate) fn current(
    conn: &Connection,
    name: &str,
    alias: &str,
) -> Result<Option<u32>, StoreError> {
    let sql = "SELECT version FROM registered_model_aliases WHERE name = ?1 AND alias = ?2";
    row::first(conn, sql, [name, alias], |row| Ok(row.get(0)?))
}

/// Lists the aliases of a model with their versions, by alias.
pub(crate) fn of_model(conn: &Connection, name: &str) -> Result<Vec<(String, u32)>, StoreError> {
    let sql = "SELECT alias, version FROM registered_model_aliases WHERE name = ?1 ORDER BY alias";
    row::all(conn, sql, [name], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Lists the aliases of one version.
pub(crate) fn of_version(
    conn: &Connection,
    name: &str,
    version: u32,
) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT alias FROM registered_model_aliases WHERE name = ?1 AND version = ?2
        ORDER BY alias";
    row::all(conn, sql, params![name, version], |row| Ok(row.get(0)?))
}

/// Puts the alias there, without a line in its history.
pub(crate) fn put(
    conn: &Connection,
    name: &str,
    alias: &str,
    version: u32,
) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO registered_model_aliases (name, alias, version)
        VALUES (?1, ?2, ?3)";
    row::execute(conn, sql, params![name, alias, version]).map(drop)
}

/// Adds a line to the history; its id is given by the store.
pub(crate) fn record(conn: &Connection, mut moved: AliasMove) -> Result<AliasMove, StoreError> {
    let sql = "INSERT INTO registered_model_alias_history
            (name, alias, from_version, to_version, \"when\", user, action, reason)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let values = params![
        moved.name,
        moved.alias,
        moved.from_version,
        moved.to_version,
        row::micros(moved.when),
        moved.user,
        moved.action,
        moved.reason,
    ];
    row::execute(conn, sql, values)?;
    moved.id = conn.last_insert_rowid();
    Ok(moved)
}

/// Returns the moves of all aliases of a model, newest first.
pub(crate) fn history(conn: &Connection, name: &str) -> Result<Vec<AliasMove>, StoreError> {
    let sql = "SELECT * FROM registered_model_alias_history WHERE name = ?1 ORDER BY id DESC";
    row::all(conn, sql, [name], read)
}

/// Returns the moves after `id`, oldest first.
pub(crate) fn moves_after(conn: &Connection, id: i64) -> Result<Vec<AliasMove>, StoreError> {
    let sql = "SELECT * FROM registered_model_alias_history WHERE id > ?1 ORDER BY id";
    row::all(conn, sql, [id], read)
}

/// Says to which version a rollback of the alias leads.
///
/// Walks the history back from the present version: to where the alias stood before, passing
/// over versions that were themselves rolled back from since they were last promoted, and over
/// those that were deleted.
pub(crate) fn rollback_target(
    conn: &Connection,
    name: &str,
    alias: &str,
) -> Result<u32, StoreError> {
    let Some(present) = current(conn, name, alias)? else {
        let text = format!("no version of model `{name}` bears the alias `{alias}`");
        return Err(Fault::conflict(text).hint("promote a version first").into());
    };
    let sql = "SELECT * FROM registered_model_alias_history WHERE name = ?1 AND alias = ?2
        ORDER BY id DESC";
    let moves = row::all(conn, sql, [name, alias], read)?;
    let rolled_back = rolled_back_from(&moves);
    let sql = "SELECT version FROM model_versions WHERE name = ?1";
    let there: BTreeSet<u32> =
        row::all(conn, sql, [name], |row| Ok(row.get(0)?))?.into_iter().collect();
    let target = moves.iter().filter_map(|moved| moved.from_version).find(|version| {
        *version != present && !rolled_back.contains(version) && there.contains(version)
    });
    target.ok_or_else(|| {
        let text = format!(
            "there is no version of model `{name}` before {present} to roll `{alias}` back to"
        );
        Fault::conflict(text).hint("promote another version instead").into()
    })
}

/// Returns the versions whose last departure was a rollback. `moves` are newest first.
fn rolled_back_from(moves: &[AliasMove]) -> BTreeSet<u32> {
    let mut seen = BTreeSet::new();
    let mut rolled_back = BTreeSet::new();
    for moved in moves {
        if let Some(version) = moved.from_version
            && seen.insert(version)
            && moved.action == "rollback"
        {
            rolled_back.insert(version);
        }
    }
    rolled_back
}

fn read(row: &Row<'_>) -> Result<AliasMove, StoreError> {
    Ok(AliasMove {
        id: row.get("id")?,
        name: row.get("name")?,
        alias: row.get("alias")?,
        from_version: row.get("from_version")?,
        to_version: row.get("to_version")?,
        when: row::time(row, "when")?,
        user: row.get("user")?,
        action: row.get("action")?,
        reason: row.get("reason")?,
    })
}
