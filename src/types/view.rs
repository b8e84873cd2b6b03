//! What the doors show: the bodies of answers, made of what the store and the engine know.
//! All durations are in seconds, all times in UTC.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::asset::AssetEvent;
use crate::attention::RunBrief;
use crate::deadline::Deadline;
use crate::freshness::{Freshness, Producer};
use crate::gate::{Gate, Origin};
use crate::ids::{AssetName, DagId, DagRunId, GroupId, TaskId, TaskInstanceKey, TrackingRunId};
use crate::progress::Progress;
use crate::run::{DagRun, TaskInstance, TaskTry};
use crate::state::{DagRunState, TaskInstanceState};
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

/// An asset as a line of the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AssetView {
    pub name: AssetName,
    pub uri: String,
    pub watch: bool,
    pub producing_tasks: Vec<(DagId, TaskId)>,
    pub consuming_tasks: Vec<(DagId, TaskId)>,
    /// DAGs that its events start.
    pub scheduled_dags: Vec<DagId>,
    pub last_event: Option<AssetEvent>,
    pub event_count: u64,
    #[serde(default)]
    pub freshness: Freshness,
    /// The DAGs of `producing_tasks`.
    #[serde(default)]
    pub producers: Vec<Producer>,
}

/// What stands where in the lineage.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineageKind {
    Asset,
    Dag,
    Model,
    Endpoint,
}

/// A node of the lineage; `id` is unique, such as `asset:lake_readings` or `dag:etl_example`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LineageNode {
    pub id: String,
    pub kind: LineageKind,
    pub name: String,
    /// When it last changed or ran.
    pub last: Option<Timestamp>,
    /// The last run's state, of a DAG.
    pub state: Option<DagRunState>,
    /// Of an asset.
    #[serde(default)]
    pub freshness: Option<Freshness>,
    /// Of a DAG.
    #[serde(default)]
    pub is_paused: bool,
    /// How far from what was asked about: below zero upstream.
    #[serde(default)]
    pub hop: i32,
    /// How many nodes right before and right after it are not in the answer.
    #[serde(default)]
    pub hidden: (u32, u32),
}

/// What came from what: `edges` are (from, to) node ids, data flows along them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LineageView {
    pub nodes: Vec<LineageNode>,
    pub edges: Vec<(String, String)>,
    /// How many nodes there are in all, also beyond what was asked for.
    #[serde(default)]
    pub total: usize,
}

/// An experiment as a line of the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExperimentView {
    pub experiment_id: String,
    pub name: String,
    pub run_count: u64,
    pub last_update_time: Option<Timestamp>,
}

/// A tracked run with its latest figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrackingRunView {
    pub run_id: TrackingRunId,
    pub run_name: String,
    pub experiment_id: String,
    /// `RUNNING`, `SCHEDULED`, `FINISHED`, `FAILED` or `KILLED`.
    pub status: String,
    pub start_time: Timestamp,
    pub end_time: Option<Timestamp>,
    pub params: Vec<(String, String)>,
    #[serde(with = "crate::figure::pairs")]
    pub metrics: Vec<(String, f64)>,
    pub tags: Vec<(String, String)>,
    pub artifact_uri: String,
    /// Paths of its artifacts with their sizes in bytes.
    pub artifacts: Vec<(String, u64)>,
}

/// A metric over its steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricHistoryView {
    pub run_id: TrackingRunId,
    pub key: String,
    /// In the order of their steps.
    pub points: Vec<MetricPointView>,
    /// How many there are; more than `points` where these were thinned.
    pub total: u64,
}

/// A value of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MetricPointView {
    pub step: i64,
    pub timestamp: Timestamp,
    #[serde(with = "crate::figure::single")]
    pub value: f64,
}

/// The beginning of an artifact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArtifactView {
    pub path: String,
    /// Of all of it, in bytes.
    pub size: u64,
    /// `None` where it is no text.
    pub text: Option<String>,
}

/// A registered model as a line of the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelView {
    pub name: String,
    pub creation_timestamp: Timestamp,
    pub last_updated_timestamp: Timestamp,
    /// (alias, version).
    pub aliases: Vec<(String, u32)>,
    pub latest_version: Option<u32>,
    pub version_count: u64,
}

