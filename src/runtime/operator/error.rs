//! Why an operator stopped, and whether another try may help.

use crate::connection::ConnectionError;
use crate::sched::Outcome;
use crate::store::StoreError;
use crate::types::{Fault, FaultKind};

/// A failed attempt, before it is an [`Outcome`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(super) enum OperatorError {
    /// No other try will mend it: bad arguments, bad data.
    #[error("{0}")]
    Fatal(String),
    /// Another try may mend it: a busy database, a full disk.
    #[error("{0}")]
    Passing(String),
    /// The attempt was told to end.
    #[error("cancelled")]
    Cancelled,
}

impl OperatorError {
    pub(super) fn fatal(text: impl Into<String>) -> Self {
        Self::Fatal(text.into())
    }

    pub(super) fn passing(text: impl Into<String>) -> Self {
        Self::Passing(text.into())
    }

    /// Takes an I/O error on a file: what is missing or forbidden stays so.
    pub(super) fn io(what: &str, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        let text = format!("{what}: {error}");
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::IsADirectory => {
                Self::Fatal(text)
            }
            _ => Self::Passing(text),
        }
    }
}

/// Writes an error with its sources, outermost first.
pub(super) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}

impl From<ConnectionError> for OperatorError {
    fn from(error: ConnectionError) -> Self {
        let text = chain(&error);
        match error {
            ConnectionError::Open { .. } => Self::Passing(text),
            _ => Self::Fatal(text),
        }
    }
}

impl From<Fault> for OperatorError {
    fn from(fault: Fault) -> Self {
        let text = fault.to_string();
        match fault.kind {
            FaultKind::Busy | FaultKind::Unavailable | FaultKind::Internal => Self::Passing(text),
            _ => Self::Fatal(text),
        }
    }
}

impl From<StoreError> for OperatorError {
    fn from(error: StoreError) -> Self {
        Fault::from(error).into()
    }
}

impl From<rusqlite::Error> for OperatorError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let text = error.to_string();
        match error.sqlite_error_code() {
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::OutOfMemory,
            ) => Self::Passing(text),
            _ => Self::Fatal(text),
        }
    }
}

/// Makes the outcome of an operator's result.
pub(super) fn settle(result: Result<Outcome, OperatorError>) -> Outcome {
    match result {
        Ok(outcome) => outcome,
        Err(OperatorError::Fatal(text)) => Outcome::fatal(text),
        Err(OperatorError::Passing(text)) => Outcome::failed(text),
        Err(OperatorError::Cancelled) => Outcome::fatal("cancelled"),
    }
}
