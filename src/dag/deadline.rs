//! Deadlines as defined: Airflow's `DeadlineAlert`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::types::Timestamp;
use crate::types::callback::CallbackSpec;

/// By when a run is to have ended, and what is told where it has not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeadlineSpec {
    pub reference: DeadlineReference,
    /// After the reference.
    pub interval: Duration,
    pub callbacks: Vec<CallbackSpec>,
}

/// What a deadline is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadlineReference {
    /// Runs without a logical date have no such deadline.
    DagrunLogicalDate,
    DagrunQueuedAt,
    FixedDatetime(Timestamp),
    /// When the run is made, and then as long as the last `max_runs` took on average; none while
    /// fewer than `min_runs` have ended.
    AverageRuntime {
        max_runs: u32,
        min_runs: u32,
    },
}

impl DeadlineReference {
    /// Returns the spelling in `dags.toml`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DagrunLogicalDate => "dagrun_logical_date",
            Self::DagrunQueuedAt => "dagrun_queued_at",
            Self::FixedDatetime(_) => "fixed_datetime",
            Self::AverageRuntime { .. } => "average_runtime",
        }
    }
}
