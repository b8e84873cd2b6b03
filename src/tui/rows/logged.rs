//! Logged models: whose are shown, and what one is made of line by line.

use crate::rows;
use crate::screen::logged_models as screen;
use crate::state::level::LoggedOf;
use crate::state::{Level, Screen, Slot, State};
use crate::types::view::LoggedModelView;

/// Returns what the list of a level is made of.
pub(crate) fn slot(of: &LoggedOf) -> Slot {
    Slot::LoggedModels(of.clone())
}

/// Returns the logged models in the order that was chosen, else the newest first.
pub(crate) fn models<'a>(
    state: &'a State,
    level: &Level,
    of: &LoggedOf,
) -> Vec<&'a LoggedModelView> {
    let all = state.cache.logged_models(of).unwrap_or_default();
    screen::list(all).arrange(state, level, all)
}

/// Returns the logged model that the place is about, as far as it is known.
pub(crate) fn here(state: &State) -> Option<&LoggedModelView> {
    let level = state.level();
    match &level.screen {
        Screen::LoggedModels(of) => rows::selected(level, &models(state, level, of)),
        Screen::LoggedModel(model_id) => state.cache.logged_model(model_id),
        _ => None,
    }
}
