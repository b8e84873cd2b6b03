//! The log that is shown: a stretch of it that grows at both ends, and what is left out of that.
//!
//! ```text
//! 0 ───────── start ════ lines, at most 50,000 or 8 MiB ════ end ─────── size
//!   not loaded      ▲ older, when scrolled to         newer ▲     not loaded
//! ```
//! A log is opened at its end, however long it is. Every line has a number that stays while others
//! come and go at either end; what is shown and what is found are lists of these numbers.

use std::collections::VecDeque;

use crate::types::TaskInstanceKey;
use crate::types::Timestamp;
use crate::types::log::LogName;

mod line;
mod options;
mod stretch;
#[cfg(test)]
mod tests;

pub(crate) use line::LogLine;
pub(crate) use options::{LogOptions, Search, WINDOWS};

/// What is kept; the rest is read again when it is wanted.
const KEPT_LINES: usize = 50_000;
const KEPT_BYTES: usize = 8 << 20;

/// The number of a line.
pub(crate) type Number = i64;

/// How far the reading is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Not begun: the selection may still be moving.
    Pending,
    Underway,
    /// All is read and nothing more will be written.
    Ended,
    Failed(String),
}

/// Whose log it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Whose {
    Task {
        key: TaskInstanceKey,
        /// The try asked for; `None` means the last one.
        wanted_try: Option<u32>,
        /// The task's try when the reading began, so that a retry is noticed.
        begun_at_try: u32,
        shown_try: u32,
    },
    /// The daemon's own; `None` until it has said which day its last is.
    Daemon { day: Option<String> },
}

/// A place to read from: the first row on the screen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Spot {
    pub(crate) number: Number,
    /// Rows of that line which are above the screen.
    pub(crate) row: usize,
}

impl Spot {
    /// The line above the first one, which says what is before it.
    pub(crate) const ABOVE: Self = Self { number: Number::MIN, row: 0 };
    /// The line below the last one.
    pub(crate) const BELOW: Self = Self { number: Number::MAX, row: 0 };
}

/// A search beyond what is loaded, done by the daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seek {
    pub(crate) generation: u64,
    pub(crate) what: crate::types::log::LogQuery,
    pub(crate) backwards: bool,
    pub(crate) offset: u64,
}

/// One log.
#[derive(Debug)]
pub(crate) struct LogPane {
    pub(crate) whose: Whose,
    /// Fences answers: those to another log are late.
    pub(crate) generation: u64,
    pub(crate) lines: VecDeque<LogLine>,
    /// The number of the first line.
    pub(crate) first: Number,
    bytes: usize,
    /// Begun but not ended by a line break.
    partial: String,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) size: u64,
    /// What is loaded goes to the log's end: new lines are put to it.
    pub(crate) is_at_tail: bool,
    pub(crate) reading: Reading,
    /// Older or newer lines are on their way.
    pub(crate) is_loading: bool,
    /// The end is to be loaded anew.
    pub(crate) is_tail_wanted: bool,
    pub(crate) follows: bool,
    /// The first row shown while it does not follow.
    pub(crate) top: Spot,
    /// A place in the log that is to be shown as soon as it is loaded.
    pub(crate) aim: Option<u64>,
    /// The line that was found last.
    pub(crate) found: Option<Number>,
    /// Columns that are left out on the left.
    pub(crate) left: usize,
    /// Lines that came since it was scrolled up.
    pub(crate) unseen: usize,
    /// Places that the operator marked.
    pub(crate) markers: Vec<u64>,
    pub(crate) seek: Option<Seek>,
    /// The numbers of lines that are shown, that match, that begin an error.
    pub(crate) shown: VecDeque<Number>,
    pub(crate) matches: VecDeque<Number>,
    pub(crate) errors: VecDeque<Number>,
    since: Option<Timestamp>,
    /// Stretches that may still be loaded before the operator moves again: where little of a
    /// log is shown, the whole of it is not to be fetched for that.
    pub(crate) appetite: u8,
}

/// What one move may have loaded.
pub(crate) const APPETITE: u8 = 12;

impl LogPane {
    /// Starts an empty pane that follows.
    pub(crate) fn new(whose: Whose, generation: u64) -> Self {
        Self {
            whose,
            generation,
            lines: VecDeque::new(),
            first: 0,
            bytes: 0,
            partial: String::new(),
            start: 0,
            end: 0,
            size: 0,
            is_at_tail: false,
            reading: Reading::Pending,
            is_loading: false,
            is_tail_wanted: false,
            follows: true,
            top: Spot::default(),
            aim: None,
            found: None,
            left: 0,
            unseen: 0,
            markers: Vec::new(),
            seek: None,
            shown: VecDeque::new(),
            matches: VecDeque::new(),
            errors: VecDeque::new(),
            since: None,
            appetite: APPETITE,
        }
    }

