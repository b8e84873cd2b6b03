//! What can be fetched: the question that asks for it, and which events make an answer old.

use crate::state::backfill::DATES;
use crate::state::feed::{GLANCE, PAGE};
use crate::state::lab::{PAGE_LEN, TrackingQuery};
use crate::state::level::LoggedOf;
use crate::state::runs::RunsQuery;
use crate::types::ask::{LineageReach, Request, RunsOnly};
use crate::types::backfill::BackfillId;
use crate::types::event::Event;
use crate::types::ids::TaskInstanceKey;
use crate::types::run::DagRunKey;
use crate::types::why::WhySubject;
use crate::types::{AssetName, DagId, DagRunId, TaskInstanceState, TrackingRunId};

/// Rows that a list asks for; older ones are found by the CLI.
const LIST_LIMIT: u32 = 300;

/// Runs side by side: more than the widest grid shows, so that a few steps need no new question.
const GRID_RUNS: u32 = 30;

/// Points of a metric: more than the widest chart has dots.
const METRIC_POINTS: u32 = 600;

/// Trials of a search: more than any chart can tell apart.
const TRIALS: u32 = 5_000;

/// Bytes of an artifact that are read to be shown.
const ARTIFACT_BYTES: u32 = 256 * 1024;

/// Something that can be fetched and shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Slot {
    Status,
    Definitions,
    Attention,
    Pulse,
    Dags,
    Dag(DagId),
    Runs(Option<DagId>),
    /// A page of those that fit.
    FoundRuns(RunsQuery, u32),
    /// A run in short.
    Brief(DagRunKey),
    Run(DagRunKey),
    /// The last runs of a DAG side by side, or those around an older one.
    Grid(DagId, Option<DagRunId>),
    Callbacks(DagRunKey),
    Task(TaskInstanceKey),
    Assets,
    Lineage(String, LineageReach),
    /// The chain through a node of the lineage.
    Trace(String),
    /// The columns of a node.
    Columns(String),
    AssetWhy(AssetName),
    AssetEvents(Option<AssetName>),
    Partitions(AssetName),
    Experiments,
    TrackingRuns(TrackingQuery),
    TrackingRun(TrackingRunId),
    /// The runs under a run.
    Trials(TrackingRunId),
    /// A metric of a run.
    Metric((TrackingRunId, String)),
    /// A file of a run.
    Artifact((TrackingRunId, String)),
    LoggedModels(LoggedOf),
    /// With what its folder says.
    LoggedModel(String),
    Models,
    Model(String),
    Serving,
    /// Of a served version.
    Drift(String, u32),
    Events,
    /// The last few events, while the feed is not shown.
    Glance,
    Why(WhySubject),
    Versions(DagId),
    Diff(DagId, u32, u32),
    Backfills(DagId),
    /// With so many pages of its dates.
    Backfill(BackfillId, u32),
    /// What waits for an answer.
    Approvals,
    Operations,
    /// With what it did.
    Operation(i64),
    /// Questions, with those that were answered.
    AllApprovals,
    Executors,
    Pools,
    Variables,
    Connections,
}

