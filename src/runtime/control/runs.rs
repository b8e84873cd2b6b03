//! Runs and their tasks: pages of the list, one in full, and the end of one.

use std::collections::BTreeMap;

use crate::dag::Dag;
use crate::runtime::control::{ControlParts, dags, find, user};
use crate::sched::{Command, Input, Rejected, Reply};
use crate::store::dag_run::{self, RunFilter};
use crate::store::{asset, callback, deadline, rendered, task_instance, xcom};
use crate::types::ask::{Answer, TaskInstanceQuery};
use crate::types::run::{DagRun, DagRunKey, TaskInstance};
use crate::types::view::{RunDetailView, TaskDetailView, TaskPlace};
use crate::types::{DagId, DagRunId, DagRunState, Fault, TaskId, TaskInstanceKey};

/// Returns a page, newest first.
pub(super) async fn list(
    parts: &ControlParts,
    dag_id: Option<DagId>,
    state: Option<DagRunState>,
    limit: u32,
    offset: u32,
) -> Result<Answer, Fault> {
    if let Some(dag_id) = &dag_id {
        find::known_dag(&parts.live(), dag_id)?;
    }
    let filter = RunFilter { dag_id, state };
    let limit = limit.min(find::PAGE_LEN_MAX);
    let (runs, total) = parts.read(move |conn| dag_run::list(conn, &filter, limit, offset)).await?;
    Ok(Answer::Runs { runs, total })
}

/// Returns a page of task instances across runs, newest first.
pub(super) async fn list_tasks(
    parts: &ControlParts,
    mut query: TaskInstanceQuery,
) -> Result<Answer, Fault> {
    match (&query.dag_id, &query.task_id) {
        (Some(dag_id), _) => find::known_dag(&parts.live(), dag_id)?,
        (None, Some(task_id)) => {
            let text = format!("find task `{task_id}` in all DAGs");
            return Err(Fault::invalid(text).hint("name its DAG as well"));
        }
        (None, None) => {}
    }
    query.limit = query.limit.min(find::PAGE_LEN_MAX);
    let page = parts.read(move |conn| task_instance::page(conn, &query)).await?;
    let (task_instances, next) = page;
    Ok(Answer::TaskInstances { task_instances, next })
}

/// Returns a run with its tasks, each after those it waits for.
pub(super) async fn show(
    parts: &ControlParts,
    dag_id: DagId,
    dag_run_id: DagRunId,
) -> Result<Answer, Fault> {
    let live = parts.live();
    let key = DagRunKey { dag_id, dag_run_id };
    let wanted = key.clone();
    let read = move |conn: &rusqlite::Connection| {
        let Some(run) = dag_run::get(conn, &key.dag_id, &key.dag_run_id)? else {
            return Ok(None);
        };
        let ids = [key.dag_id.clone()];
        Ok(Some(RunDetailView {
            run,
            tasks: task_instance::for_run(conn, &key)?,
            edges: Vec::new(),
            places: BTreeMap::new(),
            groups: Vec::new(),
            triggering_asset_events: asset::triggering(conn, &key)?,
            median_duration: dag_run::median_durations(conn, &ids)?.remove(&key.dag_id),
            deadlines: deadline::for_run(conn, &key)?,
        }))
    };
    let mut detail = parts.read(read).await?.ok_or_else(|| find::no_run(&live, &wanted))?;
    if let Some(dag) = live.deck.dags.get(&wanted.dag_id) {
        arrange(dag, &mut detail);
    }
    Ok(Answer::RunDetail(Box::new(detail)))
}

/// Returns what was told to the outside of a run and its tasks.
pub(super) async fn callbacks(
    parts: &ControlParts,
    dag_id: DagId,
    dag_run_id: DagRunId,
) -> Result<Answer, Fault> {
    let key = DagRunKey { dag_id, dag_run_id };
    get(parts, &key).await?;
    parts.read(move |conn| callback::for_run(conn, &key)).await.map(Answer::Callbacks)
}

