//! Callbacks: what is told to the outside when a task, a run or an asset has come to something.
//! Each is a row, written in the commit of what brought it about.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{AssetName, MapIndex, TaskId, TryNumber};
use crate::run::DagRunKey;
use crate::time::Timestamp;

/// What is to be told, as defined; templates are unrendered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallbackSpec {
    pub action: CallbackAction,
    /// How long one try may take.
    pub timeout: Duration,
    /// Tries after the first.
    pub retries: u32,
    /// Before the second try; each later wait is twice as long.
    pub retry_delay: Duration,
}

/// How it is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallbackAction {
    /// A message by a connection.
    Notify { connection: String, message: String, title: Option<String> },
    /// A JSON body posted to a connection or a URL; without one, what happened is posted.
    Webhook { target: String, body: Option<Value> },
    /// A shell line.
    Command(String),
    /// A program without a shell.
    Argv(Vec<String>),
}

/// What brings a callback about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallbackEvent {
    OnExecute,
    OnFailure,
    OnSuccess,
    OnRetry,
    OnSkipped,
    /// A deadline was missed.
    Deadline,
    /// An asset is older than it may get.
    OnStale,
    /// … and has changed since.
    OnFresh,
    /// A served version is asked what it did not learn from.
    OnDrift,
    /// A served version fails, or takes long.
    OnTrouble,
    /// … and that is over.
    OnRecovered,
}

/// What a callback tells of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CallbackSubject {
    /// A run, or a task instance of it.
    Run(DagRunKey),
    Asset {
        asset: AssetName,
    },
    /// A served version of a model.
    Model {
        model: String,
        version: u32,
    },
}

/// How far a callback is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallbackState {
    Pending,
    Done,
    Failed,
}

/// A callback of one task instance, run, asset or served version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallbackRequest {
    /// Handed on to the outside, so that it can tell a repetition.
    pub id: String,
    #[serde(flatten)]
    pub subject: CallbackSubject,
    /// `None`: of the run, of the asset or of the served version.
    pub task_id: Option<TaskId>,
    pub map_index: MapIndex,
    pub try_number: TryNumber,
    pub event: CallbackEvent,
    pub spec: CallbackSpec,
    /// What the task instance, the run, the asset or the version had come to.
    pub task_or_run_state: String,
    /// Why, where there is a why.
    pub reason: Option<String>,
    /// The same for programs, of a served version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
    /// The deadline that was missed.
    pub deadline: Option<Timestamp>,
    pub state: CallbackState,
    /// Tries that have ended.
    pub tries: u32,
    pub created_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// What the other side said, or the command wrote; cut.
    pub output: Option<String>,
    /// Why the last try failed.
    pub error: Option<String>,
}

impl CallbackEvent {
    /// Every event with its spelling.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (Self::OnExecute, "on_execute"),
        (Self::OnFailure, "on_failure"),
        (Self::OnSuccess, "on_success"),
        (Self::OnRetry, "on_retry"),
        (Self::OnSkipped, "on_skipped"),
        (Self::Deadline, "deadline"),
        (Self::OnStale, "on_stale"),
        (Self::OnFresh, "on_fresh"),
        (Self::OnDrift, "on_drift"),
        (Self::OnTrouble, "on_trouble"),
        (Self::OnRecovered, "on_recovered"),
    ];

    /// Returns the spelling in `dags.toml` and on the wire.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(event, _)| *event == self).map_or("", |(_, text)| text)
    }
}

impl CallbackState {
    /// Returns the spelling on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

impl CallbackAction {
    /// Names it as `dags.toml` does.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Notify { .. } => "notify",
            Self::Webhook { .. } => "webhook",
            Self::Command(_) => "command",
            Self::Argv(_) => "argv",
        }
    }
}
