//! The metadata store: SQLite in WAL with `synchronous=FULL`, one writer with group commit, a
//! pool of readers.
//!
//! ```text
//! commit(changes) ─┐
//! write(closure)  ─┼─► queue ─► writer thread: one transaction, one fsync ─► replies
//! read(closure)  ────► reader pool (WAL snapshots)
//! ```
//!
//! Other processes (attempts) open the same file; SQLite's own locks order their writes.

pub mod asset;
pub mod attention;
pub mod backfill;
pub mod callback;
pub mod dag;
pub mod dag_run;
pub mod dag_version;
pub mod db;
pub mod deadline;
pub mod event_log;
pub mod fault;
pub mod grid;
pub mod hitl;
pub mod lineage;
pub mod meta;
pub mod observed;
pub mod openlineage;
pub mod operation;
pub(crate) mod past;
pub mod prune;
pub mod recover;
pub mod rendered;
pub mod serving;
pub mod settings;
pub mod task_instance;
pub mod task_map;
pub mod trouble;
pub mod xcom;

pub(crate) mod apply;
mod migrate;
mod readers;
pub(crate) mod row;
mod writer;

#[cfg(test)]
pub(crate) mod inline;
#[cfg(test)]
pub(crate) mod sample;

pub use db::Store;
pub use fault::StoreError;
