//! How far a running task says it is.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// What a task said last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// From 0 to 1, where it said so.
    pub fraction: Option<f64>,
    #[serde(default)]
    pub text: String,
    pub at: Timestamp,
}
