//! Logged models: MLflow's models before they are registered, each with its files, params, tags,
//! and the metrics that runs found of it on data sets. A registered version may be one of them.

use rusqlite::{Connection, Row, params};

use crate::store::{StoreError, row};
use crate::tracking::experiment::record as experiment;
use crate::tracking::run::{MetricPoint, some_name};
use crate::types::{Fault, Timestamp, TrackingRunId};

pub mod files;
pub mod search;

/// Where a logged model's files stand: `PENDING` while they are sent.
pub const STATUSES: [&str; 3] = ["PENDING", "READY", "FAILED"];

/// All that is kept of a logged model.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedModel {
    /// `m-` and 32 hexadecimal digits.
    pub model_id: String,
    pub experiment_id: String,
    pub name: String,
    pub artifact_uri: String,
    pub creation_timestamp: Timestamp,
    pub last_updated_timestamp: Timestamp,
    /// One of `STATUSES`.
    pub status: String,
    pub status_message: Option<String>,
    pub model_type: Option<String>,
    pub source_run_id: Option<TrackingRunId>,
    pub params: Vec<(String, String)>,
    pub tags: Vec<(String, String)>,
    pub metrics: Vec<ModelMetric>,
    /// (registered model, version) that it is.
    pub registrations: Vec<(String, u32)>,
}

/// What a run found of a logged model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelMetric {
    pub point: MetricPoint,
    pub run_id: TrackingRunId,
    /// Name and digest of the data set that it was found on.
    pub dataset: Option<(String, String)>,
}

/// A logged model to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewLoggedModel {
    pub experiment_id: String,
    pub name: Option<String>,
    pub model_type: Option<String>,
    pub source_run_id: Option<TrackingRunId>,
    pub params: Vec<(String, String)>,
    pub tags: Vec<(String, String)>,
}

/// Makes a logged model whose files are still to come.
pub fn create(
    tx: &Connection,
    new: &NewLoggedModel,
    now: Timestamp,
) -> Result<LoggedModel, StoreError> {
    if let Some(name) = &new.name {
        check_name(name)?;
    }
    let experiment = experiment::get(tx, &new.experiment_id)?;
    if experiment.lifecycle_stage != "active" {
        let text = format!(
            "The experiment {} must be in the 'active' state. Current state is {}.",
            experiment.experiment_id, experiment.lifecycle_stage
        );
        return Err(Fault::invalid(text).into());
    }
    let model_id = format!("m-{}", uuid::Uuid::new_v4().simple());
    let sql = "INSERT INTO logged_models (model_id, experiment_id, name, artifact_uri,
            creation_timestamp, last_updated_timestamp, status, model_type, source_run_id)
        VALUES (?1, ?2, ?3, ?4, ?5, ?5, 'PENDING', ?6, ?7)";
    let root = experiment.artifact_location.trim_end_matches('/');
    let values = params![
        model_id,
        experiment.experiment_id,
        new.name.clone().unwrap_or_else(some_name),
        format!("{root}/models/{model_id}/artifacts"),
        row::micros(now),
        new.model_type,
        new.source_run_id.as_ref().map(TrackingRunId::as_str),
    ];
    row::execute(tx, sql, values)?;
    put_params(tx, &model_id, &new.params)?;
    put_tags(tx, &model_id, &new.tags)?;
    of(tx, &model_id)
}

/// Says that the files of a logged model are there, or will not come.
pub fn finalize(
    tx: &Connection,
    model_id: &str,
    status: &str,
    now: Timestamp,
) -> Result<LoggedModel, StoreError> {
    if !STATUSES.contains(&status) {
        let text = format!("Invalid logged model status: {status}");
        return Err(Fault::invalid(text).hint(format!("one of {}", STATUSES.join(", "))).into());
    }
    require(tx, model_id)?;
    let sql = "UPDATE logged_models SET status = ?2, last_updated_timestamp = ?3
        WHERE model_id = ?1";
    row::execute(tx, sql, params![model_id, status, row::micros(now)])?;
    of(tx, model_id)
}

/// Hides a logged model; its files stay until they are cleared away.
pub fn delete(tx: &Connection, model_id: &str, now: Timestamp) -> Result<(), StoreError> {
    require(tx, model_id)?;
    let sql = "UPDATE logged_models
        SET lifecycle_stage = 'deleted', deleted_time = ?2, last_updated_timestamp = ?2
        WHERE model_id = ?1";
    row::execute(tx, sql, params![model_id, row::micros(now)]).map(drop)
}

/// Puts tags on a logged model.
pub fn set_tags(
    tx: &Connection,
    model_id: &str,
    tags: &[(String, String)],
) -> Result<LoggedModel, StoreError> {
    require(tx, model_id)?;
    put_tags(tx, model_id, tags)?;
    of(tx, model_id)
}

