//! What happens to the deck, and what it wants done.

use crossterm::event::KeyEvent;

use crate::state::Slot;
use crate::types::ask::{Answer, Request};
use crate::types::event::Event;
use crate::types::{DagId, Fault};

/// Something that happened.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "a handful at a time, never stored")]
pub(crate) enum Message {
    Key(KeyEvent),
    Paste(String),
    Resize(u16, u16),
    Answered {
        purpose: Purpose,
        generation: u64,
        result: Result<Answer, Fault>,
    },
    Event(Event),
    /// The line to the daemon stands, or stands again.
    LinkUp,
    LinkDown,
    /// A second has passed.
    Tick,
    Timer(Timer),
}

/// What an answer is for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Purpose {
    Fetch(Slot),
    Log,
    /// Checks the form of a DAG while it is filled in.
    PlanTrigger(DagId),
    /// Shows what moving an alias would change, before it is asked for.
    PlanAlias(AliasWish),
    /// Says what the open form would do.
    PlanSheet,
    Act(Act),
}

/// How an alias is to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AliasWish {
    Promote,
    Rollback,
}

/// A change that was asked for, as the flash line tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    Pause(DagId, bool),
    Trigger(DagId),
    Cancel,
    /// Something done to runs, in the past tense.
    Operate(&'static str),
    /// Anything else, in its own words.
    Say(String),
    Test,
    Emit(String),
    Move(String),
}

/// A timer that ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timer {
    /// A burst of events is over.
    Refetch,
    /// The selection has settled on this log.
    StartLog(u64),
    /// A log that could not be read may be there now.
    RetryLog(u64),
    /// The form has been left alone for a moment.
    CheckForm(u64),
    /// So has the form over the screen.
    TrySheet(u64),
}

/// What the deck wants done.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a handful at a time, never stored")]
pub(crate) enum Effect {
    Ask {
        purpose: Purpose,
        generation: u64,
        request: Request,
    },
    After {
        millis: u64,
        timer: Timer,
    },
    /// Puts text into the clipboard of the operator's own terminal.
    Copy(String),
    Suspend,
    Repaint,
    Quit,
}

/// Says whether a request changes something; such a one needs a confirm or a form.
pub(crate) fn is_mutation(request: &Request) -> bool {
    match request {
        Request::Operate { dry_run: true, .. } => false,
        Request::Shutdown
        | Request::SetPaused { .. }
        | Request::Trigger(_)
        | Request::CancelRun { .. }
        | Request::ClearTasks { .. }
        | Request::Operate { .. }
        | Request::Undo { .. }
        | Request::CreateBackfill(_)
        | Request::SetBackfillPaused { .. }
        | Request::CancelBackfill { .. }
        | Request::AnswerApproval(_)
        | Request::EmitAsset { .. }
        | Request::Promote { .. }
        | Request::Rollback { .. }
        | Request::SetVariables { .. }
        | Request::DeleteVariable { .. }
        | Request::SetConnections { .. }
        | Request::DeleteConnection { .. }
        | Request::SetPools { .. }
        | Request::DeletePool { .. }
        | Request::Prune(_) => true,
        Request::Status
        | Request::Definitions
        | Request::ListDags
        | Request::ShowDag { .. }
        | Request::ListDagVersions { .. }
        | Request::ListOperations { .. }
        | Request::Explain(_)
        | Request::DiffDagVersions { .. }
        | Request::PlanTrigger { .. }
        | Request::ListRuns { .. }
        | Request::ShowRun { .. }
        | Request::ListCallbacks { .. }
        | Request::ShowTask { .. }
        | Request::ListTaskInstances(_)
        | Request::ListVariables
        | Request::ListConnections
        | Request::TestConnection { .. }
        | Request::ListPools
        | Request::ReadLog { .. }
        | Request::PlanBackfill(_)
        | Request::ListBackfills { .. }
        | Request::ShowBackfill { .. }
        | Request::ListXcoms { .. }
        | Request::GetXcom { .. }
        | Request::ListApprovals { .. }
        | Request::ShowApproval { .. }
        | Request::ListAssets
        | Request::ShowLineage { .. }
        | Request::ListAssetEvents { .. }
        | Request::ListExperiments
        | Request::ListTrackingRuns { .. }
        | Request::ShowTrackingRun { .. }
        | Request::GetMetricHistory { .. }
        | Request::ReadArtifact { .. }
        | Request::ListModels
        | Request::ShowModel { .. }
        | Request::PlanPromote { .. }
        | Request::PlanRollback { .. }
        | Request::ServingStatus
        | Request::Predict(_)
        | Request::ListEvents { .. } => false,
    }
}
