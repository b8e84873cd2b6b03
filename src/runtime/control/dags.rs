//! DAGs: the list and one in full.

use std::collections::BTreeMap;

use crate::dag::{Dag, GroupSpec, TaskSpec};
use crate::runtime::control::{ControlParts, find};
use crate::runtime::engine::Live;
use crate::store::dag_run;
use crate::types::ask::Answer;
use crate::types::view::{DagDetailView, DagView, GroupView, RecentRun, TaskPlace, TaskView};
use crate::types::{DagId, Fault, TaskId};

/// How many runs a DAG's strip shows.
const RECENT_RUNS: u32 = 30;

/// What the store knows of DAGs.
struct Figures {
    recent: BTreeMap<DagId, Vec<RecentRun>>,
    median: BTreeMap<DagId, f64>,
}

/// Lists the DAGs in the order of the file, then those that are no longer defined.
pub(super) async fn list(parts: &ControlParts) -> Result<Answer, Fault> {
    let live = parts.live();
    let stale = live.dag_states.iter().map(|state| &state.dag_id);
    let stale = stale.filter(|dag_id| !live.deck.dags.contains_key(*dag_id));
    let dag_ids: Vec<DagId> = live.deck.dags.keys().chain(stale).cloned().collect();
    let figures = figures(parts, dag_ids.clone()).await?;
    Ok(Answer::Dags(dag_ids.into_iter().map(|dag_id| view(&live, &figures, dag_id)).collect()))
}

/// Returns one in full.
pub(super) async fn show(parts: &ControlParts, dag_id: DagId) -> Result<Answer, Fault> {
    let live = parts.live();
    let dag = find::dag(&live, &dag_id)?;
    let figures = figures(parts, vec![dag_id.clone()]).await?;
    let detail = DagDetailView {
        doc_md: dag.doc_md.clone(),
        params_schema: dag.params.schema.clone(),
        params: dag.params.defaults.clone(),
        tasks: tasks(dag),
        groups: groups(dag),
        max_active_runs: dag.max_active_runs,
        max_active_tasks: dag.max_active_tasks,
        catchup: dag.catchup,
        start_date: dag.start_date,
        timezone: dag.timezone.iana_name().unwrap_or("UTC").to_owned(),
        asset_expression: dag.schedule.assets().map(ToString::to_string),
        fileloc: dag.fileloc.display().to_string(),
        line: dag.line,
        dag_version: dag.version.clone(),
        dag: view(&live, &figures, dag_id),
    };
    Ok(Answer::Dag(Box::new(detail)))
}

async fn figures(parts: &ControlParts, dag_ids: Vec<DagId>) -> Result<Figures, Fault> {
    let read = move |conn: &rusqlite::Connection| {
        Ok(Figures {
            recent: dag_run::recent(conn, &dag_ids, RECENT_RUNS)?,
            median: dag_run::median_durations(conn, &dag_ids)?,
        })
    };
    parts.read(read).await
}

fn view(live: &Live, figures: &Figures, dag_id: DagId) -> DagView {
    let dag = live.deck.dags.get(&dag_id);
    let state = find::dag_state(live, &dag_id);
    DagView {
        description: dag.and_then(|dag| dag.description.clone()),
        tags: dag.map(|dag| dag.tags.clone()).unwrap_or_default(),
        owner: dag.and_then(|dag| dag.owner.clone()),
        is_paused: state.map_or_else(
            || dag.is_some_and(|dag| dag.is_paused_upon_creation),
            |state| state.is_paused,
        ),
        is_stale: dag.is_none(),
        timetable_summary: dag.map_or_else(|| "gone".to_owned(), |dag| dag.schedule.summary()),
        next_run_after: state.and_then(|state| state.next_run_after),
        recent_runs: figures.recent.get(&dag_id).cloned().unwrap_or_default(),
        task_count: dag.map_or(0, |dag| dag.tasks.len()),
        param_count: dag.map_or(0, |dag| param_count(dag)),
        median_duration: figures.median.get(&dag_id).copied(),
        dag_id,
    }
}

fn param_count(dag: &Dag) -> usize {
    dag.params.schema.get("properties").and_then(|p| p.as_object()).map_or(0, serde_json::Map::len)
}

fn tasks(dag: &Dag) -> Vec<TaskView> {
    let ordered = dag.graph.topological().iter().filter_map(|task_id| dag.tasks.get(task_id));
    ordered.map(|task| task_view(dag, task)).collect()
}

fn task_view(dag: &Dag, task: &TaskSpec) -> TaskView {
    TaskView {
        task_id: task.task_id.clone(),
        operator: task.operator.name().to_owned(),
        upstream_task_ids: dag.graph.upstream(&task.task_id).to_vec(),
        downstream_task_ids: dag.graph.downstream(&task.task_id).to_vec(),
        trigger_rule: task.trigger_rule.as_str().to_owned(),
        retries: task.retries,
        pool: task.pool.clone(),
        inlets: task.inlets.iter().map(ToString::to_string).collect(),
        outlets: task.outlets.iter().map(ToString::to_string).collect(),
        doc_md: task.doc_md.clone(),
        line: task.line,
        place: place(dag, &task.task_id),
    }
}

/// Says how a task stands among the others.
pub(super) fn place(dag: &Dag, task: &TaskId) -> TaskPlace {
    let Some(flow) = dag.tasks.get(task).map(|task| &task.flow) else {
        return TaskPlace::default();
    };
    TaskPlace {
        group_id: flow.group.clone(),
        is_mapped: dag.mapping(task).is_some(),
        is_setup: flow.is_setup,
        is_teardown: flow.teardown.is_some(),
    }
}

/// Returns the groups in the order written.
pub(super) fn groups(dag: &Dag) -> Vec<GroupView> {
    let view = |group: &GroupSpec| GroupView {
        group_id: group.group_id.clone(),
        parent: group.parent.clone(),
        tooltip: group.tooltip.clone(),
        is_mapped: group.expand.is_some(),
    };
    dag.groups.values().map(view).collect()
}
