//! Tracked runs.

use crate::store::{Store, StoreError};
use crate::types::view::TrackingRunView;
use crate::types::{Timestamp, TrackingRunId};

/// A run to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    pub experiment_id: String,
    pub run_name: String,
    pub user_id: String,
    pub start_time: Timestamp,
    pub tags: Vec<(String, String)>,
    /// The launch token of the attempt that makes it: made twice, it is the same run.
    pub attempt_token: Option<String>,
}

/// A value of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricPoint {
    pub key: String,
    pub value: f64,
    pub timestamp: Timestamp,
    pub step: i64,
}

/// Makes a run in state `RUNNING`. Its artifacts go below the returned run's `artifact_uri`.
pub fn create(_store: &Store, _run: NewRun) -> Result<TrackingRunView, StoreError> {
    todo!("store helper")
}

/// Logs in one transaction. A param that has another value already is refused.
pub fn log_batch(
    _store: &Store,
    _run_id: &TrackingRunId,
    _metrics: Vec<MetricPoint>,
    _params: Vec<(String, String)>,
    _tags: Vec<(String, String)>,
) -> Result<(), StoreError> {
    todo!("store helper")
}

/// Ends a run as `FINISHED`, `FAILED` or `KILLED`.
pub fn end(
    _store: &Store,
    _run_id: &TrackingRunId,
    _status: &str,
    _end_time: Timestamp,
) -> Result<(), StoreError> {
    todo!("store helper")
}

/// Ends as `FAILED` the runs that an attempt which is over left `RUNNING`.
pub fn end_abandoned(
    _store: &Store,
    _attempt_token: &str,
    _end_time: Timestamp,
) -> Result<usize, StoreError> {
    todo!("store helper")
}

/// Returns a run with its latest metrics; refuses with `NotFound`.
pub fn get(_store: &Store, _run_id: &TrackingRunId) -> Result<TrackingRunView, StoreError> {
    todo!("store helper")
}

/// Lists an experiment's runs, newest first, and how many there are.
pub fn list(
    _store: &Store,
    _experiment: &str,
    _limit: u32,
    _offset: u32,
) -> Result<(Vec<TrackingRunView>, u64), StoreError> {
    todo!("store helper")
}
