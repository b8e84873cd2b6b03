//! Marks rows for the next operation.

use crate::rows;
use crate::state::State;
use crate::state::level::Range;
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

/// Begins to mark the rows from here to where the cursor goes, or ends that.
pub(crate) fn range(state: &mut State) {
    let level = state.level();
    let keys = rows::keys(state, level);
    let Some(from) = keys.get(level.cursor(&keys)).cloned() else { return };
    let level = state.level_mut();
    if level.range.take().is_none() {
        level.range = Some(Range { from, others: level.marks.clone() });
        extend(state);
    }
}

/// Marks what lies between the beginning of the range and the cursor.
pub(crate) fn extend(state: &mut State) {
    let level = state.level();
    let Some(range) = &level.range else { return };
    let keys = rows::keys(state, level);
    let here = level.cursor(&keys);
    // Where the first row is gone the range goes on from the cursor.
    let from = keys.iter().position(|key| *key == range.from).unwrap_or(here);
    let between = keys.get(from.min(here)..=from.max(here)).unwrap_or_default();
    let marks = range.others.iter().chain(between).cloned().collect();
    state.level_mut().marks = marks;
}
