//! Reading what was fetched.

use crate::state::cache::{Cache, Slot};
use crate::state::lab::TrackingQuery;
use crate::state::level::LoggedOf;
use crate::types::approval::HitlDetail;
use crate::types::ask::Answer;
use crate::types::attention::{AttentionItem, PulseView, RunBrief};
use crate::types::backfill::{BackfillDetailView, BackfillId, BackfillView};
use crate::types::callback::CallbackRequest;
use crate::types::drift::DriftReport;
use crate::types::event::EventLog;
use crate::types::executor::ExecutorsView;
use crate::types::freshness::{AssetEventView, AssetWhy, PartitionView};
use crate::types::grid::GridView;
use crate::types::ids::TaskInstanceKey;
use crate::types::operation::{OperationDetailView, OperationLine};
use crate::types::run::{DagRun, DagRunKey};
use crate::types::serving::ServingStatus;
use crate::types::settings::{ConnectionView, SlotPoolView, VariableView};
use crate::types::view::{
    ArtifactView, AssetView, ColumnsView, DagDetailView, DagDiffView, DagVersionView, DagView,
    DefinitionsView, ExperimentView, LineageView, LoggedModelView, MetricHistoryView,
    ModelDetailView, ModelView, RunDetailView, StatusView, TaskDetailView, TraceView,
    TrackingRunView, TrialsView,
};
use crate::types::why::{WhySubject, WhyView};
use crate::types::{AssetName, DagId, DagRunId, TrackingRunId};

impl Cache {
    pub(crate) fn lineage(&self, slot: &Slot) -> Option<&LineageView> {
        match self.answer(slot)? {
            Answer::Lineage(view) => Some(view),
            _ => None,
        }
    }

    pub(crate) fn dag_diff(&self, dag_id: &DagId, from: u32, to: u32) -> Option<&DagDiffView> {
        match self.answer(&Slot::Diff(dag_id.clone(), from, to))? {
            Answer::DagDiff(diff) => Some(diff),
            _ => None,
        }
    }

    /// Returns the runs of a page.
    pub(crate) fn runs_of(&self, slot: &Slot) -> Option<&[DagRun]> {
        match self.answer(slot)? {
            Answer::Runs { runs, .. } => Some(runs),
            _ => None,
        }
    }

    /// Returns how many runs fit in all, of which a page was fetched.
    pub(crate) fn runs_total(&self, slot: &Slot) -> Option<u64> {
        match self.answer(slot)? {
            Answer::Runs { total, .. } => Some(*total),
            _ => None,
        }
    }
}

macro_rules! readers {
    ($($name:ident($($arg:ident: $type:ty),*) -> $out:ty = $slot:expr, $pattern:pat => $value:expr;)*) => {
        impl Cache {$(
            pub(crate) fn $name(&self $(, $arg: $type)*) -> Option<&$out> {
                match self.answer(&$slot)? {
                    $pattern => Some($value),
                    _ => None,
                }
            }
        )*}
    };
}

