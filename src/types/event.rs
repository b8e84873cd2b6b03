//! What watchers are told. An event says *that* something changed; what it looks like now is
//! asked for. A watcher that fell behind gets [`Event::Resync`].

use serde::{Deserialize, Serialize};

use crate::ids::{AssetName, DagId, DagRunId, TaskInstanceKey};
use crate::state::{DagRunState, TaskInstanceState};
use crate::time::Timestamp;

/// Something changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    DagRunChanged {
        dag_id: DagId,
        dag_run_id: DagRunId,
        state: DagRunState,
    },
    TaskInstanceChanged {
        #[serde(flatten)]
        key: TaskInstanceKey,
        state: Option<TaskInstanceState>,
    },
    /// Paused, unpaused, or its next run moved.
    DagChanged {
        dag_id: DagId,
    },
    AssetChanged {
        name: AssetName,
    },
    /// `dags.toml` was read again; `broken` tells that the last good version stays in force.
    DefinitionsChanged {
        broken: bool,
    },
    /// An experiment, a run, a model or an alias changed.
    TrackingChanged,
    /// A version was loaded, the traffic was moved, or the server's health changed.
    ServingChanged,
    /// Events were dropped for this watcher: it should ask for everything again.
    Resync,
}

/// An event with its place in the order of all events of this daemon.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NumberedEvent {
    pub seq: u64,
    #[serde(flatten)]
    pub event: Event,
}

/// How much a line of the feed matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Info,
    Warning,
    Error,
}

/// The event of an attempt that goes on under another eye than the one that launched it.
pub const ADOPTED: &str = "task_instance.adopted";
/// The event of an attempt of which nobody knows how it ended.
pub const LOST: &str = "task_instance.lost";
/// The event of a worker that ended while it was needed.
pub const WORKER_DIED: &str = "worker.died";

/// A line of the event feed (Airflow's event log): kept, and shown to the operator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventLog {
    /// 0 until the store has numbered it.
    pub id: i64,
    pub when: Timestamp,
    pub severity: Severity,
    /// What happened, such as `dag_run.failed`.
    pub event: String,
    pub dag_id: Option<DagId>,
    pub dag_run_id: Option<DagRunId>,
    pub task_id: Option<crate::ids::TaskId>,
    /// Who did it, where somebody did.
    pub owner: Option<String>,
    /// One line for people.
    pub message: String,
}
