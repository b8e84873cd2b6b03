//! The connection to the database: one writer thread, a pool of readers.

use std::path::Path;

use rusqlite::{Connection, Transaction};

use crate::sched::Change;
use crate::sched::state::Recovered;
use crate::store::fault::StoreError;

/// The store; clones share it.
#[derive(Debug, Clone)]
pub struct Store {}

impl Store {
    /// Opens the database, makes it where there is none (mode 0600) and migrates it.
    pub fn open(_path: &Path) -> Result<Self, StoreError> {
        todo!("store helper")
    }

    /// Writes the changes of one decision; durable when it returns.
    pub async fn commit(&self, _changes: Vec<Change>) -> Result<(), StoreError> {
        todo!("store helper")
    }

    /// Runs `f` in a transaction on the writer thread; durable when it returns.
    pub async fn write<R, F>(&self, _f: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<R, StoreError> + Send + 'static,
    {
        todo!("store helper")
    }

    /// As `write`, from a thread that may block (an attempt's own process).
    pub fn write_blocking<R, F>(&self, _f: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<R, StoreError> + Send + 'static,
    {
        todo!("store helper")
    }

    /// Runs `f` on a reader, off the async threads.
    pub async fn read<R, F>(&self, _f: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: FnOnce(&Connection) -> Result<R, StoreError> + Send + 'static,
    {
        todo!("store helper")
    }

    /// As `read`, from a thread that may block.
    pub fn read_blocking<R, F>(&self, _f: F) -> Result<R, StoreError>
    where
        F: FnOnce(&Connection) -> Result<R, StoreError>,
    {
        todo!("store helper")
    }

    /// Returns what the scheduler starts from.
    pub fn recover(&self) -> Result<Recovered, StoreError> {
        todo!("store helper")
    }
}