readers! {
    status() -> StatusView = Slot::Status, Answer::Status(view) => view;
    definitions() -> DefinitionsView = Slot::Definitions, Answer::Definitions(view) => view;
    attention() -> [AttentionItem] = Slot::Attention, Answer::Attention(list) => list.as_slice();
    pulse() -> PulseView = Slot::Pulse, Answer::Pulse(view) => view;
    dags() -> [DagView] = Slot::Dags, Answer::Dags(list) => list.as_slice();
    dag(id: &DagId) -> DagDetailView = Slot::Dag(id.clone()), Answer::Dag(view) => view;
    runs(id: Option<&DagId>) -> [DagRun] = Slot::Runs(id.cloned()), Answer::Runs { runs, .. } => runs.as_slice();
    run_brief(key: &DagRunKey) -> RunBrief = Slot::Brief(key.clone()), Answer::RunBrief(brief) => brief;
    run(key: &DagRunKey) -> RunDetailView = Slot::Run(key.clone()), Answer::RunDetail(view) => view;
    grid(id: &DagId, around: Option<&DagRunId>) -> GridView = Slot::Grid(id.clone(), around.cloned()), Answer::Grid(view) => view;
    callbacks(key: &DagRunKey) -> [CallbackRequest] = Slot::Callbacks(key.clone()), Answer::Callbacks(list) => list.as_slice();
    task(key: &TaskInstanceKey) -> TaskDetailView = Slot::Task(key.clone()), Answer::Task(view) => view;
    assets() -> [AssetView] = Slot::Assets, Answer::Assets(list) => list.as_slice();
    trace(id: &str) -> TraceView = Slot::Trace(id.to_owned()), Answer::Trace(view) => view;
    columns(id: &str) -> ColumnsView = Slot::Columns(id.to_owned()), Answer::Columns(view) => view;
    asset_why(asset: &AssetName) -> AssetWhy = Slot::AssetWhy(asset.clone()), Answer::AssetWhy(view) => view;
    asset_events(asset: Option<&AssetName>) -> [AssetEventView] = Slot::AssetEvents(asset.cloned()), Answer::AssetEvents(list) => list.as_slice();
    partitions(asset: &AssetName) -> [PartitionView] = Slot::Partitions(asset.clone()), Answer::Partitions(list) => list.as_slice();
    experiments() -> [ExperimentView] = Slot::Experiments, Answer::Experiments(list) => list.as_slice();
    tracking_runs(query: &TrackingQuery) -> [TrackingRunView] = Slot::TrackingRuns(query.clone()), Answer::TrackingRuns { runs, .. } => runs.as_slice();
    tracking_total(query: &TrackingQuery) -> u64 = Slot::TrackingRuns(query.clone()), Answer::TrackingRuns { total, .. } => total;
    metric(key: &(TrackingRunId, String)) -> MetricHistoryView = Slot::Metric(key.clone()), Answer::MetricHistory(view) => view;
    artifact(key: &(TrackingRunId, String)) -> ArtifactView = Slot::Artifact(key.clone()), Answer::Artifact(view) => view;
    tracking_run(id: &TrackingRunId) -> TrackingRunView = Slot::TrackingRun(id.clone()), Answer::TrackingRun(view) => view;
    trials(id: &TrackingRunId) -> TrialsView = Slot::Trials(id.clone()), Answer::Trials(view) => view;
    logged_models(of: &LoggedOf) -> [LoggedModelView] = Slot::LoggedModels(of.clone()), Answer::LoggedModels(list) => list.as_slice();
    logged_model(id: &str) -> LoggedModelView = Slot::LoggedModel(id.to_owned()), Answer::LoggedModel(view) => view;
    models() -> [ModelView] = Slot::Models, Answer::Models(list) => list.as_slice();
    model(name: &str) -> ModelDetailView = Slot::Model(name.to_owned()), Answer::Model(view) => view;
    serving() -> ServingStatus = Slot::Serving, Answer::Serving(view) => view;
    drift(model: &str, version: u32) -> DriftReport = Slot::Drift(model.to_owned(), version), Answer::Drift(list) => list.first()?;
    why(subject: &WhySubject) -> [WhyView] = Slot::Why(subject.clone()), Answer::Why(list) => list.as_slice();
    dag_versions(id: &DagId) -> [DagVersionView] = Slot::Versions(id.clone()), Answer::DagVersions(list) => list.as_slice();
    backfills(id: &DagId) -> [BackfillView] = Slot::Backfills(id.clone()), Answer::Backfills { backfills, .. } => backfills.as_slice();
    backfill(id: BackfillId, pages: u32) -> BackfillDetailView = Slot::Backfill(id, pages), Answer::Backfill(view) => view;
    approvals() -> [HitlDetail] = Slot::Approvals, Answer::Approvals(list) => list.as_slice();
    operation(id: i64) -> OperationDetailView = Slot::Operation(id), Answer::Operation(view) => view;
    operations() -> [OperationLine] = Slot::Operations, Answer::Operations(list) => list.as_slice();
    all_approvals() -> [HitlDetail] = Slot::AllApprovals, Answer::Approvals(list) => list.as_slice();
    executors() -> ExecutorsView = Slot::Executors, Answer::Executors(view) => view;
    pools() -> [SlotPoolView] = Slot::Pools, Answer::Pools(list) => list.as_slice();
    variables() -> [VariableView] = Slot::Variables, Answer::Variables(list) => list.as_slice();
    connections() -> [ConnectionView] = Slot::Connections, Answer::Connections(list) => list.as_slice();
    events() -> [EventLog] = Slot::Events, Answer::Events(list) => list.as_slice();
}
