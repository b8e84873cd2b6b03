//! How much of the past is kept: limits by age, count and size. What has no limit is kept.

use std::time::Duration;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::types::DagId;

/// What `[deck.retention]` and the DAGs say.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Retention {
    /// Of DAGs that say nothing of their own.
    pub runs: RunLimits,
    /// What single DAGs say, filled up from `runs`.
    pub dags: IndexMap<DagId, RunLimits>,
    pub artifacts_max_age: Option<Duration>,
    /// In bytes, of all artifacts.
    pub artifacts_max_size: Option<u64>,
    /// Of tracked runs and experiments, since somebody deleted them.
    pub deleted_max_age: Option<Duration>,
    pub events_max_age: Option<Duration>,
    /// In bytes, of the database: the oldest runs go.
    pub store_max_size: Option<u64>,
}

/// Limits of the runs of one DAG.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunLimits {
    /// Since the run ended.
    pub runs_max_age: Option<Duration>,
    pub runs_max_count: Option<u32>,
    /// Since the run ended.
    pub logs_max_age: Option<Duration>,
}

impl Retention {
    /// Returns the limits of a DAG's runs.
    pub fn of(&self, dag_id: &DagId) -> RunLimits {
        self.dags.get(dag_id).copied().unwrap_or(self.runs)
    }
}

/// Parses a size: `500MB`, `50GB`, `2GiB`, or bytes. `None` where it is none.
pub fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor: u64 = match unit.trim_start() {
        "" | "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return None,
    };
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(factor);
    }
    let bytes = number.parse::<f64>().ok()? * factor as f64;
    (bytes.is_finite() && bytes < 1e18).then_some(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_decimal_or_binary_units() {
        assert_eq!(parse_size("50GB"), Some(50_000_000_000));
        assert_eq!(parse_size("2 GiB"), Some(2 << 30));
        assert_eq!(parse_size("1.5MB"), Some(1_500_000));
        assert_eq!(parse_size("17"), Some(17));
        for text in ["", "GB", "5 parsecs", "-1GB", "1..5GB"] {
            assert_eq!(parse_size(text), None, "{text}");
        }
    }
}
