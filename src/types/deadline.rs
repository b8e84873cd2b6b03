//! Deadlines: by when a run is to have ended.

use serde::{Deserialize, Serialize};

use crate::ids::{DagId, DagRunId};
use crate::time::Timestamp;

/// A deadline of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deadline {
    pub dag_id: DagId,
    pub dag_run_id: DagRunId,
    /// Which of the DAG's deadlines, from 0.
    pub number: u32,
    /// What it is counted from, such as `dagrun_queued_at`.
    pub reference: String,
    pub deadline_time: Timestamp,
    /// The run had not ended by then.
    pub missed: bool,
    /// When the run ended in time.
    pub met_at: Option<Timestamp>,
}
