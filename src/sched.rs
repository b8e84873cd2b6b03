//! The scheduler: a pure function from state and input to changes, effects and events.
//!
//! ```text
//! Input ──► step(&mut State, now, Input) ──► Outcome { changes, effects, events, reply }
//! ```
//! No disk, no clock, no randomness: tests feed it a stream of inputs.

pub mod change;
pub mod effect;
pub mod input;
pub mod report;
pub mod state;
pub mod step;
pub mod transition;

pub use change::Change;
pub use effect::Effect;
pub use input::{Command, Input, Rejected, Reply};
pub use report::{Outcome, Report};
pub use state::State;
pub use step::{Decided, step};
