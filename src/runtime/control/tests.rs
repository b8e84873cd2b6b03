//! Requests against a real store, with a stand-in for the engine.

use super::*;

mod approvals;
mod assets;
mod attention;
mod backfills;
mod executors;
pub(super) mod models;
mod operate;
mod runs;
mod settings;
mod traffic;
mod versions;
pub(crate) mod world;
