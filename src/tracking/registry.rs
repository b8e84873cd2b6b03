//! Registered models, their versions and aliases. Moving an alias is one transaction with a
//! line in its history; the line's id makes the asset event that follows it countable once.

use std::collections::BTreeSet;

use rusqlite::{Connection, Row, params};
use serde_json::json;

use crate::dag::suggest;
use crate::store::{Store, StoreError, row};
use crate::tracking::registry::version::NewVersion;
use crate::tracking::webhook::{self, Happening};
use crate::tracking::{alias, input, run};
use crate::types::view::{
    AliasMove, AliasPlan, ModelDetailView, ModelVersionView, ModelView, TrackingRunView,
};
use crate::types::{Fault, Timestamp, TrackingRunId};

pub mod record;
pub mod search;
pub mod version;

mod source;
mod uri;

pub use uri::{ModelUri, find};

/// The artifact that makes a run's model a model.
const MODEL_FILE: &str = "model/model.json";

/// The run's tag that holds its model's signature as JSON.
const SIGNATURE_TAG: &str = "dagdeck.signature";

/// Registers a run's model as the next version of `name`; the same run registered again under
/// the same name gives the version it has.
pub fn register(
    store: &Store,
    name: &str,
    run_id: &TrackingRunId,
    now: Timestamp,
) -> Result<ModelVersionView, StoreError> {
    check_name("a model", name)?;
    let (name, run_id) = (name.to_owned(), run_id.clone());
    store.write_blocking(move |tx| {
        let run = run::view(tx, &run_id)?;
        let sql = "SELECT version FROM model_versions WHERE name = ?1 AND run_id = ?2";
        let has: Option<u32> =
            row::first(tx, sql, [name.as_str(), run_id.as_str()], |row| Ok(row.get(0)?))?;
        if let Some(version) = has {
            return version_view(tx, &name, version);
        }
        if !run.artifacts.iter().any(|(path, _)| path == MODEL_FILE) {
            let text = format!("run `{run_id}` has logged no model: it has no `{MODEL_FILE}`");
            return Err(Fault::invalid(text).hint("register a run that trained one").into());
        }
        let version = insert_version(tx, &name, &run, now)?;
        version_view(tx, &name, version)
    })
}

fn insert_version(
    conn: &Connection,
    name: &str,
    run: &TrackingRunView,
    now: Timestamp,
) -> Result<u32, StoreError> {
    let signature = run.tags.iter().find(|(key, _)| key == SIGNATURE_TAG).map(|(_, text)| text);
    if let Some(text) = signature
        && let Err(error) = serde_json::from_str::<serde_json::Value>(text)
    {
        let fault = Fault::invalid(format!("the tag `{SIGNATURE_TAG}` of the run is not JSON"));
        return Err(fault.caused_by(Some(&error)).into());
    }
    let sql = "INSERT OR IGNORE INTO registered_models
            (name, creation_timestamp, last_updated_timestamp)
        VALUES (?1, ?2, ?2)";
    if row::execute(conn, sql, params![name, row::micros(now)])? == 1 {
        record::tell_made(conn, name, None, &[])?;
    }
    let user = run.tags.iter().find(|(key, _)| key == "mlflow.user").map(|(_, user)| user);
    let new = NewVersion {
        name: name.to_owned(),
        source: format!("{}/model", run.artifact_uri),
        run_id: Some(run.run_id.clone()),
        user_id: user.cloned(),
        signature: signature.cloned(),
        ..NewVersion::default()
    };
    version::insert(conn, &new, now)
}

/// Lists all registered models, by name.
pub fn list(store: &Store) -> Result<Vec<ModelView>, StoreError> {
    store.read_blocking(|conn| {
        let models = row::all(conn, &format!("{MODELS} ORDER BY m.name"), [], read_model)?;
        models.into_iter().map(|model| with_aliases(conn, model)).collect()
    })
}

/// Returns a model with its versions and the history of its aliases; refuses with `NotFound`.
pub fn show(store: &Store, name: &str) -> Result<ModelDetailView, StoreError> {
    store.read_blocking(|conn| {
        let sql = format!("{MODELS} WHERE m.name = ?1");
        let Some(model) = row::first(conn, &sql, [name], read_model)? else {
            return Err(no_model(conn, name)?);
        };
        let sql = "SELECT * FROM model_versions WHERE name = ?1 ORDER BY version DESC";
        let versions = row::all(conn, sql, [name], read_version)?;
        let versions = versions
            .into_iter()
            .map(|version| with_figures(conn, version))
            .collect::<Result<_, _>>()?;
        let model = with_aliases(conn, model)?;
        Ok(ModelDetailView { model, versions, history: alias::history(conn, name)? })
    })
}

/// Returns a version; refuses with `NotFound`.
pub fn version(store: &Store, name: &str, version: u32) -> Result<ModelVersionView, StoreError> {
    store.read_blocking(|conn| version_view(conn, name, version))
}

