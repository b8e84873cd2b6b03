//! What will be done, after the commit.

use std::sync::Arc;

use crate::dag::Dag;
use crate::types::asset::AssetEvent;
use crate::types::callback::CallbackRequest;
use crate::types::run::{DagRun, DagRunKey};
use crate::types::{AttemptKey, DagId, DagRunId, LaunchToken, TaskId, Timestamp};

/// One thing to do in the world.
#[allow(clippy::large_enum_variant, reason = "nearly all effects are launches, and short-lived")]
#[derive(Debug, Clone)]
pub enum Effect {
    /// Start an attempt. Launching twice with one token is harmless: the executor knows it.
    Launch(Launch),
    /// Look after what a deferred attempt waits for. Arming one token twice is harmless.
    Arm(Arm),
    /// End an attempt and all its processes, or disarm what it waits for; its report is not
    /// waited for.
    Kill { key: AttemptKey, token: LaunchToken, reason: String },
    /// Move the folder of a deleted run out of the way under this name, then remove it.
    RemoveRun { run: DagRunKey, removal: String },
    /// Read what runs there are of some dates, and answer with `Input::BackfillRead`.
    ReadBackfill {
        dag_id: DagId,
        /// The answer bears it.
        token: LaunchToken,
        logical_dates: Vec<Timestamp>,
        /// Which of these ids there are is to be told as well.
        dag_run_ids: Vec<DagRunId>,
        /// Whether the runs are wanted with their task instances, to be cleared.
        with_tasks: bool,
    },
    /// Tell the outside. Its row is pending until it is done: once at least.
    CallBack(Box<CallbackRequest>),
}

/// All that the trigger set needs to know of a deferred attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Arm {
    pub key: AttemptKey,
    pub token: LaunchToken,
    /// A `TriggerSpec` as JSON text.
    pub trigger: Arc<str>,
    /// What was seen last: only what differs is said again.
    pub seen: Option<String>,
}

/// All that an executor needs to know of an attempt.
#[derive(Debug, Clone)]
pub struct Launch {
    pub key: AttemptKey,
    pub token: LaunchToken,
    /// The definition that this run runs.
    pub dag: Arc<Dag>,
    pub task_id: TaskId,
    pub run: DagRun,
    pub triggering_asset_events: Vec<AssetEvent>,
}
