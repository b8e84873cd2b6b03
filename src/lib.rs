//! dagdeck: an operator's deck for data and ML pipelines in the terminal.
//!
//! Layers, lowest first; `tests/it/layers.rs` enforces that arrows only go down:
//! `types` · `dag` · `sched` `ml` · `store` · `tracking` `connection` `web` · `runtime` ·
//! `client` `api` `serving` · `tui` `daemon` · `cli`.

pub mod api;
pub mod cli;
pub mod client;
pub mod connection;
pub mod daemon;
pub mod dag;
pub mod ml;
pub mod runtime;
pub mod sched;
pub mod serving;
pub mod store;
pub mod tracking;
pub mod tui;
pub mod types;
pub mod web;
