//! The rows of a level as they are shown: filtered, in order, each with the key that the
//! selection is kept by.

pub(crate) mod assets;
pub(crate) mod attention;
pub(crate) mod backfill;
pub(crate) mod keyed;
pub(crate) mod logged;
pub(crate) mod models;
pub(crate) mod operation;
pub(crate) mod origin;
pub(crate) mod run;
mod setting;
pub(crate) mod tracking;
pub(crate) mod trials;

pub(crate) use keyed::{keys_of, place, selected};
pub(crate) use setting::{Setting, all_settings, settings, worker_here};

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use crate::screen::assets::{impact, tree};
use crate::screen::models::{registry, versions as model_versions};
use crate::screen::{
    approvals, backfills, commands, dags, drift, events, experiments, logged_models, operations,
    runs, serving, settings, tracking_runs, versions,
};
use crate::state::commands::Order;
use crate::state::run::RowId;
use crate::state::runs::RunsQuery;
use crate::state::{Level, Screen, Slot, State, View};
use crate::theme;
use crate::types::approval::HitlDetail;
use crate::types::backfill::BackfillView;
use crate::types::drift::ColumnDrift;
use crate::types::event::{EventLog, Severity};
use crate::types::ids::TaskInstanceKey;
use crate::types::operation::OperationLine;
use crate::types::run::{DagRun, TaskInstance};
use crate::types::serving::ServedVersion;
use crate::types::view::{DagVersionView, DagView, ExperimentView, TaskView, TrackingRunView};
use crate::types::{DagId, TaskId, TaskInstanceState};
use crate::widget::list::ListInfo;

/// Tasks that are named where something waits for several.
const NAMED: usize = 12;

/// Returns the keys of the shown rows.
pub(crate) fn keys(state: &State, level: &Level) -> Vec<String> {
    match &level.screen {
        Screen::Root(View::Dags) => keys_of(&dags(state, level)),
        Screen::Root(View::Runs) | Screen::DagRuns(_) => keys_of(&runs(state, level)),
        Screen::Root(View::Assets) => {
            assets::tree(state, level).iter().map(assets::AssetRow::key).collect()
        }
        Screen::Root(View::Experiments) => keys_of(&experiments(state, level)),
        Screen::Root(View::Models) => {
            models::tree(state, level).iter().map(models::ModelRow::key).collect()
        }
        Screen::Root(View::Events) => keys_of(&events(state, level)),
        Screen::Dag(dag_id) => {
            dag_tasks(state, dag_id).iter().map(|task| task.task_id.to_string()).collect()
        }
        Screen::Run(_) => run::keys(state),
        Screen::Experiment(name) => keys_of(&tracking_runs(state, level, name)),
        Screen::TrackingRun(run_id) => {
            let run = state.cache.tracking_run(run_id);
            run.map(|run| tracking::facts(run).iter().map(tracking::Fact::key).collect())
                .unwrap_or_default()
        }
        Screen::Trials(_) | Screen::TaskTrials(_) => keys_of(&trials::trials(state, level)),
        Screen::LoggedModels(of) => keys_of(&logged::models(state, level, of)),
        Screen::Model(name) => keys_of(&models::versions(state, level, name)),
        Screen::Root(View::System) => settings(state, level).iter().map(Setting::key).collect(),
        Screen::Versions(dag_id) => keys_of(&dag_versions(state, level, dag_id)),
        Screen::Backfills(dag_id) => keys_of(&backfills(state, level, dag_id)),
        Screen::Backfill(_, id) => keys_of(&backfill::dates(state, level, *id)),
        Screen::Operations => keys_of(&operations(state, level)),
        Screen::Operation(id) => {
            operation::moved(state, level, *id).iter().map(operation::key).collect()
        }
        Screen::Commands => keys_of(&orders(state, level)),
        Screen::Approvals => keys_of(&approvals(state, level)),
        Screen::Impact(name) => keys_of(&assets::impact(state, level, name)),
        screen @ (Screen::Chain(_) | Screen::Columns(_)) => origin::keys(state, screen),
        Screen::AssetWhy(name) => {
            let why = state.cache.asset_why(name);
            let steps = why.map(|why| why.path.as_slice()).unwrap_or_default();
            steps.iter().map(|step| step.asset.to_string()).collect()
        }
        Screen::Attention => keys_of(&attention::items(state, level)),
        Screen::Root(View::Serving) => keys_of(&served(state, level)),
        Screen::Drift(model, version) => keys_of(&drifted(state, level, model, *version)),
        Screen::Form(_)
        | Screen::Log(_)
        | Screen::DaemonLog
        | Screen::Compare(..)
        | Screen::Diff(..)
        | Screen::Asset(_)
        | Screen::Artifact(..)
        | Screen::LoggedModel(_)
        | Screen::CompareRuns(_)
        | Screen::Definitions => Vec::new(),
    }
}