/// Puts the tasks in the order of the graph, says how they stand, and draws the edges between
/// those there are.
fn arrange(dag: &Dag, detail: &mut RunDetailView) {
    let places: BTreeMap<&TaskId, usize> = dag.graph.topological().iter().zip(0..).collect();
    // A task of an older definition has no place any more: it comes last.
    let place = |task: &TaskInstance| places.get(&task.key.task_id).copied().unwrap_or(usize::MAX);
    detail.tasks.sort_by_key(|task| (place(task), task.key.map_index));
    let places = dag.tasks.keys().map(|task| (task.clone(), dags::place(dag, task)));
    detail.places = places.filter(|(_, place)| *place != TaskPlace::default()).collect();
    detail.groups = dags::groups(dag);
    let has = |task_id: &TaskId| detail.tasks.iter().any(|task| task.key.task_id == *task_id);
    detail.edges =
        dag.graph.edges().into_iter().filter(|(up, down)| has(up) && has(down)).collect();
}

/// Returns a task instance with its tries, of the last of which the rendered fields.
pub(super) async fn show_task(parts: &ControlParts, key: TaskInstanceKey) -> Result<Answer, Fault> {
    let wanted = key.clone();
    let read = move |conn: &rusqlite::Connection| {
        let Some(task) = task_instance::get(conn, &key)? else { return Ok(None) };
        Ok(Some(TaskDetailView {
            tries: task_instance::tries(conn, &key)?,
            rendered: rendered::get(conn, &task.attempt())?,
            output: xcom::get(conn, &key)?,
            task,
        }))
    };
    match parts.read(read).await? {
        Some(detail) => Ok(Answer::Task(Box::new(detail))),
        None => Err(no_task(parts, wanted).await),
    }
}

/// Says whether it is the run or the task that there is not.
pub(super) async fn no_task(parts: &ControlParts, key: TaskInstanceKey) -> Fault {
    let run = DagRunKey { dag_id: key.dag_id.clone(), dag_run_id: key.dag_run_id.clone() };
    let of_run = {
        let run = run.clone();
        parts.read(move |conn| task_instance::for_run(conn, &run)).await
    };
    let tasks = match of_run {
        Ok(tasks) if tasks.is_empty() => return find::no_run(&parts.live(), &run),
        Ok(tasks) => tasks,
        Err(fault) => return fault,
    };
    let names = tasks.iter().map(|task| task.key.task_id.as_str());
    let meant = crate::dag::suggest::closest(key.task_id.as_str(), names);
    let hint = match meant {
        Some(meant) if meant != key.task_id.as_str() => format!("did you mean `{meant}`?"),
        _ => format!("`dagdeck tasks {} {}` shows what there is", key.dag_id, key.dag_run_id),
    };
    Fault::not_found(format!("there is no task {key}")).hint(hint)
}

/// Ends a run as failed.
pub(super) async fn cancel(
    parts: &ControlParts,
    dag_id: DagId,
    dag_run_id: DagRunId,
) -> Result<Answer, Fault> {
    let key = DagRunKey { dag_id: dag_id.clone(), dag_run_id: dag_run_id.clone() };
    let run = get(parts, &key).await?;
    if run.state.is_finished() {
        return Err(Rejected::RunEnded { dag_run_id, state: run.state.to_string() }.into());
    }
    let command = Command::CancelRun { dag_id, dag_run_id, user: Some(user::name()) };
    match parts.handle.ask(Input::Command(command)).await? {
        Reply::Run(run) => Ok(Answer::Run(run)),
        Reply::Done | Reply::Cleared(_) | Reply::AssetEvent { .. } => {
            get(parts, &key).await.map(|run| Answer::Run(Box::new(run)))
        }
    }
}

/// Returns a run; refuses with `NotFound`.
pub(super) async fn get(parts: &ControlParts, key: &DagRunKey) -> Result<DagRun, Fault> {
    let wanted = key.clone();
    let read =
        move |conn: &rusqlite::Connection| dag_run::get(conn, &wanted.dag_id, &wanted.dag_run_id);
    parts.read(read).await?.ok_or_else(|| find::no_run(&parts.live(), key))
}
