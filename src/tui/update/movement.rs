//! Moves the selection, or what is scrolled instead of it.

use crate::rows;
use crate::rows::run::{RunRow, What};
use crate::state::{Pane, Screen, State};
use crate::types::ids::UNMAPPED;
use crate::update::{attention, log, marks};

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
    let level = state.level();
    match &level.screen {
        Screen::TrackingRun(_) | Screen::Definitions | Screen::Asset(_) | Screen::Diff(..) => {
            let level = state.level_mut();
            level.scroll = moved(level.scroll, step, usize::from(u16::MAX));
        }
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

/// Opens or closes the selected group or mapped task of a run; says `false` where there is none.
pub(crate) fn toggle(state: &mut State) -> bool {
    let Some(row) = rows::run::selected(state).filter(RunRow::is_foldable) else { return false };
    let key = row.key;
    let level = state.level_mut();
    level.is_untouched = false;
    level.selected = Some(key.clone());
    if !level.toggled.remove(&key) {
        level.toggled.insert(key);
    }
    true
}

/// Opens what is closed, or closes what is open or what the row stands in; says `false` where
/// there is nothing of the kind.
pub(crate) fn fold(state: &mut State, opens: bool) -> bool {
    if state.level().pane != Pane::Tasks {
        return false;
    }
    let Some(row) = rows::run::selected(state) else { return false };
    match &row.what {
        What::Group { is_open, .. } | What::Mapped { is_open, .. } => {
            *is_open != opens && toggle(state)
        }
        What::Task(task) if !opens && task.key.map_index != UNMAPPED => {
            let key = format!("{}[]", task.key.task_id);
            let level = state.level_mut();
            level.is_untouched = false;
            level.toggled.remove(&key);
            level.selected = Some(key);
            true
        }
        What::Task(_) => false,
    }
}

/// Goes along an edge of the graph: to the first task upstream or downstream.
pub(crate) fn along_edge(state: &mut State, downstream: bool) {
    state.level_mut().is_untouched = false;
    let level = state.level();
    let keys = rows::keys(state, level);
    let Some(here) = keys.get(level.cursor(&keys)) else { return };
    let here = here.split('[').next().unwrap_or(here);
    let target = match &level.screen {
        Screen::Run(key) => state.cache.run(key).and_then(|run| {
            run.edges.iter().find_map(|(from, to)| match downstream {
                true => (from.as_str() == here).then(|| to.to_string()),
                false => (to.as_str() == here).then(|| from.to_string()),
            })
        }),
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
