//! What is wrong with a connection, before anybody has used it.

/// A key of a connection that is wrong or missing. Shows no value: each may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionProblem {
    /// The key that is wrong or missing; none: the URL.
    pub key: Option<&'static str>,
    /// As diagnostics name it.
    pub code: &'static str,
    pub message: String,
    pub help: &'static str,
}
