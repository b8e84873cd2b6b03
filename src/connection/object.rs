//! Lakes: a folder now, by the `object_store` crate.
