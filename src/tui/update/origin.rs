//! What keys do along the chain from a file to an answer, and among columns.

use crate::keymap::Action;
use crate::rows::origin::{node_here, selected_step};
use crate::state::{Screen, State, Tone};
use crate::update::assets;

/// Does what a key stands for, where that is something about origins; says `false` where not.
pub(crate) fn perform(state: &mut State, action: Action) -> bool {
    match action {
        Action::Chain => go(state, Screen::Chain),
        Action::ColumnOrigins => go(state, Screen::Columns),
        Action::Open if matches!(state.level().screen, Screen::Chain(_)) => open(state),
        _ => return false,
    }
    true
}

fn go(state: &mut State, screen: fn(String) -> Screen) {
    match node_here(state) {
        Some(id) => {
            let screen = screen(id);
            if state.level().screen != screen {
                state.push(screen);
            }
        }
        None => state.say(Tone::Info, "nothing is selected that data flows through"),
    }
}

/// Shows the run of the selected step, else what it is.
fn open(state: &mut State) {
    let Some(step) = selected_step(state) else { return };
    let (run, node) = (step.run.clone(), step.node.clone());
    if let Some(run) = run {
        return state.push(Screen::Run(run));
    }
    if let Some(id) = node {
        assets::open_node(state, &id);
    }
}
