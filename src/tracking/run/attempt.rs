//! Runs that the script of an attempt makes with MLflow's client hang under the task that ran it,
//! both ways: the run bears the task's names as tags, and is among what the attempt wrote. Those that
//! the script hangs under none hang under a run that stands for the task instance, of all its tries; it
//! comes with the first of them, and is over when they are (ADR 0061).

use rusqlite::{Connection, params};

use crate::store::{StoreError, observed, row};
use crate::tracking::run::record::Run;
use crate::tracking::run::{self, NewRun, PARENT, put_tag};
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

/// Notes which attempt made a run, and hangs it under the one of its task instance.
pub fn claim(
    tx: &Connection,
    made: &Run,
    key: &AttemptKey,
    token: &LaunchToken,
    now: Timestamp,
) -> Result<(), StoreError> {
    let run_id = &made.run_id;
    if !made.tags.iter().any(|(name, _)| name == PARENT) {
        let parent = of_task(tx, made, key, token)?;
        put_tag(tx, run_id, PARENT, parent.as_str())?;
    }
    let sql = "UPDATE runs SET made_by = ?2 WHERE run_id = ?1";
    row::execute(tx, sql, params![run_id.as_str(), token.as_str()])?;
    tags(key).iter().try_for_each(|(name, value)| put_tag(tx, run_id, name, value))?;
    let mut known = observed::io(tx, key)?.unwrap_or_default();
    known.outputs.push(DatasetRef::new(TRACKED, run_id.as_str()));
    observed::put(tx, key, &known, now)
}

/// Returns the run that stands for a task instance in the experiment of one that its script made: it
/// is running again.
fn of_task(
    tx: &Connection,
    made: &Run,
    key: &AttemptKey,
    token: &LaunchToken,
) -> Result<TrackingRunId, StoreError> {
    let task = &key.task;
    let sql = "SELECT run_id FROM task_run JOIN runs USING (run_id)
        WHERE task_run.experiment_id = ?1 AND dag_id = ?2 AND dag_run_id = ?3 AND task_id = ?4
            AND map_index = ?5 AND lifecycle_stage = 'active'";
    let names = params![
        made.experiment_id,
        task.dag_id.as_str(),
        task.dag_run_id.as_str(),
        task.task_id.as_str(),
        task.map_index,
    ];
    let found: Option<TrackingRunId> = row::first(tx, sql, names, |row| row::text(row, "run_id"))?;
    let parent = match found {
        Some(parent) => parent,
        None => {
            let parent = run::make(tx, &standing_for(made, key))?;
            // One that somebody deleted makes room.
            let sql = "INSERT OR REPLACE INTO task_run
                    (experiment_id, dag_id, dag_run_id, task_id, map_index, run_id)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            let values = params![
                made.experiment_id,
                task.dag_id.as_str(),
                task.dag_run_id.as_str(),
                task.task_id.as_str(),
                task.map_index,
                parent.as_str(),
            ];
            row::execute(tx, sql, values)?;
            parent
        }
    };
    let sql = "UPDATE runs SET status = 'RUNNING', end_time = NULL, made_by = ?2
        WHERE run_id = ?1 AND (status <> 'RUNNING' OR made_by IS NOT ?2)";
    if row::execute(tx, sql, params![parent.as_str(), token.as_str()])? > 0 {
        tags(key).iter().try_for_each(|(name, value)| put_tag(tx, &parent, name, value))?;
    }
    Ok(parent)
}

fn standing_for(made: &Run, key: &AttemptKey) -> NewRun {
    let task = &key.task;
    let name = match task.map_index {
        UNMAPPED => task.task_id.to_string(),
        index => format!("{}[{index}]", task.task_id),
    };
    let tag = |key: &str, value: String| (key.to_owned(), value);
    NewRun {
        experiment_id: made.experiment_id.clone(),
        run_name: name,
        user_id: made.user_id.clone(),
        start_time: made.start_time,
        tags: vec![
            tag("mlflow.source.name", format!("{}.{}", task.dag_id, task.task_id)),
            tag("mlflow.source.type", "JOB".to_owned()),
            tag("mlflow.user", made.user_id.clone()),
        ],
        attempt_token: None,
    }
}

/// Ends the run that stands for a task instance when none that hangs under it is running any more:
/// as the one that has just ended. A script that goes on makes it run again.
pub(crate) fn follow(tx: &Connection, ended: &Run) -> Result<(), StoreError> {
    let Some((_, parent)) = ended.tags.iter().find(|(name, _)| name == PARENT) else {
        return Ok(());
    };
    let sql = "UPDATE runs SET status = ?2, end_time = ?3
        WHERE run_id = ?1 AND EXISTS (SELECT 1 FROM task_run WHERE task_run.run_id = runs.run_id)
            AND NOT EXISTS (SELECT 1 FROM runs AS other
                JOIN tags ON tags.run_id = other.run_id AND tags.key = ?4
                WHERE other.made_by = runs.made_by AND tags.value = ?1
                    AND other.status = 'RUNNING')";
    let values = params![parent, ended.status, row::opt_micros(ended.end_time), PARENT];
    row::execute(tx, sql, values).map(drop)
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
