//! The store of the simulation: the real SQL in a database in memory, done at once on the thread
//! that asks, so that a simulation comes out the same each time. `Fate` says how long each access
//! takes and how it ends.

use std::fmt::{self, Debug};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, Transaction, ffi};

use crate::sched::Change;
use crate::store::db::job;
use crate::store::fault::StoreError;
use crate::store::writer::Job;
use crate::store::{apply, migrate, writer};

/// How one access ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Well,
    /// Nothing is written.
    Failed,
    /// It is written, and whoever asked is told that it failed.
    FailedButWritten,
}

/// How long one access takes before and after it is done, and how it ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fate {
    pub(crate) before: Duration,
    pub(crate) end: End,
    pub(crate) after: Duration,
}

/// Says what becomes of each access.
pub(crate) trait Fates: Send + Sync {
    fn of_write(&self) -> Fate;
    /// Of what the engine decided.
    fn of_commit(&self) -> Fate;
    /// What the engine decided is written, whatever it is told.
    fn committed(&self);
    fn of_read(&self) -> Fate;
    /// Whether the process has died since.
    fn is_dead(&self) -> bool;
}

/// A database in memory, with the fates of those who use it.
#[derive(Clone)]
pub(crate) struct Inline {
    conn: Arc<Mutex<Connection>>,
    fates: Arc<dyn Fates>,
}

impl Debug for Inline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inline")
    }
}

/// Makes a database in memory.
pub(crate) fn database() -> Arc<Mutex<Connection>> {
    let mut conn = Connection::open_in_memory().unwrap();
    conn.pragma_update(None, "foreign_keys", true).unwrap();
    conn.set_prepared_statement_cache_capacity(256);
    migrate::migrate(&mut conn, Path::new(":memory:")).unwrap();
    Arc::new(Mutex::new(conn))
}

impl Inline {
    pub(crate) fn new(conn: Arc<Mutex<Connection>>, fates: Arc<dyn Fates>) -> Self {
        Self { conn, fates }
    }

    pub(crate) async fn commit(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        let fates = self.fates.clone();
        let apply = move |tx: &Transaction<'_>| {
            apply::apply(tx, changes)?;
            fates.committed();
            Ok(())
        };
        self.fated(self.fates.of_commit(), apply).await
    }

    pub(crate) async fn write<R, F>(&self, f: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<R, StoreError> + Send + 'static,
    {
        self.fated(self.fates.of_write(), f).await
    }

    async fn fated<R, F>(&self, fate: Fate, f: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<R, StoreError> + Send + 'static,
    {
        self.pause(fate.before).await;
        let result = self.run(fate.end, f);
        self.pause(fate.after).await;
        result
    }

    pub(crate) fn write_now<R, F>(&self, f: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<R, StoreError> + Send + 'static,
    {
        self.run(self.fates.of_write().end, f)
    }

    pub(crate) async fn read<R, F>(&self, f: F) -> Result<R, StoreError>
    where
        F: FnOnce(&Connection) -> Result<R, StoreError>,
    {
        let fate = self.fates.of_read();
        self.pause(fate.before).await;
        let result = if fate.end == End::Well { f(&self.conn()) } else { Err(broken()) };
        self.pause(fate.after).await;
        result
    }

    pub(crate) fn read_now<R, F>(&self, f: F) -> Result<R, StoreError>
    where
        F: FnOnce(&Connection) -> Result<R, StoreError>,
    {
        if self.fates.of_read().end == End::Well { f(&self.conn()) } else { Err(broken()) }
    }

    fn run<R, F>(&self, end: End, f: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<R, StoreError> + Send + 'static,
    {
        if end == End::Failed || self.fates.is_dead() {
            return Err(broken());
        }
        let slot = Arc::new(Mutex::new(None));
        let answer = slot.clone();
        let put = move |result| *answer.lock().unwrap() = Some(result);
        let mut group: Vec<Box<dyn Job>> = vec![Box::new(job(f, put))];
        let commit = writer::run_group(&mut self.conn(), &mut group);
        for job in group {
            job.settle(commit.clone().map_err(writer::Failure::into_error));
        }
        let result = slot.lock().unwrap().take().unwrap_or(Err(StoreError::Closed));
        if end == End::FailedButWritten { Err(broken()) } else { result }
    }

    /// Lets time pass; a process that has died does not go on.
    async fn pause(&self, time: Duration) {
        if !time.is_zero() {
            tokio::time::sleep(time).await;
        }
        if self.fates.is_dead() {
            std::future::pending::<()>().await;
        }
    }

    fn conn(&self) -> MutexGuard<'_, Connection> {
        self.conn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn broken() -> StoreError {
    let code = ffi::Error::new(ffi::SQLITE_IOERR_WRITE);
    rusqlite::Error::SqliteFailure(code, Some("simulated".into())).into()
}
