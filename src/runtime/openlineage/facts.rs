//! What an event is made of, as the store has it. A start knows what a task says that it reads and
//! writes; an end knows what it did.

use std::sync::Arc;

use rusqlite::Connection;

use crate::dag::{Dag, Deck, TaskSpec};
use crate::store::openlineage::outbox::{Due, EventType, Subject};
use crate::store::{StoreError, dag_run, dag_version, observed, task_instance};
use crate::types::AttemptKey;
use crate::types::io::Observed;
use crate::types::run::{DagRun, TaskTry};

/// What is known of whom an event tells.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) due: Due,
    pub(super) run: DagRun,
    /// The definition that the run runs; `None` where none was kept.
    pub(super) dag: Option<Arc<Dag>>,
    pub(super) attempt: Option<Attempt>,
    /// Why a run failed, in a line.
    pub(super) error: Option<String>,
}

/// A try, with what its operator said of itself.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) key: AttemptKey,
    pub(super) row: Option<TaskTry>,
    pub(super) observed: Observed,
}

impl Facts {
    /// Returns the task of a try.
    pub(super) fn task(&self) -> Option<&TaskSpec> {
        let attempt = self.attempt.as_ref()?;
        self.dag.as_ref()?.tasks.get(&attempt.key.task.task_id)
    }
}

/// Reads all that is known of what is due. Of a run that is gone nothing can be told.
pub(super) fn of(conn: &Connection, deck: &Deck, due: Due) -> Result<Option<Facts>, StoreError> {
    let (dag_id, dag_run_id) = due.subject.run();
    let Some(run) = dag_run::get(conn, dag_id, dag_run_id)? else { return Ok(None) };
    let is_end = due.event_type != EventType::Start;
    let dag = match deck.dags.get(dag_id) {
        Some(dag) if dag.version == run.dag_version => Some(Arc::clone(dag)),
        _ => dag_version::definition_of(conn, &run)?,
    };
    let attempt = match &due.subject {
        Subject::Run(_) => None,
        Subject::Try(key) => Some(attempt(conn, key, is_end)?),
    };
    let error = match (&due.subject, due.event_type) {
        (Subject::Run(_), EventType::Fail) => Some(why(conn, &run)?),
        _ => None,
    };
    Ok(Some(Facts { due, run, dag, attempt, error }))
}

fn attempt(conn: &Connection, key: &AttemptKey, is_end: bool) -> Result<Attempt, StoreError> {
    let tries = task_instance::tries(conn, &key.task)?;
    let row = tries.into_iter().find(|one| one.key == *key);
    let mut known = Observed::default();
    if is_end {
        known = observed::io(conn, key)?.unwrap_or_default();
        known.checks = observed::checks_of(conn, key)?;
    }
    Ok(Attempt { key: key.clone(), row, observed: known })
}

/// Names the tasks through which a run failed.
fn why(conn: &Connection, run: &DagRun) -> Result<String, StoreError> {
    let failed = task_instance::failed_of(conn, &run.key(), NAMED)?;
    if failed.is_empty() {
        return Ok("the run failed".to_owned());
    }
    Ok(format!("failed: {}", failed.join(", ")))
}

/// How many tasks are named of a run that failed.
const NAMED: u32 = 10;
