//! Walks through the tour: a step is done when its key is pressed, and the key does what it does.

use crossterm::event::{KeyCode, KeyEvent};

use crate::keymap::{self, Action, Typed};
use crate::state::tour::{STEPS, Tour};
use crate::state::{State, Tone, View};

/// Begins at the first step, from where it can be walked.
pub(crate) fn begin(state: &mut State) {
    state.popup = None;
    state.switch(View::Dags);
    while state.pop() {}
    state.tour = Some(Tour::At(0));
}

/// Looks at a key before it goes where it belongs; says whether it was meant for the tour alone.
pub(crate) fn hear(state: &mut State, event: &KeyEvent) -> bool {
    let Some(tour) = state.tour else { return false };
    // What is typed into a text or a dialog is no key of the tour.
    if state.popup.is_some() || state.prompt.is_some() || !state.chord.is_empty() {
        return false;
    }
    let action = match keymap::typed(state, "", event) {
        Typed::Action(action) => Some(action),
        _ => None,
    };
    match tour {
        Tour::Offered if event.code == KeyCode::Esc => {
            state.tour = None;
            true
        }
        // Who knows where to go needs no tour.
        Tour::Offered => {
            if !matches!(action, None | Some(Action::Down | Action::Up)) {
                state.tour = None;
            }
            false
        }
        Tour::At(at) if STEPS.get(at).is_some_and(|step| Some(step.action) == action) => {
            state.tour = (at + 1 < STEPS.len()).then_some(Tour::At(at + 1));
            if state.tour.is_none() {
                state.say(Tone::Good, "that was the tour; `:tour` walks it again");
            }
            false
        }
        Tour::At(_) if event.code == KeyCode::Esc => {
            state.tour = None;
            state.say(Tone::Info, "left the tour; `:tour` walks it again");
            true
        }
        Tour::At(_) => false,
    }
}
