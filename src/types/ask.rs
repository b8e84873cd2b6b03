//! The control protocol: what a client may ask and what it is answered. The deck, the CLI and
//! the control socket all speak it; `runtime::control` answers it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::approval::{HitlDetail, Response};
use crate::attention::{AttentionItem, PulseView, RunBrief};
use crate::backfill::{BackfillDetailView, BackfillId, BackfillPlan, BackfillSpec, BackfillView};
use crate::callback::CallbackRequest;
use crate::event::EventLog;
use crate::freshness::{AssetEventView, AssetWhy};
use crate::grid::GridView;
use crate::ids::TrackingRunId;
use crate::ids::{AssetName, AttemptKey, DagId, DagRunId, TaskId, TaskInstanceKey};
use crate::log::{LogFound, LogName, LogQuery};
use crate::operation::{Operation, OperationLine, OperationView};
use crate::packed::PackedRun;
use crate::run::{DagRun, DagRunKey, TaskInstance};
use crate::serving::{PredictionView, ServingStatus};
use crate::settings::{
    Connection, ConnectionTest, ConnectionView, Pool, SlotPoolView, Variable, VariableView,
};
use crate::state::{DagRunState, DagRunType, TaskInstanceState, TriggeredBy};
use crate::time::Timestamp;
use crate::view::{
    AliasPlan, ArtifactView, AssetView, DagDetailView, DagDiffView, DagVersionView, DagView,
    DefinitionsView, ExperimentView, LineageView, LogChunk, MetricHistoryView, ModelDetailView,
    ModelVersionView, ModelView, ParamProblem, RunDetailView, StatusView, TaskDetailView,
    TrackingRunView, TriggerPlan,
};
use crate::why::{WhySubject, WhyView};
use crate::xcom::XcomView;

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
    Trigger(Trigger),

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
        /// Answered with a [`PackedRun`]: for who asks often.
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
    /// All of it, or what is connected with one asset or, by its id, one node.
    ShowLineage {
        #[serde(default)]
        asset: Option<AssetName>,
        #[serde(default)]
        node: Option<String>,
        /// At most so many hops upstream and downstream, and nodes in all, the nearest first.
        #[serde(flatten)]
        reach: LineageReach,
    },
    /// Why an asset is old: the way from the root cause down to it.
    ExplainAsset {
        name: AssetName,
    },
    ListAssetEvents {
        asset: Option<AssetName>,
        limit: u32,
    },
    EmitAsset {
        name: AssetName,
        extra: Map<String, Value>,
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
        limit: u32,
        offset: u32,
    },
    ShowTrackingRun {
        run_id: TrackingRunId,
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
    /// Asks the model server as any client would: it counts and is answered by the traffic.
    Predict(Predict),
    /// The event feed, newest first.
    ListEvents {
        limit: u32,
        before_id: Option<i64>,
    },
}

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

impl Request {
    /// Says whether it changes something when it is done: a deck asks before it sends such a one,
    /// and a read-only one never does.
    pub fn changes_state(&self) -> bool {
        match self {
            Self::Operate { dry_run: true, .. } | Self::Prune(Prune { dry_run: true, .. }) => false,
            Self::Shutdown
            | Self::SetPaused { .. }
            | Self::Trigger(_)
            | Self::CancelRun { .. }
            | Self::ClearTasks { .. }
            | Self::Operate { .. }
            | Self::Undo { .. }
            | Self::CreateBackfill(_)
            | Self::SetBackfillPaused { .. }
            | Self::CancelBackfill { .. }
            | Self::AnswerApproval(_)
            | Self::EmitAsset { .. }
            | Self::Promote { .. }
            | Self::Rollback { .. }
            | Self::SetVariables { .. }
            | Self::DeleteVariable { .. }
            | Self::SetConnections { .. }
            | Self::DeleteConnection { .. }
            | Self::SetPools { .. }
            | Self::DeletePool { .. }
            | Self::Prune(_) => true,
            Self::Status
            | Self::Definitions
            | Self::ListAttention
            | Self::Pulse
            | Self::BriefRun { .. }
            | Self::ListDags
            | Self::ShowDag { .. }
            | Self::ListDagVersions { .. }
            | Self::ListOperations { .. }
            | Self::Explain(_)
            | Self::DiffDagVersions { .. }
            | Self::PlanTrigger { .. }
            | Self::ListRuns { .. }
            | Self::ShowRun { .. }
            | Self::ShowGrid { .. }
            | Self::ListCallbacks { .. }
            | Self::ShowTask { .. }
            | Self::ListTaskInstances(_)
            | Self::ListVariables
            | Self::ListConnections
            | Self::TestConnection { .. }
            | Self::ListPools
            | Self::ReadLog { .. }
            | Self::ReadDaemonLog { .. }
            | Self::SearchLog { .. }
            | Self::PlanBackfill(_)
            | Self::ListBackfills { .. }
            | Self::ShowBackfill { .. }
            | Self::ListXcoms { .. }
            | Self::GetXcom { .. }
            | Self::ListApprovals { .. }
            | Self::ShowApproval { .. }
            | Self::ListAssets
            | Self::ShowLineage { .. }
            | Self::ExplainAsset { .. }
            | Self::ListAssetEvents { .. }
            | Self::ListExperiments
            | Self::ListTrackingRuns { .. }
            | Self::ShowTrackingRun { .. }
            | Self::GetMetricHistory { .. }
            | Self::ReadArtifact { .. }
            | Self::ListModels
            | Self::ShowModel { .. }
            | Self::PlanPromote { .. }
            | Self::PlanRollback { .. }
            | Self::ServingStatus
            | Self::Predict(_)
            | Self::ListEvents { .. } => false,
        }
    }
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
}

