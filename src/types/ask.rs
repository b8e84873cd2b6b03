//! The control protocol: what a client may ask and what it is answered. The deck, the CLI and
//! the control socket all speak it; `runtime::control` answers it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::approval::Response;
use crate::backfill::{BackfillId, BackfillSpec};
use crate::ids::{AssetName, DagId, DagRunId, TaskId, TaskInstanceKey, TrackingRunId};
use crate::log::{LogName, LogQuery};
use crate::operation::Operation;
use crate::run::DagRunKey;
use crate::serving::TrafficChange;
use crate::settings::{Connection, Pool, Variable};
use crate::state::DagRunState;
use crate::why::WhySubject;

mod answer;
mod changes;
mod models;
mod wish;

pub use answer::{Answer, PruneReport, PrunedKind};
pub use models::ModelChange;
pub use wish::{LineageReach, Nesting, Predict, Prune, RunsOnly, TaskInstanceQuery, Trigger};

/// A wish of a client. Those that change something say so in their names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Request {
    Status,
    Definitions,
    Shutdown,
    /// What somebody should look at, the most urgent first.
    ListAttention,
    /// How busy the deck was in the last day.
    Pulse,
    /// Where attempts run, and what was last heard of a cluster.
    ListExecutors,
    /// Has a new worker take new attempts on this machine; the one before finishes what it has.
    ReplaceWorker,

    ListDags,
    ShowDag {
        dag_id: DagId,
    },
    /// The definitions of a DAG that were in force, newest first.
    ListDagVersions {
        dag_id: DagId,
        limit: u32,
    },
    /// What differs between two versions; without `to` the last one is meant, without `from` the
    /// one before `to`.
    DiffDagVersions {
        dag_id: DagId,
        from: Option<u32>,
        to: Option<u32>,
    },
    SetPaused {
        dag_id: DagId,
        is_paused: bool,
    },
    /// Checks the conf and says what a trigger would do, without doing it.
    PlanTrigger {
        dag_id: DagId,
        conf: Map<String, Value>,
    },
    Trigger(Box<Trigger>),

    /// Newest first.
    ListRuns {
        dag_id: Option<DagId>,
        state: Option<DagRunState>,
        #[serde(default, flatten)]
        only: RunsOnly,
        limit: u32,
        offset: u32,
    },
    /// A run in short.
    BriefRun {
        dag_id: DagId,
        dag_run_id: DagRunId,
    },
    ShowRun {
        dag_id: DagId,
        dag_run_id: DagRunId,
        /// Answered with a [`PackedRun`](crate::packed::PackedRun): for who asks often.
        #[serde(default)]
        packed: bool,
    },
    /// The last runs of a DAG, their tasks side by side; with `around` those in whose middle that
    /// run stands, where it is older.
    ShowGrid {
        dag_id: DagId,
        /// At most 60.
        limit: u32,
        #[serde(default)]
        around: Option<DagRunId>,
    },
    CancelRun {
        dag_id: DagId,
        dag_run_id: DagRunId,
    },
    /// What was told to the outside of a run and its tasks, oldest first.
    ListCallbacks {
        dag_id: DagId,
        dag_run_id: DagRunId,
    },
    /// Lets tasks of a run run again; empty `task_ids` means all of them.
    ClearTasks {
        dag_id: DagId,
        dag_run_id: DagRunId,
        task_ids: Vec<TaskId>,
        only_failed: bool,
        include_downstream: bool,
    },
    /// Does something to runs, to all of them or to none; with `dry_run` only says what it would
    /// touch.
    Operate {
        #[serde(flatten)]
        operation: Operation,
        runs: Vec<DagRunKey>,
        #[serde(default)]
        dry_run: bool,
    },
    /// Undoes an operation while nothing has moved on since; without `id` the last one.
    Undo {
        id: Option<i64>,
    },
    /// Why a DAG, a run or a task does or does not go on.
    Explain(WhySubject),
    /// What was done to runs, newest first.
    ListOperations {
        limit: u32,
        before_id: Option<i64>,
    },
    /// One of them, with what it did to each run and task.
    ShowOperation {
        id: i64,
    },
    ShowTask {
        key: TaskInstanceKey,
    },
    /// Across runs, newest first.
    ListTaskInstances(TaskInstanceQuery),
    /// Reads on from `offset`; waits up to `wait_ms` (at most 30,000) where nothing is there yet.
    /// With no `try_number` the last try is meant. With `backwards` the stretch that ends at
    /// `offset` is read, or at the log's end where that is before it.
    ReadLog {
        key: TaskInstanceKey,
        try_number: Option<u32>,
        offset: u64,
        max_bytes: u32,
        wait_ms: u32,
        #[serde(default)]
        backwards: bool,
    },
    /// As `ReadLog`, the daemon's own log of a day; without one of the last. Secrets are masked.
    ReadDaemonLog {
        day: Option<String>,
        offset: u64,
        max_bytes: u32,
        wait_ms: u32,
        #[serde(default)]
        backwards: bool,
    },
    /// Looks for a line from `offset` on, or, `backwards`, for one that begins before it. Answers
    /// after a moment how far it came; the asker goes on from there.
    SearchLog {
        log: LogName,
        query: LogQuery,
        offset: u64,
        #[serde(default)]
        backwards: bool,
    },

    /// Says what a backfill would do, without doing it.
    PlanBackfill(BackfillSpec),
    CreateBackfill(BackfillSpec),
    /// Newest first.
    ListBackfills {
        dag_id: Option<DagId>,
        limit: u32,
        offset: u32,
    },
    /// With a page of its dates, the last one first.
    ShowBackfill {
        backfill_id: BackfillId,
        limit: u32,
        offset: u32,
    },
    SetBackfillPaused {
        backfill_id: BackfillId,
        is_paused: bool,
    },
    /// Ends it: runs of it that wait have failed, those that run go on.
    CancelBackfill {
        backfill_id: BackfillId,
    },
    /// The outputs of a run, or of one of its tasks.
    ListXcoms {
        dag_id: DagId,
        dag_run_id: DagRunId,
        task_id: Option<TaskId>,
    },
    /// One output, with its value.
    GetXcom {
        task: TaskInstanceKey,
        key: String,
    },
    /// What people are asked, newest first.
    ListApprovals {
        dag_id: Option<DagId>,
        /// Only what waits for an answer.
        only_pending: bool,
        limit: u32,
    },
    /// The last question of a task.
    ShowApproval {
        key: TaskInstanceKey,
    },
    /// Answers a question; refused where it was answered already.
    AnswerApproval(Response),

    ListAssets,
    /// All of it, or what is connected with one node: an asset by its name, anything by its id, or
    /// by a name that nothing else has.
    ShowLineage {
        #[serde(default)]
        of: Option<String>,
        /// At most so many hops upstream and downstream, and nodes in all, the nearest first.
        #[serde(flatten)]
        reach: LineageReach,
    },
    /// The columns of a node of the lineage, or one of them, and where each comes from.
    ListColumns {
        of: String,
        #[serde(default)]
        column: Option<String>,
    },
    /// What a node of the lineage was made of and what was made of it, run by run.
    TraceLineage {
        of: String,
    },
    /// Why an asset is old: the way from the root cause down to it.
    ExplainAsset {
        name: AssetName,
    },
    ListAssetEvents {
        asset: Option<AssetName>,
        limit: u32,
    },
    /// What the checks that guard an asset came to, newest first.
    ListAssetChecks {
        asset: AssetName,
        limit: u32,
    },
    /// The last event of each partition of an asset, the newest first.
    ListPartitions {
        asset: AssetName,
        limit: u32,
    },
    /// An event of OpenLineage that another program tells of. Told again, it is the same.
    ReceiveLineage {
        event: Value,
    },
    /// Answered with the event.
    EmitAsset {
        name: AssetName,
        /// Which of those that its pattern has; without it the asset's own.
        #[serde(default)]
        uri: Option<String>,
        extra: Map<String, Value>,
        #[serde(default)]
        partition_key: Option<String>,
        /// A program says so, by the door that Airflow's clients know.
        #[serde(default)]
        from_api: bool,
    },

    ListExperiments,
    /// The runs of an experiment that pass a filter of MLflow's (empty: all of them), ordered by
    /// its `order_by` keys, then newest first.
    ListTrackingRuns {
        experiment: String,
        #[serde(default)]
        filter: String,
        #[serde(default)]
        order_by: Vec<String>,
        #[serde(default)]
        nesting: Nesting,
        limit: u32,
        offset: u32,
    },
    ShowTrackingRun {
        run_id: TrackingRunId,
    },
    /// The runs under a run, as trials: what each was given and what came of it.
    ListTrials {
        run_id: TrackingRunId,
        limit: u32,
    },
    /// The values of one metric over its steps, thinned to at most `max_points` that keep its
    /// shape.
    GetMetricHistory {
        run_id: TrackingRunId,
        key: String,
        max_points: u32,
    },
    /// The beginning of an artifact that is text.
    ReadArtifact {
        run_id: TrackingRunId,
        path: String,
        max_bytes: u32,
    },

    ListModels,
    ShowModel {
        name: String,
    },
    PlanPromote {
        name: String,
        version: u32,
        alias: String,
    },
    /// Moves the alias; refused where it no longer stands at `expected_current`.
    Promote {
        name: String,
        version: u32,
        alias: String,
        expected_current: Option<u32>,
        /// Needed where a gate found the version wanting.
        #[serde(default)]
        reason: Option<String>,
    },
    PlanRollback {
        name: String,
        alias: String,
    },
    /// Moves the alias back to where it stood before; refused where it no longer stands at
    /// `expected_current`.
    Rollback {
        name: String,
        alias: String,
        expected_current: Option<u32>,
        #[serde(default)]
        reason: Option<String>,
    },
    /// Changes a model, or one of its versions.
    ChangeModel {
        name: String,
        version: Option<u32>,
        change: ModelChange,
    },
    /// Registers the model in a file, or in a folder of MLflow's, of the daemon's machine as the next
    /// version; a model of that name is made where there is none.
    RegisterModel {
        name: String,
        /// Absolute.
        path: String,
        description: Option<String>,
    },
    /// The logged models of an experiment, by its name, or of one of its runs.
    ListLoggedModels {
        experiment: String,
        #[serde(default)]
        run_id: Option<TrackingRunId>,
    },
    /// One of them, with what its `MLmodel` says.
    ShowLoggedModel {
        model_id: String,
    },
    /// `SetTag`, `DeleteTag` or `Delete`.
    ChangeLoggedModel {
        model_id: String,
        change: ModelChange,
    },
    /// Registers a logged model as the next version; a model of that name is made where there is
    /// none.
    RegisterLoggedModel {
        name: String,
        model_id: String,
        description: Option<String>,
    },

    ListVariables,
    /// All of them or none; those that are there already are replaced.
    SetVariables {
        variables: Vec<Variable>,
    },
    DeleteVariable {
        key: String,
    },
    ListConnections,
    /// As `SetVariables`.
    SetConnections {
        connections: Vec<Connection>,
    },
    DeleteConnection {
        conn_id: String,
    },
    TestConnection {
        conn_id: String,
    },
    ListPools,
    /// As `SetVariables`. A pool of `dags.toml` gets other slots, until it is deleted here.
    SetPools {
        pools: Vec<Pool>,
    },
    DeletePool {
        pool: String,
    },

    /// Deletes what retention lets go; with `dry_run` says what that would be.
    Prune(Prune),

    ServingStatus,
    /// Changes how a model's requests are divided, or what becomes of its rollout.
    ChangeTraffic {
        model: String,
        #[serde(flatten)]
        change: TrafficChange,
    },
    /// How far what served versions are asked lies from what they learnt from; of all models
    /// where none is named.
    ServingDrift {
        #[serde(default)]
        model: Option<String>,
        #[serde(default)]
        version: Option<u32>,
    },
    /// Asks the model server as any client would: it counts and is answered by the traffic.
    Predict(Predict),
    /// The event feed, newest first.
    ListEvents {
        limit: u32,
        before_id: Option<i64>,
    },
}
