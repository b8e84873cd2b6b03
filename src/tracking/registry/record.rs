//! A registered model as MLflow's clients know it: made, described, renamed, tagged and deleted by
//! its name. What serves, or bears the alias `production`, stays.

use rusqlite::{Connection, Row, params};
use serde_json::{Value, json};

use crate::store::{StoreError, row};
use crate::tracking::registry::version::{self, Version};
use crate::tracking::webhook::{self, Happening};
use crate::tracking::{alias, registry};
use crate::types::{Fault, FaultKind, Timestamp};

/// All that is kept of a registered model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredModel {
    pub name: String,
    pub description: Option<String>,
    pub creation_timestamp: Timestamp,
    pub last_updated_timestamp: Timestamp,
    pub tags: Vec<(String, String)>,
    /// (alias, version).
    pub aliases: Vec<(String, u32)>,
    /// The newest version in each stage.
    pub latest_versions: Vec<Version>,
}

/// Makes a model without versions; refuses a name that is taken.
pub fn create(
    tx: &Connection,
    name: &str,
    description: Option<&str>,
    tags: &[(String, String)],
    now: Timestamp,
) -> Result<RegisteredModel, StoreError> {
    registry::check_name("a model", name)?;
    let sql = "INSERT OR IGNORE INTO registered_models
            (name, creation_timestamp, last_updated_timestamp, description)
        VALUES (?1, ?2, ?2, ?3)";
    if row::execute(tx, sql, params![name, row::micros(now), description])? == 0 {
        return Err(taken(name));
    }
    tags.iter().try_for_each(|(key, value)| put_tag(tx, name, key, value))?;
    tell_made(tx, name, description, tags)?;
    of(tx, name)
}

/// Has webhooks told of a model that was made.
pub(crate) fn tell_made(
    tx: &Connection,
    name: &str,
    description: Option<&str>,
    tags: &[(String, String)],
) -> Result<(), StoreError> {
    let data = json!({
        "name": name, "tags": object(tags), "description": description.unwrap_or_default(),
    });
    webhook::tell(tx, Happening::ModelCreated, &data)
}

/// Tags as MLflow's webhooks have them.
pub(crate) fn object(tags: &[(String, String)]) -> Value {
    tags.iter().map(|(key, value)| (key.clone(), Value::String(value.clone()))).collect()
}

/// Describes a model anew.
pub fn describe(
    tx: &Connection,
    name: &str,
    description: Option<&str>,
    now: Timestamp,
) -> Result<RegisteredModel, StoreError> {
    require(tx, name)?;
    let sql = "UPDATE registered_models SET description = ?2, last_updated_timestamp = ?3
        WHERE name = ?1";
    row::execute(tx, sql, params![name, description, row::micros(now)])?;
    of(tx, name)
}

/// Gives a model another name, with its versions, aliases and their history. A model that serves
/// keeps its name: the requests that come name it.
pub fn rename(
    tx: &Connection,
    name: &str,
    new_name: &str,
    now: Timestamp,
) -> Result<RegisteredModel, StoreError> {
    registry::check_name("a model", new_name)?;
    require(tx, name)?;
    if name != new_name && exists(tx, new_name)? {
        return Err(taken(new_name));
    }
    if let Some(version) = version::serving(tx, name)?.first() {
        let text = format!("version {version} of model `{name}` serves: its name must stay");
        return Err(Fault::conflict(text).hint("deploy another model first").into());
    }
    let values = params![name, new_name, row::micros(now)];
    let sql = "UPDATE registered_models SET name = ?2, last_updated_timestamp = ?3
        WHERE name = ?1";
    row::execute(tx, sql, values)?;
    let sql = "UPDATE model_versions SET last_updated_timestamp = ?3 WHERE name IN (?1, ?2)";
    row::execute(tx, sql, values)?;
    let sql = "UPDATE registered_model_alias_history SET name = ?2 WHERE name = ?1";
    row::execute(tx, sql, [name, new_name])?;
    of(tx, new_name)
}

/// Deletes a model with its versions and aliases; the history of the aliases stays. Refused while
/// one of the versions serves or is the one in production.
pub fn delete(tx: &Connection, name: &str) -> Result<(), StoreError> {
    require(tx, name)?;
    let sql = "SELECT version FROM model_versions WHERE name = ?1 ORDER BY version";
    let versions: Vec<u32> = row::all(tx, sql, [name], |row| Ok(row.get(0)?))?;
    versions.iter().try_for_each(|version| version::check_free(tx, name, *version))?;
    row::execute(tx, "DELETE FROM registered_models WHERE name = ?1", [name]).map(drop)
}

/// Puts a tag on a model.
pub fn set_tag(tx: &Connection, name: &str, key: &str, value: &str) -> Result<(), StoreError> {
    require(tx, name)?;
    put_tag(tx, name, key, value)
}

/// Takes a tag off, where it is there.
pub fn delete_tag(tx: &Connection, name: &str, key: &str) -> Result<(), StoreError> {
    require(tx, name)?;
    let sql = "DELETE FROM registered_model_tags WHERE name = ?1 AND key = ?2";
    row::execute(tx, sql, [name, key]).map(drop)
}

/// Returns a model; refuses with `NotFound`.
pub fn of(conn: &Connection, name: &str) -> Result<RegisteredModel, StoreError> {
    let sql = "SELECT * FROM registered_models WHERE name = ?1";
    let found = row::first(conn, sql, [name], |row| read(conn, row))?;
    found.ok_or_else(|| unknown(name))
}

/// Reads a row of `registered_models` with what belongs to it.
pub(crate) fn read(conn: &Connection, row: &Row<'_>) -> Result<RegisteredModel, StoreError> {
    let name: String = row.get("name")?;
    Ok(RegisteredModel {
        description: row.get("description")?,
        creation_timestamp: row::time(row, "creation_timestamp")?,
        last_updated_timestamp: row::time(row, "last_updated_timestamp")?,
        tags: tags(conn, &name)?,
        aliases: alias::of_model(conn, &name)?,
        latest_versions: version::latest(conn, &name, &[])?,
        name,
    })
}

/// Returns the tags of a model, by key.
pub(crate) fn tags(conn: &Connection, name: &str) -> Result<Vec<(String, String)>, StoreError> {
    let sql = "SELECT key, value FROM registered_model_tags WHERE name = ?1 ORDER BY key";
    row::all(conn, sql, [name], |row| Ok((row.get(0)?, row.get(1)?)))
}

fn put_tag(conn: &Connection, name: &str, key: &str, value: &str) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO registered_model_tags (name, key, value)
        VALUES (?1, ?2, ?3)";
    row::execute(conn, sql, [name, key, value]).map(drop)
}

/// Notes that something of a model was changed.
pub(crate) fn touch(conn: &Connection, name: &str, now: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE registered_models SET last_updated_timestamp = ?2 WHERE name = ?1";
    row::execute(conn, sql, params![name, row::micros(now)]).map(drop)
}

pub(crate) fn exists(conn: &Connection, name: &str) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM registered_models WHERE name = ?1";
    Ok(row::first(conn, sql, [name], |_| Ok(()))?.is_some())
}

pub(crate) fn require(conn: &Connection, name: &str) -> Result<(), StoreError> {
    if exists(conn, name)? { Ok(()) } else { Err(unknown(name)) }
}

fn unknown(name: &str) -> StoreError {
    Fault::not_found(format!("Registered Model with name={name} not found")).into()
}

fn taken(name: &str) -> StoreError {
    Fault::new(FaultKind::Exists, format!("Registered Model (name={name}) already exists.")).into()
}
