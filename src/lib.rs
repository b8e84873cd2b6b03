//! dagdeck: an operator's deck for data and ML pipelines in the terminal.
//!
//! Layers, lowest first; `tests/it/layers.rs` enforces that arrows only go down:
//! `types` · `dag` `tui` · `sched` `ml` · `store` · `tracking` `connection` `web` · `runtime` ·
//! `client` `api` `serving` · `daemon` · `cli`.

pub mod api;
pub mod cli;
pub mod client;
pub mod connection;
pub mod daemon;
pub mod runtime;
pub mod serving;
pub mod store;
pub mod tracking;
pub mod web;

pub use dagdeck_dag as dag;
pub use dagdeck_ml as ml;
pub use dagdeck_sched as sched;
pub use dagdeck_tui as tui;
pub use dagdeck_types as types;
