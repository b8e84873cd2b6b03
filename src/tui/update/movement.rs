//! Moves the selection, or what is scrolled instead of it.

use crate::rows;
use crate::state::{Screen, State};
use crate::update::{assets, attention, log, marks, models, run};

/// Where to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    By(isize),
    Start,
    End,
}

/// Moves what is moved at this place.
pub(crate) fn step(state: &mut State, step: Step) {
    if rows::attention::is_in_box(state) {
        return attention::step(state, step);
    }
    if log::is_here(state) {
        state.level_mut().is_untouched = false;
        return log::scroll(state, step);
    }
    state.level_mut().is_untouched = false;
    if assets::step(state, step) || models::step(state, step) {
        return;
    }
    let level = state.level();
    match &level.screen {
        Screen::TrackingRun(_) if level.part == 0 => select(state, step),
        Screen::TrackingRun(_)
        | Screen::Artifact(..)
        | Screen::LoggedModel(_)
        | Screen::CompareRuns(_)
        | Screen::Definitions
        | Screen::Diff(..) => {
            let level = state.level_mut();
            level.scroll = moved(level.scroll, step, usize::from(u16::MAX));
        }
        Screen::Run(_) => run::step(state, step),
        _ => select(state, step),
    }
}

/// Returns the number of rows of half a page.
pub(crate) fn half_page(state: &State) -> isize {
    (isize::try_from(state.size.height).unwrap_or(24) / 2 - 3).max(1)
}

pub(crate) fn moved(at: usize, step: Step, last: usize) -> usize {
    match step {
        Step::By(by) => at.saturating_add_signed(by).min(last),
        Step::Start => 0,
        Step::End => last,
    }
}

fn select(state: &mut State, step: Step) {
    let level = state.level();
    let keys = rows::keys(state, level);
    let Some(last) = keys.len().checked_sub(1) else { return };
    to(state, moved(level.cursor(&keys), step, last));
}

/// Puts the cursor on a row.
pub(crate) fn to(state: &mut State, index: usize) {
    let keys = rows::keys(state, state.level());
    let key = keys.into_iter().nth(index);
    let level = state.level_mut();
    level.is_untouched = false;
    level.index = index;
    level.selected = key;
    marks::extend(state);
}

/// Goes along an edge of the graph: to the first task upstream or downstream.
pub(crate) fn along_edge(state: &mut State, downstream: bool) {
    state.level_mut().is_untouched = false;
    let level = state.level();
    let keys = rows::keys(state, level);
    let Some(here) = keys.get(level.cursor(&keys)) else { return };
    let here = here.split('[').next().unwrap_or(here);
    let target = match &level.screen {
        Screen::Dag(dag_id) => {
            let tasks = rows::dag_tasks(state, dag_id);
            tasks.iter().find(|task| task.task_id.as_str() == here).and_then(|task| {
                let ends =
                    if downstream { &task.downstream_task_ids } else { &task.upstream_task_ids };
                ends.first().map(ToString::to_string)
            })
        }
        _ => None,
    };
    let found = target.and_then(|target| {
        keys.iter().position(|key| key.split('[').next() == Some(target.as_str()))
    });
    if let Some(index) = found {
        let key = keys.into_iter().nth(index);
        let level = state.level_mut();
        level.index = index;
        level.selected = key;
    }
}