    /// Returns the task whose log it is.
    pub(crate) fn task(&self) -> Option<&TaskInstanceKey> {
        match &self.whose {
            Whose::Task { key, .. } => Some(key),
            Whose::Daemon { .. } => None,
        }
    }

    /// Returns the try that was asked for, where it is not the last.
    pub(crate) fn wanted_try(&self) -> Option<u32> {
        match self.whose {
            Whose::Task { wanted_try, .. } => wanted_try,
            Whose::Daemon { .. } => None,
        }
    }

    /// Returns its name in requests.
    pub(crate) fn name(&self) -> LogName {
        match &self.whose {
            Whose::Task { key, wanted_try, begun_at_try, .. } => {
                LogName::Task { key: key.clone(), try_number: wanted_try.or(Some(*begun_at_try)) }
            }
            Whose::Daemon { day } => LogName::Daemon { day: day.clone() },
        }
    }

    pub(crate) fn line(&self, number: Number) -> Option<&LogLine> {
        self.lines.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    fn last(&self) -> Number {
        self.first + Number::try_from(self.lines.len()).unwrap_or(0)
    }

    /// Says whether everything up to the log's start is loaded.
    pub(crate) fn has_start(&self) -> bool {
        self.start == 0
    }

    /// Says whether something stands above the first line: what is not loaded, or the try before.
    pub(crate) fn has_edge_above(&self) -> bool {
        !self.has_start() || matches!(self.whose, Whose::Task { shown_try, .. } if shown_try > 1)
    }

    /// Says whether something stands below the last line.
    pub(crate) fn has_edge_below(&self) -> bool {
        let is_older_try = matches!(
            self.whose,
            Whose::Task { shown_try, begun_at_try, .. } if shown_try < begun_at_try
        );
        !self.lines.is_empty()
            && (!self.is_at_tail || is_older_try || self.markers.contains(&self.end))
    }

    /// Forgets what is loaded, to be loaded anew around `offset`.
    pub(crate) fn go_to(&mut self, offset: u64) {
        self.lines.clear();
        self.partial.clear();
        self.shown.clear();
        self.matches.clear();
        self.errors.clear();
        (self.first, self.bytes, self.unseen) = (0, 0, 0);
        (self.start, self.end) = (offset, offset);
        self.is_at_tail = false;
        self.is_loading = false;
        self.found = None;
        self.follows = false;
        self.aim = Some(offset);
        self.top = Spot::default();
    }

    /// Forgets what is loaded, to be loaded anew from the end.
    pub(crate) fn go_to_tail(&mut self) {
        self.go_to(self.size);
        self.aim = None;
        self.follows = true;
        self.is_tail_wanted = true;
    }

    /// Picks anew what is shown and what matches.
    pub(crate) fn pick(&mut self, options: &LogOptions, now: Timestamp) {
        // The last minute of a log that has ended is that before its end.
        let end = match self.reading {
            Reading::Ended => self.lines.iter().rev().find_map(|line| line.time),
            _ => Some(now),
        };
        self.since = end.and_then(|end| options.since(end));
        let numbered = || self.lines.iter().zip(self.first..);
        self.shown = numbered()
            .filter(|(line, _)| options.admits(line, self.since))
            .map(|(_, number)| number)
            .collect();
        self.matches = numbered()
            .filter(|(line, _)| options.search.fits(line))
            .map(|(_, number)| number)
            .collect();
    }

    /// Says whether the first line that is loaded is too old to be shown, so that none before it
    /// are wanted.
    pub(crate) fn is_past_window(&self) -> bool {
        let first = self.lines.iter().find_map(|line| line.time);
        self.since.zip(first).is_some_and(|(since, first)| first < since)
    }

    /// Returns the number of the line at `offset`, or of the one that holds it.
    pub(crate) fn number_at(&self, offset: u64) -> Number {
        let after = self.lines.partition_point(|line| line.offset <= offset);
        self.first + Number::try_from(after.saturating_sub(1)).unwrap_or(0)
    }

    /// Returns the next of `list` after (or before) `from`.
    pub(crate) fn next_of(
        list: &VecDeque<Number>,
        from: Number,
        backwards: bool,
    ) -> Option<Number> {
        match backwards {
            true => {
                let before = list.partition_point(|number| *number < from);
                before.checked_sub(1).and_then(|at| list.get(at)).copied()
            }
            false => list.get(list.partition_point(|number| *number <= from)).copied(),
        }
    }

    /// Sets a marker at `offset`, or takes it away.
    pub(crate) fn toggle_marker(&mut self, offset: u64) {
        match self.markers.iter().position(|marker| *marker == offset) {
            Some(at) => {
                self.markers.remove(at);
            }
            None => self.markers.push(offset),
        }
    }
}
