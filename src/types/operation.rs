//! What people do to runs: to clear, mark, note and delete, one or many at once. Each is one
//! transaction, kept with who and when, and can be undone while nothing has moved on since.

use serde::{Deserialize, Serialize};

use crate::ids::{DagId, DagRunId, MapIndex, TaskId, TaskInstanceKey, TryNumber};
use crate::state::{DagRunState, TaskInstanceState};
use crate::time::Timestamp;

/// What is to be done to runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "snake_case")]
pub enum Operation {
    /// Lets tasks run again, with fresh tries; runs that have ended wait for their turn.
    ClearTasks(ClearTasks),
    /// Sets how tasks ended. Attempts in flight are killed; what is downstream and had failed
    /// because of them runs again.
    MarkTasks(MarkTasks),
    /// Writes what people think of tasks.
    NoteTasks { tasks: Vec<TaskChoice>, note: NoteEdit },
    /// Sets how runs ended: `success` or `failed` (what runs becomes that, what waits is
    /// skipped), or `queued` (an ended run is looked at again).
    MarkRuns { state: DagRunState },
    /// Writes what people think of runs.
    NoteRuns { note: NoteEdit },
    /// Removes runs with all that belongs to them; not those that are running.
    DeleteRuns,
}

/// A task, or some elements of a mapped one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskChoice {
    pub task_id: TaskId,
    /// Empty: all.
    #[serde(default)]
    pub map_indexes: Vec<MapIndex>,
}

/// How far an operation reaches beyond the tasks that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Reach {
    pub include_upstream: bool,
    pub include_downstream: bool,
    /// Runs of the same DAG with an earlier logical date.
    pub include_past: bool,
    /// Runs of the same DAG with a later logical date.
    pub include_future: bool,
}

/// What is to be cleared.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ClearTasks {
    /// Empty: all.
    pub tasks: Vec<TaskChoice>,
    #[serde(flatten)]
    pub reach: Reach,
    pub only_failed: bool,
    pub only_running: bool,
    /// Ended runs take the last version of their DAG instead of the one they began with.
    pub run_on_latest_version: bool,
}

/// What is to be marked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkTasks {
    /// Empty: all.
    #[serde(default)]
    pub tasks: Vec<TaskChoice>,
    /// `success`, `failed` or `skipped`.
    pub state: TaskInstanceState,
    #[serde(flatten)]
    pub reach: Reach,
}

/// What becomes of a note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteEdit {
    /// Empty: the note is taken away.
    pub text: String,
    /// Adds a line to what is there.
    #[serde(default)]
    pub append: bool,
}

/// What an operation did, or would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperationView {
    /// `None`: nothing was done, it was only asked.
    pub id: Option<i64>,
    pub kind: String,
    pub tasks: Vec<TaskMove>,
    pub runs: Vec<RunMove>,
    /// Why it cannot be undone, where it cannot.
    pub final_since: Option<String>,
}

/// A task instance that an operation touches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskMove {
    #[serde(flatten)]
    pub key: TaskInstanceKey,
    pub try_number: TryNumber,
    pub from: Option<TaskInstanceState>,
    pub to: Option<TaskInstanceState>,
}

/// A run that an operation touches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunMove {
    pub dag_id: DagId,
    pub dag_run_id: DagRunId,
    pub from: DagRunState,
    /// `None`: it is gone.
    pub to: Option<DagRunState>,
}

/// An operation as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperationLine {
    pub id: i64,
    pub when: Timestamp,
    /// Who did it.
    pub owner: Option<String>,
    pub kind: String,
    pub description: String,
    /// What was wished, as it was asked.
    pub wish: serde_json::Value,
    pub final_since: Option<String>,
    /// The operation that undid it.
    pub undone_by: Option<i64>,
}

/// How many runs and tasks are kept of what an operation did, of each.
pub const MOVES_MAX: usize = 1000;

/// An operation as it is kept, with what it did to each run and task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperationDetailView {
    #[serde(flatten)]
    pub line: OperationLine,
    /// `None`: it was done before that was kept.
    pub moves: Option<Moves>,
}

/// What an operation did, the first [`MOVES_MAX`] of each kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Moves {
    pub runs: Vec<RunMove>,
    pub tasks: Vec<TaskMove>,
    /// Those that are not among them.
    pub more_runs: usize,
    pub more_tasks: usize,
}

impl Moves {
    /// Takes as much of them as is kept.
    pub fn of(view: &OperationView) -> Self {
        Self {
            runs: view.runs.iter().take(MOVES_MAX).cloned().collect(),
            tasks: view.tasks.iter().take(MOVES_MAX).cloned().collect(),
            more_runs: view.runs.len().saturating_sub(MOVES_MAX),
            more_tasks: view.tasks.len().saturating_sub(MOVES_MAX),
        }
    }
}

impl Operation {
    /// Returns the name on the wire.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::ClearTasks(_) => "clear_tasks",
            Self::MarkTasks(_) => "mark_tasks",
            Self::NoteTasks { .. } => "note_tasks",
            Self::MarkRuns { .. } => "mark_runs",
            Self::NoteRuns { .. } => "note_runs",
            Self::DeleteRuns => "delete_runs",
        }
    }

    /// Returns how far it reaches beyond the tasks that it names.
    pub fn reach(&self) -> Reach {
        match self {
            Self::ClearTasks(clear) => clear.reach,
            Self::MarkTasks(mark) => mark.reach,
            Self::NoteTasks { .. }
            | Self::MarkRuns { .. }
            | Self::NoteRuns { .. }
            | Self::DeleteRuns => Reach::default(),
        }
    }

    /// Says whether it looks at the task instances of runs that have ended.
    pub const fn needs_tasks(&self) -> bool {
        match self {
            Self::ClearTasks(_) | Self::MarkTasks(_) | Self::NoteTasks { .. } => true,
            Self::MarkRuns { state } => matches!(state, DagRunState::Queued),
            Self::NoteRuns { .. } | Self::DeleteRuns => false,
        }
    }
}

impl NoteEdit {
    /// Returns what becomes of a note.
    pub fn of(&self, before: Option<&str>) -> Option<String> {
        let text = self.text.trim();
        match before.filter(|_| self.append) {
            Some(before) if text.is_empty() => Some(before.to_owned()),
            Some(before) => Some(format!("{before}\n{text}")),
            None => (!text.is_empty()).then(|| text.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_operation_reads_as_airflow_words_it() {
        let wish = json!({
            "operation": "clear_tasks",
            "tasks": [{"task_id": "a"}],
            "include_downstream": true,
            "only_failed": true,
        });
        let Operation::ClearTasks(clear) = serde_json::from_value(wish).unwrap() else {
            panic!("a clear")
        };
        assert!(clear.reach.include_downstream && clear.only_failed && !clear.only_running);
        assert_eq!(clear.tasks[0].map_indexes, Vec::<i32>::new());
    }

    #[test]
    fn a_note_is_set_added_to_and_taken_away() {
        let edit = |text: &str, append| NoteEdit { text: text.into(), append };
        assert_eq!(edit("b", false).of(Some("a")).as_deref(), Some("b"));
        assert_eq!(edit("b", true).of(Some("a")).as_deref(), Some("a\nb"));
        assert_eq!(edit("b", true).of(None).as_deref(), Some("b"));
        assert_eq!(edit(" ", true).of(Some("a")).as_deref(), Some("a"));
        assert_eq!(edit("", false).of(Some("a")), None);
    }
}
