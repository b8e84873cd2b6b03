//! Stories: given a deck, when this happens, then that.

mod assets;
mod branches;
mod callbacks;
mod clear;
mod commands;
mod deadlines;
mod decks;
mod definitions;
mod explain;
mod fairness;
mod limits;
mod marks;
mod random;
mod retries;
mod runs;
mod schedules;
mod undo;
pub(super) mod world;