/// A version of a registered model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelVersionView {
    pub name: String,
    pub version: u32,
    pub aliases: Vec<String>,
    pub run_id: Option<TrackingRunId>,
    pub creation_timestamp: Timestamp,
    pub source: String,
    #[serde(with = "crate::figure::pairs")]
    pub metrics: Vec<(String, f64)>,
    pub params: Vec<(String, String)>,
    pub tags: Vec<(String, String)>,
    /// The model's signature, as MLflow writes it: `inputs` and `outputs`.
    pub signature: Option<Value>,
    /// Of the model's file.
    #[serde(default)]
    pub size_bytes: Option<u64>,
    /// The run of a DAG that made it, where one did.
    #[serde(default)]
    pub origin: Option<Origin>,
    /// What that run's gates found of it.
    #[serde(default)]
    pub gates: Vec<Gate>,
}

impl ModelVersionView {
    /// Says whether a gate found it wanting.
    pub fn fails_a_gate(&self) -> bool {
        self.gates.iter().any(|gate| !gate.passed)
    }
}

/// A model with its versions, newest first, and the history of its aliases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelDetailView {
    pub model: ModelView,
    pub versions: Vec<ModelVersionView>,
    pub history: Vec<AliasMove>,
}

/// One move of an alias.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AliasMove {
    pub id: i64,
    pub name: String,
    pub alias: String,
    pub from_version: Option<u32>,
    /// `None`: the alias was taken away.
    pub to_version: Option<u32>,
    pub when: Timestamp,
    pub user: String,
    /// `promote` or `rollback`.
    pub action: String,
    /// Why, in the words of who moved it.
    #[serde(default)]
    pub reason: Option<String>,
}

/// What a promote or a rollback would change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AliasPlan {
    pub name: String,
    pub alias: String,
    pub from: Option<ModelVersionView>,
    pub to: ModelVersionView,
    /// (metric, before, after), those that either has.
    #[serde(with = "crate::figure::before_after")]
    pub metrics: Vec<(String, Option<f64>, Option<f64>)>,
    /// (param, before, after), only those that differ.
    pub params: Vec<(String, Option<String>, Option<String>)>,
    /// What it sets off: DAGs that the asset event starts.
    pub starts_dags: Vec<DagId>,
    /// What becomes of the requests, a line each.
    #[serde(default)]
    pub traffic: Vec<String>,
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

/// An error of `dags.toml`, with its drawing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DiagnosticView {
    pub code: String,
    pub message: String,
    pub file: String,
    pub line: usize,
    pub column: usize,
    pub help: Option<String>,
    /// The place drawn, several lines, no colours.
    pub drawing: String,
}

/// Whether what is in force is what `dags.toml` says.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DefinitionsView {
    /// Errors of the file as it is now; empty where it is in force.
    pub diagnostics: Vec<DiagnosticView>,
    /// When the version in force was loaded.
    pub loaded_at: Option<Timestamp>,
}

/// The daemon as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatusView {
    pub deck_name: String,
    pub project: String,
    pub version: String,
    pub pid: u32,
    pub started_at: Timestamp,
    /// Where the control API listens beside its socket.
    pub api_listen: Option<String>,
    pub serving_listen: Option<String>,
    /// Listeners that could not be opened, watchers that could not watch: a line each.
    pub problems: Vec<String>,
    pub slots_used: u32,
    pub slots_total: u32,
    pub runs_running: u64,
    pub runs_queued: u64,
    pub pools: Vec<PoolView>,
    pub dag_count: usize,
    pub definition_errors: usize,
    pub store_bytes: u64,
    pub memory_bytes: Option<u64>,
    /// The daemon's clock, so that a deck can show ages right.
    pub now: Timestamp,
}

/// A pool and who is in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PoolView {
    pub name: String,
    pub slots: u32,
    pub running: u32,
    pub queued: u32,
}

/// Counts of states, for progress bars.
pub fn count_states(
    tasks: &[TaskInstance],
) -> std::collections::BTreeMap<Option<TaskInstanceState>, usize> {
    let mut counts = std::collections::BTreeMap::new();
    for task in tasks {
        *counts.entry(task.state).or_insert(0) += 1;
    }
    counts
}