/// Returns the served version that is selected.
pub(crate) fn served_here(state: &State) -> Option<&ServedVersion> {
    let level = state.level();
    if level.screen != Screen::Root(View::Serving) {
        return None;
    }
    selected(level, &served(state, level))
}

/// Returns the versions that the model server has loaded.
pub(crate) fn served<'a>(state: &'a State, level: &Level) -> Vec<&'a ServedVersion> {
    let all = state.cache.serving().map(|serving| serving.versions.as_slice()).unwrap_or_default();
    serving::list().arrange(state, level, all)
}

/// Returns the columns of a served version, the worst first.
pub(crate) fn drifted<'a>(
    state: &'a State,
    level: &Level,
    model: &str,
    version: u32,
) -> Vec<&'a ColumnDrift> {
    let report = state.cache.drift(model, version);
    let all = report.map(|report| report.columns.as_slice()).unwrap_or_default();
    drift::list().arrange(state, level, all)
}

/// Returns what the menus of sorting and choosing columns need to know of the list that is shown;
/// `None` where there is none.
pub(crate) fn list_info(state: &State) -> Option<ListInfo> {
    let level = state.level();
    Some(match &level.screen {
        Screen::Root(View::Dags) if attention::is_in_box(state) => attention::info(state),
        Screen::Root(View::Dags) => dags::list(state.size.width).info(state),
        Screen::Root(View::Runs) => runs::list(state, None).info(state),
        Screen::DagRuns(dag_id) => runs::list(state, Some(dag_id)).info(state),
        Screen::Root(View::Assets) => tree::list().info(state),
        Screen::Impact(name) => impact::list(name).info(state),
        Screen::Root(View::Experiments) => experiments::list().info(state),
        Screen::Experiment(name) => {
            let all = tracking::tree::loaded(state, level, name);
            tracking_runs::list(state, &all).info(state)
        }
        Screen::Trials(_) | Screen::TaskTrials(_) => return trials::info(state),
        Screen::LoggedModels(of) => {
            let all = state.cache.logged_models(of).unwrap_or_default();
            logged_models::list(all).info(state)
        }
        Screen::Root(View::Models) => registry::list(state).info(state),
        Screen::Model(name) => {
            let model = state.cache.model(name);
            let all = model.map(|model| model.versions.as_slice()).unwrap_or_default();
            model_versions::list(name, all).info(state)
        }
        Screen::Root(View::Serving) => serving::list().info(state),
        Screen::Drift(..) => drift::list().info(state),
        Screen::Root(View::Events) => events::list().info(state),
        Screen::Root(View::System) => settings::list().info(state),
        Screen::Attention => attention::info(state),
        Screen::Approvals => approvals::list().info(state),
        Screen::Versions(dag_id) => versions::list(dag_id).info(state),
        Screen::Backfills(dag_id) => backfills::list(dag_id).info(state),
        Screen::Backfill(..) => crate::screen::backfill::list().info(state),
        Screen::Operations => operations::list().info(state),
        Screen::Operation(_) => crate::screen::operation::list().info(state),
        Screen::Commands => commands::list().info(state),
        Screen::Run(_) => crate::screen::run::places::info(state),
        // Tasks of a DAG stand in the order of their graph, the steps of a cause in
        // the order of what led to what, and facts of a tracked run by what they are.
        Screen::Dag(_)
        | Screen::AssetWhy(_)
        | Screen::Chain(_)
        | Screen::Columns(_)
        | Screen::TrackingRun(_) => {
            return None;
        }
        Screen::Form(_)
        | Screen::Log(_)
        | Screen::DaemonLog
        | Screen::Compare(..)
        | Screen::Diff(..)
        | Screen::Asset(_)
        | Screen::Artifact(..)
        | Screen::LoggedModel(_)
        | Screen::CompareRuns(_)
        | Screen::Definitions => return None,
    })
}

