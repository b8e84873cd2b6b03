//! What somebody should look at, and how busy the deck is.

use serde::{Deserialize, Serialize};

use crate::event::Severity;
use crate::ids::{AssetName, DagId, TaskInstanceKey};
use crate::run::DagRunKey;
use crate::state::TaskInstanceState;
use crate::time::Timestamp;

/// Why somebody should look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttentionKind {
    /// `dags.toml` has errors: the last good version stays in force.
    Definitions,
    /// The last run that ended has failed.
    FailedRun,
    /// A run has missed its deadline and still runs.
    MissedDeadline,
    /// A task runs far longer than it does.
    SlowTask,
    /// Tasks have waited long for room.
    WaitingTasks,
    /// Runs have waited long for others of their DAG.
    WaitingRuns,
    /// The schedule's next run is due and was not made.
    OverdueRun,
    /// An asset is old, and nothing under way mends it.
    StaleAsset,
    /// The model server refuses or fails requests, or does not run.
    Serving,
    /// A question waits for an answer.
    Approval,
    /// An executor cannot be reached.
    Executor,
    /// A listener or a watcher could not begin.
    Problem,
}

/// Where to look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "snake_case")]
pub enum AttentionTarget {
    Run(DagRunKey),
    Task(TaskInstanceKey),
    Dag {
        dag_id: DagId,
    },
    Asset {
        name: AssetName,
    },
    Approval(TaskInstanceKey),
    /// The model server.
    Serving,
    /// The errors of `dags.toml`.
    Definitions,
    /// The daemon.
    System,
}

/// One thing that somebody should look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttentionItem {
    pub kind: AttentionKind,
    pub severity: Severity,
    /// What it is about: a DAG, an asset, an endpoint.
    pub subject: String,
    /// What is wrong with it, in one line.
    pub text: String,
    pub since: Option<Timestamp>,
    pub target: AttentionTarget,
    /// The command that does something about it, or shows more.
    pub remedy: String,
}

/// How busy the deck was, an hour a sample, the hour before now last.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PulseView {
    pub hours: Vec<PulseHour>,
}

/// The runs that ended in one hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PulseHour {
    pub runs: u64,
    pub failed: u64,
}

/// A run in short: how far it is, what runs, and what failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunBrief {
    #[serde(flatten)]
    pub run: DagRunKey,
    /// Task instances by state.
    pub counts: Vec<(Option<TaskInstanceState>, u64)>,
    /// Some of those that run.
    pub running: Vec<TaskInstanceKey>,
    /// Some of those that failed.
    pub failed: Vec<FailedTask>,
}

/// A failed task instance with its reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FailedTask {
    #[serde(flatten)]
    pub key: TaskInstanceKey,
    pub try_number: u32,
    pub max_tries: u32,
    pub note: Option<String>,
    pub end_date: Option<Timestamp>,
    /// The last line that is not empty of the last try's log.
    pub last_line: Option<String>,
}

impl RunBrief {
    /// Returns how many instances have ended and how many there are.
    pub fn progress(&self) -> (u64, u64) {
        let ended =
            |state: &Option<TaskInstanceState>| state.is_some_and(TaskInstanceState::is_finished);
        let done = self.counts.iter().filter(|(state, _)| ended(state)).map(|(_, n)| n).sum();
        (done, self.counts.iter().map(|(_, n)| n).sum())
    }
}
