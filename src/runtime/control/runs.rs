//! Runs and their tasks: pages of the list, and one in full.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value, json};

use crate::dag::{Dag, Deck};
use crate::runtime::act;
use crate::runtime::attempt::AttemptFolder;
use crate::runtime::control::{ControlParts, dags, executors, find};
use crate::runtime::layout::Layout;
use crate::store::dag_run::{self, RunFilter};
use crate::store::{
    StoreError, asset, callback, dag_version, deadline, rendered, task_instance, xcom,
};
use crate::tracking::run::attempt;
use crate::types::ask::{Answer, RunsOnly, TaskInstanceQuery};
use crate::types::progress::Progress;
use crate::types::run::{DagRun, DagRunKey, TaskInstance};
use crate::types::view::{RunDetailView, TaskDetailView, TaskPlace};
use crate::types::xcom::{XcomFile, XcomValue};
use crate::types::{
    DagId, DagRunId, DagRunState, Fault, LaunchToken, TaskId, TaskInstanceKey, TaskInstanceState,
};

/// Returns a page, newest first.
pub(super) async fn list(
    parts: &ControlParts,
    (dag_id, state, only): (Option<DagId>, Option<DagRunState>, RunsOnly),
    limit: u32,
    offset: u32,
) -> Result<Answer, Fault> {
    let live = parts.live();
    if let Some(dag_id) = &dag_id {
        find::known_dag(&live, dag_id)?;
    }
    let mut filter = RunFilter::of(dag_id, state);
    if let Some(part) = only.dag {
        let known = live.deck.dags.keys().chain(live.dag_states.iter().map(|s| &s.dag_id));
        let mut dag_ids: Vec<DagId> =
            known.filter(|dag_id| dag_id.as_str().contains(&part)).cloned().collect();
        dag_ids.sort();
        dag_ids.dedup();
        // One alone has an index of its own.
        match <[DagId; 1]>::try_from(dag_ids) {
            Ok([one]) if filter.dag_id.as_ref().is_none_or(|dag_id| *dag_id == one) => {
                filter.dag_id = Some(one);
            }
            Ok(one) => filter.dag_ids = Some(one.into()),
            Err(many) => filter.dag_ids = Some(many),
        }
    }
    filter.run_type = only.run_type;
    filter.since = only
        .within_secs
        .and_then(|secs| parts.clock.now().checked_sub(std::time::Duration::from_secs(secs)).ok());
    filter.words = only.words;
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
) -> Result<RunDetailView, Fault> {
    let live = parts.live();
    let key = DagRunKey { dag_id, dag_run_id };
    let (wanted, layout) = (key.clone(), parts.layout.clone());
    let present = live.deck.dags.get(&key.dag_id).cloned();
    let version = present.as_ref().map(|dag| dag.version.clone());
    let is_present = move |run: &DagRun| version.as_ref() == Some(&run.dag_version);
    let read = move |conn: &rusqlite::Connection| {
        let Some(run) = dag_run::get(conn, &key.dag_id, &key.dag_run_id)? else {
            return Ok(None);
        };
        let ids = [key.dag_id.clone()];
        let tasks = task_instance::for_run(conn, &key)?;
        let kept = match is_present(&run) {
            true => None,
            false => dag_version::definition_of(conn, &run)?,
        };
        let detail = RunDetailView {
            run,
            progress: in_progress(&layout, &tasks),
            tasks,
            edges: Vec::new(),
            places: BTreeMap::new(),
            groups: Vec::new(),
            triggering_asset_events: asset::triggering(conn, &key)?,
            median_duration: dag_run::median_durations(conn, &ids)?.remove(&key.dag_id),
            deadlines: deadline::for_run(conn, &key)?,
        };
        Ok(Some((detail, kept)))
    };
    let found = parts.read(read).await?;
    let (mut detail, kept) = found.ok_or_else(|| find::no_run(&live, &wanted))?;
    if let Some(dag) = kept.as_ref().or(present.as_ref()) {
        arrange(dag, &mut detail);
    }
    Ok(detail)
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
    detail
        .tasks
        .sort_by_cached_key(|task| (place(task), task.key.task_id.clone(), task.key.map_index));
    let places = dag.tasks.keys().map(|task| (task.clone(), dags::place(dag, task)));
    detail.places = places.filter(|(_, place)| *place != TaskPlace::default()).collect();
    detail.groups = dags::groups(dag);
    let there: HashSet<&TaskId> = detail.tasks.iter().map(|task| &task.key.task_id).collect();
    let edges = dag.graph.edges().into_iter();
    let edges = edges.filter(|(up, down)| there.contains(up) && there.contains(down)).collect();
    detail.edges = edges;
}

