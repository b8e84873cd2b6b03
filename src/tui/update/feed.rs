//! The event feed: its older lines, its rail, where an event leads.

use crate::message::{Effect, Purpose};
use crate::rows;
use crate::screen::events;
use crate::state::feed::PAGE;
use crate::state::{Popup, Screen, State, Tone, View};
use crate::types::ask::{Answer, Request};
use crate::types::event::EventLog;
use crate::types::run::DagRunKey;
use crate::types::{Fault, TaskInstanceKey};

/// Rows before the end of the list at which older lines are asked for.
const MARGIN: usize = 20;

/// Opens or closes the rail; where there is no room for one, the feed over the screen.
pub(crate) fn toggle_rail(state: &mut State) {
    if state.level().screen == Screen::Root(View::Events) {
        state.say(Tone::Info, "these are the events");
    } else if state.size.width < 120 {
        state.popup = Some(Popup::Events { scroll: 0 });
    } else {
        state.has_rail = !state.has_rail;
    }
}

/// Notes what is seen, and asks for older lines where the end of the list is near.
pub(crate) fn keep(state: &mut State, effects: &mut Vec<Effect>) {
    let is_list = state.level().screen == Screen::Root(View::Events);
    if is_list || events::has_rail(state) || matches!(state.popup, Some(Popup::Events { .. })) {
        state.feed.see();
    }
    if !is_list || state.feed.is_loading || state.feed.is_whole {
        return;
    }
    let level = state.level();
    let keys = rows::keys(state, level);
    let Some(oldest) = state.feed.oldest() else { return };
    // Where a filter leaves little, older lines are read by going down, not by themselves.
    let is_near = level.cursor(&keys) + MARGIN >= keys.len() && !level.is_untouched;
    if is_near && !keys.is_empty() {
        state.feed.is_loading = true;
        let generation = state.next_generation();
        let request = Request::ListEvents { limit: PAGE, before_id: Some(oldest) };
        effects.push(Effect::Ask { purpose: Purpose::OlderEvents, generation, request });
    }
}

/// Takes older lines.
pub(crate) fn take_older(state: &mut State, result: Result<Answer, Fault>) {
    match result {
        Ok(Answer::Events(page)) => state.feed.take_older(&page),
        Ok(_) => state.feed.is_loading = false,
        Err(fault) => {
            state.feed.is_loading = false;
            state.level_mut().is_untouched = true;
            state.say(Tone::Bad, format!("older events could not be read: {fault}"));
        }
    }
}

/// Goes to what the selected event is about.
pub(crate) fn open(state: &mut State) {
    let level = state.level();
    let Some(event) = rows::selected(level, &rows::events(state, level)) else { return };
    let event = event.clone();
    if let Some(view) = view_of(&event) {
        state.switch(view);
        return;
    }
    let Some(screen) = screen_of(&event) else {
        state.say(Tone::Info, "this event leads nowhere");
        return;
    };
    state.push(screen);
    if let Some(task_id) = &event.task_id {
        let level = state.level_mut();
        level.selected = Some(task_id.to_string());
        level.is_untouched = false;
    }
}

fn screen_of(event: &EventLog) -> Option<Screen> {
    let dag_id = event.dag_id.clone()?;
    Some(match event.dag_run_id.clone() {
        Some(dag_run_id) => Screen::Run(DagRunKey { dag_id, dag_run_id }),
        None => Screen::Dag(dag_id),
    })
}

/// What belongs to no DAG belongs to a view.
fn view_of(event: &EventLog) -> Option<View> {
    if event.dag_id.is_some() {
        return None;
    }
    match event.event.split('.').next().unwrap_or_default() {
        "model" | "alias" => Some(View::Models),
        "asset" => Some(View::Assets),
        "serving" | "version" => Some(View::Serving),
        "variable" | "connection" | "pool" | "pruned" | "definitions" => Some(View::System),
        _ => None,
    }
}

/// Returns the task whose log tells more of the selected event.
pub(crate) fn task_of(event: &EventLog) -> Option<TaskInstanceKey> {
    Some(TaskInstanceKey {
        dag_id: event.dag_id.clone()?,
        dag_run_id: event.dag_run_id.clone()?,
        task_id: event.task_id.clone()?,
        map_index: -1,
    })
}
