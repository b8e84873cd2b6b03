//! Stories: given a deck, when this happens, then that.

mod approvals;
mod assets;
mod branches;
mod callbacks;
mod clear;
mod commands;
mod deadlines;
mod decks;
mod deferral;
mod definitions;
mod fairness;
mod limits;
mod random;
mod retries;
mod runs;
mod schedules;
mod trigger_by;
pub(super) mod world;
