//! Triggers runs, after saying what that would do; pauses DAGs.

use serde_json::{Map, Value};

use crate::runtime::control::{ControlParts, find, user};
use crate::sched::{Command, Input, Rejected, Reply};
use crate::store::dag_run::{self, RunFilter};
use crate::types::ask::{Answer, Trigger};
use crate::types::view::TriggerPlan;
use crate::types::{DagId, DagRunState, Fault};

/// Checks the conf and says what a trigger would do.
pub(super) async fn plan(
    parts: &ControlParts,
    dag_id: DagId,
    conf: Map<String, Value>,
) -> Result<Answer, Fault> {
    let live = parts.live();
    let dag = find::dag(&live, &dag_id)?;
    let params = match dag.params.resolve(&conf) {
        Ok(params) => params,
        Err(problems) => return Ok(Answer::Plan(Err(problems))),
    };
    let id = dag_id.clone();
    let read = move |conn: &rusqlite::Connection| {
        let median = dag_run::median_durations(conn, std::slice::from_ref(&id))?.remove(&id);
        let mut active = 0;
        for state in [DagRunState::Queued, DagRunState::Running] {
            let filter = RunFilter { dag_id: Some(id.clone()), state: Some(state) };
            active += dag_run::list(conn, &filter, 0, 0)?.1;
        }
        Ok((median, active))
    };
    let (median_duration, active) = parts.read(read).await?;
    Ok(Answer::Plan(Ok(TriggerPlan {
        params,
        task_count: dag.tasks.len(),
        median_duration,
        active_runs: usize::try_from(active).unwrap_or(usize::MAX),
        max_active_runs: dag.max_active_runs,
        dag_id,
    })))
}

/// Triggers a run.
pub(super) async fn trigger(parts: &ControlParts, mut wish: Trigger) -> Result<Answer, Fault> {
    find::dag(&parts.live(), &wish.dag_id)?;
    if let Some(dag_run_id) = wish.dag_run_id.clone() {
        if dag_run_id.as_str().trim().is_empty() {
            let fault = Fault::invalid("the id of the run is empty");
            return Err(fault.hint("leave it out and one is made"));
        }
        // The engine knows the runs under way; those that have ended are only in the store.
        let dag_id = wish.dag_id.clone();
        let exists = {
            let (dag_id, dag_run_id) = (dag_id.clone(), dag_run_id.clone());
            parts.read(move |conn| dag_run::get(conn, &dag_id, &dag_run_id)).await?.is_some()
        };
        if exists {
            return Err(Rejected::RunExists { dag_id, dag_run_id }.into());
        }
    }
    wish.user.get_or_insert_with(user::name);
    match parts.handle.ask(Input::Command(Command::Trigger(wish))).await? {
        Reply::Run(run) => Ok(Answer::Run(run)),
        _ => Ok(Answer::Done),
    }
}

/// Pauses or unpauses.
pub(super) async fn set_paused(
    parts: &ControlParts,
    dag_id: DagId,
    is_paused: bool,
) -> Result<Answer, Fault> {
    find::dag(&parts.live(), &dag_id)?;
    let command = Command::SetPaused { dag_id, is_paused, user: Some(user::name()) };
    parts.handle.ask(Input::Command(command)).await?;
    Ok(Answer::Done)
}
