//! What happens to the deck, and what it wants done.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crossterm::event::KeyEvent;

use crate::daemon::{Connected, Daemon};
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
    /// Another project's daemon was reached, or not.
    Switched(Result<Connected, Fault>),
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
    /// Keeps what the next deck begins with.
    SaveSession {
        path: PathBuf,
        text: String,
    },
    /// Reaches the daemon of a profile.
    Connect(String),
    /// Asks another daemon from now on; what the one before still answers is not heard.
    Attach(Attached),
    Suspend,
    Repaint,
    Quit,
}

/// A daemon to ask from now on.
#[derive(Clone)]
pub(crate) struct Attached(pub(crate) Arc<dyn Daemon>);

impl fmt::Debug for Attached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attached")
    }
}

impl PartialEq for Attached {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