/// Takes a tag off; refuses one that is not there.
pub fn delete_tag(tx: &Connection, model_id: &str, key: &str) -> Result<(), StoreError> {
    require(tx, model_id)?;
    let sql = "DELETE FROM logged_model_tags WHERE model_id = ?1 AND key = ?2";
    if row::execute(tx, sql, [model_id, key])? == 0 {
        let text = format!("No tag with key '{key}' found for model with ID '{model_id}'.");
        return Err(Fault::not_found(text).into());
    }
    Ok(())
}

/// Adds params to a logged model.
pub fn log_params(
    tx: &Connection,
    model_id: &str,
    params: &[(String, String)],
) -> Result<(), StoreError> {
    require(tx, model_id)?;
    put_params(tx, model_id, params)
}

/// Returns a logged model that is not deleted; refuses with `NotFound`.
pub fn of(conn: &Connection, model_id: &str) -> Result<LoggedModel, StoreError> {
    let sql = "SELECT * FROM logged_models WHERE model_id = ?1 AND lifecycle_stage = 'active'";
    let found = row::first(conn, sql, [model_id], |row| read(conn, row))?;
    found.ok_or_else(|| unknown(model_id))
}

/// Reads a row of `logged_models` with what belongs to it.
pub(crate) fn read(conn: &Connection, row: &Row<'_>) -> Result<LoggedModel, StoreError> {
    let model_id: String = row.get("model_id")?;
    let id = model_id.as_str();
    let pair = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let params = "SELECT key, value FROM logged_model_params WHERE model_id = ?1 ORDER BY key";
    let tags = "SELECT key, value FROM logged_model_tags WHERE model_id = ?1 ORDER BY key";
    let metrics = "SELECT * FROM model_metrics WHERE model_id = ?1
        ORDER BY key, step, timestamp, run_id";
    let registered = "SELECT name, version FROM model_versions WHERE model_id = ?1
        ORDER BY name, version";
    Ok(LoggedModel {
        experiment_id: row.get::<_, i64>("experiment_id")?.to_string(),
        name: row.get("name")?,
        artifact_uri: row.get("artifact_uri")?,
        creation_timestamp: row::time(row, "creation_timestamp")?,
        last_updated_timestamp: row::time(row, "last_updated_timestamp")?,
        status: row.get("status")?,
        status_message: row.get("status_message")?,
        model_type: row.get("model_type")?,
        source_run_id: row::opt_text(row, "source_run_id")?,
        params: row::all(conn, params, [id], pair)?,
        tags: row::all(conn, tags, [id], pair)?,
        metrics: row::all(conn, metrics, [id], read_metric)?,
        registrations: row::all(conn, registered, [id], |row| Ok((row.get(0)?, row.get(1)?)))?,
        model_id,
    })
}

fn read_metric(row: &Row<'_>) -> Result<ModelMetric, StoreError> {
    let name: Option<String> = row.get("dataset_name")?;
    let digest: Option<String> = row.get("dataset_digest")?;
    Ok(ModelMetric {
        point: MetricPoint {
            key: row.get("key")?,
            value: row::number(row, "value")?,
            timestamp: row::time(row, "timestamp")?,
            step: row.get("step")?,
        },
        run_id: row::text(row, "run_id")?,
        dataset: name.map(|name| (name, digest.unwrap_or_default())),
    })
}

fn put_params(
    conn: &Connection,
    model_id: &str,
    params: &[(String, String)],
) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO logged_model_params (model_id, key, value)
        VALUES (?1, ?2, ?3)";
    params
        .iter()
        .try_for_each(|(key, value)| row::execute(conn, sql, [model_id, key, value]).map(drop))
}

fn put_tags(
    conn: &Connection,
    model_id: &str,
    tags: &[(String, String)],
) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO logged_model_tags (model_id, key, value)
        VALUES (?1, ?2, ?3)";
    tags.iter()
        .try_for_each(|(key, value)| row::execute(conn, sql, [model_id, key, value]).map(drop))
}

fn require(conn: &Connection, model_id: &str) -> Result<(), StoreError> {
    let sql = "SELECT 1 FROM logged_models WHERE model_id = ?1 AND lifecycle_stage = 'active'";
    row::first(conn, sql, [model_id], |_| Ok(()))?.ok_or_else(|| unknown(model_id))
}

fn unknown(model_id: &str) -> StoreError {
    Fault::not_found(format!("Logged model with ID '{model_id}' not found.")).into()
}

/// Refuses a name that could not stand in a URI of a model.
fn check_name(name: &str) -> Result<(), StoreError> {
    if name.contains(['/', ':', '.', '%', '"', '\'']) {
        let text = format!(
            "Invalid model name ('{name}') provided. Model name must be a non-empty string and \
             cannot contain the following characters: ('/', ':', '.', '%', '\"', \"'\")"
        );
        return Err(Fault::invalid(text).into());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
