//! What keys do to tracked runs: pages of them, comparisons, the charts' axes and cursor.

use crate::keymap::with_keys;
use crate::rows::tracking::tree::is_parent;
use crate::rows::{self, tracking};
use crate::screen::tracking_run::{CHARTS, producer};
use crate::screen::{compare, tracking_run, trials};
use crate::state::lab::PAGE_LEN;
use crate::state::run::fold::set_open;
use crate::state::{Screen, State, Tone, View, Zoom};
use crate::types::TrackingRunId;
use crate::types::run::DagRunKey;
use crate::types::view::TrackingRunView;
use crate::widget::chart::SERIES_MAX;

/// What is done to the charts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ChartKey {
    Time,
    Log,
    Smooth,
    Closer,
    Wider,
    Whole,
}

/// Changes how charts are drawn.
pub(crate) fn chart(state: &mut State, key: ChartKey) {
    let view = &mut state.lab.chart;
    match key {
        ChartKey::Time => view.by_time = !view.by_time,
        ChartKey::Log => view.is_log = !view.is_log,
        ChartKey::Smooth => view.smooth_more(),
        ChartKey::Closer => view.zoom(true),
        ChartKey::Wider => view.zoom(false),
        ChartKey::Whole => view.whole(),
    }
    tell(state);
}

/// Says how charts are drawn now.
fn tell(state: &mut State) {
    let told = state.lab.chart.told();
    let text = if told.is_empty() {
        "charts: over steps, as logged".to_owned()
    } else {
        format!("charts: {told}")
    };
    state.say(Tone::Info, text);
}

/// Says how many parts the page has that `tab` goes through; 0 where it has none.
fn parts(state: &State) -> usize {
    match &state.level().screen {
        Screen::TrackingRun(_) => tracking_run::PARTS,
        Screen::CompareRuns(_) => compare::PARTS,
        Screen::Trials(_) | Screen::TaskTrials(_) => trials::PARTS,
        Screen::Root(View::Serving) => crate::screen::serving::PARTS,
        _ => 0,
    }
}

/// Gives the next part of the page the keys; says `false` where the page has no parts.
pub(crate) fn next_part(state: &mut State, backward: bool) -> bool {
    let parts = parts(state);
    if parts == 0 {
        return false;
    }
    let level = state.level_mut();
    level.part = (level.part + if backward { parts - 1 } else { 1 }) % parts;
    level.scroll = 0;
    true
}

/// Moves the charts' cursor; says `false` where there are no charts.
pub(crate) fn move_cursor(state: &mut State, forward: bool) -> bool {
    let has_charts =
        matches!(state.level().screen, Screen::TrackingRun(_) | Screen::CompareRuns(_));
    if has_charts {
        state.lab.chart.move_cursor(forward);
    }
    has_charts
}

/// Takes the charts' cursor away, or their zoom; says `false` where there is nothing of it.
pub(crate) fn back(state: &mut State) -> bool {
    if !matches!(state.level().screen, Screen::TrackingRun(_) | Screen::CompareRuns(_)) {
        return false;
    }
    let view = &mut state.lab.chart;
    if view.drop_cursor() {
        return true;
    }
    let was_zoomed = view.is_zoomed();
    view.whole();
    if was_zoomed {
        tell(state);
    }
    was_zoomed
}

/// Says whether the place is about tracked runs.
pub(crate) fn is_here(state: &State) -> bool {
    matches!(
        state.level().screen,
        Screen::Experiment(_) | Screen::CompareRuns(_) | Screen::Trials(_) | Screen::TaskTrials(_)
    )
}

/// Shows what hangs under the selected run, or no more; from such a run, what it hangs under. Says
/// `false` where there is no list of runs.
pub(crate) fn fold(state: &mut State, opens: bool) -> bool {
    let level = state.level();
    let Screen::Experiment(name) = &level.screen else { return false };
    let branches = tracking::branches(state, level, name);
    let runs: Vec<&TrackingRunView> = branches.iter().map(|branch| branch.run).collect();
    let at = rows::place(level, &runs);
    let Some(here) = branches.get(at) else { return true };
    let above = || branches[..at].iter().rev().find(|branch| branch.depth < here.depth);
    let is_parent = is_parent(here.run);
    let shut = match (opens, here.is_open) {
        (true, true) => return true,
        (true, false) if is_parent && state.lab.is_flat => {
            let text = with_keys!(state, "the list is flat: {} shows runs under each other", Flat);
            state.say(Tone::Info, text);
            return true;
        }
        (true, false) if is_parent => Some(here),
        (true, false) => None,
        (false, true) => Some(here),
        (false, false) => above(),
    };
    let Some(shut) = shut.map(|branch| branch.run.run_id.to_string()) else { return true };
    let level = state.level_mut();
    set_open(level, &shut, opens);
    level.selected = Some(shut);
    true
}