pub(crate) fn dags<'a>(state: &'a State, level: &Level) -> Vec<&'a DagView> {
    let all = state.cache.dags().unwrap_or_default();
    dags::list(state.size.width).arrange(state, level, all)
}

pub(crate) fn runs<'a>(state: &'a State, level: &Level) -> Vec<&'a DagRun> {
    let (query, left) = RunsQuery::read(level);
    let list = runs::list(state, query.dag_id.as_ref());
    let all = runs_slots(level, &query);
    let all = all.iter().flat_map(|slot| state.cache.runs_of(slot).unwrap_or_default());
    // What the daemon has looked for is not looked for again: it also looks where no column is.
    let level = Level { filter: left, ..level.clone() };
    list.arrange(state, &level, all)
}

/// Returns what a list of runs is made of, page by page.
pub(crate) fn runs_slots(level: &Level, query: &RunsQuery) -> Vec<Slot> {
    let page = |page: u32| match page {
        0 if query.is_plain() => Slot::Runs(query.dag_id.clone()),
        page => Slot::FoundRuns(query.clone(), page),
    };
    (0..level.pages).map(page).collect()
}

/// Names a run by what the selection is kept by.
pub(crate) fn run_key(run: &DagRun) -> String {
    format!("{}\n{}", run.dag_id, run.dag_run_id)
}

/// Names a task instance within its run, as people write it.
pub(crate) fn task_key(key: &TaskInstanceKey) -> String {
    if key.map_index < 0 {
        key.task_id.to_string()
    } else {
        format!("{}[{}]", key.task_id, key.map_index)
    }
}

/// Returns the task of the run view that is selected; of a row that stands for several the one
/// that matters most.
pub(crate) fn selected_task(state: &State) -> Option<&TaskInstance> {
    run::selected(state)?.task()
}

/// Says why a task of the shown run has no log: what it waits for, or what kept it from starting.
pub(crate) fn why_not_started(state: &State, task: &TaskInstance) -> String {
    use TaskInstanceState as S;
    let upstream = |is_wanted: fn(Option<S>) -> bool| -> Vec<String> {
        let Some((detail, index)) = run::shown(state) else { return Vec::new() };
        let Some(at) = index.task(&task.key.task_id) else { return Vec::new() };
        let before = index.up[at as usize].iter().map(|up| RowId::Task(*up));
        before
            .flat_map(|up| index.instances(detail, up))
            .filter(|other| is_wanted(other.state))
            .take(NAMED)
            .map(|other| {
                format!("{} ({})", task_key(&other.key), theme::task_mark(other.state).word)
            })
            .collect()
    };
    match task.state {
        None | Some(S::Scheduled) => {
            let open = upstream(|state| !state.is_some_and(S::is_finished));
            if open.is_empty() { String::new() } else { format!("waits for {}", open.join(", ")) }
        }
        Some(S::UpstreamFailed) => {
            upstream(|s| matches!(s, Some(S::Failed | S::UpstreamFailed))).join(", ")
        }
        Some(
            S::Queued
            | S::Running
            | S::Success
            | S::Restarting
            | S::Failed
            | S::UpForRetry
            | S::UpForReschedule
            | S::Skipped
            | S::Removed
            | S::Deferred,
        ) => String::new(),
    }
}

/// Returns the tasks of a definition, upstream ones first.
pub(crate) fn dag_tasks<'a>(state: &'a State, dag_id: &DagId) -> Vec<&'a TaskView> {
    let Some(dag) = state.cache.dag(dag_id) else { return Vec::new() };
    let places: HashMap<&TaskId, usize> =
        dag.tasks.iter().enumerate().map(|(at, task)| (&task.task_id, at)).collect();
    let mut waits: Vec<usize> = vec![0; dag.tasks.len()];
    let mut down: Vec<Vec<usize>> = vec![Vec::new(); dag.tasks.len()];
    for (at, task) in dag.tasks.iter().enumerate() {
        for up in task.upstream_task_ids.iter().filter_map(|up| places.get(up)) {
            waits[at] += 1;
            down[*up].push(at);
        }
    }
    // Of those that wait for nothing more, the first of the file comes first.
    let ready = (0..waits.len()).filter(|at| waits[*at] == 0).map(Reverse);
    let mut ready: BinaryHeap<Reverse<usize>> = ready.collect();
    let mut sorted = Vec::with_capacity(waits.len());
    while let Some(Reverse(at)) = ready.pop() {
        sorted.extend(dag.tasks.get(at));
        for next in &down[at] {
            waits[*next] -= 1;
            if waits[*next] == 0 {
                ready.push(Reverse(*next));
            }
        }
    }
    sorted
}

