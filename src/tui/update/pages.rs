//! What enter opens from backfills and operations: the page of one, and from there its runs.

use crate::rows::{self, backfill, operation, task_key};
use crate::state::{Pane, Screen, State, Tone};
use crate::types::backfill::BackfillView;

/// Opens what is selected there; says `false` where the level shows something else.
pub(crate) fn open(state: &mut State) -> bool {
    let level = state.level();
    match &level.screen {
        Screen::Backfills(dag_id) => {
            let id = backfill_here(state).map(|view| view.backfill.id);
            let screen = id.map(|id| Screen::Backfill(dag_id.clone(), id));
            push(state, screen);
        }
        Screen::Backfill(_, id) => match backfill::run_here(state, *id) {
            Some(run) => state.push(Screen::Run(run)),
            None => state.say(Tone::Info, "this date has no run"),
        },
        Screen::Operations => {
            let line = rows::selected(level, &rows::operations(state, level));
            let screen = line.map(|line| Screen::Operation(line.id));
            push(state, screen);
        }
        Screen::Operation(id) => open_moved(state, *id),
        _ => return false,
    }
    true
}

fn push(state: &mut State, screen: Option<Screen>) {
    if let Some(screen) = screen {
        state.push(screen);
    }
}

/// Shows the task in its run.
fn open_moved(state: &mut State, id: i64) {
    let Some(moved) = operation::here(state, id) else { return };
    if moved.after.is_none() {
        return state.say(Tone::Info, "this run is deleted");
    }
    state.push(Screen::Run(moved.run));
    if let Some(task) = moved.task {
        let level = state.level_mut();
        level.selected = Some(task_key(&task));
        level.is_untouched = false;
        level.pane = Pane::Tasks;
    }
}

/// Returns the backfill that is selected in the list.
pub(crate) fn backfill_here(state: &State) -> Option<&BackfillView> {
    let level = state.level();
    let Screen::Backfills(dag_id) = &level.screen else { return None };
    rows::selected(level, &rows::backfills(state, level, dag_id))
}
