//! A version of a registered model as MLflow's clients know it. Its number is never given again;
//! stages are labels on it, and move no alias (ADR 0053).

use rusqlite::{Connection, Row, params};
use serde_json::json;

use crate::store::{StoreError, row};
use crate::tracking::alias;
use crate::tracking::registry::{record, source};
use crate::tracking::webhook::{self, Happening};
use crate::types::view::AliasMove;
use crate::types::{Fault, Timestamp, TrackingRunId};

/// MLflow's stages.
pub const STAGES: [&str; 4] = ["None", "Staging", "Production", "Archived"];

/// The alias that says what is in production.
pub const PRODUCTION: &str = "production";

/// All that is kept of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    pub name: String,
    pub version: u32,
    pub run_id: Option<TrackingRunId>,
    pub source: String,
    pub creation_timestamp: Timestamp,
    pub last_updated_timestamp: Timestamp,
    pub description: Option<String>,
    /// One of `STAGES`.
    pub current_stage: String,
    /// `READY`, `PENDING_REGISTRATION` or `FAILED_REGISTRATION`.
    pub status: String,
    pub status_message: Option<String>,
    pub run_link: Option<String>,
    pub user_id: Option<String>,
    /// The logged model that it is.
    pub model_id: Option<String>,
    pub tags: Vec<(String, String)>,
    pub aliases: Vec<String>,
}

/// A version to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewVersion {
    pub name: String,
    pub source: String,
    pub run_id: Option<TrackingRunId>,
    pub run_link: Option<String>,
    pub description: Option<String>,
    pub user_id: Option<String>,
    pub model_id: Option<String>,
    pub tags: Vec<(String, String)>,
    /// As JSON.
    pub signature: Option<String>,
}

/// Makes the next version of a model; refuses a model that is not there, and a source that is not
/// the version's to name.
pub fn create(tx: &Connection, mut new: NewVersion, now: Timestamp) -> Result<Version, StoreError> {
    record::require(tx, &new.name)?;
    source::settle(tx, &mut new)?;
    let version = insert(tx, &new, now)?;
    of(tx, &new.name, version)
}

/// Adds the next version of a model that is there, and returns its number.
pub(crate) fn insert(
    conn: &Connection,
    new: &NewVersion,
    now: Timestamp,
) -> Result<u32, StoreError> {
    let sql = "UPDATE registered_models
        SET last_version = last_version + 1, last_updated_timestamp = ?2
        WHERE name = ?1";
    row::execute(conn, sql, params![new.name, row::micros(now)])?;
    let sql = "SELECT last_version FROM registered_models WHERE name = ?1";
    let number: Option<u32> = row::first(conn, sql, [&new.name], |row| Ok(row.get(0)?))?;
    let number = number.unwrap_or(1);
    let sql = "INSERT INTO model_versions (name, version, run_id, source, signature,
            creation_timestamp, last_updated_timestamp, description, run_link, user_id, model_id)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8, ?9, ?10)";
    let values = params![
        new.name,
        number,
        new.run_id.as_ref().map(TrackingRunId::as_str),
        new.source,
        new.signature,
        row::micros(now),
        new.description,
        new.run_link,
        new.user_id,
        new.model_id,
    ];
    row::execute(conn, sql, values)?;
    new.tags.iter().try_for_each(|(key, value)| put_tag(conn, (&new.name, number), key, value))?;
    let data = json!({
        "name": new.name, "version": number.to_string(), "source": new.source,
        "run_id": new.run_id, "tags": record::object(&new.tags), "description": new.description,
    });
    webhook::tell(conn, Happening::VersionCreated, &data)?;
    Ok(number)
}

/// Returns the version that bears an alias; refuses an alias that nothing bears.
pub fn by_alias(conn: &Connection, name: &str, alias: &str) -> Result<Version, StoreError> {
    record::require(conn, name)?;
    match alias::current(conn, name, alias)? {
        Some(version) => of(conn, name, version),
        None => Err(no_alias(alias)),
    }
}

/// Returns where the files of a version lie, also where its source names a logged model or a run.
pub fn download_uri(conn: &Connection, name: &str, version: u32) -> Result<String, StoreError> {
    let source = of(conn, name, version)?.source;
    Ok(source::resolved(conn, &source)?.unwrap_or(source))
}

/// Returns the version that `NAME/VERSION`, `NAME/latest`, `NAME/STAGE` or `NAME@ALIAS` names.
pub(crate) fn named(conn: &Connection, text: &str) -> Result<Version, StoreError> {
    if let Some((name, alias)) = text.split_once('@') {
        let version = alias::current(conn, name, alias)?;
        return of(conn, name, version.ok_or_else(|| no_alias(alias))?);
    }
    let (name, which) = text.split_once('/').unwrap_or((text, ""));
    if let Ok(version) = which.parse() {
        return of(conn, name, version);
    }
    let stages = if which == "latest" { vec![] } else { vec![canonical_stage(which)?] };
    let newest = latest(conn, name, &stages)?.into_iter().max_by_key(|found| found.version);
    newest.ok_or_else(|| {
        let text = format!("No versions of model with name '{name}' and stage '{which}' found");
        Fault::invalid(text).into()
    })
}

