//! What may lie over a screen.

use tui_input::Input;

use crate::message::Act;
use crate::state::menu::Menu;
use crate::state::sheet::Sheet;
use crate::types::Timestamp;
use crate::types::ask::Request;
use crate::types::run::DagRunKey;
use crate::types::why::WhySubject;
use crate::update::palette::Offers;

/// How long a confirm does not listen, so that a key typed before it opened does nothing.
pub(crate) const DEAF_MILLIS: i64 = 300;

/// What lies over the screen.
#[derive(Debug)]
pub(crate) enum Popup {
    /// Every key with what says so.
    Keys {
        scroll: usize,
    },
    Palette(Box<Palette>),
    Confirm(Box<Confirm>),
    /// The selected task in full.
    Task {
        scroll: usize,
    },
    /// A worker in full.
    Worker {
        pid: u32,
        scroll: usize,
    },
    /// A run in full.
    Run {
        key: DagRunKey,
        scroll: usize,
    },
    /// What differs between a run and the one before it.
    RunDiff {
        before: DagRunKey,
        key: DagRunKey,
        scroll: usize,
    },
    /// Why something does or does not go on.
    Why {
        subject: WhySubject,
        scroll: usize,
    },
    /// The event feed, where there is no room for a rail.
    Events {
        scroll: usize,
    },
    Sheet(Box<Sheet>),
    Menu(Menu),
}

/// What a palette offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Scope {
    /// Commands and everything that has a name.
    #[default]
    All,
    /// What the keys do here.
    Here,
}

/// The `:` line with what fits it.
#[derive(Debug, Default)]
pub(crate) struct Palette {
    pub(crate) scope: Scope,
    pub(crate) input: Input,
    pub(crate) selected: usize,
    /// How far back into what was typed before.
    pub(crate) recalled: usize,
}

/// So many commands are remembered.
const COMMANDS_MAX: usize = 30;

/// What the palette offers, and what was run from it.
#[derive(Debug, Default)]
pub(crate) struct Commands {
    /// Kept while it is closed: to make thousands of names takes longer than a key may.
    pub(crate) offers: Offers,
    /// By the names of the entries, the last one first.
    pub(crate) recent: Vec<String>,
    /// As it was typed, the last one last.
    pub(crate) typed: Vec<String>,
}

impl Commands {
    /// Notes what was run and how it was typed.
    pub(crate) fn remember(&mut self, name: &str, typed: &str) {
        self.recent.retain(|other| other != name);
        self.recent.insert(0, name.to_owned());
        self.recent.truncate(COMMANDS_MAX);
        let typed = if typed.is_empty() { name } else { typed };
        self.typed.retain(|other| other != typed);
        self.typed.push(typed.to_owned());
        if self.typed.len() > COMMANDS_MAX {
            self.typed.remove(0);
        }
    }
}

/// What lets a confirm through.
#[derive(Debug)]
pub(crate) enum Gate {
    /// `y` on the row above the hints: for what is small and can be taken back.
    Line,
    /// `y`, or enter on the button; Cancel has the focus first.
    Button { on_yes: bool },
}

/// A question before something is changed.
#[derive(Debug)]
pub(crate) struct Confirm {
    pub(crate) title: String,
    pub(crate) lines: Vec<String>,
    /// The word on the button.
    pub(crate) verb: &'static str,
    pub(crate) gate: Gate,
    pub(crate) request: Request,
    pub(crate) act: Act,
    pub(crate) opened_at: Timestamp,
}

impl Confirm {
    /// Says whether it listens yet.
    pub(crate) fn listens(&self, now: Timestamp) -> bool {
        now.as_millisecond() - self.opened_at.as_millisecond() >= DEAF_MILLIS
    }
}
