//! The engine loop and everything that acts for it.
//!
//! ```text
//! Handle ─► engine: step ─► commit ─► act ─► executors, in-daemon operators
//!                                └──► publish ─► watchers
//! ```
//! Decide, commit, act, publish: always in that order. "OK" to a caller means durable.

pub mod act;
pub mod attempt;
pub mod backup;
pub(crate) mod blocking;
pub mod bundle;
pub(crate) mod code_version;
pub mod control;
pub mod desk;
pub mod engine;
pub mod executor;
pub mod handle;
pub mod layout;
pub mod logs;
pub mod mirror;
pub mod nginx;
pub mod openlineage;
pub mod operator;
pub mod pass;
pub(crate) mod places;
pub mod project;
pub mod promotion;
pub mod publish;
pub mod retention;
pub mod serving;
pub mod serving_file;
#[cfg(test)]
mod simulation;
pub mod task_log;
pub(crate) mod trigger;
pub mod watch;
pub mod webhook;
pub mod worker;
pub(crate) mod xcom;

pub use control::Control;
pub use handle::Handle;
pub use layout::Layout;
pub use pass::{Pass, TrackingDoor};
