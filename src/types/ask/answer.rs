//! What a request is answered.

use serde::{Deserialize, Serialize};

use crate::approval::HitlDetail;
use crate::asset::AssetEvent;
use crate::attention::{AttentionItem, PulseView, RunBrief};
use crate::backfill::{BackfillDetailView, BackfillPlan, BackfillView};
use crate::callback::CallbackRequest;
use crate::event::EventLog;
use crate::executor::ExecutorsView;
use crate::freshness::{AssetEventView, AssetWhy, PartitionView};
use crate::grid::GridView;
use crate::ids::AttemptKey;
use crate::io::CheckView;
use crate::log::LogFound;
use crate::operation::{OperationDetailView, OperationLine, OperationView};
use crate::packed::PackedRun;
use crate::run::{DagRun, TaskInstance};
use crate::serving::{PredictionView, ServingStatus};
use crate::settings::{ConnectionTest, ConnectionView, SlotPoolView, VariableView};
use crate::view::{
    AliasPlan, ArtifactView, AssetView, ColumnsView, DagDetailView, DagDiffView, DagVersionView,
    DagView, DefinitionsView, ExperimentView, LineageView, LogChunk, LoggedModelView,
    MetricHistoryView, ModelDetailView, ModelVersionView, ModelView, ParamProblem, RunDetailView,
    StatusView, TaskDetailView, TraceView, TrackingRunView, TrialsView, TriggerPlan,
};
use crate::why::WhyView;
use crate::xcom::XcomView;

/// What was pruned, or would be, a line for each kind of which there is something.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PruneReport {
    pub dry_run: bool,
    pub kinds: Vec<PrunedKind>,
}

/// What of one kind was pruned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PrunedKind {
    /// `runs`, `logs`, `artifacts`, `deleted runs`, `deleted experiments`, `events`, `asset events`.
    pub kind: String,
    pub count: u64,
    /// Of files; what the database gives back is not counted.
    pub bytes: u64,
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
    Executors(ExecutorsView),
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
    Operation(Box<OperationDetailView>),
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
    Columns(ColumnsView),
    Trace(Box<TraceView>),
    AssetEvents(Vec<AssetEventView>),
    AssetEvent(Box<AssetEvent>),
    Partitions(Vec<PartitionView>),
    AssetWhy(Box<AssetWhy>),
    AssetChecks(Vec<CheckView>),
    Experiments(Vec<ExperimentView>),
    TrackingRuns {
        runs: Vec<TrackingRunView>,
        total: u64,
    },
    TrackingRun(Box<TrackingRunView>),
    Trials(Box<TrialsView>),
    MetricHistory(MetricHistoryView),
    Artifact(ArtifactView),
    Predicted(PredictionView),
    Models(Vec<ModelView>),
    Model(Box<ModelDetailView>),
    AliasPlan(Box<AliasPlan>),
    ModelVersion(Box<ModelVersionView>),
    LoggedModels(Vec<LoggedModelView>),
    LoggedModel(Box<LoggedModelView>),
    Variables(Vec<VariableView>),
    Connections(Vec<ConnectionView>),
    ConnectionTest(ConnectionTest),
    Pools(Vec<SlotPoolView>),
    Pruned(PruneReport),
    Serving(Box<ServingStatus>),
    Events(Vec<EventLog>),
}
