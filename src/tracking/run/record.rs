//! A run as MLflow's clients know it: with the steps of its latest metrics, what it learnt from and
//! where in its life it stands. Only a run that is not deleted takes anything. The texts of
//! refusals are MLflow's.

use rusqlite::{Connection, Row, params};
use serde_json::Value;

use crate::store::{StoreError, row};
use crate::tracking::run::attempt;
use crate::tracking::run::data::{self, DatasetInput, Direction, ModelPoint, RunModel};
use crate::tracking::run::{self, MetricPoint, NewRun, no_run, put_tag};
use crate::types::{Fault, Timestamp, TrackingRunId};

/// The tag that is the run's name, too.
pub const RUN_NAME: &str = "mlflow.runName";

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
    /// The data that it learnt from, in MLflow's shape.
    pub datasets: Vec<Value>,
    /// The logged models that it used.
    pub model_inputs: Vec<RunModel>,
    /// The logged models that it made.
    pub model_outputs: Vec<RunModel>,
}

/// What a client logs at once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    pub metrics: Vec<MetricPoint>,
    /// Points of `metrics` that are of a logged model, too.
    pub model_metrics: Vec<ModelPoint>,
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

/// Makes a run, and returns it.
pub fn create(tx: &Connection, new: &NewRun) -> Result<Run, StoreError> {
    of(tx, &run::make(tx, new)?)
}

/// Returns a run, deleted or not; refuses with `NotFound`.
pub fn of(conn: &Connection, run_id: &TrackingRunId) -> Result<Run, StoreError> {
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
    Ok(Run {
        run_name: row.get("run_name")?,
        experiment_id: row.get::<_, i64>("experiment_id")?.to_string(),
        user_id: row.get("user_id")?,
        status: row.get("status")?,
        start_time: row::time(row, "start_time")?,
        end_time: row::opt_time(row, "end_time")?,
        artifact_uri: row.get("artifact_uri")?,
        lifecycle_stage: row.get("lifecycle_stage")?,
        metrics: row::all(conn, metrics, [id], run::point)?,
        params: row::all(conn, params, [id], pair)?,
        tags: row::all(conn, tags, [id], pair)?,
        datasets: data::datasets(conn, &run_id)?,
        model_inputs: data::models(conn, &run_id, Direction::Input)?,
        model_outputs: data::models(conn, &run_id, Direction::Output)?,
        run_id,
    })
}

/// Logs a batch to a run. A param that has another value already is refused.
pub fn log(tx: &Connection, run_id: &TrackingRunId, batch: &Batch) -> Result<(), StoreError> {
    require_active(tx, run_id)?;
    batch.params.iter().try_for_each(|(key, value)| run::put_param(tx, run_id, key, value))?;
    batch.metrics.iter().try_for_each(|point| run::put_metric(tx, run_id, point))?;
    batch.model_metrics.iter().try_for_each(|point| data::put_point(tx, run_id, point))?;
    for (key, value) in &batch.tags {
        put_tag(tx, run_id, key, value)?;
        if key == RUN_NAME {
            let sql = "UPDATE runs SET run_name = ?2 WHERE run_id = ?1";
            row::execute(tx, sql, params![run_id.as_str(), value])?;
        }
    }
    Ok(())
}

/// Keeps what a run learnt from and used.
pub fn log_inputs(
    tx: &Connection,
    run_id: &TrackingRunId,
    datasets: &[DatasetInput],
    models: &[RunModel],
) -> Result<(), StoreError> {
    require_active(tx, run_id)?;
    datasets.iter().try_for_each(|dataset| data::put_dataset(tx, run_id, dataset))?;
    models.iter().try_for_each(|model| data::put_model(tx, run_id, Direction::Input, model))
}

/// Keeps what a run made.
pub fn log_outputs(
    tx: &Connection,
    run_id: &TrackingRunId,
    models: &[RunModel],
) -> Result<(), StoreError> {
    require_active(tx, run_id)?;
    models.iter().try_for_each(|model| data::put_model(tx, run_id, Direction::Output, model))
}

/// Changes a run that is not deleted, and returns it.
pub fn update(
    tx: &Connection,
    run_id: &TrackingRunId,
    change: &RunUpdate,
) -> Result<Run, StoreError> {
    require_active(tx, run_id)?;
    let sql = "UPDATE runs SET status = ifnull(?2, status), end_time = ifnull(?3, end_time),
            run_name = ifnull(?4, run_name)
        WHERE run_id = ?1";
    let end_time = row::opt_micros(change.end_time);
    row::execute(tx, sql, params![run_id.as_str(), change.status, end_time, change.run_name])?;
    if let Some(name) = &change.run_name {
        put_tag(tx, run_id, RUN_NAME, name)?;
    }
    let changed = of(tx, run_id)?;
    if change.status.is_some() && run::ENDS.contains(&changed.status.as_str()) {
        attempt::follow(tx, &changed)?;
    }
    Ok(changed)
}

/// Hides a run.
pub fn delete(tx: &Connection, run_id: &TrackingRunId, now: Timestamp) -> Result<(), StoreError> {
    run::require(tx, run_id)?;
    let sql = "UPDATE runs SET lifecycle_stage = 'deleted', deleted_time = ?2 WHERE run_id = ?1";
    row::execute(tx, sql, params![run_id.as_str(), row::micros(now)]).map(drop)
}

/// Shows a run again.
pub fn restore(tx: &Connection, run_id: &TrackingRunId) -> Result<(), StoreError> {
    run::require(tx, run_id)?;
    let sql = "UPDATE runs SET lifecycle_stage = 'active', deleted_time = NULL WHERE run_id = ?1";
    row::execute(tx, sql, [run_id.as_str()]).map(drop)
}

/// Takes a tag off; refuses one that is not there.
pub fn delete_tag(tx: &Connection, run_id: &TrackingRunId, key: &str) -> Result<(), StoreError> {
    require_active(tx, run_id)?;
    let sql = "DELETE FROM tags WHERE run_id = ?1 AND key = ?2";
    if row::execute(tx, sql, params![run_id.as_str(), key])? == 0 {
        let text = format!("No tag with name: {key} in run with id {run_id}");
        return Err(Fault::not_found(text).into());
    }
    Ok(())
}

/// Refuses a run that is not there, or that is deleted.
pub(crate) fn require_active(conn: &Connection, run_id: &TrackingRunId) -> Result<(), StoreError> {
    let sql = "SELECT lifecycle_stage FROM runs WHERE run_id = ?1";
    let stage: Option<String> = row::first(conn, sql, [run_id.as_str()], |row| Ok(row.get(0)?))?;
    match stage.as_deref() {
        Some("active") => Ok(()),
        Some(stage) => Err(Fault::invalid(format!(
            "The run {run_id} must be in the 'active' state. Current state is {stage}."
        ))
        .into()),
        None => Err(no_run(run_id)),
    }
}
