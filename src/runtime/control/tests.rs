//! Requests against a real store, with a stand-in for the engine.

use super::*;

mod approvals;
mod assets;
pub(super) mod models;
mod runs;
mod settings;
pub(crate) mod world;
