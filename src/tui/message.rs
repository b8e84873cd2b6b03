//! What happens to the deck, and what it wants done.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crossterm::event::{KeyEvent, MouseEvent};

use crate::daemon::{Connected, Daemon};
use crate::state::graph::{Job, Laid};
use crate::state::{RunIndex, Slot};
use crate::types::ask::{Answer, Request};
use crate::types::event::Event;
use crate::types::log::LogName;
use crate::types::{DagId, Fault};

/// Something that happened.
#[derive(Debug, Clone)]
pub(crate) enum Message {
    Key(KeyEvent),
    Paste(String),
    Resize(u16, u16),
    /// The mouse did something; only while it is captured.
    Mouse(MouseEvent),
    /// The terminal's window is looked at, or no more.
    Focus(bool),
    /// What was to be copied is larger than terminals take.
    NotCopied {
        bytes: usize,
    },
    /// The terminal told its ground.
    Ground {
        is_light: bool,
    },
    /// The program that had the terminal has ended: its exit code, where it has one, or why it did
    /// not start.
    HandedBack {
        errand: Errand,
        outcome: Result<Option<i32>, String>,
    },
    /// A plugin that ran beside the deck has ended: with which exit code and last line, or why it
    /// did not start.
    PluginEnded {
        name: String,
        outcome: Result<(Option<i32>, String), String>,
    },
    Answered {
        purpose: Purpose,
        generation: u64,
        result: Result<Answer, Fault>,
        /// A run, arranged beside the deck's task.
        arranged: Option<Box<RunIndex>>,
    },
    Event(Event),
    /// A log was written to a file, so many bytes of it; or why not.
    Saved {
        path: String,
        result: Result<u64, String>,
    },
    /// The line to the daemon stands, or stands again.
    LinkUp,
    LinkDown,
    /// A second has passed.
    Tick,
    Timer(Timer),
    /// Where the nodes of a graph lie.
    Laid(Box<Laid>),
    /// Another project's daemon was reached, or not.
    Switched(Result<Connected, Fault>),
}

impl Message {
    /// Makes an answer ready for `update`: opens what was sent packed and arranges a run. This
    /// takes time that grows with the run, so it is done beside the deck's task.
    pub(crate) fn answered(
        purpose: Purpose,
        generation: u64,
        result: Result<Answer, Fault>,
    ) -> Self {
        let result = result.map(|answer| match answer {
            Answer::PackedRun(run) => Answer::RunDetail(Box::new(run.unpack())),
            other => other,
        });
        let arranged = match &result {
            Ok(Answer::RunDetail(run)) => Some(Box::new(RunIndex::new(run, Some(generation)))),
            _ => None,
        };
        Self::Answered { purpose, generation, result, arranged }
    }
}

/// What an answer is for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Purpose {
    Fetch(Slot),
    OlderEvents,
    /// A stretch of the log that is shown, or of the one beside it.
    Log {
        is_beside: bool,
        step: LogStep,
    },
    /// Checks the form of a DAG while it is filled in.
    PlanTrigger(DagId),
    /// Says what the open form would do.
    PlanSheet,
    Act(Act),
}

/// Which stretch of a log an answer brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogStep {
    /// Its end, when it is opened.
    Tail,
    /// What was written since.
    Follow,
    /// What comes after what is loaded.
    Newer,
    /// What is before it.
    Older,
    /// Where something was found.
    Seek,
}

/// A log to be saved to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SaveLog {
    pub(crate) path: String,
    pub(crate) name: LogName,
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
    /// The shown run may be asked for again.
    RunRested,
    /// The cursor has rested on a row.
    PreviewRested(u64),
}

/// What a program gets the terminal for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Errand {
    /// Reading or working on something outside the deck; nothing of it comes back.
    Show,
    /// A definition was worked on.
    Edit,
    /// The plugin of this name.
    Plugin(String),
}

/// A program that gets the terminal for a while, such as `$EDITOR` or `$PAGER`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Handover {
    pub(crate) program: String,
    pub(crate) args: Vec<String>,
    /// What it reads; without it, it reads the terminal.
    pub(crate) input: Option<String>,
    pub(crate) errand: Errand,
}

/// A command of the operator's own, with everything put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) program: String,
    pub(crate) args: Vec<String>,
    /// More of its environment.
    pub(crate) variables: Vec<(String, String)>,
    /// Beside the deck; else it is given the terminal until enter is pressed at its end.
    pub(crate) background: bool,
}

/// A file to be opened in an editor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opening {
    pub(crate) editor: Vec<String>,
    pub(crate) file: String,
    pub(crate) spot: Spot,
}

/// Where in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Spot {
    /// From 1.
    Line(usize),
    /// At the header of this table.
    Table(String),
}

/// What the deck wants done.
#[allow(clippy::large_enum_variant, reason = "effects are few, and short-lived")]
#[derive(Debug, Clone, PartialEq)]
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
    /// Works out where the nodes of a graph lie.
    Layout(Box<Job>),
    /// Puts text into the clipboard of the operator's own terminal.
    Copy(String),
    /// Writes a whole log to a new file.
    SaveLog(SaveLog),
    /// Keeps what the next deck begins with.
    SaveSession {
        path: PathBuf,
        text: String,
    },
    /// Reaches the daemon of a profile.
    Connect(String),
    /// Asks another daemon from now on; what the one before still answers is not heard.
    Attach(Attached),
    /// Rings, and tells the operator outside the deck.
    Notify(String),
    /// Takes or leaves the mouse.
    Mouse(bool),
    /// Gives the terminal to a program and takes it back when that has ended.
    Handover(Handover),
    /// Opens a file in the editor, at a place that is looked up first.
    Open(Opening),
    /// Runs a command of the operator's own.
    Plugin(Call),
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
