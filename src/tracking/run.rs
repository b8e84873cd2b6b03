//! Tracked runs.

use std::ops::RangeInclusive;

use rusqlite::{Connection, Row, params};

use crate::store::{Store, StoreError, row};
use crate::tracking::{artifact, experiment};
use crate::types::view::TrackingRunView;
use crate::types::{Fault, Timestamp, TrackingRunId};

/// A run to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    pub experiment_id: String,
    pub run_name: String,
    pub user_id: String,
    pub start_time: Timestamp,
    pub tags: Vec<(String, String)>,
    /// The launch token of the attempt that makes it: made twice, it is the same run.
    pub attempt_token: Option<String>,
}

/// A value of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricPoint {
    pub key: String,
    pub value: f64,
    pub timestamp: Timestamp,
    pub step: i64,
}

/// The states that a run may end in.
const ENDS: [&str; 3] = ["FINISHED", "FAILED", "KILLED"];

/// Makes a run in state `RUNNING`. Its artifacts go below the returned run's `artifact_uri`.
pub fn create(store: &Store, run: NewRun) -> Result<TrackingRunView, StoreError> {
    store.write_blocking(move |tx| {
        let run_id = make(tx, &run)?;
        view(tx, &run_id)
    })
}

/// Makes a run, or finds the one that the same attempt has made.
pub(crate) fn make(tx: &Connection, run: &NewRun) -> Result<TrackingRunId, StoreError> {
    let sql = "SELECT run_id FROM runs WHERE attempt_token = ?1";
    if let Some(made) = row::first(tx, sql, [&run.attempt_token], |row| row::text(row, "run_id"))? {
        return Ok(made);
    }
    let found = experiment::record::active(tx, &run.experiment_id)?;
    let run_id = TrackingRunId::new(uuid::Uuid::new_v4().simple().to_string());
    let sql = "INSERT INTO runs (run_id, experiment_id, run_name, user_id, status,
            start_time, artifact_uri, attempt_token)
        VALUES (?1, ?2, ?3, ?4, 'RUNNING', ?5, ?6, ?7)";
    let values = params![
        run_id.as_str(),
        found.experiment_id,
        run.run_name,
        run.user_id,
        row::micros(run.start_time),
        format!("{}/{run_id}/artifacts", found.artifact_location.trim_end_matches('/')),
        run.attempt_token,
    ];
    row::execute(tx, sql, values)?;
    // As MLflow's clients expect it.
    put_tag(tx, &run_id, record::RUN_NAME, &run.run_name)?;
    for (key, value) in &run.tags {
        put_tag(tx, &run_id, key, value)?;
    }
    touch_experiment(tx, &run_id, run.start_time)?;
    Ok(run_id)
}

/// Logs in one transaction. A param that has another value already is refused.
pub fn log_batch(
    store: &Store,
    run_id: &TrackingRunId,
    metrics: Vec<MetricPoint>,
    params: Vec<(String, String)>,
    tags: Vec<(String, String)>,
) -> Result<(), StoreError> {
    let run_id = run_id.clone();
    store.write_blocking(move |tx| {
        record::require_active(tx, &run_id)?;
        params.iter().try_for_each(|(key, value)| put_param(tx, &run_id, key, value))?;
        metrics.iter().try_for_each(|point| put_metric(tx, &run_id, point))?;
        tags.iter().try_for_each(|(key, value)| put_tag(tx, &run_id, key, value))
    })
}

fn put_metric(
    conn: &Connection,
    run_id: &TrackingRunId,
    point: &MetricPoint,
) -> Result<(), StoreError> {
    let values = params![
        run_id.as_str(),
        point.key,
        row::real(point.value),
        row::micros(point.timestamp),
        point.step,
    ];
    // A point that is logged again, by a client that tries again, is one point.
    let sql = "INSERT OR IGNORE INTO metrics (run_id, key, value, timestamp, step)
        VALUES (?1, ?2, ?3, ?4, ?5)";
    row::execute(conn, sql, values)?;
    // The latest is the greatest (step, timestamp, value); any number beats NaN.
    let sql = "INSERT INTO latest_metrics (run_id, key, value, timestamp, step)
        VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (run_id, key) DO UPDATE SET value = excluded.value,
            timestamp = excluded.timestamp, step = excluded.step
        WHERE (excluded.step, excluded.timestamp, ifnull(excluded.value, -9e999))
            > (step, timestamp, ifnull(value, -9e999))";
    row::execute(conn, sql, values).map(drop)
}

