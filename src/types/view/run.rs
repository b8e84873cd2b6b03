//! Runs and task instances in full, and stretches of logs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::asset::AssetEvent;
use crate::deadline::Deadline;
use crate::ids::{TaskId, TaskInstanceKey, TrackingRunId};
use crate::progress::Progress;
use crate::run::{DagRun, TaskInstance, TaskTry};
use crate::state::TaskInstanceState;
use crate::view::{GroupView, TaskPlace};

/// A run with its tasks, in topological order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunDetailView {
    pub run: DagRun,
    pub tasks: Vec<TaskInstance>,
    /// The graph that this run runs: (upstream, downstream).
    pub edges: Vec<(TaskId, TaskId)>,
    /// How its tasks stand, those of which there is something to be said.
    #[serde(default)]
    pub places: BTreeMap<TaskId, TaskPlace>,
    #[serde(default)]
    pub groups: Vec<GroupView>,
    /// The asset events that brought it about.
    pub triggering_asset_events: Vec<AssetEvent>,
    /// How far those of its tasks that run say they are.
    #[serde(default)]
    pub progress: Vec<(TaskInstanceKey, Progress)>,
    /// Median seconds of this DAG's last successful runs, for an estimate of the rest.
    pub median_duration: Option<f64>,
    /// By when it is to have ended, and whether it has.
    #[serde(default)]
    pub deadlines: Vec<Deadline>,
}

/// A task instance in full.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskDetailView {
    pub task: TaskInstance,
    pub tries: Vec<TaskTry>,
    /// What the templates gave, secrets masked; of the last try.
    pub rendered: Option<Map<String, Value>>,
    /// The output (XCom `return_value`).
    pub output: Option<Value>,
    /// How far it says it is, while it runs.
    #[serde(default)]
    pub progress: Option<Progress>,
    /// What its tries have tracked: runs that hang under no other first, of these the newest.
    #[serde(default)]
    pub tracked_runs: Vec<TrackingRunId>,
}

/// A stretch of a log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogChunk {
    /// Whole lines, or what there is of the last one.
    pub text: String,
    /// Where to go on reading.
    pub next_offset: u64,
    /// The attempt has ended and all has been read.
    pub is_end: bool,
    pub try_number: u32,
    /// Where `text` begins.
    #[serde(default)]
    pub offset: u64,
    /// Bytes of the whole log at this moment.
    #[serde(default)]
    pub size: u64,
    /// Of the daemon's log, which day this is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<String>,
}

/// Counts of states, for progress bars.
pub fn count_states(tasks: &[TaskInstance]) -> BTreeMap<Option<TaskInstanceState>, usize> {
    let mut counts = BTreeMap::new();
    for task in tasks {
        *counts.entry(task.state).or_insert(0) += 1;
    }
    counts
}
