//! The run view: keeps the shown run arranged, follows events in it, moves the one selection that
//! all its panes share, and goes from run to run.

use crate::message::{Effect, Timer};
use crate::rows;
use crate::state::run::fold;
use crate::state::run::{RowId, RunIndex};
use crate::state::{Popup, Screen, Slot, State, Tone};
use crate::types::event::Event;
use crate::types::run::{DagRun, DagRunKey, TaskInstance};
use crate::types::{TaskInstanceState, Timestamp};
use crate::update::marks;
use crate::update::movement::{Step, moved};

pub(crate) mod graph;
pub(crate) mod travel;

/// How long a run is not asked for again after it was: events are followed meanwhile.
const REST_MILLIS: [(usize, u64); 3] = [(300, 250), (3000, 1000), (usize::MAX, 2000)];

/// Arranges the shown run where it, or how it is looked at, has changed.
pub(crate) fn arrange(state: &mut State) {
    // Coming back finds it as it was: it follows events meanwhile.
    let Screen::Run(key) = &state.level().screen else { return };
    let key = key.clone();
    let arranged = state.arranged.take().map(|index| *index);
    let stamp = state.cache.stamp(&Slot::Run(key.clone()));
    if state.cache.run(&key).is_none() {
        state.run = None;
        return;
    }
    travel::anchor(state, &key);
    let around = state.run_view.around(&key.dag_id).cloned();
    let order = state.run_view.order();
    let past = state.cache.stamp(&Slot::Grid(key.dag_id.clone(), around.clone()));
    let fits = |index: &RunIndex| index.key == key && index.stamp == stamp;
    let mut index = state.run.take().filter(fits).or_else(|| arranged.filter(fits));
    if let Some(detail) = state.cache.run(&key) {
        let index = index.get_or_insert_with(|| RunIndex::new(detail, stamp));
        index.recall(state.cache.grid(&key.dag_id, around.as_ref()), past);
        index.find_path(detail, state.now);
        index.refold(detail, state.level(), order);
    }
    state.run = index;
}

/// Follows an event in the run that is shown, so that it need not be fetched at once.
pub(crate) fn follow(state: &mut State, event: &Event) {
    let now = state.now;
    let Some(index) = &mut state.run else { return };
    match event {
        Event::TaskInstanceChanged { key, state: to }
            if key.dag_id == index.key.dag_id && key.dag_run_id == index.key.dag_run_id =>
        {
            let Some(detail) = state.cache.run_mut(&index.key) else { return };
            let Some(slot) = index.slot(detail, key) else { return };
            if let Some(task) = detail.tasks.get_mut(slot as usize) {
                let from = task.state;
                follow_task(task, *to, now);
                index.change(slot, from, *to);
            }
        }
        Event::DagRunChanged { dag_id, dag_run_id, state: to }
            if *dag_id == index.key.dag_id && *dag_run_id == index.key.dag_run_id =>
        {
            let Some(detail) = state.cache.run_mut(&index.key) else { return };
            detail.run.state = *to;
            detail.run.end_date = match (to.is_finished(), detail.run.end_date) {
                (false, _) => None,
                (true, end) => end.or(Some(now)),
            };
        }
        _ => {}
    }
}

/// Guesses the times that an event does not tell; the next answer says them right.
fn follow_task(task: &mut TaskInstance, to: Option<TaskInstanceState>, now: Timestamp) {
    let was_finished = task.state.is_some_and(TaskInstanceState::is_finished);
    task.state = to;
    match to {
        Some(TaskInstanceState::Running) if task.start_date.is_none() || was_finished => {
            task.start_date = Some(now);
            task.end_date = None;
        }
        Some(state) if state.is_finished() && task.start_date.is_some() => {
            task.end_date = task.end_date.or(Some(now));
        }
        _ => {}
    }
}

/// Says whether a run that is there already may be asked for again.
pub(crate) const fn may_ask(state: &State) -> bool {
    !state.run_view.rests
}