fn put_param(
    conn: &Connection,
    run_id: &TrackingRunId,
    key: &str,
    value: &str,
) -> Result<(), StoreError> {
    let sql = "INSERT OR IGNORE INTO params (run_id, key, value) VALUES (?1, ?2, ?3)";
    if row::execute(conn, sql, [run_id.as_str(), key, value])? == 1 {
        return Ok(());
    }
    let sql = "SELECT value FROM params WHERE run_id = ?1 AND key = ?2";
    let present: Option<String> =
        row::first(conn, sql, [run_id.as_str(), key], |row| Ok(row.get(0)?))?;
    match present {
        Some(present) if present != value => Err(Fault::conflict(format!(
            "Changing param values is not allowed. Param with key='{key}' was already logged with \
             value='{present}' for run ID='{run_id}'. Attempted logging new value '{value}'."
        ))
        .hint("params are written once; use a tag for what changes")
        .into()),
        _ => Ok(()),
    }
}

fn put_tag(
    conn: &Connection,
    run_id: &TrackingRunId,
    key: &str,
    value: &str,
) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO tags (run_id, key, value) VALUES (?1, ?2, ?3)";
    row::execute(conn, sql, [run_id.as_str(), key, value]).map(drop)
}

/// Ends a run as `FINISHED`, `FAILED` or `KILLED`.
pub fn end(
    store: &Store,
    run_id: &TrackingRunId,
    status: &str,
    end_time: Timestamp,
) -> Result<(), StoreError> {
    if !ENDS.contains(&status) {
        let text = format!("a run cannot end as `{status}`");
        return Err(Fault::invalid(text).hint(format!("one of {}", ENDS.join(", "))).into());
    }
    let (run_id, status) = (run_id.clone(), status.to_owned());
    store.write_blocking(move |tx| {
        require(tx, &run_id)?;
        let sql = "UPDATE runs SET status = ?2, end_time = ?3 WHERE run_id = ?1";
        row::execute(tx, sql, params![run_id.as_str(), status, row::micros(end_time)])?;
        touch_experiment(tx, &run_id, end_time)
    })
}

/// Ends as `FAILED` the runs that an attempt which is over left `RUNNING`, its script's too.
pub fn end_abandoned(
    store: &Store,
    attempt_token: &str,
    end_time: Timestamp,
) -> Result<usize, StoreError> {
    let token = attempt_token.to_owned();
    store.write_blocking(move |tx| {
        // The run that stands for the task has failed with it, though all under it are over.
        let sql = "UPDATE runs SET status = 'FAILED', end_time = ?2
            WHERE (attempt_token = ?1 OR made_by = ?1) AND (status = 'RUNNING'
                OR EXISTS (SELECT 1 FROM task_run WHERE task_run.run_id = runs.run_id))";
        row::execute(tx, sql, params![token, row::micros(end_time)])
    })
}

/// Returns a run with its latest metrics; refuses with `NotFound`.
pub fn get(store: &Store, run_id: &TrackingRunId) -> Result<TrackingRunView, StoreError> {
    store.read_blocking(|conn| view(conn, run_id))
}

/// Returns the values of one metric, in the order of their steps.
pub fn metric_history(
    store: &Store,
    run_id: &TrackingRunId,
    key: &str,
) -> Result<Vec<MetricPoint>, StoreError> {
    store.read_blocking(|conn| {
        require(conn, run_id)?;
        history_by_step(conn, run_id, key, i64::MIN..=i64::MAX)
    })
}

/// Returns the values of one metric at some steps, in their order; of no run there are none.
pub(crate) fn history_by_step(
    conn: &Connection,
    run_id: &TrackingRunId,
    key: &str,
    steps: RangeInclusive<i64>,
) -> Result<Vec<MetricPoint>, StoreError> {
    let sql = "SELECT * FROM metrics WHERE run_id = ?1 AND key = ?2 AND step BETWEEN ?3 AND ?4
        ORDER BY step, timestamp, value";
    let values = params![run_id.as_str(), key, steps.start(), steps.end()];
    row::all(conn, sql, values, point)
}

