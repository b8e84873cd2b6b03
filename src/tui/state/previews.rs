//! What is shown of the selected row: asked for when the cursor rests, so that going down a list
//! asks of none of the rows that are passed.

use crate::state::cache::Slot;
use crate::state::level::Screen;

/// What is shown of the selected row.
#[derive(Debug, Default)]
pub(crate) struct Previews {
    slots: Vec<Slot>,
    /// The screen that they were wanted on.
    screen: Option<Screen>,
    /// Something was wanted on it before.
    has_begun: bool,
    /// The timer that is waited for.
    waits_for: Option<u64>,
}

impl Previews {
    /// Notes what is wanted now; says whether the cursor has gone on to something else. What a
    /// screen begins with was not gone to.
    pub(crate) fn want(&mut self, screen: &Screen, slots: Vec<Slot>) -> bool {
        if self.screen.as_ref() == Some(screen) && self.slots == slots {
            return false;
        }
        if self.screen.as_ref() != Some(screen) {
            self.screen = Some(screen.clone());
            self.has_begun = false;
        }
        // A row without anything to show, such as a group, is gone through like others.
        let is_step = self.has_begun;
        self.has_begun |= !slots.is_empty();
        self.slots = slots;
        self.waits_for = None;
        is_step
    }

    /// Waits for the timer of that number.
    pub(crate) const fn wait(&mut self, generation: u64) {
        self.waits_for = Some(generation);
    }

    /// The timer of that number has rung.
    pub(crate) fn rested(&mut self, generation: u64) {
        if self.waits_for == Some(generation) {
            self.waits_for = None;
        }
    }

    /// Says whether the cursor rests.
    pub(crate) const fn may_ask(&self) -> bool {
        self.waits_for.is_none()
    }
}
