//! Lets tasks run again, also of runs that have ended: their rows are read from the store.

use crate::runtime::control::{ControlParts, find, runs, user};
use crate::sched::state::EndedRun;
use crate::sched::{Command, Input, Reply};
use crate::store::{asset, task_instance, task_map};
use crate::types::ask::Answer;
use crate::types::run::{DagRun, DagRunKey};
use crate::types::{DagId, DagRunId, Fault, FaultKind, TaskId};

/// Which tasks.
#[derive(Debug, Clone)]
pub(super) struct Clear {
    /// Empty: all.
    pub(super) task_ids: Vec<TaskId>,
    pub(super) only_failed: bool,
    pub(super) include_downstream: bool,
}

/// Clears them.
pub(super) async fn clear(
    parts: &ControlParts,
    dag_id: DagId,
    dag_run_id: DagRunId,
    wish: Clear,
) -> Result<Answer, Fault> {
    let key = DagRunKey { dag_id, dag_run_id };
    let run = runs::get(parts, &key).await?;
    find::dag(&parts.live(), &key.dag_id)?;
    let was_ended = run.state.is_finished();
    match ask(parts, &key, &wish, run).await {
        // It ended between the look and the wish: once more, with its rows.
        Err(fault) if fault.kind == FaultKind::NotFound && !was_ended => {
            let run = runs::get(parts, &key).await?;
            if !run.state.is_finished() {
                return Err(fault);
            }
            ask(parts, &key, &wish, run).await
        }
        answer => answer,
    }
}

async fn ask(
    parts: &ControlParts,
    key: &DagRunKey,
    wish: &Clear,
    run: DagRun,
) -> Result<Answer, Fault> {
    let ended = match run.state.is_finished() {
        true => Some(Box::new(rows(parts, key, run).await?)),
        false => None,
    };
    let command = Command::ClearTasks {
        dag_id: key.dag_id.clone(),
        dag_run_id: key.dag_run_id.clone(),
        task_ids: wish.task_ids.clone(),
        only_failed: wish.only_failed,
        include_downstream: wish.include_downstream,
        user: Some(user::name()),
        ended,
    };
    match parts.handle.ask(Input::Command(command)).await? {
        Reply::Cleared(cleared) => Ok(Answer::Cleared(cleared)),
        Reply::Done | Reply::Run(_) | Reply::AssetEvent { .. } => Ok(Answer::Cleared(Vec::new())),
    }
}

async fn rows(parts: &ControlParts, key: &DagRunKey, run: DagRun) -> Result<EndedRun, Fault> {
    let key = key.clone();
    let read = move |conn: &rusqlite::Connection| {
        let tasks = task_instance::for_run(conn, &key)?;
        let triggering_asset_events = asset::triggering(conn, &key)?;
        let maps = task_map::for_run(conn, &key)?;
        Ok(EndedRun { run, tasks, triggering_asset_events, maps })
    };
    parts.read(read).await
}
