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
mod groups;
mod latest;
mod limits;
mod mapping;
mod past;
mod random;
mod retries;
mod runs;
mod schedules;
mod setups;
mod trigger_by;
pub(super) mod world;
