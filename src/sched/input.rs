//! What goes into `step`, and what the caller is told.

use std::sync::Arc;

use crate::dag::Deck;
use crate::sched::command::TriggerBy;
use crate::sched::report::{Outcome, Report};
use crate::types::approval::Response;
use crate::types::ask::Trigger;
use crate::types::asset::AssetEventSpec;
use crate::types::run::DagRun;
use crate::types::view::ParamProblem;
use crate::types::{AttemptKey, DagId, DagRunId, Fault, FaultKind, TaskId, TaskInstanceKey};

/// Everything that can happen to the scheduler.
#[derive(Debug, Clone)]
pub enum Input {
    /// Somebody asks for something.
    Command(Command),
    /// An executor saw something.
    Report(Report),
    /// Data changed.
    AssetChanged(AssetEventSpec),
    /// `dags.toml` was read, and is in force from now on.
    DefinitionsLoaded(Arc<Deck>),
    /// Time has passed: `State::next_wakeup` came, or a second went by.
    Tick,
}

impl Input {
    /// Returns the dedupe keys of the asset events that it brings. Which of them are known is to
    /// be told to the state before the step; the keys of plain outlets are made of a launch
    /// token, which counts once by itself.
    pub fn dedupe_keys(&self) -> Vec<String> {
        let specs = match self {
            Self::AssetChanged(spec) => std::slice::from_ref(spec),
            Self::Report(Report::Finished {
                outcome: Outcome::Success { asset_events, .. },
                ..
            }) => asset_events.as_slice(),
            Self::Report(_) | Self::Command(_) | Self::DefinitionsLoaded(_) | Self::Tick => &[],
        };
        specs.iter().filter_map(|spec| spec.dedupe_key.clone()).collect()
    }
}

/// What somebody may ask.
#[derive(Debug, Clone)]
pub enum Command {
    Trigger(Trigger),
    /// As `Trigger`, asked by an attempt.
    TriggerBy(Box<TriggerBy>),
    /// Answers what a task asks people.
    Answer(Response),
    SetPaused {
        dag_id: DagId,
        is_paused: bool,
        user: Option<String>,
    },
    /// Ends a run as failed; attempts in flight are killed.
    CancelRun {
        dag_id: DagId,
        dag_run_id: DagRunId,
        user: Option<String>,
    },
    /// Lets tasks run again, with fresh tries; the run goes back to `running`. Also of a run
    /// that has ended: `tasks` are its rows then, read from the store by the caller.
    ClearTasks {
        dag_id: DagId,
        dag_run_id: DagRunId,
        /// Empty: all.
        task_ids: Vec<TaskId>,
        only_failed: bool,
        include_downstream: bool,
        user: Option<String>,
        /// The run and its task instances where they are no longer in memory.
        ended: Option<Box<crate::sched::state::EndedRun>>,
    },
}

/// What a command gave; durable by the time the caller sees it.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    Done,
    Run(Box<DagRun>),
    Cleared(Vec<AttemptKey>),
    /// The event was taken note of; `false`: it was known already.
    AssetEvent {
        is_new: bool,
    },
}

/// A refusal; nothing has changed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Rejected {
    #[error("there is no DAG `{dag_id}`")]
    NoDag { dag_id: DagId, meant: Option<String> },
    #[error("there is no run `{dag_run_id}` of DAG `{dag_id}` under way")]
    NoRun { dag_id: DagId, dag_run_id: DagRunId },
    #[error("DAG `{dag_id}` has no task `{task_id}`")]
    NoTask { dag_id: DagId, task_id: TaskId },
    #[error("a run `{dag_run_id}` of DAG `{dag_id}` exists already")]
    RunExists { dag_id: DagId, dag_run_id: DagRunId },
    #[error(
        "`{dag_run_id}` cannot be a run id: it may hold letters, digits and `_.~:+-`, 250 at most, and not begin with a dot"
    )]
    UnfitRunId { dag_run_id: DagRunId },
    #[error("params do not fit: {}", problems.iter().map(|p| format!("{}: {}", p.param, p.message)).collect::<Vec<_>>().join("; "))]
    Params { problems: Vec<ParamProblem> },
    #[error("run `{dag_run_id}` has ended as {state}")]
    RunEnded { dag_run_id: DagRunId, state: String },
    #[error("no task of run `{dag_run_id}` fits: nothing to clear")]
    NothingToClear { dag_run_id: DagRunId },
    #[error("{key} waits for no answer")]
    NotAsked { key: TaskInstanceKey },
    #[error(
        "{} may not answer `{task_id}`: it is for {}",
        user.as_ref().map_or_else(|| "whoever you are, you".to_owned(), |user| format!("`{user}`")),
        assignees.join(", ")
    )]
    NotAssigned { task_id: TaskId, user: Option<String>, assignees: Vec<String> },
    #[error("the answer does not fit: {}", problems.join("; "))]
    UnfitAnswer { problems: Vec<String> },
    /// A report with a token that is not in force; it is dropped.
    #[error("a straggler's report for {key} was dropped")]
    Straggler { key: AttemptKey },
}

impl From<Rejected> for Fault {
    fn from(rejected: Rejected) -> Self {
        let text = rejected.to_string();
        match rejected {
            Rejected::NoDag { meant, .. } => {
                let fault = Self::not_found(text);
                match meant {
                    Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
                    None => fault.hint("`dagdeck dags list` shows what there is"),
                }
            }
            Rejected::NoRun { .. } | Rejected::NoTask { .. } => Self::not_found(text),
            Rejected::RunExists { .. } => {
                Self::new(FaultKind::Exists, text).hint("leave the run id out and one is made")
            }
            Rejected::Params { .. }
            | Rejected::UnfitRunId { .. }
            | Rejected::UnfitAnswer { .. } => Self::invalid(text),
            Rejected::NotAssigned { .. } => Self::new(FaultKind::Denied, text),
            Rejected::NotAsked { .. } => {
                Self::conflict(text).hint("`dagdeck approvals list` shows what is asked")
            }
            Rejected::RunEnded { .. }
            | Rejected::NothingToClear { .. }
            | Rejected::Straggler { .. } => Self::conflict(text),
        }
    }
}