/// Returns a page of the values of one metric as they were logged: its length, and how many come
/// before. Of no run there are none.
pub(crate) fn history_by_time(
    conn: &Connection,
    run_id: &TrackingRunId,
    key: &str,
    (limit, offset): (u32, u32),
) -> Result<Vec<MetricPoint>, StoreError> {
    let sql = "SELECT * FROM metrics WHERE run_id = ?1 AND key = ?2
        ORDER BY timestamp, step, value LIMIT ?3 OFFSET ?4";
    row::all(conn, sql, params![run_id.as_str(), key, limit, offset], point)
}

pub(crate) fn point(row: &Row<'_>) -> Result<MetricPoint, StoreError> {
    Ok(MetricPoint {
        key: row.get("key")?,
        value: row::number(row, "value")?,
        timestamp: row::time(row, "timestamp")?,
        step: row.get("step")?,
    })
}

/// Refuses with `NotFound` where there is no such run.
pub(crate) fn require(conn: &Connection, run_id: &TrackingRunId) -> Result<(), StoreError> {
    let sql = "SELECT 1 FROM runs WHERE run_id = ?1";
    row::first(conn, sql, [run_id.as_str()], |_| Ok(()))?.ok_or_else(|| no_run(run_id))
}

/// Returns a run with its latest metrics; refuses with `NotFound`.
pub(crate) fn view(
    conn: &Connection,
    run_id: &TrackingRunId,
) -> Result<TrackingRunView, StoreError> {
    find(conn, run_id)?.ok_or_else(|| no_run(run_id))
}

/// Returns a run with its latest metrics, where it is kept here.
pub(crate) fn find(
    conn: &Connection,
    run_id: &TrackingRunId,
) -> Result<Option<TrackingRunView>, StoreError> {
    let run = row::first(conn, "SELECT * FROM runs WHERE run_id = ?1", [run_id.as_str()], read)?;
    run.map(|run| with_figures(conn, run)).transpose()
}

/// In MLflow's words, which its clients look for.
fn no_run(run_id: &TrackingRunId) -> StoreError {
    Fault::not_found(format!("Run with id={run_id} not found"))
        .hint("`dagdeck experiments runs NAME` shows what there is")
        .into()
}

pub(crate) fn read(row: &Row<'_>) -> Result<TrackingRunView, StoreError> {
    Ok(TrackingRunView {
        run_id: row::text(row, "run_id")?,
        run_name: row.get("run_name")?,
        experiment_id: row.get::<_, i64>("experiment_id")?.to_string(),
        status: row.get("status")?,
        start_time: row::time(row, "start_time")?,
        end_time: row::opt_time(row, "end_time")?,
        params: Vec::new(),
        metrics: Vec::new(),
        tags: Vec::new(),
        artifact_uri: row.get("artifact_uri")?,
        artifacts: Vec::new(),
        nested: None,
    })
}

pub(crate) fn with_figures(
    conn: &Connection,
    mut run: TrackingRunView,
) -> Result<TrackingRunView, StoreError> {
    let pair = |row: &Row<'_>| Ok((row.get("key")?, row.get("value")?));
    let id = run.run_id.as_str();
    let sql = "SELECT key, value FROM params WHERE run_id = ?1 ORDER BY key";
    run.params = row::all(conn, sql, [id], pair)?;
    let sql = "SELECT key, value FROM tags WHERE run_id = ?1 ORDER BY key";
    run.tags = row::all(conn, sql, [id], pair)?;
    let sql = "SELECT key, value FROM latest_metrics WHERE run_id = ?1 ORDER BY key";
    run.metrics = row::all(conn, sql, [id], |row| {
        Ok((row.get::<_, String>("key")?, row::number(row, "value")?))
    })?;
    run.artifacts = artifact::of_run(conn, &run.run_id)?;
    run.nested = trials::summary(conn, &run)?;
    Ok(run)
}

fn touch_experiment(
    conn: &Connection,
    run_id: &TrackingRunId,
    when: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE experiments SET last_update_time = max(ifnull(last_update_time, ?2), ?2)
        WHERE experiment_id = (SELECT experiment_id FROM runs WHERE run_id = ?1)";
    row::execute(conn, sql, params![run_id.as_str(), row::micros(when)]).map(drop)
}

pub mod attempt;
pub mod data;
mod name;
mod nested;
pub mod record;
pub mod trials;

pub use name::some_name;
pub use nested::{METRIC, NestedRun, PARENT, PLANNED, STATE, nest, nested_tags, take_over};

#[cfg(test)]
mod tests;
