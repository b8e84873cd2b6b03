//! Runs that the script of an attempt makes with MLflow's client hang under the task that ran it,
//! both ways: the run bears the task's names as tags, and is among what the attempt wrote.

use rusqlite::{Connection, params};

use crate::store::{StoreError, observed, row};
use crate::tracking::run::put_tag;
use crate::types::ids::UNMAPPED;
use crate::types::io::{DatasetRef, TRACKED};
use crate::types::{AttemptKey, LaunchToken, Timestamp, TrackingRunId};

/// Returns the runs that attempts have made, by their tokens: those that hang under no other first,
/// of these the newest.
pub fn runs_of(
    conn: &Connection,
    tokens: &[LaunchToken],
) -> Result<Vec<TrackingRunId>, StoreError> {
    let tokens: Vec<&str> = tokens.iter().map(LaunchToken::as_str).collect();
    let tokens = row::json_text(&tokens, "token")?;
    let sql = "SELECT r.run_id AS run_id, EXISTS (SELECT 1 FROM tags AS t
                WHERE t.run_id = r.run_id AND t.key = 'mlflow.parentRunId') AS is_nested
        FROM (SELECT run_id FROM runs WHERE attempt_token IN (SELECT value FROM json_each(?1))
            UNION SELECT run_id FROM runs WHERE made_by IN (SELECT value FROM json_each(?1))) AS own
        JOIN runs AS r ON r.run_id = own.run_id AND r.lifecycle_stage = 'active'
        ORDER BY is_nested, r.start_time DESC, r.run_id";
    row::all(conn, sql, [tokens], |row| row::text(row, "run_id"))
}

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
