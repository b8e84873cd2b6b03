//! What can go wrong with the store.

use std::path::PathBuf;

use crate::types::{Fault, FaultKind};

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("open the store `{}`", path.display())]
    Open { path: PathBuf, source: rusqlite::Error },
    #[error("read the store `{}`: it was written by a newer dagdeck (schema {found}, this one knows {known})", path.display())]
    TooNew { path: PathBuf, found: i64, known: i64 },
    #[error("write to the store: the disk is full")]
    DiskFull,
    #[error("write to the store: it is read-only")]
    ReadOnly,
    #[error("use the store")]
    Sqlite(#[source] rusqlite::Error),
    #[error("read what the store holds in `{column}`")]
    Content { column: &'static str, source: serde_json::Error },
    #[error("use the store: it was closed")]
    Closed,
    /// A refusal of the closure that ran in the transaction; nothing was written.
    #[error("{0}")]
    Refused(Fault),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            _ => Self::Sqlite(error),
        }
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        Self::Refused(fault)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        let plain = |kind: FaultKind| Self::new(kind, error.to_string());
        match &error {
            StoreError::Refused(fault) => fault.clone(),
            StoreError::DiskFull => {
                plain(FaultKind::Unavailable).hint("make room; nothing was lost")
            }
            StoreError::ReadOnly => plain(FaultKind::Unavailable)
                .hint("make the folder `.dagdeck` and the files in it writable"),
            StoreError::TooNew { .. } => {
                plain(FaultKind::Conflict).hint("install the newer dagdeck, or restore a backup")
            }
            StoreError::Open { source, .. } => {
                let fault = plain(FaultKind::Unavailable).caused_by(Some(source));
                match source.sqlite_error_code() {
                    Some(rusqlite::ErrorCode::NotADatabase) => {
                        fault.hint("it is not a database: move it away, or restore a backup")
                    }
                    _ => fault.hint("look whether the folder exists and may be written to"),
                }
            }
            StoreError::Closed => plain(FaultKind::Unavailable),
            StoreError::Sqlite(source) if is_busy(source) => {
                plain(FaultKind::Busy).caused_by(Some(source)).hint("try again")
            }
            StoreError::Sqlite(_) | StoreError::Content { .. } => Self::internal(&error),
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode;
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Where tests make a write fail; nothing otherwise.
#[inline]
pub(crate) fn before_write() -> rusqlite::Result<()> {
    #[cfg(test)]
    injection::before_write()?;
    Ok(())
}

/// Makes the n-th write of a writer thread fail, for tests.
#[cfg(test)]
pub(crate) mod injection {
    use std::cell::Cell;

    use crate::store::Store;

    thread_local! {
        /// Which write of this writer thread fails, counted from now; `None`: none does.
        static LEFT: Cell<Option<u32>> = const { Cell::new(None) };
    }

    /// Arms the store: the n-th write from now on fails, from 1. A commit is a write too.
    pub(crate) fn fail_nth_write(store: &Store, n: u32) {
        // The commit of this very closure is the first one counted.
        let arm = move |_: &rusqlite::Transaction<'_>| {
            arm(n + 1);
            Ok(())
        };
        store.write_blocking(arm).unwrap();
    }

    /// As `fail_nth_write`, from the writer thread itself.
    pub(crate) fn arm(n: u32) {
        LEFT.set(Some(n));
    }

    /// Disarms the store, and says whether the failure is still to come.
    pub(crate) fn disarm(store: &Store) -> bool {
        store.write_blocking(|_| Ok(LEFT.take().is_some())).unwrap()
    }

    /// Fails where it is this write's turn.
    pub(crate) fn before_write() -> rusqlite::Result<()> {
        match LEFT.get() {
            Some(1) => {
                LEFT.set(None);
                let error = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_WRITE);
                Err(rusqlite::Error::SqliteFailure(error, Some("injected".into())))
            }
            Some(n) => {
                LEFT.set(Some(n - 1));
                Ok(())
            }
            None => Ok(()),
        }
    }
}
