//! What the larger requests are made of.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::{DagId, DagRunId, TaskId, TrackingRunId};
use crate::state::{DagRunType, TaskInstanceState, TriggeredBy};
use crate::time::Timestamp;

/// A wish for predictions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Predict {
    /// Without it the default model answers.
    #[serde(default)]
    pub model: Option<String>,
    /// Of `model`, which must be given as well; without it the traffic decides.
    #[serde(default)]
    pub version: Option<u32>,
    /// Rows as `/predict` takes them: a list of rows, or one row.
    pub rows: Value,
}

/// Which runs are meant, beyond their DAG and state; all that is said must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RunsOnly {
    /// Stands in the id of the DAG.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_type: Option<DagRunType>,
    /// Due in the last so many seconds, or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_secs: Option<u64>,
    /// Each stands in the run's id, note, conf or the name of who triggered it, whatever the case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
}

/// Where tracked runs hang that are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nesting {
    /// Anywhere.
    #[default]
    All,
    /// Under no other run of their experiment.
    Top,
    /// Right under this one.
    Under(TrackingRunId),
}

/// How much of the lineage is wanted; nothing said means all of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LineageReach {
    #[serde(default)]
    pub up: Option<u32>,
    #[serde(default)]
    pub down: Option<u32>,
    #[serde(default)]
    pub limit: Option<u32>,
}

/// Which task instances are meant, and which page of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskInstanceQuery {
    #[serde(default)]
    pub dag_id: Option<DagId>,
    /// Of `dag_id`, which must be given as well.
    #[serde(default)]
    pub task_id: Option<TaskId>,
    #[serde(default)]
    pub state: Option<TaskInstanceState>,
    #[serde(default)]
    pub pool: Option<String>,
    #[serde(default)]
    pub operator: Option<String>,
    pub limit: u32,
    /// The `next` of the page before.
    #[serde(default)]
    pub before: Option<i64>,
}

/// A wish to prune.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Prune {
    #[serde(default)]
    pub dry_run: bool,
    /// In place of every age that `dags.toml` says, in seconds.
    #[serde(default)]
    pub older_than_secs: Option<f64>,
    /// Only runs and logs of this DAG.
    #[serde(default)]
    pub dag_id: Option<DagId>,
    /// Only tracked runs and experiments that were deleted, whatever `dags.toml` says.
    #[serde(default)]
    pub only_deleted: bool,
}

/// A wish for a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    pub dag_id: DagId,
    #[serde(default)]
    pub conf: Map<String, Value>,
    #[serde(default)]
    pub dag_run_id: Option<DagRunId>,
    #[serde(default)]
    pub logical_date: Option<Timestamp>,
    #[serde(default)]
    pub note: Option<String>,
    pub triggered_by: TriggeredBy,
    /// Who asks, for the record.
    #[serde(default)]
    pub user: Option<String>,
    /// Which part of its assets the run is about.
    #[serde(default)]
    pub partition_key: Option<String>,
}