/// Lets the run rest after it was asked for: the longer the larger it is.
pub(crate) fn rest(state: &mut State, key: &DagRunKey, effects: &mut Vec<Effect>) {
    let len = state.cache.run(key).map_or(0, |detail| detail.tasks.len());
    let millis = REST_MILLIS.iter().find(|(most, _)| len <= *most).map_or(2000, |(_, rest)| *rest);
    if !state.run_view.rests {
        state.run_view.rests = true;
        effects.push(Effect::After { millis, timer: Timer::RunRested });
    }
}

/// Moves the cursor of the tasks.
pub(crate) fn step(state: &mut State, step: Step) {
    let at = rows::run::cursor(state);
    let Some((_, index)) = rows::run::shown(state) else { return };
    let Some(last) = index.fold.rows.len().checked_sub(1) else { return };
    let at = moved(at, step, last);
    if let Some(row) = index.fold.rows.get(at) {
        select(state, row.id);
    }
}

/// Selects a row, and opens what it stands in.
pub(crate) fn select(state: &mut State, id: RowId) {
    let Some((run, index)) = rows::run::shown(state) else { return };
    let key = index.key(run, id);
    let at = index.fold.position(id);
    let mut closed = Vec::new();
    if at.is_none() {
        let mut next = index.above(id);
        while let Some(above) = next {
            closed.push(index.key(run, above));
            next = index.above(above);
        }
    }
    let level = state.level_mut();
    level.is_untouched = false;
    level.selected = Some(key);
    match at {
        Some(at) => {
            level.index = at;
            marks::extend(state);
        }
        None => {
            level.filter.clear();
            level.attention_only = false;
            closed.iter().for_each(|key| fold::set_open(level, key, true));
            arrange(state);
        }
    }
}

/// Opens or closes the selected group or mapped task; says `false` where there is none.
pub(crate) fn toggle(state: &mut State) -> bool {
    let Some(row) = rows::run::selected(state).filter(|row| row.is_foldable()) else {
        return false;
    };
    let (key, is_open) = (row.key(), row.is_open(state));
    let level = state.level_mut();
    level.is_untouched = false;
    level.selected = Some(key.clone());
    fold::set_open(level, &key, !is_open);
    true
}

/// Goes to the next task that failed, or to the one before.
pub(crate) fn next_failed(state: &mut State, backward: bool) {
    let Some(row) = rows::run::selected(state) else { return };
    let index = row.index;
    let bad = |at: &u32| index.tasks[*at as usize].counts.of(Some(TaskInstanceState::Failed)) > 0;
    let here = match index.tasks_of(row.id) {
        [only] => *only,
        several => several.first().copied().unwrap_or(0),
    };
    let count = u32::try_from(index.tasks.len()).unwrap_or(u32::MAX);
    let next = if backward {
        (0..here).rev().chain((here..count).rev()).find(bad)
    } else {
        (here + 1..count).chain(0..=here.min(count.saturating_sub(1))).find(bad)
    };
    match next {
        Some(at) => select(state, RowId::Task(at)),
        None => state.say(Tone::Info, "nothing has failed in this run"),
    }
}

/// Shows bars over time in place of the runs, or the runs again.
pub(crate) const fn bars(state: &mut State) {
    state.run_view.has_bars = !state.run_view.has_bars;
}

/// Shows the run in full: the one that is shown, or the selected one of a list.
pub(crate) fn page(state: &mut State) {
    let level = state.level();
    let key = match &level.screen {
        Screen::Run(key) => Some(key.clone()),
        _ => rows::selected(level, &rows::runs(state, level)).map(DagRun::key),
    };
    if let Some(key) = key {
        state.popup = Some(Popup::Run { key, scroll: 0 });
    }
}

/// Shows what differs from the run before.
pub(crate) fn diff(state: &mut State) {
    let Screen::Run(key) = &state.level().screen else { return };
    let key = key.clone();
    match travel::before(state) {
        Some(before) => state.popup = Some(Popup::RunDiff { before, key, scroll: 0 }),
        None => state.say(Tone::Info, "no run came before this one"),
    }
}