/// Describes a version anew.
pub fn describe(
    tx: &Connection,
    (name, version): (&str, u32),
    description: Option<&str>,
    now: Timestamp,
) -> Result<Version, StoreError> {
    require(tx, name, version)?;
    let sql = "UPDATE model_versions SET description = ?3, last_updated_timestamp = ?4
        WHERE name = ?1 AND version = ?2";
    row::execute(tx, sql, params![name, version, description, row::micros(now)])?;
    of(tx, name, version)
}

/// Puts a version into a stage. `archive_existing`: those that are there now are archived.
pub fn transition_stage(
    tx: &Connection,
    (name, version): (&str, u32),
    stage: &str,
    archive_existing: bool,
    now: Timestamp,
) -> Result<Version, StoreError> {
    let stage = canonical_stage(stage)?;
    if archive_existing && !["Staging", "Production"].contains(&stage) {
        let text = format!(
            "Model version transition cannot archive existing model versions because '{stage}' is \
             not an Active stage. Valid stages are Production, Staging"
        );
        return Err(Fault::invalid(text).into());
    }
    require(tx, name, version)?;
    if archive_existing {
        let sql = "UPDATE model_versions
            SET current_stage = 'Archived', last_updated_timestamp = ?4
            WHERE name = ?1 AND version <> ?2 AND current_stage = ?3";
        row::execute(tx, sql, params![name, version, stage, row::micros(now)])?;
    }
    let sql = "UPDATE model_versions SET current_stage = ?3, last_updated_timestamp = ?4
        WHERE name = ?1 AND version = ?2";
    row::execute(tx, sql, params![name, version, stage, row::micros(now)])?;
    record::touch(tx, name, now)?;
    of(tx, name, version)
}

/// Returns a stage as MLflow writes it, from any case.
pub fn canonical_stage(stage: &str) -> Result<&'static str, StoreError> {
    let known = STAGES.into_iter().find(|known| known.eq_ignore_ascii_case(stage));
    known.ok_or_else(|| {
        let text = format!(
            "Invalid Model Version stage: {stage}. Value must be one of {}.",
            STAGES.join(", ")
        );
        Fault::invalid(text).into()
    })
}

/// Deletes a version with the aliases that it bears, each with a line in its history. Refused
/// while it serves or is the one in production.
pub fn delete(
    tx: &Connection,
    (name, version): (&str, u32),
    user: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let found = of(tx, name, version)?;
    check_free(tx, name, version)?;
    for alias in found.aliases {
        delete_alias(tx, (name, &alias), user, now)?;
    }
    let sql = "DELETE FROM model_versions WHERE name = ?1 AND version = ?2";
    row::execute(tx, sql, params![name, version])?;
    record::touch(tx, name, now)
}

/// Takes an alias away, where something bears it, with a line in its history.
pub fn delete_alias(
    tx: &Connection,
    (name, alias): (&str, &str),
    user: &str,
    now: Timestamp,
) -> Result<Option<AliasMove>, StoreError> {
    record::require(tx, name)?;
    let Some(from_version) = alias::current(tx, name, alias)? else { return Ok(None) };
    let sql = "DELETE FROM registered_model_aliases WHERE name = ?1 AND alias = ?2";
    row::execute(tx, sql, [name, alias])?;
    record::touch(tx, name, now)?;
    webhook::tell(tx, Happening::AliasDeleted, &json!({"name": name, "alias": alias}))?;
    let taken = AliasMove {
        id: 0,
        name: name.to_owned(),
        alias: alias.to_owned(),
        from_version: Some(from_version),
        to_version: None,
        when: now,
        user: user.to_owned(),
        action: "delete".to_owned(),
        reason: None,
    };
    alias::record(tx, taken).map(Some)
}

/// Refuses to do away with a version that answers requests, or is the one in production.
pub(crate) fn check_free(conn: &Connection, name: &str, version: u32) -> Result<(), StoreError> {
    if serving(conn, name)?.contains(&version) {
        let text = format!("version {version} of model `{name}` serves: it cannot be deleted");
        return Err(Fault::conflict(text).hint("deploy another version first").into());
    }
    if alias::current(conn, name, PRODUCTION)? == Some(version) {
        let text = format!(
            "version {version} of model `{name}` bears the alias `{PRODUCTION}`: it cannot be \
             deleted"
        );
        return Err(Fault::conflict(text).hint("promote another version first").into());
    }
    Ok(())
}

/// Returns the versions of a model that answer requests, as the traffic was last kept.
pub(crate) fn serving(conn: &Connection, name: &str) -> Result<Vec<u32>, StoreError> {
    let sql = "SELECT version FROM serving_deployment WHERE model = ?1 AND weight > 0";
    row::all(conn, sql, [name], |row| Ok(row.get(0)?))
}