impl Slot {
    /// Returns the question that fetches it.
    pub(crate) fn request(&self) -> Request {
        match self.clone() {
            Self::Status => Request::Status,
            Self::Definitions => Request::Definitions,
            Self::Attention => Request::ListAttention,
            Self::Pulse => Request::Pulse,
            Self::Dags => Request::ListDags,
            Self::Dag(dag_id) => Request::ShowDag { dag_id },
            Self::FoundRuns(query, page) => query.request(page),
            Self::Brief(DagRunKey { dag_id, dag_run_id }) => {
                Request::BriefRun { dag_id, dag_run_id }
            }
            Self::Runs(dag_id) => {
                let only = RunsOnly::default();
                Request::ListRuns { dag_id, state: None, only, limit: LIST_LIMIT, offset: 0 }
            }
            Self::Run(DagRunKey { dag_id, dag_run_id }) => {
                Request::ShowRun { dag_id, dag_run_id, packed: true }
            }
            Self::Grid(dag_id, around) => Request::ShowGrid { dag_id, limit: GRID_RUNS, around },
            Self::Callbacks(DagRunKey { dag_id, dag_run_id }) => {
                Request::ListCallbacks { dag_id, dag_run_id }
            }
            Self::Task(key) => Request::ShowTask { key },
            Self::Assets => Request::ListAssets,
            Self::Lineage(node, reach) => Request::ShowLineage { of: Some(node), reach },
            Self::Trace(of) => Request::TraceLineage { of },
            Self::Columns(of) => Request::ListColumns { of, column: None },
            Self::AssetWhy(name) => Request::ExplainAsset { name },
            Self::AssetEvents(asset) => Request::ListAssetEvents { asset, limit: 100 },
            Self::Partitions(asset) => Request::ListPartitions { asset, limit: 20 },
            Self::Experiments => Request::ListExperiments,
            Self::TrackingRuns(query) => {
                let TrackingQuery { experiment, filter, order_by, nesting, offset } = query;
                let limit = PAGE_LEN;
                Request::ListTrackingRuns { experiment, filter, order_by, nesting, limit, offset }
            }
            Self::TrackingRun(run_id) => Request::ShowTrackingRun { run_id },
            Self::Trials(run_id) => Request::ListTrials { run_id, limit: TRIALS },
            Self::Metric((run_id, key)) => {
                Request::GetMetricHistory { run_id, key, max_points: METRIC_POINTS }
            }
            Self::Artifact((run_id, path)) => {
                Request::ReadArtifact { run_id, path, max_bytes: ARTIFACT_BYTES }
            }
            Self::LoggedModels(of) => {
                let (experiment, run_id) = match of {
                    LoggedOf::Experiment(name) => (name, None),
                    LoggedOf::Run(run_id) => (String::new(), Some(run_id)),
                };
                Request::ListLoggedModels { experiment, run_id }
            }
            Self::LoggedModel(model_id) => Request::ShowLoggedModel { model_id },
            Self::Models => Request::ListModels,
            Self::Model(name) => Request::ShowModel { name },
            Self::Drift(model, version) => {
                Request::ServingDrift { model: Some(model), version: Some(version) }
            }
            Self::Serving => Request::ServingStatus,
            Self::Events => Request::ListEvents { limit: PAGE, before_id: None },
            Self::Glance => Request::ListEvents { limit: GLANCE, before_id: None },
            Self::Why(subject) => Request::Explain(subject),
            Self::Versions(dag_id) => Request::ListDagVersions { dag_id, limit: LIST_LIMIT },
            Self::Diff(dag_id, from, to) => {
                Request::DiffDagVersions { dag_id, from: Some(from), to: Some(to) }
            }
            Self::Backfills(dag_id) => {
                Request::ListBackfills { dag_id: Some(dag_id), limit: LIST_LIMIT, offset: 0 }
            }
            Self::Backfill(backfill_id, pages) => {
                let limit = DATES.saturating_mul(pages);
                Request::ShowBackfill { backfill_id, limit, offset: 0 }
            }
            Self::Approvals => {
                Request::ListApprovals { dag_id: None, only_pending: true, limit: LIST_LIMIT }
            }
            Self::Operations => Request::ListOperations { limit: LIST_LIMIT, before_id: None },
            Self::Operation(id) => Request::ShowOperation { id },
            Self::AllApprovals => {
                Request::ListApprovals { dag_id: None, only_pending: false, limit: LIST_LIMIT }
            }
            Self::Executors => Request::ListExecutors,
            Self::Pools => Request::ListPools,
            Self::Variables => Request::ListVariables,
            Self::Connections => Request::ListConnections,
        }
    }

