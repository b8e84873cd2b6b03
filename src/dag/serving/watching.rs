//! What is watched while a model is served, and who is told.

use std::time::Duration;

use crate::spec::Callbacks;
use crate::types::drift::DriftLimits;

/// `[serving.drift]`: how far what a model is asked may lie from what it learnt from.
#[derive(Debug, Clone, PartialEq)]
pub struct DriftSpec {
    pub limits: DriftLimits,
    /// Rows of so long are judged together; default one hour.
    pub window: Duration,
    /// What lasts is told again after so long; never, where nothing is said.
    pub repeat: Option<Duration>,
    /// Of `on_drift` and `on_recovered`.
    pub callbacks: Callbacks,
}

impl Default for DriftSpec {
    fn default() -> Self {
        Self {
            limits: DriftLimits::default(),
            window: Duration::from_hours(1),
            repeat: None,
            callbacks: Callbacks::default(),
        }
    }
}

/// `[serving.alert]`: how often requests may go wrong, and how long they may take.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertSpec {
    /// Above which share of requests that failed or were refused it is trouble; none: never.
    pub error_rate: Option<f64>,
    /// Above which 99th percentile, in milliseconds over the last minute.
    pub p99_ms: Option<f64>,
    /// Requests of so long are judged together; default five minutes.
    pub window: Duration,
    /// With fewer requests in the window nothing is said; default 20.
    pub min_requests: u64,
    pub repeat: Option<Duration>,
    /// Of `on_trouble` and `on_recovered`.
    pub callbacks: Callbacks,
}

impl Default for AlertSpec {
    fn default() -> Self {
        Self {
            error_rate: None,
            p99_ms: None,
            window: Duration::from_mins(5),
            min_requests: 20,
            repeat: None,
            callbacks: Callbacks::default(),
        }
    }
}
