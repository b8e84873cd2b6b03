//! A first walk through the deck: six keys, each pressed by the operator.

use crate::keymap::Action;

/// How far the tour is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tour {
    /// The deck was never opened here before.
    Offered,
    /// At this step, from 0.
    At(usize),
}

/// A step: what is to be pressed, and what that is good for.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) action: Action,
    /// With the key in place of `{}`.
    pub(crate) text: &'static str,
}

/// All steps.
pub(crate) const STEPS: [Step; 6] = [
    Step { action: Action::Down, text: "This lists your DAGs. Press {} to go down." },
    Step {
        action: Action::Open,
        text: "Press {} to open what is selected: the last run of the DAG.",
    },
    Step {
        action: Action::NextPane,
        text: "A run has panes for its tasks, its graph and the log. Press {} for the next one.",
    },
    Step { action: Action::Back, text: "{} goes back by one step. It never leaves the deck." },
    Step {
        action: Action::Help,
        text: "Press {} to see every key that is valid where you are; esc closes it.",
    },
    Step {
        action: Action::Palette,
        text: "Press {} to go anywhere and do anything by its name, such as `trigger`.",
    },
];
