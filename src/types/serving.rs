//! What the model server is told and what it tells.

use serde::{Deserialize, Serialize};

use crate::types::time::Timestamp;

/// One loaded version and its share of the traffic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServedVersion {
    pub model: String,
    pub version: u32,
    /// Percent of this model's requests, 0 to 100.
    pub weight: u8,
    pub loaded_at: Timestamp,
    pub requests_total: u64,
    pub errors_total: u64,
    /// Answered in the last ten seconds, per second.
    pub requests_per_sec: f64,
    /// Milliseconds over the last minute; `None` where nothing was asked.
    pub p50_ms: Option<f64>,
    pub p99_ms: Option<f64>,
}

/// The model server as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServingStatus {
    /// Where it listens; `None` where it does not (see `problem`).
    pub listen: Option<String>,
    pub problem: Option<String>,
    /// What `/predict` without a name answers from.
    pub default_model: Option<String>,
    pub versions: Vec<ServedVersion>,
    pub in_flight: u64,
    /// Requests per second of the last minutes, ten seconds a sample, newest last.
    pub requests_history: Vec<f64>,
    /// 99th percentile in milliseconds, the same samples; 0 where nothing was asked.
    pub p99_history: Vec<f64>,
    /// The latest refusals and failures, newest first, without payloads.
    pub recent_errors: Vec<ServingError>,
}

/// A request that was refused or failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServingError {
    pub when: Timestamp,
    pub status: u16,
    pub model: Option<String>,
    pub version: Option<u32>,
    pub message: String,
}
