//! The followed log of one task instance.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::text;
use crate::types::ids::TaskInstanceKey;
use crate::types::view::LogChunk;

/// Lines kept; older ones are in the file, which `dagdeck logs` prints.
const KEPT_LINES: usize = 50_000;

/// Who wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Out,
    Err,
    Deck,
    /// Not in the log's own form: shown as it is.
    Raw,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogLine {
    /// `12:00:00.123`.
    pub(crate) time: String,
    pub(crate) source: Source,
    pub(crate) text: String,
}

/// How logs are shown, whichever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LogOptions {
    pub(crate) wraps: bool,
    pub(crate) has_times: bool,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self { wraps: false, has_times: true }
    }
}

/// How far the reading is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Not begun: the selection may still be moving.
    Pending,
    Underway,
    /// All is read and the attempt has ended.
    Ended,
    Failed(String),
}

/// The log of one try.
#[derive(Debug)]
pub(crate) struct LogPane {
    pub(crate) key: TaskInstanceKey,
    /// Fences answers: those to another log are late.
    pub(crate) generation: u64,
    /// The try asked for; `None` means the last one.
    pub(crate) wanted_try: Option<u32>,
    /// The task's try when the reading began, so that a retry is noticed.
    pub(crate) begun_at_try: u32,
    pub(crate) shown_try: u32,
    pub(crate) lines: VecDeque<LogLine>,
    /// Begun but not ended by a line break.
    partial: String,
    pub(crate) next_offset: u64,
    pub(crate) reading: Reading,
    pub(crate) follows: bool,
    /// The first line shown while it does not follow.
    pub(crate) top: usize,
    pub(crate) search: String,
}

impl LogPane {
    /// Starts an empty pane that follows.
    pub(crate) fn new(
        key: TaskInstanceKey,
        generation: u64,
        wanted_try: Option<u32>,
        last_try: u32,
    ) -> Self {
        Self {
            key,
            generation,
            wanted_try,
            begun_at_try: last_try,
            shown_try: wanted_try.unwrap_or(last_try),
            lines: VecDeque::new(),
            partial: String::new(),
            next_offset: 0,
            reading: Reading::Pending,
            follows: true,
            top: 0,
            search: String::new(),
        }
    }

    /// Takes the next stretch.
    pub(crate) fn append(&mut self, chunk: &LogChunk) {
        self.partial.push_str(&chunk.text);
        while let Some(end) = self.partial.find('\n') {
            let rest = self.partial.split_off(end + 1);
            let line = std::mem::replace(&mut self.partial, rest);
            self.lines.push_back(parse(line.trim_end_matches(['\n', '\r'])));
        }
        if chunk.is_end && !self.partial.is_empty() {
            let line = std::mem::take(&mut self.partial);
            self.lines.push_back(parse(&line));
        }
        while self.lines.len() > KEPT_LINES {
            self.lines.pop_front();
            self.top = self.top.saturating_sub(1);
        }
        self.next_offset = chunk.next_offset;
        self.shown_try = chunk.try_number;
        self.reading = if chunk.is_end { Reading::Ended } else { Reading::Underway };
    }

    /// Returns the next line after (or before) `from` that has the searched text.
    pub(crate) fn find(&self, from: usize, backward: bool) -> Option<usize> {
        let needle = self.search.to_lowercase();
        if needle.is_empty() || self.lines.is_empty() {
            return None;
        }
        let len = self.lines.len();
        (1..=len)
            .map(|step| if backward { (from + len - step) % len } else { (from + step) % len })
            .find(|at| self.lines[*at].text.to_lowercase().contains(&needle))
    }
}

/// Takes a line of `task.log` apart: `TIME out  text`.
fn parse(line: &str) -> LogLine {
    let whole = || LogLine { time: String::new(), source: Source::Raw, text: text::clean(line) };
    let Some((time, rest)) = line.split_once(' ') else { return whole() };
    let Some(clock) = time.split_once('T').map(|(_, clock)| clock.trim_end_matches('Z')) else {
        return whole();
    };
    if !time.ends_with('Z') {
        return whole();
    }
    let (tag, said) = rest.split_at_checked(4).unwrap_or((rest, ""));
    let source = match tag.trim_end() {
        "out" => Source::Out,
        "err" => Source::Err,
        "deck" => Source::Deck,
        _ => return whole(),
    };
    let said = said.strip_prefix(' ').unwrap_or(said);
    LogLine { time: clock.to_owned(), source, text: text::clean(said) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pane() -> LogPane {
        let key = TaskInstanceKey {
            dag_id: "d".into(),
            dag_run_id: "r".into(),
            task_id: "t".into(),
            map_index: -1,
        };
        LogPane::new(key, 1, None, 1)
    }

    fn chunk(text: &str, is_end: bool) -> LogChunk {
        LogChunk {
            text: text.to_owned(),
            next_offset: 9,
            is_end,
            try_number: 2,
            offset: 0,
            size: 9,
            day: None,
        }
    }

    #[test]
    fn a_line_is_split_into_time_stream_and_text() {
        let line = parse("2026-01-01T12:00:00.123Z err  it broke");
        assert_eq!(line.time, "12:00:00.123");
        assert_eq!(line.source, Source::Err);
        assert_eq!(line.text, " it broke".trim_start());
        assert_eq!(parse("2026-01-01T12:00:00.123Z deck said").source, Source::Deck);
        assert_eq!(parse("free text").source, Source::Raw);
        assert_eq!(parse("2026-01-01T12:00:00.123Z ünï x").source, Source::Raw);
        assert_eq!(parse("").text, "");
    }

    #[test]
    fn half_a_line_waits_for_its_other_half() {
        let mut pane = pane();
        pane.append(&chunk("2026-01-01T12:00:00.123Z out  on", false));
        assert!(pane.lines.is_empty());
        pane.append(&chunk("e\n2026-01-01T12:00:00.123Z out  two", false));
        assert_eq!(pane.lines.len(), 1);
        assert_eq!(pane.lines[0].text.trim(), "one");
        pane.append(&chunk("", true));
        assert_eq!(pane.lines.len(), 2);
        assert_eq!(pane.reading, Reading::Ended);
        assert_eq!(pane.shown_try, 2);
    }

    #[test]
    fn a_search_goes_round_in_both_directions() {
        let mut pane = pane();
        pane.append(&chunk("a hit\nb\nc Hit\n", true));
        pane.search = "hit".to_owned();
        assert_eq!(pane.find(0, false), Some(2));
        assert_eq!(pane.find(2, false), Some(0));
        assert_eq!(pane.find(0, true), Some(2));
        pane.search = "nowhere".to_owned();
        assert_eq!(pane.find(0, true), None);
    }

    #[test]
    fn the_lines_kept_are_bounded() {
        let mut pane = pane();
        pane.append(&chunk(&"x\n".repeat(KEPT_LINES + 10), false));
        assert_eq!(pane.lines.len(), KEPT_LINES);
    }
}
