//! What will be done, after the commit.

use std::sync::Arc;

use crate::dag::Dag;
use crate::types::asset::AssetEvent;
use crate::types::callback::CallbackRequest;
use crate::types::run::{DagRun, DagRunKey};
use crate::types::{AttemptKey, LaunchToken, TaskId};

/// One thing to do in the world.
#[allow(clippy::large_enum_variant, reason = "nearly all effects are launches, and short-lived")]
#[derive(Debug, Clone)]
pub enum Effect {
    /// Start an attempt. Launching twice with one token is harmless: the executor knows it.
    Launch(Launch),
    /// End an attempt and all its processes; its report is not waited for.
    Kill { key: AttemptKey, token: LaunchToken, reason: String },
    /// Move the folder of a deleted run out of the way under this name, then remove it.
    RemoveRun { run: DagRunKey, removal: String },
    /// Tell the outside. Its row is pending until it is done: once at least.
    CallBack(Box<CallbackRequest>),
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
