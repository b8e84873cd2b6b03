//! From the store to a state, at start and after a commit that failed.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::dag::deadline::DeadlineReference;
use crate::dag::{Dag, Deck};
use crate::runtime::executor::{boot, process_table};
use crate::runtime::promotion::off_thread;
use crate::sched::effect::Launch;
use crate::sched::state::{ActiveRun, EndedRun};
use crate::sched::{Arm, Change, State};
use crate::store::{Store, callback, dag_run, past};
use crate::types::callback::CallbackRequest;
use crate::types::event::{EventLog, Severity};
use crate::types::run::TaskInstance;
use crate::types::{
    AttemptKey, DagId, DagRunState, Fault, LaunchToken, TaskInstanceState, Timestamp,
};

/// A state that is what the store says.
pub(super) struct Recovery {
    pub(super) state: State,
    /// Attempts of runs whose DAG is gone: to be ended.
    pub(super) orphans: Vec<(AttemptKey, LaunchToken)>,
    /// What the outside has not been told yet.
    pub(super) callbacks: Vec<CallbackRequest>,
}

/// Reads the state back. Runs whose DAG is gone are ended in the store.
pub(super) async fn recover(
    store: &Store,
    deck: &Arc<Deck>,
    now: Timestamp,
) -> Result<Recovery, Fault> {
    let mut recovered = {
        let store = store.clone();
        let looks_back = deck.dags.values().filter(|dag| dag.plan.looks_back());
        let looks_back: Vec<DagId> = looks_back.map(|dag| dag.dag_id.clone()).collect();
        off_thread(move || {
            let mut recovered = store.recover().map_err(Fault::from)?;
            recovered.past =
                store.read_blocking(|conn| past::read(conn, &looks_back)).map_err(Fault::from)?;
            Ok(recovered)
        })
        .await?
    };
    recovered.runtimes = runtimes(store, deck).await?;
    let callbacks = store.read(callback::pending).await?;
    let (state, gone) = State::recover(deck.clone(), recovered, token_prefix()?);
    let orphans = gone.iter().flat_map(|run| run.tasks.iter().filter_map(held)).collect();
    if !gone.is_empty() {
        let changes = gone.into_iter().flat_map(|run| end_gone(run, now)).collect();
        store.commit(changes).await?;
    }
    Ok(Recovery { state, orphans, callbacks })
}

/// A prefix of its own for each state, for the counter after it begins anew, with the boot.
fn token_prefix() -> Result<String, Fault> {
    #[cfg(test)]
    if let Some(prefix) = crate::runtime::simulation::token_prefix() {
        return Ok(prefix);
    }
    let random: String = Uuid::new_v4().simple().to_string().chars().take(12).collect();
    let boot_id = process_table::boot_id()
        .map_err(|error| Fault::unavailable("read the boot's id").caused_by(Some(&error)))?;
    Ok(boot::token_prefix(&boot_id, &random))
}

/// Reads how long the last runs took of DAGs with a deadline that asks for it.
async fn runtimes(store: &Store, deck: &Deck) -> Result<Vec<(DagId, Vec<Duration>)>, Fault> {
    let asks = |dag: &Dag| {
        let longest = dag.deadlines.iter().filter_map(|spec| match spec.reference {
            DeadlineReference::AverageRuntime { max_runs, .. } => Some(max_runs),
            _ => None,
        });
        longest.max().map(|max_runs| (dag.dag_id.clone(), max_runs))
    };
    let (dag_ids, counts): (Vec<DagId>, Vec<u32>) =
        deck.dags.values().filter_map(|dag| asks(dag)).unzip();
    let Some(count) = counts.into_iter().max() else { return Ok(Vec::new()) };
    let found = store.read(move |conn| dag_run::durations(conn, &dag_ids, count)).await?;
    Ok(found.into_iter().collect())
}

/// Returns what the store holds to be in flight, as it would be launched.
pub(super) fn in_flight(state: &State) -> Vec<Launch> {
    let of_run = |active: &ActiveRun| -> Vec<Launch> {
        let held = active.tasks.values().filter_map(held);
        held.map(|(key, token)| Launch {
            task_id: key.task.task_id.clone(),
            key,
            token,
            dag: active.dag.clone(),
            run: active.run.clone(),
            triggering_asset_events: active.triggering_asset_events.clone(),
        })
        .collect()
    };
    state.runs.values().flat_map(of_run).collect()
}

/// Returns what the store holds to be deferred.
pub(super) fn deferred(state: &State) -> Vec<Arm> {
    let tasks = state.runs.values().flat_map(|active| active.tasks.values());
    let arm = |task: &TaskInstance| {
        Some(Arm {
            key: task.attempt(),
            token: task.token.clone()?,
            trigger: task.trigger.clone()?,
            seen: task.note.clone(),
        })
    };
    tasks.filter(|task| task.state == Some(TaskInstanceState::Deferred)).filter_map(arm).collect()
}

/// Names the attempt that an executor should hold of a task instance.
fn held(task: &TaskInstance) -> Option<(AttemptKey, LaunchToken)> {
    let is_in_flight = task.state.is_some_and(TaskInstanceState::is_in_flight);
    let token = task.token.clone().filter(|_| is_in_flight)?;
    Some((task.attempt(), token))
}

/// Ends a run that nothing can go on with.
fn end_gone(gone: EndedRun, now: Timestamp) -> Vec<Change> {
    let EndedRun { mut run, tasks, .. } = gone;
    let message = format!("DAG `{}` is gone from the definitions", run.dag_id);
    let mut changes = Vec::new();
    for mut task in tasks {
        if task.state.is_some_and(TaskInstanceState::is_finished) {
            continue;
        }
        let was_held = task.state.is_some_and(TaskInstanceState::is_under_way);
        let state = if was_held { TaskInstanceState::Failed } else { TaskInstanceState::Skipped };
        task.state = Some(state);
        task.end_date = Some(now);
        task.next_retry_at = None;
        task.trigger = None;
        task.trigger_timeout = None;
        task.note = Some(message.clone());
        changes.push(Change::PutTaskInstance(task));
    }
    run.state = DagRunState::Failed;
    run.end_date = Some(now);
    changes.push(Change::InsertEventLog(EventLog {
        id: 0,
        when: now,
        severity: Severity::Error,
        event: "dag_run.failed".to_owned(),
        dag_id: Some(run.dag_id.clone()),
        dag_run_id: Some(run.dag_run_id.clone()),
        task_id: None,
        owner: None,
        message: format!("run `{}` failed: {message}", run.dag_run_id),
    }));
    changes.push(Change::PutDagRun(run));
    changes
}
