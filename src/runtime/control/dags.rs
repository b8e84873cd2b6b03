//! DAGs: the list and one in full.

use std::collections::{BTreeMap, HashMap};

use jiff::SignedDuration;

use crate::dag::{Dag, GroupSpec, TaskSpec};
use crate::runtime::control::{ControlParts, attention, find};
use crate::runtime::engine::Live;
use crate::runtime::layout::Layout;
use crate::sched::change::DagState;
use crate::store::{StoreError, dag_run, dag_version};
use crate::types::ask::Answer;
use crate::types::attention::RunBrief;
use crate::types::view::{DagDetailView, DagView, GroupView, RecentRun, TaskPlace, TaskView};
use crate::types::{DagId, Fault, TaskId, Timestamp};

/// How many runs a DAG's strip shows.
const RECENT_RUNS: u32 = 30;

/// How many firings of the schedule are told.
const NEXT_RUNS: usize = 5;

/// Of how many runs the 95th percentile is taken.
const P95_OF: u32 = 100;

/// How far back it is counted how runs ended.
const ENDED_WELL: SignedDuration = SignedDuration::from_hours(24 * 30);

/// What the store knows of one DAG beyond its figures.
struct History {
    p95_duration: Option<f64>,
    ended_well: (u64, u64),
    under_way: Option<RunBrief>,
    version_number: Option<u32>,
}

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
    // A state was found by walking all of them: with a thousand DAGs that is a million steps.
    let states: HashMap<&DagId, &DagState> =
        live.dag_states.iter().map(|state| (&state.dag_id, state)).collect();
    let lean = |dag_id: DagId| {
        let state = states.get(&dag_id).copied();
        let mut dag = view(&live, &figures, state, dag_id);
        let ended = dag.recent_runs.iter().rposition(|run| run.state.is_finished());
        dag.recent_runs.drain(..ended.unwrap_or(0));
        dag
    };
    Ok(Answer::Dags(dag_ids.into_iter().map(lean).collect()))
}

/// Returns one in full.
pub(super) async fn show(parts: &ControlParts, dag_id: DagId) -> Result<Answer, Fault> {
    let live = parts.live();
    let dag = find::dag(&live, &dag_id)?;
    let figures = figures(parts, vec![dag_id.clone()]).await?;
    let now = parts.clock.now();
    let (id, layout) = (dag_id.clone(), parts.layout.clone());
    let history = parts.read(move |conn| history(conn, &layout, &id, now)).await?;
    let state = find::dag_state(&live, &dag_id);
    let next = state.filter(|state| !state.is_paused).and_then(|state| state.next_run_after);
    let firings = |first| Some(dag.schedule.timetable()?.firings(first, NEXT_RUNS));
    let detail = DagDetailView {
        schedule_words: dag.schedule.words(),
        next_runs: next.and_then(firings).unwrap_or_default(),
        p95_duration: history.p95_duration,
        ended_well: history.ended_well,
        under_way: history.under_way,
        dag_version_number: history.version_number,
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
        dag: view(&live, &figures, state, dag_id),
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

fn history(
    conn: &rusqlite::Connection,
    layout: &Layout,
    dag_id: &DagId,
    now: Timestamp,
) -> Result<History, StoreError> {
    let ids = std::slice::from_ref(dag_id);
    let mut durations = dag_run::durations(conn, ids, P95_OF)?.remove(dag_id).unwrap_or_default();
    durations.sort();
    // The nearest rank, as the model server takes it.
    let rank = (durations.len() * 95).div_ceil(100).saturating_sub(1);
    let under_way = dag_run::under_way(conn, dag_id)?.pop();
    Ok(History {
        p95_duration: durations.get(rank).map(std::time::Duration::as_secs_f64),
        ended_well: dag_run::ended_since(conn, dag_id, now - ENDED_WELL)?,
        under_way: under_way.map(|run| attention::of_run(conn, layout, &run)).transpose()?,
        version_number: dag_version::list(conn, dag_id, 1)?.first().map(|v| v.version_number),
    })
}

fn view(live: &Live, figures: &Figures, state: Option<&DagState>, dag_id: DagId) -> DagView {
    let dag = live.deck.dags.get(&dag_id);
    let recent_runs = figures.recent.get(&dag_id).cloned().unwrap_or_default();
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
        strip: recent_runs.iter().map(|run| run.state).collect(),
        recent_runs,
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
