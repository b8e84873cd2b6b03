//! The metadata store: SQLite in WAL with `synchronous=FULL`, one writer with group commit, a
//! pool of readers.
//!
//! ```text
//! commit(changes) ─┐
//! write(closure)  ─┼─► queue ─► writer thread: one transaction, one fsync ─► replies
//! read(closure)  ────► reader pool (WAL snapshots)
//! ```

pub mod db;
pub mod fault;
pub mod rendered;
pub mod xcom;

pub use db::Store;
pub use fault::StoreError;
