//! The scheduler: a pure function from state and input to changes, effects and events.
//!
//! ```text
//! Input ──► step(&mut State, now, Input) ──► Decided { changes, effects, events, reply }
//!             │
//!             ├─ take    command/* · attempt · asset · definitions · tick   (rejects, or changes)
//!             └─ settle  drain (ready) ► timetable ► backfill ► promote (run) ► admit  (until nothing moves)
//! ```
//! No disk, no clock, no randomness: tests feed it a stream of inputs. Every move of a task
//! instance or a run goes through `decision`, which asks `transition` whether it is legal and
//! keeps the caches of `index`; `oracle` recomputes them in tests.

mod admit;
mod asset;
mod attempt;
pub mod backfill;
mod callback;
pub mod change;
mod command;
mod deadline;
mod decision;
mod deferral;
mod definitions;
mod draft;
pub mod effect;
mod ending;
mod explain;
mod failures;
mod fair;
mod freshness;
mod index;
pub mod input;
mod judge;
mod latest;
pub mod mapping;
mod operation;
#[cfg(any(test, feature = "oracle"))]
pub mod oracle;
pub mod past;
mod ready;
mod recover;
pub mod report;
mod retry;
mod run;
mod settle;
pub mod state;
pub mod step;
#[cfg(test)]
mod tests;
mod tick;
mod timetable;
pub mod transition;
mod trouble;
mod version;
mod when;

use dagdeck_dag as dag;
use dagdeck_types as types;

pub use change::Change;
pub use command::TriggerBy;
pub use effect::{Arm, Effect};
pub use freshness::AssetNews;
pub use index::PoolLoad;
pub use input::{Command, Input, Rejected, Reply};
pub use report::{Outcome, Report};
pub use state::State;
pub use step::{Decided, step};
