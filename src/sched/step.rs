//! The scheduler's one function.

use crate::sched::change::Change;
use crate::sched::effect::Effect;
use crate::sched::input::{Input, Rejected, Reply};
use crate::sched::state::State;
use crate::types::Timestamp;
use crate::types::event::Event;

/// What one input led to. The changes are to be committed before the effects are acted on and
/// the events told.
#[derive(Debug, Clone)]
#[must_use]
pub struct Decided {
    pub changes: Vec<Change>,
    pub effects: Vec<Effect>,
    pub events: Vec<Event>,
    pub reply: Reply,
}

/// Takes one input. Rejects before the first change.
pub fn step(_state: &mut State, _now: Timestamp, _input: Input) -> Result<Decided, Rejected> {
    todo!("sched helper")
}
