//! Why something runs or does not: what the scheduler says of its own predicates.

use serde::{Deserialize, Serialize};

use crate::ids::{DagId, DagRunId, MapIndex, TaskId};
use crate::state::{DagRunState, TaskInstanceState};

/// What is asked about: a DAG, one of its runs, or a task of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WhySubject {
    pub dag_id: DagId,
    #[serde(default)]
    pub dag_run_id: Option<DagRunId>,
    #[serde(default)]
    pub task_id: Option<TaskId>,
    /// Without one, every instance of the task.
    #[serde(default)]
    pub map_index: Option<MapIndex>,
}

/// What holds it back, or moves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonKind {
    /// It has ended.
    Ended,
    /// An executor has it.
    InFlight,
    /// Nothing: it goes on in the next step.
    Nothing,
    /// Tasks upstream have not ended.
    Upstream,
    /// Something before it says so: an earlier run, a setup, what it is mapped over.
    Rule,
    /// It waits between two tries.
    Retry,
    /// It waits for a trigger.
    Deferred,
    /// Its pool is full.
    Pool,
    /// Its run has as many tasks in flight as it may.
    MaxActiveTasks,
    /// The deck has as many tasks in flight as it may.
    Parallelism,
    /// Others come first.
    Turn,
    /// Its run has not begun.
    RunQueued,
    /// As many runs of the DAG are running as may.
    MaxActiveRuns,
    /// The DAG is paused.
    Paused,
    /// The definition is gone.
    Stale,
    /// Only people make runs of it.
    Manual,
    /// Its time has not come.
    Schedule,
    /// Assets that it waits for have not changed.
    Assets,
    /// Its tasks go on.
    Running,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    pub kind: ReasonKind,
    pub text: String,
    /// What would change it.
    pub remedy: Option<String>,
}

/// Of one thing that was asked about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WhyView {
    pub subject: WhySubject,
    pub run_state: Option<DagRunState>,
    pub state: Option<TaskInstanceState>,
    /// At least one.
    pub reasons: Vec<Reason>,
}

impl Reason {
    /// A reason that nothing need be done about.
    pub fn new(kind: ReasonKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), remedy: None }
    }

    /// Adds what would change it.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}
