//! A run as MLflow's clients know it: with the steps of its latest metrics and where in its life
//! it stands. Only a run that is not deleted takes anything.

use rusqlite::{Connection, Row, params};

use crate::store::{Store, StoreError, row};
use crate::tracking::run::{MetricPoint, no_run, put_tag};
use crate::types::{Fault, Timestamp, TrackingRunId};

/// All that is kept of a run but its histories and artifacts.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    pub run_id: TrackingRunId,
    pub run_name: String,
    pub experiment_id: String,
    pub user_id: String,
    pub status: String,
    pub start_time: Timestamp,
    pub end_time: Option<Timestamp>,
    pub artifact_uri: String,
    /// `active` or `deleted`.
    pub lifecycle_stage: String,
    /// The latest point of each metric.
    pub metrics: Vec<MetricPoint>,
    pub params: Vec<(String, String)>,
    pub tags: Vec<(String, String)>,
}

/// What is to be changed of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunUpdate {
    pub status: Option<String>,
    pub end_time: Option<Timestamp>,
    pub run_name: Option<String>,
}

/// The states of MLflow's runs.
pub const STATUSES: [&str; 5] = ["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"];

/// Returns a run, deleted or not; refuses with `NotFound`.
pub fn get(store: &Store, run_id: &TrackingRunId) -> Result<Run, StoreError> {
    store.read_blocking(|conn| of(conn, run_id))
}

pub(crate) fn of(conn: &Connection, run_id: &TrackingRunId) -> Result<Run, StoreError> {
    let sql = "SELECT * FROM runs WHERE run_id = ?1";
    let found = row::first(conn, sql, [run_id.as_str()], |row| read(conn, row))?;
    found.ok_or_else(|| no_run(run_id))
}

/// Reads a row of `runs` with what belongs to it.
pub(crate) fn read(conn: &Connection, row: &Row<'_>) -> Result<Run, StoreError> {
    let run_id: TrackingRunId = row::text(row, "run_id")?;
    let id = run_id.as_str();
    let pair = |row: &Row<'_>| Ok((row.get("key")?, row.get("value")?));
    let params = "SELECT key, value FROM params WHERE run_id = ?1 ORDER BY key";
    let tags = "SELECT key, value FROM tags WHERE run_id = ?1 ORDER BY key";
    let metrics = "SELECT * FROM latest_metrics WHERE run_id = ?1 ORDER BY key";
    let point = |row: &Row<'_>| {
        Ok(MetricPoint {
            key: row.get("key")?,
            value: row::number(row, "value")?,
            timestamp: row::time(row, "timestamp")?,
            step: row.get("step")?,
        })
    };
    Ok(Run {
        run_name: row.get("run_name")?,
        experiment_id: row.get::<_, i64>("experiment_id")?.to_string(),
        user_id: row.get("user_id")?,
        status: row.get("status")?,
        start_time: row::time(row, "start_time")?,
        end_time: row::opt_time(row, "end_time")?,
        artifact_uri: row.get("artifact_uri")?,
        lifecycle_stage: row.get("lifecycle_stage")?,
        metrics: row::all(conn, metrics, [id], point)?,
        params: row::all(conn, params, [id], pair)?,
        tags: row::all(conn, tags, [id], pair)?,
        run_id,
    })
}

/// Changes a run that is not deleted, and returns it.
pub fn update(store: &Store, run_id: &TrackingRunId, change: RunUpdate) -> Result<Run, StoreError> {
    if let Some(status) = change.status.as_deref()
        && !STATUSES.contains(&status)
    {
        let text = format!("Invalid run status: {status}");
        return Err(Fault::invalid(text).hint(format!("one of {}", STATUSES.join(", "))).into());
    }
    let run_id = run_id.clone();
    store.write_blocking(move |tx| {
        require_active(tx, &run_id)?;
        let sql = "UPDATE runs SET status = ifnull(?2, status), end_time = ifnull(?3, end_time),
                run_name = ifnull(?4, run_name)
            WHERE run_id = ?1";
        let end_time = row::opt_micros(change.end_time);
        let values = params![run_id.as_str(), change.status, end_time, change.run_name];
        row::execute(tx, sql, values)?;
        if let Some(name) = &change.run_name {
            // The two are one to MLflow's clients.
            put_tag(tx, &run_id, "mlflow.runName", name)?;
        }
        of(tx, &run_id)
    })
}

/// Hides a run, or shows it again.
pub fn set_lifecycle(
    store: &Store,
    run_id: &TrackingRunId,
    is_deleted: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    let run_id = run_id.clone();
    store.write_blocking(move |tx| {
        super::require(tx, &run_id)?;
        let (stage, at) = match is_deleted {
            true => ("deleted", Some(row::micros(now))),
            false => ("active", None),
        };
        let sql = "UPDATE runs SET lifecycle_stage = ?2, deleted_time = ?3 WHERE run_id = ?1";
        row::execute(tx, sql, params![run_id.as_str(), stage, at]).map(drop)
    })
}

/// Takes a tag off; refuses one that is not there.
pub fn delete_tag(store: &Store, run_id: &TrackingRunId, key: &str) -> Result<(), StoreError> {
    let (run_id, key) = (run_id.clone(), key.to_owned());
    store.write_blocking(move |tx| {
        require_active(tx, &run_id)?;
        let sql = "DELETE FROM tags WHERE run_id = ?1 AND key = ?2";
        if row::execute(tx, sql, params![run_id.as_str(), key])? == 0 {
            let text = format!("No tag with name: {key} in run with id {run_id}");
            return Err(Fault::not_found(text).into());
        }
        Ok(())
    })
}

/// Refuses a run that is not there, or that is deleted.
pub(crate) fn require_active(conn: &Connection, run_id: &TrackingRunId) -> Result<(), StoreError> {
    let sql = "SELECT lifecycle_stage FROM runs WHERE run_id = ?1";
    let stage: Option<String> =
        row::first(conn, sql, [run_id.as_str()], |row| Ok(row.get(0)?))?;
    match stage.as_deref() {
        Some("active") => Ok(()),
        Some(stage) => {
            let text = format!(
                "The run {run_id} must be in the 'active' state. Current state is {stage}."
            );
            Err(Fault::invalid(text).into())
        }
        None => Err(no_run(run_id)),
    }
}
