//! What the command line says when it fails, and the exit code that goes with it.

use crate::types::{Fault, FaultKind};

/// A failure at the edge.
#[derive(Debug)]
pub struct CliError {
    pub fault: Fault,
    /// There is no daemon to ask.
    pub no_daemon: bool,
}

impl CliError {
    /// Takes an I/O error; `doing` reads after "failed to".
    pub fn io(doing: &str, source: &std::io::Error) -> Self {
        let fault = Fault::new(FaultKind::Unavailable, format!("failed to {doing}"));
        Self { fault: fault.caused_by(Some(source)), no_daemon: false }
    }

    /// Says that the project's daemon does not run.
    pub fn no_daemon(fault: Fault) -> Self {
        Self { fault, no_daemon: true }
    }

    /// Returns the exit code: 1 the work failed, 2 usage or definition, 3 no daemon, 70 a bug.
    pub fn exit_code(&self) -> u8 {
        match self.fault.kind {
            _ if self.no_daemon => 3,
            FaultKind::Invalid | FaultKind::NotFound => 2,
            FaultKind::Exists
            | FaultKind::Conflict
            | FaultKind::Denied
            | FaultKind::Busy
            | FaultKind::Unavailable => 1,
            FaultKind::Internal => 70,
        }
    }
}

impl From<Fault> for CliError {
    fn from(fault: Fault) -> Self {
        Self { fault, no_daemon: false }
    }
}