/// Returns the newest version in each of the stages, or in each that has one.
pub(crate) fn latest(
    conn: &Connection,
    name: &str,
    stages: &[&str],
) -> Result<Vec<Version>, StoreError> {
    let sql = "SELECT * FROM model_versions AS v WHERE name = ?1 AND version =
            (SELECT max(version) FROM model_versions
                WHERE name = v.name AND current_stage = v.current_stage)
        ORDER BY version";
    let mut found = row::all(conn, sql, [name], |row| read(conn, row))?;
    if !stages.is_empty() {
        found.retain(|version| stages.contains(&version.current_stage.as_str()));
    }
    Ok(found)
}

/// As `latest`, of a model that must be there.
pub fn latest_in(
    conn: &Connection,
    name: &str,
    stages: &[String],
) -> Result<Vec<Version>, StoreError> {
    let stages: Vec<&str> =
        stages.iter().map(|stage| canonical_stage(stage)).collect::<Result<_, _>>()?;
    record::require(conn, name)?;
    latest(conn, name, &stages)
}

/// Puts a tag on a version.
pub fn set_tag(
    tx: &Connection,
    (name, version): (&str, u32),
    key: &str,
    value: &str,
) -> Result<(), StoreError> {
    require(tx, name, version)?;
    put_tag(tx, (name, version), key, value)?;
    let data = json!({"name": name, "version": version.to_string(), "key": key, "value": value});
    webhook::tell(tx, Happening::VersionTagSet, &data)
}

/// Takes a tag off, where it is there.
pub fn delete_tag(
    tx: &Connection,
    (name, version): (&str, u32),
    key: &str,
) -> Result<(), StoreError> {
    require(tx, name, version)?;
    let sql = "DELETE FROM model_version_tags WHERE name = ?1 AND version = ?2 AND key = ?3";
    if row::execute(tx, sql, params![name, version, key])? == 0 {
        return Ok(());
    }
    let data = json!({"name": name, "version": version.to_string(), "key": key});
    webhook::tell(tx, Happening::VersionTagDeleted, &data)
}

/// Returns a version; refuses with `NotFound`.
pub fn of(conn: &Connection, name: &str, version: u32) -> Result<Version, StoreError> {
    let sql = "SELECT * FROM model_versions WHERE name = ?1 AND version = ?2";
    let found = row::first(conn, sql, params![name, version], |row| read(conn, row))?;
    found.ok_or_else(|| unknown(name, version))
}

/// Reads a row of `model_versions` with what belongs to it.
pub(crate) fn read(conn: &Connection, row: &Row<'_>) -> Result<Version, StoreError> {
    let (name, version): (String, u32) = (row.get("name")?, row.get("version")?);
    let aliases = alias::of_version(conn, &name, version)?;
    Ok(Version {
        run_id: row::opt_text(row, "run_id")?,
        source: row.get("source")?,
        creation_timestamp: row::time(row, "creation_timestamp")?,
        last_updated_timestamp: row::time(row, "last_updated_timestamp")?,
        description: row.get("description")?,
        current_stage: row.get("current_stage")?,
        status: row.get("status")?,
        status_message: row.get("status_message")?,
        run_link: row.get("run_link")?,
        user_id: row.get("user_id")?,
        model_id: row.get("model_id")?,
        tags: tags(conn, &name, version)?,
        aliases,
        name,
        version,
    })
}

/// Returns the tags of a version, by key.
pub(crate) fn tags(
    conn: &Connection,
    name: &str,
    version: u32,
) -> Result<Vec<(String, String)>, StoreError> {
    let sql = "SELECT key, value FROM model_version_tags WHERE name = ?1 AND version = ?2
        ORDER BY key";
    row::all(conn, sql, params![name, version], |row| Ok((row.get(0)?, row.get(1)?)))
}

pub(crate) fn put_tag(
    conn: &Connection,
    (name, version): (&str, u32),
    key: &str,
    value: &str,
) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO model_version_tags (name, version, key, value)
        VALUES (?1, ?2, ?3, ?4)";
    row::execute(conn, sql, params![name, version, key, value]).map(drop)
}

fn no_alias(alias: &str) -> StoreError {
    Fault::invalid(format!("Registered model alias {alias} not found.")).into()
}

fn require(conn: &Connection, name: &str, version: u32) -> Result<(), StoreError> {
    let sql = "SELECT 1 FROM model_versions WHERE name = ?1 AND version = ?2";
    let found = row::first(conn, sql, params![name, version], |_| Ok(()))?;
    found.ok_or_else(|| unknown(name, version))
}

fn unknown(name: &str, version: u32) -> StoreError {
    let text = format!("Model Version (name={name}, version={version}) not found");
    Fault::not_found(text).into()
}

#[cfg(test)]
mod tests;