    /// Says whether `event` makes what was fetched old.
    pub(crate) fn is_touched_by(&self, event: &Event) -> bool {
        match event {
            Event::Resync => true,
            Event::DagRunChanged { dag_id, dag_run_id, state } => match self {
                Self::Status | Self::Dags | Self::Events | Self::Glance | Self::Runs(None) => true,
                Self::Lineage(..) | Self::Trace(_) | Self::Columns(_) => true,
                Self::AssetWhy(_) | Self::Assets | Self::Attention => true,
                // Only an end is counted.
                Self::Pulse => state.is_finished(),
                Self::Approvals | Self::Backfill(..) => true,
                Self::Operations | Self::Operation(_) | Self::AllApprovals => true,
                Self::Backfills(id) => id == dag_id,
                Self::Why(subject) => subject.dag_id == *dag_id,
                Self::Dag(id) | Self::Runs(Some(id)) => id == dag_id,
                Self::FoundRuns(query, _) => query.dag_id.as_ref().is_none_or(|id| id == dag_id),
                Self::Brief(key) => key.dag_id == *dag_id && key.dag_run_id == *dag_run_id,
                Self::Run(key) | Self::Callbacks(key) => {
                    key.dag_id == *dag_id && key.dag_run_id == *dag_run_id
                }
                Self::Grid(id, _) => id == dag_id,
                _ => false,
            },
            Event::TaskInstanceChanged { key: changed, state } => match self {
                // A question; all else that needs attention ends a run or comes with time.
                Self::Attention => *state == Some(TaskInstanceState::Deferred),
                Self::Brief(key) => {
                    key.dag_id == changed.dag_id && key.dag_run_id == changed.dag_run_id
                }
                Self::Status | Self::Events | Self::Glance | Self::Approvals | Self::Pools => true,
                Self::Executors => true,
                Self::Why(subject) => subject.dag_id == changed.dag_id,
                Self::Run(key) | Self::Callbacks(key) => {
                    key.dag_id == changed.dag_id && key.dag_run_id == changed.dag_run_id
                }
                Self::Task(key) => key == changed,
                _ => false,
            },
            Event::DagChanged { dag_id } => match self {
                Self::Dags | Self::Events | Self::Glance | Self::Status | Self::Attention => true,
                Self::Dag(id) | Self::Versions(id) | Self::Backfills(id) => id == dag_id,
                Self::Why(subject) => subject.dag_id == *dag_id,
                Self::Backfill(..) => true,
                _ => false,
            },
            Event::AssetChanged { .. } => matches!(
                self,
                Self::Assets
                    | Self::Lineage(..)
                    | Self::Trace(_)
                    | Self::AssetWhy(_)
                    | Self::AssetEvents(_)
                    | Self::Partitions(_)
                    | Self::Events
                    | Self::Glance
                    | Self::Dags
                    // What is made of it is stale from now on.
                    | Self::Attention
            ),
            Event::DefinitionsChanged { .. } => matches!(
                self,
                Self::Definitions
                    | Self::Attention
                    | Self::Dags
                    | Self::Dag(_)
                    | Self::Assets
                    | Self::Lineage(..)
                    | Self::AssetWhy(_)
                    | Self::Status
                    | Self::Events
                    | Self::Glance
                    | Self::Why(_)
                    | Self::Versions(_)
                    | Self::Executors
                    | Self::Pools
                    | Self::Variables
                    | Self::Connections
            ),
            Event::TrackingChanged => matches!(
                self,
                Self::Experiments
                    | Self::TrackingRuns(_)
                    | Self::TrackingRun(_)
                    | Self::Trials(_)
                    | Self::LoggedModels(_)
                    | Self::LoggedModel(_)
                    | Self::Metric(_)
                    | Self::Models
                    | Self::Model(_)
                    | Self::Lineage(..)
                    | Self::Trace(_)
                    | Self::Columns(_)
                    | Self::Events
                    | Self::Glance
            ),
            Event::ServingChanged => {
                matches!(
                    self,
                    Self::Serving
                        | Self::Drift(..)
                        | Self::Status
                        | Self::Attention
                        | Self::Lineage(..)
                        | Self::Trace(_)
                        | Self::Events
                        | Self::Glance
                )
            }
        }
    }
}
