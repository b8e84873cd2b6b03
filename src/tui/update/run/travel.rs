//! From run to run of a DAG, at the same task and pane.

use crate::rows;
use crate::state::{Screen, Slot, State, Tone};
use crate::types::DagRunId;
use crate::types::grid::GridView;
use crate::types::run::DagRunKey;

/// Keeps the shown run among those that stand side by side, with one beside it where there is one.
pub(crate) fn anchor(state: &mut State, key: &DagRunKey) {
    let place = |around: Option<&DagRunId>| {
        let slot = Slot::Grid(key.dag_id.clone(), around.cloned());
        if !state.cache.is_settled(&slot) {
            return None;
        }
        let grid = state.cache.grid(&key.dag_id, around)?;
        Some((grid, grid.runs.iter().position(|run| run.dag_run_id == key.dag_run_id)))
    };
    let is_inside = |(grid, at): &(&GridView, Option<usize>)| match at {
        None => false,
        Some(0) => !grid.has_older,
        Some(at) => at + 1 < grid.runs.len() || !grid.has_newer,
    };
    let around = state.run_view.around(&key.dag_id);
    let next = match place(None) {
        Some(newest) if is_inside(&newest) => None,
        None if around.is_none() => return,
        _ => match around.map(|around| place(Some(around))) {
            // On its way, or good as it is.
            Some(None) => return,
            Some(Some(there)) if is_inside(&there) => return,
            // It is the middle already: there is no run beside it.
            Some(Some(_)) if around == Some(&key.dag_run_id) => return,
            _ => Some((key.dag_id.clone(), key.dag_run_id.clone())),
        },
    };
    state.run_view.around = next;
}

/// Returns the runs side by side, and which of them is shown.
pub(crate) fn grid(state: &State) -> Option<(&GridView, Option<usize>)> {
    let Screen::Run(key) = &state.level().screen else { return None };
    let grid = state.cache.grid(&key.dag_id, state.run_view.around(&key.dag_id))?;
    let at = grid.runs.iter().position(|run| run.dag_run_id == key.dag_run_id);
    Some((grid, at))
}

/// Returns the run before the shown one.
pub(crate) fn before(state: &State) -> Option<DagRunKey> {
    let (grid, at) = grid(state)?;
    let run = grid.runs.get(at?.checked_sub(1)?)?;
    Some(DagRunKey { dag_id: grid.dag_id.clone(), dag_run_id: run.dag_run_id.clone() })
}

/// Says whether a newer run than the shown one is there: what is seen is history.
pub(crate) fn is_historic(state: &State) -> bool {
    grid(state).is_some_and(|(grid, at)| match at {
        Some(at) => at + 1 < grid.runs.len() || grid.has_newer,
        None => false,
    })
}

/// Shows the run before or after.
pub(crate) fn go(state: &mut State, older: bool) {
    let Some((grid, at)) = grid(state) else { return };
    let next = match (at, older) {
        (Some(at), true) => at.checked_sub(1),
        (Some(at), false) => Some(at + 1),
        (None, _) => grid.runs.len().checked_sub(1),
    };
    let next = next.and_then(|at| grid.runs.get(at));
    match next {
        Some(run) => {
            let (dag_id, dag_run_id) = (grid.dag_id.clone(), run.dag_run_id.clone());
            // The same task is compared over runs.
            let selected = rows::run::selected(state).map(|row| row.key());
            let level = state.level_mut();
            level.screen = Screen::Run(DagRunKey { dag_id, dag_run_id });
            level.is_untouched = false;
            level.selected = selected.or_else(|| level.selected.take());
        }
        None if older && grid.has_older => state.say(Tone::Info, "older runs are on their way"),
        None if older => state.say(Tone::Info, "this is the oldest run there is"),
        None if grid.has_newer => state.say(Tone::Info, "newer runs are on their way"),
        None => state.say(Tone::Info, "this is the newest run"),
    }
}
