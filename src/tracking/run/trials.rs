//! What is known of the runs under a run: how many, how they ended, which is the best; and each of
//! them as a trial of a search.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::nested::{METRIC, PLANNED, STATE};
use crate::store::{StoreError, row};
use crate::tracking::run;
use crate::types::TrackingRunId;
use crate::types::metric::{Better, better, rank};
use crate::types::view::{NestedRuns, TrackingRunView, TrialView, TrialsView};

/// Metrics of runs that are looked at to find out what they are judged by.
const LOOKED_AT: u32 = 500;

/// The runs under ?1 that are of its experiment, ?2. The key is written out: the index is of it.
const UNDER: &str = "FROM tags AS t JOIN runs AS c ON c.run_id = t.run_id
    WHERE t.key = 'mlflow.parentRunId' AND t.value = ?1 AND c.run_id <> ?1
        AND c.experiment_id = ?2 AND c.lifecycle_stage = 'active'";

/// Says of a run `c` that it was given up before it was whole.
const IS_PRUNED: &str = "EXISTS (SELECT 1 FROM tags AS s
    WHERE s.run_id = c.run_id AND s.key = ?3 AND s.value = 'pruned')";

/// Returns what is known of the runs under `run`, whose tags are there; `None` where none are, nor
/// are to come.
pub(crate) fn summary(
    conn: &Connection,
    run: &TrackingRunView,
) -> Result<Option<NestedRuns>, StoreError> {
    let tag = |key: &str| run.tags.iter().find(|(name, _)| name == key).map(|(_, value)| value);
    let sql = format!(
        "SELECT count(*) AS runs, total(c.status = 'RUNNING') AS running,
            total(c.status IN ('FAILED', 'KILLED')) AS failed, total({IS_PRUNED}) AS pruned {UNDER}"
    );
    let values = params![run.run_id.as_str(), run.experiment_id, STATE];
    let counted = row::first(conn, &sql, values, |row| {
        let count = |name: &str| -> Result<u64, StoreError> { Ok(row.get::<_, f64>(name)? as u64) };
        Ok(NestedRuns {
            runs: count("runs")?,
            running: count("running")?,
            failed: count("failed")?,
            pruned: count("pruned")?,
            ..NestedRuns::default()
        })
    })?;
    let planned = tag(PLANNED).and_then(|text| text.parse().ok());
    let mut found = counted.unwrap_or_default();
    if found.runs == 0 && planned.is_none() {
        return Ok(None);
    }
    found.planned = planned;
    found.metric = match tag(METRIC) {
        Some(metric) => Some(format!("cv_{metric}_mean")),
        None => judged_by(conn, run)?,
    };
    if let Some(metric) = &found.metric {
        found.best = best(conn, run, metric)?;
    }
    Ok(Some(found))
}

/// Returns what says most of the metrics that the runs have, of those whose better way is known.
fn judged_by(conn: &Connection, run: &TrackingRunView) -> Result<Option<String>, StoreError> {
    let sql = format!(
        "SELECT DISTINCT key FROM (SELECT m.key AS key FROM
            (SELECT c.run_id AS run_id {UNDER} LIMIT ?3) AS some
            JOIN latest_metrics AS m ON m.run_id = some.run_id LIMIT ?3)"
    );
    let values = params![run.run_id.as_str(), run.experiment_id, LOOKED_AT];
    let keys: Vec<String> = row::all(conn, &sql, values, |row| Ok(row.get("key")?))?;
    let known = keys.into_iter().filter(|key| better(key).is_some());
    Ok(known.min_by(|a, b| (rank(a), a).cmp(&(rank(b), b))))
}

/// Returns the best value of a metric among the runs that are whole, of equals the first.
fn best(
    conn: &Connection,
    run: &TrackingRunView,
    metric: &str,
) -> Result<Option<(f64, TrackingRunId)>, StoreError> {
    let Some(way) = better(metric) else { return Ok(None) };
    let order = if way == Better::More { "DESC" } else { "ASC" };
    let sql = format!(
        "SELECT m.value AS value, c.run_id AS run_id FROM (SELECT c.* {UNDER}
            AND c.status NOT IN ('FAILED', 'KILLED') AND NOT {IS_PRUNED}) AS c
            JOIN latest_metrics AS m ON m.run_id = c.run_id AND m.key = ?4
        WHERE abs(m.value) < 9e999
        ORDER BY m.value {order}, c.start_time, c.run_id LIMIT 1"
    );
    let values = params![run.run_id.as_str(), run.experiment_id, STATE, metric];
    row::first(conn, &sql, values, |row| Ok((row.get("value")?, row::text(row, "run_id")?)))
}

/// Returns the runs under a run as trials, the first `limit` of them.
pub fn trials(
    conn: &Connection,
    run_id: &TrackingRunId,
    limit: u32,
) -> Result<TrialsView, StoreError> {
    let run = run::view(conn, run_id)?;
    let metric = run.nested.as_ref().and_then(|nested| nested.metric.clone());
    let sql = format!(
        "SELECT c.run_id AS run_id, c.run_name AS run_name, c.status AS status,
            c.start_time AS start_time, c.end_time AS end_time, {IS_PRUNED} AS is_pruned,
            (SELECT m.value FROM latest_metrics AS m WHERE m.run_id = c.run_id AND m.key = ?4
                AND abs(m.value) < 9e999) AS value
        {UNDER} ORDER BY c.start_time, c.run_id LIMIT ?5"
    );
    let values = params![run_id.as_str(), run.experiment_id, STATE, metric, limit];
    let mut trials = row::all(conn, &sql, values, |row| {
        Ok(TrialView {
            number: 0,
            run_id: row::text(row, "run_id")?,
            run_name: row.get("run_name")?,
            status: row.get("status")?,
            is_pruned: row.get("is_pruned")?,
            value: row.get("value")?,
            start_time: row::time(row, "start_time")?,
            end_time: row::opt_time(row, "end_time")?,
            params: Vec::new(),
        })
    })?;
    let sql = format!(
        "SELECT p.run_id AS run_id, p.key AS key, p.value AS value FROM
            (SELECT c.run_id AS run_id {UNDER} ORDER BY c.start_time, c.run_id LIMIT ?3) AS some
            JOIN params AS p ON p.run_id = some.run_id ORDER BY p.run_id, p.key"
    );
    let values = params![run_id.as_str(), run.experiment_id, limit];
    let pairs = row::all(conn, &sql, values, |row| {
        let pair: (String, String) = (row.get("key")?, row.get("value")?);
        Ok((row::text::<TrackingRunId>(row, "run_id")?, pair))
    })?;
    let mut params: HashMap<TrackingRunId, Vec<(String, String)>> = HashMap::new();
    for (of, pair) in pairs {
        params.entry(of).or_default().push(pair);
    }
    for (number, trial) in (1..).zip(&mut trials) {
        trial.number = number;
        trial.params = params.remove(&trial.run_id).unwrap_or_default();
    }
    Ok(TrialsView { run, trials })
}

#[cfg(test)]
mod tests;
