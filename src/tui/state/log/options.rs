//! How logs are shown, whichever it is: what is left out, what is looked for.

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use crate::state::log::LogLine;
use crate::types::log::{LogLevel, plain};
use crate::types::{Timestamp, log};

/// How far back is shown: the windows of the keys `0` to `6`, in seconds.
pub(crate) const WINDOWS: [(&str, Option<i64>); 7] = [
    ("all", None),
    ("1m", Some(60)),
    ("5m", Some(300)),
    ("15m", Some(900)),
    ("1h", Some(3600)),
    ("6h", Some(21_600)),
    ("24h", Some(86_400)),
];

/// A pattern that would need more than this is refused.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// How logs are shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LogOptions {
    pub(crate) wraps: bool,
    pub(crate) has_times: bool,
    /// JSON is spread over lines.
    pub(crate) is_json: bool,
    /// Lines below it are left out.
    pub(crate) least: Option<LogLevel>,
    /// One of `WINDOWS`; of that moment, so not kept.
    #[serde(skip)]
    pub(crate) window: usize,
    /// Only lines that match the search.
    #[serde(skip)]
    pub(crate) only_matches: bool,
    #[serde(skip)]
    pub(crate) search: Search,
    /// The program that read a log last.
    pub(crate) pipe: String,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            wraps: false,
            has_times: true,
            is_json: false,
            least: None,
            window: 0,
            only_matches: false,
            search: Search::default(),
            pipe: "less -R".to_owned(),
        }
    }
}

impl LogOptions {
    /// Goes on to the next least level: all, INFO, WARN, ERROR, all.
    pub(crate) fn next_level(&mut self) {
        self.least = match self.least {
            None | Some(LogLevel::Debug) => Some(LogLevel::Info),
            Some(LogLevel::Info) => Some(LogLevel::Warn),
            Some(LogLevel::Warn) => Some(LogLevel::Error),
            Some(LogLevel::Error) => None,
        };
    }

    /// Returns when the window begins that ends at `end`.
    pub(crate) fn since(&self, end: Timestamp) -> Option<Timestamp> {
        let secs = WINDOWS.get(self.window)?.1?;
        Some(end - jiff::SignedDuration::from_secs(secs))
    }

    /// Says whether a line is shown at all.
    pub(crate) fn admits(&self, line: &LogLine, since: Option<Timestamp>) -> bool {
        // What has no level is told from what has a lower one: it is there above DEBUG.
        let level = line.level.unwrap_or(LogLevel::Info);
        self.least.is_none_or(|least| level >= least)
            && since.is_none_or(|since| line.time.is_none_or(|time| time >= since))
            && (!self.only_matches || !self.search.is_on() || self.search.fits(line))
    }
}

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Search {
    /// As it was typed.
    pub(crate) text: String,
    regex: Option<Regex>,
    /// What is wrong with it.
    pub(crate) problem: Option<String>,
}

impl PartialEq for Search {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Search {}

impl Search {
    /// Reads a regular expression; one without capitals does not tell cases apart.
    pub(crate) fn new(text: &str) -> Self {
        let mut search = Self { text: text.to_owned(), regex: None, problem: None };
        if text.is_empty() {
            return search;
        }
        match RegexBuilder::new(&search.pattern()).size_limit(PATTERN_BYTES_MAX).build() {
            Ok(regex) => search.regex = Some(regex),
            Err(error) => {
                let told = error.to_string();
                let last = told.lines().last().unwrap_or_default();
                search.problem = Some(last.trim_start_matches("error: ").to_owned());
            }
        }
        search
    }

    /// Returns the expression as the daemon is to read it.
    pub(crate) fn pattern(&self) -> String {
        let is_any_case = !self.text.chars().any(char::is_uppercase);
        if is_any_case { format!("(?i){}", self.text) } else { self.text.clone() }
    }

    /// Says whether there is something to look for.
    pub(crate) fn is_on(&self) -> bool {
        self.regex.is_some()
    }

    /// Says whether a line has it.
    pub(crate) fn fits(&self, line: &LogLine) -> bool {
        self.regex.as_ref().is_some_and(|regex| regex.is_match(&log::plain(&line.text)))
    }

    /// Returns where it occurs in a text without escape sequences.
    pub(crate) fn found(&self, text: &str) -> Vec<(usize, usize)> {
        let Some(regex) = &self.regex else { return Vec::new() };
        let text = plain(text);
        let found = regex.find_iter(&text).filter(|found| !found.is_empty());
        found.map(|found| (found.start(), found.end())).collect()
    }
}
