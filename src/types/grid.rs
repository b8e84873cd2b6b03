//! A DAG's last runs as a grid: a row for each task, a cell for each run.

use serde::{Deserialize, Serialize};

use crate::ids::{DagId, DagRunId, TaskId};
use crate::state::{DagRunState, DagRunType};
use crate::time::Timestamp;

/// The runs of a DAG side by side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GridView {
    pub dag_id: DagId,
    /// Newest last.
    pub runs: Vec<GridRun>,
    /// In the order of the definition; tasks that only older runs have come last.
    pub tasks: Vec<GridTask>,
    pub has_older: bool,
    pub has_newer: bool,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GridRun {
    pub dag_run_id: DagRunId,
    pub run_type: DagRunType,
    pub state: DagRunState,
    pub run_after: Timestamp,
    pub start_date: Option<Timestamp>,
    pub end_date: Option<Timestamp>,
    pub dag_version_number: u32,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GridTask {
    pub task_id: TaskId,
    /// A code for each run, as `TaskInstanceState::code` writes it; a blank where the run does
    /// not have the task. Of a mapped task the state that matters most.
    pub states: String,
    /// Median seconds of its instances that did well in these runs.
    pub median_duration: Option<f64>,
}
