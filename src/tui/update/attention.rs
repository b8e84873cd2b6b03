//! Moves in the box of what needs attention, and goes to the thing itself.

use crate::keymap::with_keys;
use crate::message::Effect;
use crate::rows;
use crate::rows::attention;
use crate::state::{Level, Pane, Screen, State, Tone, View};
use crate::types::TaskInstanceKey;
use crate::types::attention::{AttentionKind, AttentionTarget};
use crate::types::run::DagRunKey;
use crate::types::why::WhySubject;
use crate::update::movement::{Step, moved};
use crate::update::sheet::open as sheets;

/// Goes into the box of the first screen, or back to its list; opens the list of it all where
/// there is no room for a box.
pub(crate) fn enter_box(state: &mut State) {
    if state.cache.attention().is_none_or(<[_]>::is_empty) {
        state.home.is_in_box = false;
        state.say(Tone::Good, "nothing needs attention");
    } else if crate::screen::home::has_box(state) {
        state.home.is_in_box = !state.home.is_in_box;
    } else {
        state.push(Screen::Attention);
    }
}

/// Opens the list of all that needs attention.
pub(crate) fn open_list(state: &mut State) {
    state.home.is_in_box = false;
    state.push(Screen::Attention);
}

/// Moves the selection in the box.
pub(crate) fn step(state: &mut State, step: Step) {
    let items = attention::items(state, state.level());
    let keys: Vec<String> = items.iter().map(|item| attention::key(item)).collect();
    let Some(last) = keys.len().checked_sub(1) else { return };
    let index = moved(state.home.cursor(&keys), step, last);
    state.home.index = index;
    state.home.selected = keys.into_iter().nth(index);
}

/// Opens the very thing that the selected item is about.
pub(crate) fn open(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(item) = attention::selected(state) else { return };
    let target = item.target.clone();
    match target {
        AttentionTarget::Run(run) => state.push(Screen::Run(run)),
        AttentionTarget::Task(task) => open_task(state, task, Pane::Tasks),
        AttentionTarget::Dag { dag_id } => state.push(Screen::Dag(dag_id)),
        AttentionTarget::Asset { name } => state.push(Screen::AssetWhy(name)),
        AttentionTarget::Serving => state.switch(View::Serving),
        AttentionTarget::Definitions => state.push(Screen::Definitions),
        AttentionTarget::System => state.switch(View::System),
        AttentionTarget::Approval(task) => {
            let all = state.cache.approvals().unwrap_or_default();
            let asked = all.iter().find(|asked| asked.key.task == task).cloned();
            match asked.filter(|_| !state.is_read_only()) {
                Some(asked) => sheets::answer(state, asked, effects),
                None => state.push(Screen::Approvals),
            }
        }
    }
}

fn open_task(state: &mut State, task: TaskInstanceKey, pane: Pane) {
    let selected = rows::task_key(&task);
    let (dag_id, dag_run_id) = (task.dag_id, task.dag_run_id);
    state.push(Screen::Run(DagRunKey { dag_id, dag_run_id }));
    let level = state.level_mut();
    level.selected = Some(selected);
    level.is_untouched = false;
    level.pane = pane;
}

/// Opens the form that clears the selected failed run.
pub(crate) fn clear(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(item) = attention::selected(state) else { return };
    match (&item.target, item.kind) {
        (AttentionTarget::Run(run), AttentionKind::FailedRun) => {
            let run = run.clone();
            sheets::clear_failed(state, run, effects);
        }
        _ => state.say(
            Tone::Info,
            with_keys!(state, "only a failed run can be cleared: {} opens this one", Open),
        ),
    }
}

/// Shows why the selected asset is stale; says `false` where the item is about none.
pub(crate) fn asset_why(state: &mut State) -> bool {
    let target = attention::selected(state).map(|item| &item.target);
    let Some(AttentionTarget::Asset { name }) = target else { return false };
    let name = name.clone();
    state.push(Screen::AssetWhy(name));
    true
}

/// Returns what `w` asks about there.
pub(crate) fn subject(state: &State) -> Option<WhySubject> {
    let of = |dag_id: &crate::types::DagId| WhySubject {
        dag_id: dag_id.clone(),
        dag_run_id: None,
        task_id: None,
        map_index: None,
    };
    match &attention::selected(state)?.target {
        AttentionTarget::Run(run) => {
            Some(WhySubject { dag_run_id: Some(run.dag_run_id.clone()), ..of(&run.dag_id) })
        }
        AttentionTarget::Task(task) | AttentionTarget::Approval(task) => Some(WhySubject {
            dag_run_id: Some(task.dag_run_id.clone()),
            task_id: Some(task.task_id.clone()),
            map_index: Some(task.map_index),
            ..of(&task.dag_id)
        }),
        AttentionTarget::Dag { dag_id } => Some(of(dag_id)),
        // Has a page of its own: `asset_why`.
        AttentionTarget::Asset { .. }
        | AttentionTarget::Serving
        | AttentionTarget::Definitions
        | AttentionTarget::System => None,
    }
}

/// Opens the log of what failed last: of the selected item, of the selected DAG, of the run.
pub(crate) fn failed_log(state: &mut State) {
    if let Some(item) = attention::selected(state) {
        match item.target.clone() {
            AttentionTarget::Run(run) => open_log(state, run),
            AttentionTarget::Task(task) => open_task(state, task, Pane::Log),
            _ => state.say(Tone::Info, "this has no log"),
        }
        return;
    }
    let level = state.level();
    let run = match &level.screen {
        Screen::Root(View::Dags) => failed_run(state, level),
        Screen::Root(View::Runs) | Screen::DagRuns(_) => {
            rows::selected(level, &rows::runs(state, level)).map(crate::types::run::DagRun::key)
        }
        _ => None,
    };
    match run {
        Some(run) => open_log(state, run),
        None => state.say(Tone::Good, "its last run did not fail"),
    }
}

fn failed_run(state: &State, level: &Level) -> Option<DagRunKey> {
    let dag = rows::selected(level, &rows::dags(state, level))?;
    let failed =
        |run: &&crate::types::view::RecentRun| run.state == crate::types::DagRunState::Failed;
    let run = dag.recent_runs.iter().rev().find(failed)?;
    Some(DagRunKey { dag_id: dag.dag_id.clone(), dag_run_id: run.dag_run_id.clone() })
}

fn open_log(state: &mut State, run: DagRunKey) {
    state.push(Screen::Run(run));
    state.level_mut().pane = Pane::Log;
}
