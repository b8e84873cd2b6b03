//! Runs under a run: the trials of a search.

use rusqlite::params;

use super::{MetricPoint, put_metric, put_param, put_tag, record, touch_experiment, view};
use crate::store::{Store, StoreError, row};
use crate::tracking::experiment;
use crate::types::view::TrackingRunView;
use crate::types::{Timestamp, TrackingRunId};

/// Who a run hangs under, as MLflow's clients ask for it.
pub const PARENT: &str = "mlflow.parentRunId";

/// On a search's run: how many trials there are to be, and by which metric they are judged.
pub const PLANNED: &str = "dagdeck.trials";
pub const METRIC: &str = "dagdeck.search_metric";

/// On a trial's run: `complete`, `pruned` or `failed`.
pub const STATE: &str = "dagdeck.trial_state";

/// A run that is over, under another.
#[derive(Debug, Clone, PartialEq)]
pub struct NestedRun {
    pub run_name: String,
    pub user_id: String,
    pub status: &'static str,
    pub start_time: Timestamp,
    pub end_time: Timestamp,
    pub params: Vec<(String, String)>,
    pub metrics: Vec<MetricPoint>,
    pub tags: Vec<(String, String)>,
    /// What is told of it on the parent.
    pub on_parent: Vec<MetricPoint>,
}

/// Adds a run under `parent`, with all that belongs to it, in one step: what is killed leaves no
/// half of it.
pub fn nest(
    store: &Store,
    parent: &TrackingRunView,
    run: NestedRun,
) -> Result<TrackingRunId, StoreError> {
    let (parent_id, experiment_id) = (parent.run_id.clone(), parent.experiment_id.clone());
    store.write_blocking(move |tx| {
        let of = experiment::record::active(tx, &experiment_id)?;
        let run_id = TrackingRunId::new(uuid::Uuid::new_v4().simple().to_string());
        let sql = "INSERT INTO runs (run_id, experiment_id, run_name, user_id, status,
                start_time, end_time, artifact_uri)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let values = params![
            run_id.as_str(),
            of.experiment_id,
            run.run_name,
            run.user_id,
            run.status,
            row::micros(run.start_time),
            row::micros(run.end_time),
            format!("{}/{run_id}/artifacts", of.artifact_location.trim_end_matches('/')),
        ];
        row::execute(tx, sql, values)?;
        put_tag(tx, &run_id, record::RUN_NAME, &run.run_name)?;
        put_tag(tx, &run_id, PARENT, parent_id.as_str())?;
        run.tags.iter().try_for_each(|(key, value)| put_tag(tx, &run_id, key, value))?;
        run.params.iter().try_for_each(|(key, value)| put_param(tx, &run_id, key, value))?;
        run.metrics.iter().try_for_each(|point| put_metric(tx, &run_id, point))?;
        run.on_parent.iter().try_for_each(|point| put_metric(tx, &parent_id, point))?;
        touch_experiment(tx, &run_id, run.end_time)?;
        Ok(run_id)
    })
}

/// Returns the values of a tag of all runs under `parent`, the first run first.
pub fn nested_tags(
    store: &Store,
    parent: &TrackingRunView,
    key: &str,
) -> Result<Vec<String>, StoreError> {
    store.read_blocking(|conn| {
        let sql = "SELECT own.value AS value FROM runs
            JOIN tags AS parent ON parent.run_id = runs.run_id AND parent.key = ?2
            JOIN tags AS own ON own.run_id = runs.run_id AND own.key = ?4
            WHERE runs.experiment_id = ?1 AND parent.value = ?3
            ORDER BY runs.start_time, runs.run_id";
        let values = params![parent.experiment_id, PARENT, parent.run_id.as_str(), key];
        row::all(conn, sql, values, |row| row::text(row, "value"))
    })
}

/// Takes over the latest run with this tag that did not finish: it runs again, for another
/// attempt. `None` where there is none.
pub fn take_over(
    store: &Store,
    experiment_id: &str,
    tag: (&str, &str),
    attempt_token: &str,
) -> Result<Option<TrackingRunView>, StoreError> {
    let (key, value) = (tag.0.to_owned(), tag.1.to_owned());
    let (experiment_id, token) = (experiment_id.to_owned(), attempt_token.to_owned());
    store.write_blocking(move |tx| {
        // An attempt that has its run already goes on with that.
        let sql = "SELECT run_id FROM runs WHERE attempt_token = ?1";
        if let Some(own) =
            row::first(tx, sql, [&token], |row| row::text::<TrackingRunId>(row, "run_id"))?
        {
            return view(tx, &own).map(Some);
        }
        let sql = "SELECT runs.run_id AS run_id FROM runs
            JOIN tags ON tags.run_id = runs.run_id AND tags.key = ?2
            WHERE runs.experiment_id = ?1 AND tags.value = ?3 AND runs.status <> 'FINISHED'
            ORDER BY runs.start_time DESC LIMIT 1";
        let values = params![experiment_id, key, value];
        let Some(run_id) =
            row::first(tx, sql, values, |row| row::text::<TrackingRunId>(row, "run_id"))?
        else {
            return Ok(None);
        };
        let sql = "UPDATE runs SET status = 'RUNNING', end_time = NULL, attempt_token = ?2
            WHERE run_id = ?1";
        row::execute(tx, sql, params![run_id.as_str(), token])?;
        // What was written once by who did not finish may be written once more.
        let forgotten = [
            "DELETE FROM tags WHERE run_id = ?1 AND key = 'dagdeck.error'",
            "DELETE FROM params WHERE run_id = ?1",
        ];
        for sql in forgotten {
            row::execute(tx, sql, [run_id.as_str()])?;
        }
        view(tx, &run_id).map(Some)
    })
}