/// Returns the arguments of an attempt. Where nothing of them is rendered they are kept with the
/// definition only.
pub(super) fn arguments(
    conn: &rusqlite::Connection,
    deck: Option<&Deck>,
    task: &TaskInstance,
) -> Result<Option<Map<String, Value>>, StoreError> {
    if let Some(rendered) = rendered::get(conn, &task.attempt())? {
        return Ok(Some(rendered));
    }
    let key = &task.key;
    let Some(run) = dag_run::get(conn, &key.dag_id, &key.dag_run_id)? else { return Ok(None) };
    let present = deck.and_then(|deck| deck.dags.get(&key.dag_id));
    let dag = match present.filter(|dag| dag.version == run.dag_version) {
        Some(dag) => Some(dag.clone()),
        None => dag_version::definition_of(conn, &run)?,
    };
    Ok(dag.and_then(|dag| act::as_written(&dag, &key.task_id)))
}

/// Returns a task instance with its tries, of the last of which the rendered fields.
pub(super) async fn show_task(parts: &ControlParts, key: TaskInstanceKey) -> Result<Answer, Fault> {
    let (wanted, layout) = (key.clone(), parts.layout.clone());
    let live = parts.live();
    let read = move |conn: &rusqlite::Connection| {
        let Some(mut task) = task_instance::get(conn, &key)? else { return Ok(None) };
        executors::place(&live, &mut task);
        let tries = task_instance::tries(conn, &key)?;
        let has_begun = !tries.is_empty();
        let mut tokens: Vec<LaunchToken> = tries.iter().map(|one| one.token.clone()).collect();
        tokens.extend(task.token.clone());
        Ok(Some(TaskDetailView {
            tracked_runs: attempt::runs_of(conn, &tokens)?,
            tries,
            rendered: if has_begun { arguments(conn, Some(&live.deck), &task)? } else { None },
            progress: in_progress(&layout, std::slice::from_ref(&task)).pop().map(|(_, at)| at),
            output: xcom::return_value(conn, &key)?.map(|value| match value {
                XcomValue::Value(value) => value,
                XcomValue::File(file) => described(&file),
            }),
            task,
        }))
    };
    match parts.read(read).await? {
        Some(detail) => Ok(Answer::Task(Box::new(detail))),
        None => Err(no_task(parts, wanted).await),
    }
}

/// How far those that run say they are.
fn in_progress(layout: &Layout, tasks: &[TaskInstance]) -> Vec<(TaskInstanceKey, Progress)> {
    let running = tasks.iter().filter(|task| task.state == Some(TaskInstanceState::Running));
    running
        .filter_map(|task| {
            let folder = AttemptFolder::new(layout.attempt_dir(&task.attempt()));
            Some((task.key.clone(), folder.progress()?))
        })
        .collect()
}

/// What is shown of an output that lies in a file.
fn described(file: &XcomFile) -> Value {
    json!({ "path": file.path, "size": file.size, "sha256": file.sha256 })
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

/// Returns a run; refuses with `NotFound`.
pub(super) async fn get(parts: &ControlParts, key: &DagRunKey) -> Result<DagRun, Fault> {
    let wanted = key.clone();
    let read =
        move |conn: &rusqlite::Connection| dag_run::get(conn, &wanted.dag_id, &wanted.dag_run_id);
    parts.read(read).await?.ok_or_else(|| find::no_run(&parts.live(), key))
}
