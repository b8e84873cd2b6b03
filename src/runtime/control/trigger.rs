//! Triggers runs, after saying what that would do; pauses DAGs.

use serde_json::{Map, Value};

use crate::dag::Dag;
use crate::runtime::control::{ControlParts, find, user};
use crate::runtime::engine::Live;
use crate::sched::{Command, Input, Rejected, Reply};
use crate::store::dag_run::{self, RunFilter};
use crate::store::{StoreError, task_instance};
use crate::types::ask::{Answer, Trigger};
use crate::types::view::{PoolNeed, TriggerPlan};
use crate::types::{DagId, DagRunState, Fault, TaskId};

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
    let mapped: Vec<TaskId> =
        dag.tasks.keys().filter(|task_id| dag.mapping(task_id).is_some()).cloned().collect();
    let read = move |conn: &rusqlite::Connection| {
        let median = dag_run::median_durations(conn, std::slice::from_ref(&id))?.remove(&id);
        let mut active = 0;
        for state in [DagRunState::Queued, DagRunState::Running] {
            let filter = RunFilter::of(Some(id.clone()), Some(state));
            active += dag_run::list(conn, &filter, 0, 0)?.1;
        }
        let mapped = mapped.into_iter().map(|task_id| {
            let count = task_instance::last_count(conn, &id, &task_id)?;
            Ok((task_id, count))
        });
        Ok((median, active, mapped.collect::<Result<_, StoreError>>()?))
    };
    let (median_duration, active, mapped) = parts.read(read).await?;
    Ok(Answer::Plan(Ok(TriggerPlan {
        params,
        task_count: dag.tasks.len(),
        median_duration,
        active_runs: usize::try_from(active).unwrap_or(usize::MAX),
        max_active_runs: dag.max_active_runs,
        mapped,
        pools: pools(&live, dag),
        dag_id,
    })))
}

/// How the pools stand that the tasks take slots of, in the order of the tasks.
fn pools(live: &Live, dag: &Dag) -> Vec<PoolNeed> {
    let mut needs: Vec<PoolNeed> = Vec::new();
    for task in dag.tasks.values() {
        if let Some(need) = needs.iter_mut().find(|need| need.pool == task.pool) {
            need.tasks += 1;
            continue;
        }
        let Some(pool) = live.pools.iter().find(|pool| pool.name == task.pool) else { continue };
        let free = pool.slots.saturating_sub(pool.running + pool.queued);
        needs.push(PoolNeed { pool: pool.name.clone(), tasks: 1, slots: pool.slots, free });
    }
    needs
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
