//! The control protocol: what a client may ask and what it is answered. The deck, the CLI and
//! the control socket all speak it; `runtime::control` answers it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::types::approval::{HitlDetail, Response};
use crate::types::asset::AssetEvent;
use crate::types::event::EventLog;
use crate::types::ids::TrackingRunId;
use crate::types::ids::{AssetName, AttemptKey, DagId, DagRunId, TaskId, TaskInstanceKey};
use crate::types::run::DagRun;
use crate::types::serving::ServingStatus;
use crate::types::state::{DagRunState, TriggeredBy};
use crate::types::time::Timestamp;
use crate::types::view::{
    AliasPlan, AssetView, DagDetailView, DagView, DefinitionsView, ExperimentView, LineageView,
    LogChunk, ModelDetailView, ModelVersionView, ModelView, ParamProblem, RunDetailView,
    StatusView, TaskDetailView, TrackingRunView, TriggerPlan,
};

/// A wish of a client. Those that change something say so in their names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Request {
    Status,
    Definitions,
    Shutdown,

    ListDags,
    ShowDag {
        dag_id: DagId,
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
        limit: u32,
        offset: u32,
    },
    ShowRun {
        dag_id: DagId,
        dag_run_id: DagRunId,
    },
    CancelRun {
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
    ShowTask {
        key: TaskInstanceKey,
    },
    /// Reads on from `offset`; waits up to `wait_ms` (at most 30,000) where nothing is there yet.
    /// With no `try_number` the last try is meant.
    ReadLog {
        key: TaskInstanceKey,
        try_number: Option<u32>,
        offset: u64,
        max_bytes: u32,
        wait_ms: u32,
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
    /// All of it, or what is connected with one asset.
    ShowLineage {
        asset: Option<AssetName>,
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
    ListTrackingRuns {
        experiment: String,
        limit: u32,
        offset: u32,
    },
    ShowTrackingRun {
        run_id: TrackingRunId,
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
    },

    ServingStatus,
    /// The event feed, newest first.
    ListEvents {
        limit: u32,
        before_id: Option<i64>,
    },
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
    Dags(Vec<DagView>),
    Dag(Box<DagDetailView>),
    Plan(Result<TriggerPlan, Vec<ParamProblem>>),
    /// The run as it was made or changed.
    Run(Box<DagRun>),
    Runs {
        runs: Vec<DagRun>,
        total: u64,
    },
    RunDetail(Box<RunDetailView>),
    /// The task instances that were cleared.
    Cleared(Vec<AttemptKey>),
    Task(Box<TaskDetailView>),
    Log(LogChunk),
    Approvals(Vec<HitlDetail>),
    Approval(Box<HitlDetail>),
    Assets(Vec<AssetView>),
    Lineage(LineageView),
    AssetEvents(Vec<AssetEvent>),
    Experiments(Vec<ExperimentView>),
    TrackingRuns {
        runs: Vec<TrackingRunView>,
        total: u64,
    },
    TrackingRun(Box<TrackingRunView>),
    Models(Vec<ModelView>),
    Model(Box<ModelDetailView>),
    AliasPlan(Box<AliasPlan>),
    ModelVersion(Box<ModelVersionView>),
    Serving(ServingStatus),
    Events(Vec<EventLog>),
}
