//! Sees files come, for assets that are watched.