/// Returns the version that bears the alias.
pub fn by_alias(
    store: &Store,
    name: &str,
    alias: &str,
) -> Result<Option<ModelVersionView>, StoreError> {
    store.read_blocking(|conn| match alias::current(conn, name, alias)? {
        Some(version) => version_view(conn, name, version).map(Some),
        None => Ok(None),
    })
}

/// A wish to move an alias.
#[derive(Debug, Clone, PartialEq)]
pub struct MoveAlias {
    pub name: String,
    pub alias: String,
    pub version: u32,
    /// `Some(current)`: refuse with `Conflict` unless the alias stands there.
    pub expected_current: Option<Option<u32>>,
    pub user: String,
    /// `promote` or `rollback`.
    pub action: &'static str,
    /// Why, where somebody says so.
    pub reason: Option<String>,
    pub now: Timestamp,
}

/// Moves an alias. Where it stands there already nothing is written and `None` is returned.
pub fn move_alias(store: &Store, wish: MoveAlias) -> Result<Option<AliasMove>, StoreError> {
    check_name("an alias", &wish.alias)?;
    store.write_blocking(move |tx| {
        version_view(tx, &wish.name, wish.version)?;
        let from_version = alias::current(tx, &wish.name, &wish.alias)?;
        if let Some(expected) = wish.expected_current
            && expected != from_version
        {
            return Err(moved_meanwhile(&wish, expected, from_version).into());
        }
        if from_version == Some(wish.version) {
            return Ok(None);
        }
        alias::put(tx, &wish.name, &wish.alias, wish.version)?;
        let version = wish.version.to_string();
        let data = json!({"name": wish.name, "alias": wish.alias, "version": version});
        webhook::tell(tx, Happening::AliasCreated, &data)?;
        record::touch(tx, &wish.name, wish.now)?;
        let moved = AliasMove {
            id: 0,
            name: wish.name,
            alias: wish.alias,
            from_version,
            to_version: Some(wish.version),
            when: wish.now,
            user: wish.user,
            action: wish.action.to_owned(),
            reason: wish.reason,
        };
        alias::record(tx, moved).map(Some)
    })
}

fn moved_meanwhile(wish: &MoveAlias, expected: Option<u32>, found: Option<u32>) -> Fault {
    let say = |version: Option<u32>| match version {
        Some(version) => format!("at version {version}"),
        None => "nowhere".to_owned(),
    };
    let text = format!(
        "alias `{}` of model `{}` stands {}, not {}",
        wish.alias,
        wish.name,
        say(found),
        say(expected)
    );
    Fault::conflict(text).hint("somebody moved it: look again, then decide")
}

/// Says to which version a rollback leads: where the alias stood before it came to where it is,
/// passing over what was itself rolled back; refuses with `Conflict` where there is none.
pub fn rollback_target(store: &Store, name: &str, alias: &str) -> Result<u32, StoreError> {
    store.read_blocking(|conn| {
        require_model(conn, name)?;
        alias::rollback_target(conn, name, alias)
    })
}

/// Says what moving the alias would change (`starts_dags` is left empty for the caller).
pub fn plan(store: &Store, name: &str, alias: &str, version: u32) -> Result<AliasPlan, StoreError> {
    store.read_blocking(|conn| {
        let to = version_view(conn, name, version)?;
        let from = match alias::current(conn, name, alias)? {
            Some(current) => Some(version_view(conn, name, current)?),
            None => None,
        };
        let (metrics, params) = match &from {
            Some(from) => (both(&from.metrics, &to.metrics), both(&from.params, &to.params)),
            None => (both(&[], &to.metrics), both(&[], &to.params)),
        };
        Ok(AliasPlan {
            name: name.to_owned(),
            alias: alias.to_owned(),
            from,
            to,
            metrics: metrics.into_iter().filter(|(key, ..)| !is_of_one_fold(key)).collect(),
            params: params.into_iter().filter(|(_, before, after)| before != after).collect(),
            starts_dags: Vec::new(),
            traffic: Vec::new(),
        })
    })
}

/// Says whether a metric has a value for each fold: its last value compares with nothing.
fn is_of_one_fold(key: &str) -> bool {
    key.ends_with("_fold")
}

/// Lays two lists beside each other, by key.
fn both<V: Clone>(
    before: &[(String, V)],
    after: &[(String, V)],
) -> Vec<(String, Option<V>, Option<V>)> {
    let find = |list: &[(String, V)], key: &str| {
        list.iter().find(|(found, _)| found == key).map(|(_, value)| value.clone())
    };
    let keys: BTreeSet<&String> = before.iter().chain(after).map(|(key, _)| key).collect();
    keys.into_iter().map(|key| (key.clone(), find(before, key), find(after, key))).collect()
}

/// Returns the moves after `id`, oldest first: for making good events that a crash swallowed.
pub fn moves_after(store: &Store, id: i64) -> Result<Vec<AliasMove>, StoreError> {
    store.read_blocking(|conn| alias::moves_after(conn, id))
}

