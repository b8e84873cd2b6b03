//! Stories.
pub(super) mod world;
