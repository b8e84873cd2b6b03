use super::*;

mod assets;
pub(super) mod models;
mod runs;
pub(super) mod world;
