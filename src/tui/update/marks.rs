//! Marks rows for the next operation.

use crate::rows;
use crate::state::State;
use crate::update::movement::{self, Step};

/// Marks the selected row, or takes its mark away, and goes on to the next one.
pub(crate) fn toggle(state: &mut State) {
    let level = state.level();
    let keys = rows::keys(state, level);
    let Some(key) = keys.get(level.cursor(&keys)).cloned() else { return };
    let marks = &mut state.level_mut().marks;
    if !marks.remove(&key) {
        marks.insert(key);
    }
    movement::step(state, Step::By(1));
}

/// Marks all rows that are shown, or none where all are marked.
pub(crate) fn toggle_all(state: &mut State) {
    let keys = rows::keys(state, state.level());
    let marks = &mut state.level_mut().marks;
    if keys.iter().all(|key| marks.contains(key)) {
        marks.clear();
    } else {
        marks.extend(keys);
    }
}