pub(crate) fn experiments<'a>(state: &'a State, level: &Level) -> Vec<&'a ExperimentView> {
    let all = state.cache.experiments().unwrap_or_default();
    let mut all: Vec<&ExperimentView> = all.iter().collect();
    // An experiment that was never written to, such as a new `Default`, comes last.
    all.sort_by_key(|experiment| std::cmp::Reverse(experiment.last_update_time));
    experiments::list().arrange(state, level, all)
}

pub(crate) fn tracking_runs<'a>(
    state: &'a State,
    level: &Level,
    experiment: &str,
) -> Vec<&'a TrackingRunView> {
    tracking::branches(state, level, experiment).into_iter().map(|branch| branch.run).collect()
}

pub(crate) fn events<'a>(state: &'a State, level: &Level) -> Vec<&'a EventLog> {
    let all = state.feed.entries().iter();
    let all = all.filter(|event| !level.attention_only || event.severity > Severity::Info);
    events::list().arrange(state, level, all)
}

/// Returns what happened to a DAG, newest first.
pub(crate) fn events_of<'a>(
    state: &'a State,
    dag_id: &DagId,
) -> impl Iterator<Item = &'a EventLog> + use<'a> {
    let dag_id = dag_id.clone();
    let all = state.cache.events().unwrap_or_default();
    all.iter().filter(move |event| event.dag_id.as_ref() == Some(&dag_id))
}

/// Returns what was done to runs, newest first.
pub(crate) fn operations<'a>(state: &'a State, level: &Level) -> Vec<&'a OperationLine> {
    let all = state.cache.operations().unwrap_or_default();
    operations::list().arrange(state, level, all)
}

/// Returns what this deck has changed, the last first.
pub(crate) fn orders<'a>(state: &'a State, level: &Level) -> Vec<&'a Order> {
    commands::list().arrange(state, level, state.orders.iter())
}

/// Returns the backfills of a DAG.
pub(crate) fn backfills<'a>(
    state: &'a State,
    level: &Level,
    dag_id: &DagId,
) -> Vec<&'a BackfillView> {
    let all = state.cache.backfills(dag_id).unwrap_or_default();
    backfills::list(dag_id).arrange(state, level, all)
}

/// Returns the versions of a DAG's definition, newest first.
pub(crate) fn dag_versions<'a>(
    state: &'a State,
    level: &Level,
    dag_id: &DagId,
) -> Vec<&'a DagVersionView> {
    let all = state.cache.dag_versions(dag_id).unwrap_or_default();
    versions::list(dag_id).arrange(state, level, all)
}

/// Returns the questions that wait for an answer.
pub(crate) fn approvals<'a>(state: &'a State, level: &Level) -> Vec<&'a HitlDetail> {
    approvals::list().arrange(state, level, asked(state, level))
}

/// Returns the questions before the filter: those that wait, or, where it is wished, all.
pub(crate) fn asked<'a>(state: &'a State, level: &Level) -> &'a [HitlDetail] {
    let all = match level.attention_only && level.screen == Screen::Approvals {
        true => state.cache.all_approvals().or(state.cache.approvals()),
        false => state.cache.approvals(),
    };
    all.unwrap_or_default()
}

/// Names a question by what the selection is kept by.
pub(crate) fn approval_key(asked: &HitlDetail) -> String {
    let key = &asked.key.task;
    format!("{}\n{}", key.dag_run_id, task_key(key))
}

/// Returns which two versions of a DAG are compared: those that are marked, else the selected one
/// and the one before it.
pub(crate) fn compared(state: &State, dag_id: &DagId) -> Option<(u32, u32)> {
    let level = state.level();
    let mut marked: Vec<u32> = level.marks.iter().filter_map(|mark| mark.parse().ok()).collect();
    marked.sort_unstable();
    if let [from, .., to] = marked.as_slice() {
        return Some((*from, *to));
    }
    let to = selected(level, &dag_versions(state, level, dag_id))?.version_number;
    let all = state.cache.dag_versions(dag_id)?.iter().map(|version| version.version_number);
    let from = all.filter(|number| *number < to).max()?;
    Some((from, to))
}
