//! Values that may come from the environment or a file, and never show themselves.

use std::fmt;

/// A text that may hold `${env:NAME}` or `${file:path}`; resolved where it is used, masked
/// wherever it is shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    written: String,
    resolved: String,
}

impl Secret {
    /// Pairs what was written with what it stands for.
    pub fn new(written: impl Into<String>, resolved: impl Into<String>) -> Self {
        Self { written: written.into(), resolved: resolved.into() }
    }

    /// Takes a text that refers to nothing.
    pub fn plain(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { resolved: text.clone(), written: text }
    }

    /// Returns what it stands for. Not for logs, tables or screens.
    pub fn reveal(&self) -> &str {
        &self.resolved
    }

    /// Returns what was written, with its references unresolved: fit to be shown.
    pub fn as_written(&self) -> &str {
        &self.written
    }

    /// Says whether it refers to something that must not be shown.
    pub fn is_secret(&self) -> bool {
        self.written != self.resolved
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({:?})", self.written)
    }
}
