//! Stories: given a deck, when this happens, then that.

mod airflow;
mod assets;
mod backfills;
mod branches;
mod callbacks;
mod clear;
mod commands;
mod deadlines;
mod decks;
mod definitions;
mod explain;
mod failures;
mod fairness;
mod groups;
mod latest;
mod limits;
mod mapping;
mod marks;
mod past;
mod random;
mod retries;
mod runs;
mod schedules;
mod setups;
mod undo;
pub(super) mod world;