/// Shows all runs in one list, or each under the one that it hangs under.
pub(crate) fn flatten(state: &mut State) {
    state.lab.is_flat = !state.lab.is_flat;
    let text = match state.lab.is_flat {
        true => "all runs in one list",
        false => "runs stand under the run that they hang under",
    };
    state.say(Tone::Info, text);
}

/// Shows the runs that are marked side by side, else the selected one with the baseline.
pub(crate) fn compare(state: &mut State) {
    let level = state.level();
    let shown = rows::keys(state, level);
    let id = |key: &String| TrackingRunId::new(key.clone());
    let mut ids: Vec<TrackingRunId> =
        shown.iter().filter(|key| level.marks.contains(*key)).map(id).collect();
    if ids.len() < 2 {
        let here = shown.get(level.cursor(&shown)).map(id);
        for id in state.lab.baseline.iter().chain(here.iter()) {
            if !ids.contains(id) {
                ids.push(id.clone());
            }
        }
    }
    if ids.len() < 2 {
        let text = with_keys!(
            state,
            "mark two to five runs ({}), or a baseline ({}): {} compares them",
            MarkRow,
            Baseline,
            Compare
        );
        state.say(Tone::Info, text);
        return;
    }
    if ids.len() > SERIES_MAX {
        let text = format!("{} runs are marked; at most {SERIES_MAX} are compared", ids.len());
        state.say(Tone::Info, text);
        return;
    }
    state.push(Screen::CompareRuns(ids));
}

/// Returns the tracked run that the place is about, as far as its id and its name.
fn named_here(state: &State) -> Option<(TrackingRunId, String)> {
    if let Some(trial) = rows::trials::here(state) {
        return Some((trial.run_id.clone(), trial.run_name.clone()));
    }
    run_here(state).map(|run| (run.run_id.clone(), run.run_name.clone()))
}

/// Returns the tracked run that the place is about; among trials the one that they hang under.
pub(super) fn run_here(state: &State) -> Option<&TrackingRunView> {
    let level = state.level();
    match &level.screen {
        Screen::TrackingRun(run_id) => state.cache.tracking_run(run_id),
        Screen::CompareRuns(ids) => {
            state.cache.tracking_run(ids.get(compare::baseline(state, ids))?)
        }
        Screen::Experiment(name) => rows::selected(level, &rows::tracking_runs(state, level, name)),
        _ => rows::trials::shown(state).map(|view| &view.run),
    }
}

/// Makes the run the one that others are measured by, or no more; in a comparison the next one.
pub(crate) fn baseline(state: &mut State) {
    if let Screen::CompareRuns(ids) = &state.level().screen {
        let next = (compare::baseline(state, ids) + 1) % ids.len().max(1);
        state.lab.baseline = ids.get(next).cloned();
        return;
    }
    let Some((run_id, name)) = named_here(state) else { return };
    if state.lab.baseline.as_ref() == Some(&run_id) {
        state.lab.baseline = None;
        state.say(Tone::Info, "there is no baseline any more");
    } else {
        state.lab.baseline = Some(run_id);
        state.say(Tone::Info, format!("{name} is the baseline: = compares with it"));
    }
}

/// Goes to the run of the DAG that made the tracked run.
pub(crate) fn producing_run(state: &mut State) {
    let Some(run) = run_here(state) else { return };
    let Some((dag_id, dag_run_id)) = producer(run) else {
        state.say(Tone::Info, "no run of a DAG made this one");
        return;
    };
    let key = DagRunKey { dag_id: dag_id.into(), dag_run_id: dag_run_id.into() };
    state.push(Screen::Run(key));
}

/// Shows the next page of an experiment's runs, or the one before.
pub(crate) fn turn_page(state: &mut State, forward: bool) {
    let Screen::Experiment(name) = &state.level().screen else { return };
    let query = tracking::query(state, state.level(), name);
    let total = state.cache.tracking_total(&query).copied().unwrap_or(0);
    let next = match forward {
        true => query.offset + PAGE_LEN,
        false => query.offset.saturating_sub(PAGE_LEN),
    };
    if next == query.offset || u64::from(next) >= total {
        let what = if forward { "last" } else { "first" };
        state.say(Tone::Info, format!("this is the {what} page"));
        return;
    }
    state.lab.turn_to(query, next);
    let level = state.level_mut();
    (level.selected, level.index) = (None, 0);
}

/// Opens what is selected on a run's page: a metric's chart, an artifact.
pub(crate) fn open_fact(state: &mut State) -> Option<Screen> {
    let level = state.level();
    let Screen::TrackingRun(run_id) = &level.screen else { return None };
    let run = state.cache.tracking_run(run_id)?;
    let facts = tracking::facts(run);
    match facts.get(level.cursor(&rows::keys(state, level)))? {
        tracking::Fact::Artifact(path, _) => {
            Some(Screen::Artifact(run_id.clone(), (*path).to_owned()))
        }
        tracking::Fact::Metric(..) => {
            let level = state.level_mut();
            level.part = CHARTS;
            level.zoom = Zoom::Full;
            None
        }
        tracking::Fact::Param(..) | tracking::Fact::Tag(..) => None,
    }
}
