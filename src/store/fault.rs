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
    Sqlite(rusqlite::Error),
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

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(fault) => fault,
            StoreError::DiskFull => Self::new(FaultKind::Unavailable, error.to_string())
                .hint("make room; nothing was lost"),
            StoreError::TooNew { .. } => Self::new(FaultKind::Conflict, error.to_string())
                .hint("install the newer dagdeck, or restore a backup"),
            other => Self::internal(&other),
        }
    }
}
