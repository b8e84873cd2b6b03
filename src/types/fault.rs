//! What a door says when it refuses or fails; mapped once per edge to an exit code, a status or
//! a flash line.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whose fault it is, and what may be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The request makes no sense as it stands.
    Invalid,
    /// What it names does not exist.
    NotFound,
    /// What it wants to make exists already.
    Exists,
    /// It does not fit the present state.
    Conflict,
    /// The caller may not.
    Denied,
    /// Try again soon.
    Busy,
    /// A system that is needed does not answer.
    Unavailable,
    /// A bug, or a broken world; the log tells more.
    Internal,
}

/// A refusal or a failure, as the caller sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    pub kind: FaultKind,
    /// A lowercase fragment that names the thing in backticks.
    pub message: String,
    /// What to do instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Causes, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
}

impl Fault {
    /// Makes a fault without hint or causes.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, causes: Vec::new() }
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Invalid, message)
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(FaultKind::NotFound, message)
    }

    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Conflict, message)
    }

    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Unavailable, message)
    }

    /// Takes an error and its chain of sources as an internal fault.
    pub fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        Self::new(FaultKind::Internal, error.to_string()).caused_by(error.source())
    }

    /// Adds the chain that begins at `source`.
    #[must_use]
    pub fn caused_by(mut self, mut source: Option<&(dyn std::error::Error + 'static)>) -> Self {
        while let Some(error) = source {
            self.causes.push(error.to_string());
            source = error.source();
        }
        self
    }

    /// Adds what to do instead.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        for cause in &self.causes {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}