/// What was pruned, or would be, a line for each kind of which there is something.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PruneReport {
    pub dry_run: bool,
    pub kinds: Vec<PrunedKind>,
}

/// What of one kind was pruned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PrunedKind {
    /// `runs`, `logs`, `artifacts`, `events`, `asset events`.
    pub kind: String,
    pub count: u64,
    /// Of files; what the database gives back is not counted.
    pub bytes: u64,
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
}

/// What a request is answered; each variant belongs to the requests of the same shape of name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", content = "body", rename_all = "snake_case")]
pub enum Answer {
    /// Done, and durable.
    Done,
    Status(Box<StatusView>),
    Definitions(DefinitionsView),
    Attention(Vec<AttentionItem>),
    Pulse(PulseView),
    Dags(Vec<DagView>),
    Dag(Box<DagDetailView>),
    DagVersions(Vec<DagVersionView>),
    DagDiff(DagDiffView),
    Plan(Result<TriggerPlan, Vec<ParamProblem>>),
    /// The run as it was made or changed.
    Run(Box<DagRun>),
    Runs {
        runs: Vec<DagRun>,
        total: u64,
    },
    RunDetail(Box<RunDetailView>),
    RunBrief(Box<RunBrief>),
    PackedRun(Box<PackedRun>),
    Grid(Box<GridView>),
    Callbacks(Vec<CallbackRequest>),
    /// The task instances that were cleared.
    Cleared(Vec<AttemptKey>),
    Operated(Box<OperationView>),
    Operations(Vec<OperationLine>),
    Why(Vec<WhyView>),
    BackfillPlan(BackfillPlan),
    Backfill(Box<BackfillDetailView>),
    Backfills {
        backfills: Vec<BackfillView>,
        total: u64,
    },
    Task(Box<TaskDetailView>),
    TaskInstances {
        task_instances: Vec<TaskInstance>,
        /// Where the next page begins; none: this is the last one.
        next: Option<i64>,
    },
    Log(LogChunk),
    LogFound(LogFound),
    Xcoms(Vec<XcomView>),
    Xcom(Box<XcomView>),
    Approvals(Vec<HitlDetail>),
    Approval(Box<HitlDetail>),
    Assets(Vec<AssetView>),
    Lineage(LineageView),
    AssetEvents(Vec<AssetEventView>),
    AssetWhy(Box<AssetWhy>),
    Experiments(Vec<ExperimentView>),
    TrackingRuns {
        runs: Vec<TrackingRunView>,
        total: u64,
    },
    TrackingRun(Box<TrackingRunView>),
    MetricHistory(MetricHistoryView),
    Artifact(ArtifactView),
    Predicted(PredictionView),
    Models(Vec<ModelView>),
    Model(Box<ModelDetailView>),
    AliasPlan(Box<AliasPlan>),
    ModelVersion(Box<ModelVersionView>),
    Variables(Vec<VariableView>),
    Connections(Vec<ConnectionView>),
    ConnectionTest(ConnectionTest),
    Pools(Vec<SlotPoolView>),
    Pruned(PruneReport),
    Serving(ServingStatus),
    Events(Vec<EventLog>),
}
