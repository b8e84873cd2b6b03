//! What goes into `step`, and what the caller is told.

use std::sync::Arc;

use crate::backfill::{BackfillRead, BackfillRefusal};
use crate::change::Images;
use crate::command::TriggerBy;
use crate::dag::Deck;
use crate::report::{Outcome, Report};
use crate::state::EndedRun;
use crate::types::approval::Response;
use crate::types::ask::Trigger;
use crate::types::asset::{AssetEvent, AssetEventSpec};
use crate::types::backfill::{Backfill, BackfillId, BackfillSpec};
use crate::types::operation::{Operation, OperationView};
use crate::types::run::{DagRun, DagRunKey};
use crate::types::trouble::TroubleReport;
use crate::types::view::ParamProblem;
use crate::types::why::{WhySubject, WhyView};
use crate::types::{
    AttemptKey, DagId, DagRunId, Fault, FaultKind, LaunchToken, TaskId, TaskInstanceKey,
};

/// Everything that can happen to the scheduler.
#[allow(clippy::large_enum_variant, reason = "inputs are few, and short-lived")]
#[derive(Debug, Clone)]
pub enum Input {
    /// Somebody asks for something.
    Command(Command),
    /// An executor saw something.
    Report(Report),
    /// Data changed.
    AssetChanged(AssetEventSpec),
    /// Something is wrong with a served version, or is over.
    Trouble(Box<TroubleReport>),
    /// `dags.toml` was read, and is in force from now on.
    DefinitionsLoaded(Arc<Deck>),
    /// Somebody asks why something does or does not go on; nothing changes.
    Explain(WhySubject),
    /// The store has answered `Effect::ReadBackfill`.
    BackfillRead { dag_id: DagId, token: LaunchToken, read: BackfillRead },
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
            Self::Trouble(report) => report.asset_event.as_slice(),
            Self::Report(Report::Finished {
                outcome: Outcome::Success { asset_events, .. },
                ..
            }) => asset_events.as_slice(),
            Self::Report(_)
            | Self::Command(_)
            | Self::DefinitionsLoaded(_)
            | Self::Explain(_)
            | Self::BackfillRead { .. }
            | Self::Tick => &[],
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
    /// Does something to runs.
    Operate(Operate),
    /// Takes an operation back.
    Undo(Undo),
    CreateBackfill(BackfillSpec),
    SetBackfillPaused {
        backfill_id: BackfillId,
        is_paused: bool,
        user: Option<String>,
    },
    CancelBackfill {
        backfill_id: BackfillId,
        user: Option<String>,
    },
}

/// What is to be done to which runs.
#[derive(Debug, Clone)]
pub struct Operate {
    pub operation: Operation,
    pub runs: Vec<DagRunKey>,
    /// Those of them that have ended, read from the store by the caller.
    pub ended: Vec<EndedRun>,
    pub user: Option<String>,
    /// Only say what would be touched.
    pub dry_run: bool,
}

/// An operation that is to be taken back.
#[derive(Debug, Clone)]
pub struct Undo {
    pub id: i64,
    /// It wrote notes, and nothing else.
    pub is_note: bool,
    pub images: Box<Images>,
    /// Those of its runs that have ended, read from the store by the caller.
    pub ended: Vec<EndedRun>,
    pub user: Option<String>,
}

/// What a command gave; durable by the time the caller sees it.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    Done,
    Run(Box<DagRun>),
    Operated(Box<OperationView>),
    Why(Vec<WhyView>),
    Backfill(Box<Backfill>),
    /// The event that was taken note of; `None`: the change was known already.
    AssetEvent(Option<Box<AssetEvent>>),
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
    #[error("{problem}")]
    UnfitPartitionKey { problem: String },
    #[error("params do not fit: {}", problems.iter().map(|p| format!("{}: {}", p.param, p.message)).collect::<Vec<_>>().join("; "))]
    Params { problems: Vec<ParamProblem> },
    #[error("run `{dag_run_id}` has ended as {state}")]
    RunEnded { dag_run_id: DagRunId, state: String },
    #[error("run `{dag_run_id}` is under way: {what}")]
    RunUnderWay { dag_run_id: DagRunId, what: &'static str },
    #[error("nothing of run `{dag_run_id}` is to be changed: it is so already")]
    NothingToMark { dag_run_id: DagRunId },
    #[error("{what} cannot be marked `{state}`; {allowed} can")]
    CannotMark { what: &'static str, state: String, allowed: &'static str },
    #[error("a note of {length} characters is too long: {limit} are allowed")]
    NoteTooLong { length: usize, limit: usize },
    #[error("operation {id} cannot be undone any more: {what}")]
    MovedOn { id: i64, what: String },
    #[error("no task of run `{dag_run_id}` fits: nothing to clear")]
    NothingToClear { dag_run_id: DagRunId },
    #[error(transparent)]
    Backfill(BackfillRefusal),
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
            | Rejected::UnfitPartitionKey { .. }
            | Rejected::UnfitAnswer { .. } => Self::invalid(text),
            Rejected::NotAssigned { .. } => Self::new(FaultKind::Denied, text),
            Rejected::NotAsked { .. } => {
                Self::conflict(text).hint("`dagdeck approvals list` shows what is asked")
            }
            Rejected::CannotMark { .. } | Rejected::NoteTooLong { .. } => Self::invalid(text),
            Rejected::Backfill(refusal) => refusal.into(),
            Rejected::RunEnded { .. }
            | Rejected::RunUnderWay { .. }
            | Rejected::NothingToMark { .. }
            | Rejected::MovedOn { .. }
            | Rejected::NothingToClear { .. }
            | Rejected::Straggler { .. } => Self::conflict(text),
        }
    }
}
