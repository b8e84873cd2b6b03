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
mod limits;
mod random;
mod retries;
mod runs;
mod schedules;
pub(super) mod world;
