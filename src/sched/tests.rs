//! Stories: given a deck, when this happens, then that.

mod approvals;
mod assets;
mod branches;
mod clear;
mod commands;
mod decks;
mod deferral;
mod definitions;
mod limits;
mod random;
mod retries;
mod runs;
mod schedules;
mod trigger_by;
pub(super) mod world;