const MODELS: &str = "SELECT m.*,
        (SELECT max(version) FROM model_versions AS v WHERE v.name = m.name) AS latest_version,
        (SELECT count(*) FROM model_versions AS v WHERE v.name = m.name) AS version_count
    FROM registered_models AS m";

fn read_model(row: &Row<'_>) -> Result<ModelView, StoreError> {
    let version_count: i64 = row.get("version_count")?;
    Ok(ModelView {
        name: row.get("name")?,
        creation_timestamp: row::time(row, "creation_timestamp")?,
        last_updated_timestamp: row::time(row, "last_updated_timestamp")?,
        aliases: Vec::new(),
        latest_version: row.get("latest_version")?,
        version_count: u64::try_from(version_count).unwrap_or(0),
        description: row.get("description")?,
        tags: Vec::new(),
    })
}

fn with_aliases(conn: &Connection, mut model: ModelView) -> Result<ModelView, StoreError> {
    model.aliases = alias::of_model(conn, &model.name)?;
    model.tags = record::tags(conn, &model.name)?;
    Ok(model)
}

pub(crate) fn version_view(
    conn: &Connection,
    name: &str,
    version: u32,
) -> Result<ModelVersionView, StoreError> {
    let sql = "SELECT * FROM model_versions WHERE name = ?1 AND version = ?2";
    match row::first(conn, sql, params![name, version], read_version)? {
        Some(found) => with_figures(conn, found),
        None => Err(no_version(conn, name, version)?),
    }
}

fn read_version(row: &Row<'_>) -> Result<ModelVersionView, StoreError> {
    let signature: Option<String> = row.get("signature")?;
    let signature = signature.map(|text| serde_json::from_str(&text)).transpose();
    Ok(ModelVersionView {
        name: row.get("name")?,
        version: row.get("version")?,
        aliases: Vec::new(),
        run_id: row::opt_text(row, "run_id")?,
        creation_timestamp: row::time(row, "creation_timestamp")?,
        source: row.get("source")?,
        metrics: Vec::new(),
        params: Vec::new(),
        tags: Vec::new(),
        signature: signature
            .map_err(|source| StoreError::Content { column: "signature", source })?,
        size_bytes: None,
        origin: None,
        serves: None,
        inputs: Vec::new(),
        gates: Vec::new(),
        description: row.get("description")?,
        stage: row.get("current_stage")?,
        version_tags: Vec::new(),
        user: row.get("user_id")?,
        model_id: row.get("model_id")?,
    })
}

/// Adds what the run of a version found, and the aliases that it bears.
fn with_figures(
    conn: &Connection,
    mut version: ModelVersionView,
) -> Result<ModelVersionView, StoreError> {
    version.aliases = alias::of_version(conn, &version.name, version.version)?;
    version.version_tags = version::tags(conn, &version.name, version.version)?;
    // A run of another tracker, or one that was deleted for good, has nothing to tell.
    if let Some(run_id) = &version.run_id
        && let Some(run) = run::find(conn, run_id)?
    {
        let file = run.artifacts.iter().find(|(path, _)| path == MODEL_FILE);
        version.size_bytes = file.map(|(_, bytes)| *bytes);
        version.inputs = input::of_run(conn, run_id)?;
        version.metrics = run.metrics;
        version.params = run.params;
        // The signature has a place of its own.
        version.tags = run.tags.into_iter().filter(|(key, _)| key != SIGNATURE_TAG).collect();
    }
    Ok(version)
}

fn require_model(conn: &Connection, name: &str) -> Result<(), StoreError> {
    let sql = "SELECT 1 FROM registered_models WHERE name = ?1";
    match row::first(conn, sql, [name], |_| Ok(()))? {
        Some(()) => Ok(()),
        None => Err(no_model(conn, name)?),
    }
}

fn no_model(conn: &Connection, name: &str) -> Result<StoreError, StoreError> {
    let names = row::all(conn, "SELECT name FROM registered_models", [], |row| {
        Ok(row.get::<_, String>("name")?)
    })?;
    let hint = match suggest::closest(name, names.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "`dagdeck models list` shows what there is".to_owned(),
    };
    Ok(Fault::not_found(format!("there is no model `{name}`")).hint(hint).into())
}

fn no_version(conn: &Connection, name: &str, version: u32) -> Result<StoreError, StoreError> {
    require_model(conn, name)?;
    let text = format!("model `{name}` has no version {version}");
    let hint = format!("`dagdeck models show {name}` shows what there is");
    Ok(Fault::not_found(text).hint(hint).into())
}

/// Refuses a name that could not stand in `models:/NAME@ALIAS`.
pub(crate) fn check_name(what: &str, name: &str) -> Result<(), StoreError> {
    if name.trim().is_empty() {
        return Err(Fault::invalid(format!("the name of {what} is empty")).into());
    }
    if name.contains(['/', ':', '@', '*']) || name.chars().any(char::is_control) {
        let text = format!("`{name}` cannot be the name of {what}");
        return Err(Fault::invalid(text).hint("leave out `/`, `:`, `@` and `*`").into());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
