//! How texts name keys: by the keymap in force, never by a fixed letter.

use crate::keymap::{Action, BINDINGS, Bound, Place, place};
use crate::state::State;

/// Writes a text with the keys of actions in place of `{}`:
/// `with_keys!(state, "{} triggers one", Trigger)`.
macro_rules! with_keys {
    ($state:expr, $text:literal, $($action:ident $(($of:expr))?),+ $(,)?) => {
        format!($text, $($crate::keymap::label($state, $crate::keymap::Action::$action $(($of))?)),+)
    };
}
pub(crate) use with_keys;

/// Returns what is typed for `action`: its key where the operator is, else at the first place that
/// has it; where it has no key, the palette's command.
pub(crate) fn label(state: &State, action: Action) -> String {
    let here = place(state);
    let elsewhere = Place::ALL.iter().copied().filter(|place| *place != here);
    let mut places = std::iter::once(here).chain(elsewhere);
    let bound = places.find_map(|place| find(state, place, action));
    written(state, action, bound)
}

/// As [`label`], for a pane that may not have the keys now.
pub(crate) fn label_at(state: &State, place: Place, action: Action) -> String {
    written(state, action, find(state, place, action))
}

fn find(state: &State, place: Place, action: Action) -> Option<&Bound> {
    state.keymap.at(place).iter().find(|bound| bound.action == action)
}

fn written(state: &State, action: Action, bound: Option<&Bound>) -> String {
    match bound {
        Some(bound) if !bound.keys.is_empty() => bound.key().to_owned(),
        Some(bound) => format!("{}{}", palette(state), bound.command()),
        None => {
            let binding = BINDINGS.iter().find(|binding| binding.action == action);
            format!("{}{}", palette(state), binding.map_or(action.name(), |one| one.command()))
        }
    }
}

/// Returns what opens the palette, before the name that is typed into it.
fn palette(state: &State) -> String {
    let bound = find(state, place(state), Action::Palette);
    match bound.map(Bound::key) {
        Some(":") | None => ":".to_owned(),
        Some(key) => format!("{key} "),
    }
}

/// Says which keys are for a text over the screen of which `hidden` lines are not seen.
pub(crate) fn scroll_note(state: &State, hidden: usize) -> String {
    match hidden {
        0 => with_keys!(state, "{} close", Back),
        _ => with_keys!(state, "{} {} scroll  {} close", Down, Up, Back),
    }
}
