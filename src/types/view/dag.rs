//! DAGs as they are shown: in the list and in full, their versions, what a trigger would do.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::attention::RunBrief;
use crate::ids::{DagId, DagRunId, GroupId, TaskId};
use crate::state::DagRunState;
use crate::time::Timestamp;

/// A DAG as a line of the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DagView {
    pub dag_id: DagId,
    pub description: Option<String>,
    pub tags: Vec<String>,
    pub owner: Option<String>,
    pub is_paused: bool,
    /// The definition is gone from `dags.toml`; its history is kept.
    pub is_stale: bool,
    /// For people: `@daily`, `0 2 * * *`, `incoming`, `manual`.
    pub timetable_summary: String,
    pub next_run_after: Option<Timestamp>,
    /// Of the last runs, newest last: at most 30 of a DAG shown by itself; in the list of all of
    /// them only those after the last one that has ended, and that one.
    pub recent_runs: Vec<RecentRun>,
    /// States of the last 30 runs, oldest first.
    #[serde(default, with = "crate::strip")]
    pub strip: Vec<DagRunState>,
    pub task_count: usize,
    pub param_count: usize,
    /// Median seconds of the last successful runs.
    pub median_duration: Option<f64>,
}

/// A run as one cell of a strip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecentRun {
    pub dag_run_id: DagRunId,
    pub state: DagRunState,
    pub run_after: Timestamp,
    pub start_date: Option<Timestamp>,
    pub end_date: Option<Timestamp>,
}

/// A DAG in full.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DagDetailView {
    #[serde(flatten)]
    pub dag: DagView,
    pub doc_md: Option<String>,
    /// JSON Schema of the params: an object schema whose `properties` are in the order written.
    pub params_schema: Value,
    /// The params' defaults.
    pub params: Map<String, Value>,
    pub tasks: Vec<TaskView>,
    #[serde(default)]
    pub groups: Vec<GroupView>,
    pub max_active_runs: u32,
    pub max_active_tasks: u32,
    pub catchup: bool,
    pub start_date: Option<Timestamp>,
    pub timezone: String,
    /// Assets that the schedule waits for.
    pub asset_expression: Option<String>,
    /// The file and line of the definition.
    pub fileloc: String,
    pub line: usize,
    pub dag_version: String,
    /// Which of the versions that were in force it is.
    #[serde(default)]
    pub dag_version_number: Option<u32>,
    /// The schedule in words: `every day at 02:00`.
    #[serde(default)]
    pub schedule_words: String,
    /// When the schedule fires next.
    #[serde(default)]
    pub next_runs: Vec<Timestamp>,
    /// 95th percentile of the seconds of the last successful runs.
    #[serde(default)]
    pub p95_duration: Option<f64>,
    /// Of the runs that ended in the last 30 days: how many succeeded, of how many.
    #[serde(default)]
    pub ended_well: (u64, u64),
    /// The run that is under way.
    #[serde(default)]
    pub under_way: Option<RunBrief>,
}

/// A definition that was in force from some time on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DagVersionView {
    pub dag_id: DagId,
    /// From 1.
    pub version_number: u32,
    /// The digest of the definition.
    pub dag_version: String,
    pub created_at: Timestamp,
    /// The file and line where it stood.
    pub fileloc: String,
    pub line: usize,
}

/// What differs between two versions of a DAG: unified diffs, empty where nothing does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DagDiffView {
    pub dag_id: DagId,
    pub from: u32,
    pub to: u32,
    /// Of the tables as they stood in the file.
    pub source: String,
    /// Of the definition as checked, as JSON: also what it inherits.
    pub definition: String,
}

/// A task of a definition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskView {
    pub task_id: TaskId,
    pub operator: String,
    pub upstream_task_ids: Vec<TaskId>,
    pub downstream_task_ids: Vec<TaskId>,
    pub trigger_rule: String,
    pub retries: u32,
    pub pool: String,
    pub inlets: Vec<String>,
    pub outlets: Vec<String>,
    pub doc_md: Option<String>,
    pub line: usize,
    #[serde(flatten)]
    pub place: TaskPlace,
}

/// How a task stands among the others.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskPlace {
    #[serde(default)]
    pub group_id: Option<GroupId>,
    /// It has an instance for each element of something.
    #[serde(default)]
    pub is_mapped: bool,
    #[serde(default)]
    pub is_setup: bool,
    #[serde(default)]
    pub is_teardown: bool,
}

/// A group of tasks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupView {
    pub group_id: GroupId,
    pub parent: Option<GroupId>,
    pub tooltip: Option<String>,
    pub is_mapped: bool,
}

/// What a trigger would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TriggerPlan {
    pub dag_id: DagId,
    /// Params after the merge.
    pub params: Map<String, Value>,
    pub task_count: usize,
    pub median_duration: Option<f64>,
    /// Runs of this DAG that are under way; at `max_active_runs` a new one waits.
    pub active_runs: usize,
    pub max_active_runs: u32,
    /// Mapped tasks with how many instances are to be expected; `None` where nothing tells.
    #[serde(default)]
    pub mapped: Vec<(TaskId, Option<u64>)>,
    /// The pools that its tasks take slots of.
    #[serde(default)]
    pub pools: Vec<PoolNeed>,
}

/// How a pool stands that a run needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolNeed {
    pub pool: String,
    /// Tasks of the DAG that take its slots.
    pub tasks: usize,
    pub slots: u32,
    pub free: u32,
}

/// A param that does not fit its schema.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParamProblem {
    /// Which param; empty where it concerns all.
    pub param: String,
    pub message: String,
}
