//! Runs that the script of an attempt makes with MLflow's client hang under the task that ran it,
//! both ways: the run bears the task's names as tags, and is among what the attempt wrote.

use rusqlite::{Connection, params};

use crate::store::{StoreError, observed, row};
use crate::tracking::run::put_tag;
use crate::types::ids::UNMAPPED;
use crate::types::io::{DatasetRef, TRACKED};
use crate::types::{AttemptKey, LaunchToken, Timestamp, TrackingRunId};

/// Notes which attempt made a run.
pub fn claim(
    tx: &Connection,
    run_id: &TrackingRunId,
    key: &AttemptKey,
    token: &LaunchToken,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE runs SET made_by = ?2 WHERE run_id = ?1";
    row::execute(tx, sql, params![run_id.as_str(), token.as_str()])?;
    tags(key).iter().try_for_each(|(name, value)| put_tag(tx, run_id, name, value))?;
    let mut known = observed::io(tx, key)?.unwrap_or_default();
    known.outputs.push(DatasetRef::new(TRACKED, run_id.as_str()));
    observed::put(tx, key, &known, now)
}

/// Names an attempt in the tags of a run.
pub fn tags(key: &AttemptKey) -> Vec<(&'static str, String)> {
    let task = &key.task;
    let mut tags = vec![
        ("dagdeck.dag_id", task.dag_id.to_string()),
        ("dagdeck.dag_run_id", task.dag_run_id.to_string()),
        ("dagdeck.task_id", task.task_id.to_string()),
        ("dagdeck.try_number", key.try_number.to_string()),
    ];
    if task.map_index != UNMAPPED {
        tags.push(("dagdeck.map_index", task.map_index.to_string()));
    }
    tags
}
