//! Stories: given a deck, when this happens, then that.

mod assets;
mod branches;
mod clear;
mod commands;
mod decks;
mod definitions;
mod limits;
mod marks;
mod random;
mod retries;
mod runs;
mod schedules;
mod undo;
pub(super) mod world;
