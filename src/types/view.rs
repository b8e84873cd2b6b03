//! What the doors show: the bodies of answers, made of what the store and the engine know.
//! All durations are in seconds, all times in UTC.

mod asset;
mod daemon;
mod dag;
mod lab;
mod run;
mod trace;

pub use asset::{
    AssetView, DatasetName, LineageEdge, LineageKind, LineageNode, LineageView, LinkStanding,
};
pub use daemon::{
    DefinitionsView, DiagnosticView, MirrorView, OpenLineageView, PoolView, StatusView,
};
pub use dag::{
    DagDetailView, DagDiffView, DagVersionView, DagView, GroupView, ParamProblem, PoolNeed,
    RecentRun, TaskPlace, TaskView, TriggerPlan,
};
pub use lab::{
    AliasMove, AliasPlan, ArtifactView, ExperimentView, LoggedModelView, MetricHistoryView,
    MetricPointView, ModelDetailView, ModelVersionView, ModelView, NestedRuns, TrackingRunView,
    TrialView, TrialsView,
};
pub use run::{LogChunk, RunDetailView, TaskDetailView, count_states};
pub use trace::{ColumnStep, ColumnTrace, ColumnsView, RunInput, TraceKind, TraceStep, TraceView};
