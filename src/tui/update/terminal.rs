//! What the terminal tells of its own.

use crate::message::Errand;
use crate::state::{State, Tone};
use crate::text;
use crate::update::{edit, plugin};

/// Says that what was to be copied is more than terminals take.
pub(crate) fn not_copied(state: &mut State, bytes: usize) {
    let size = text::bytes(bytes as u64);
    state.say(
        Tone::Bad,
        format!("not copied: {size} is more than a terminal takes (75 KB); copy less, or save it"),
    );
}

/// Takes the terminal back from a program.
pub(crate) fn handed_back(state: &mut State, errand: Errand, outcome: Result<Option<i32>, String>) {
    match (errand, outcome) {
        (_, Err(wrong)) => state.say(Tone::Bad, wrong),
        (Errand::Edit, Ok(_)) => edit::handed_back(state),
        (Errand::Plugin(name), Ok(code)) => {
            plugin::ended(state, &name, Ok((code, String::new())));
        }
        (Errand::Show, Ok(Some(0))) => {}
        (Errand::Show, Ok(Some(code))) => {
            state.say(Tone::Bad, format!("it ended with exit code {code}"));
        }
        (Errand::Show, Ok(None)) => state.say(Tone::Bad, "it was ended by a signal"),
    }
}
