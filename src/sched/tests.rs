//! Stories: given a deck, when this happens, then that.

mod assets;
mod backfills;
mod branches;
mod callbacks;
mod clear;
mod commands;
mod deadlines;
mod decks;
mod definitions;
mod failures;
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
pub(super) mod world;
