//! One line of a log, as it is kept.

use crate::types::Timestamp;
use crate::types::log::{self, LogLevel, LogSource};

/// A line that is longer is kept in parts.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogLine {
    /// Where it begins in the log.
    pub(crate) offset: u64,
    pub(crate) time: Option<Timestamp>,
    pub(crate) source: LogSource,
    /// Its own, or that of the line which it goes on.
    pub(crate) level: Option<LogLevel>,
    /// It goes on what the line before began.
    pub(crate) goes_on: bool,
    /// As it was written, with its escape sequences.
    pub(crate) text: Box<str>,
}

impl LogLine {
    /// Takes a line apart that begins at `offset`.
    pub(crate) fn new(offset: u64, line: &str) -> Self {
        let parts = log::take_apart(line);
        let plain = log::plain(parts.text);
        let level = log::level_of(&plain);
        Self {
            offset,
            time: parts.time,
            source: parts.source,
            level,
            goes_on: level.is_none() && log::goes_on(&plain),
            text: parts.text.into(),
        }
    }

    /// Bytes that it takes up here.
    pub(crate) fn weight(&self) -> usize {
        self.text.len() + size_of::<Self>()
    }

    /// Says whether an error begins with it.
    pub(crate) fn is_error(&self) -> bool {
        !self.goes_on && self.level == Some(LogLevel::Error)
    }
}

/// Splits text at its line breaks, and where a line is too long to be kept whole; the last piece
/// may be without a break. Each piece comes with the bytes that it took.
pub(crate) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive('\n').flat_map(|line| {
        let mut rest = line;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let mut end = rest.len().min(LINE_BYTES_MAX);
            while !rest.is_char_boundary(end) {
                end -= 1;
            }
            let (piece, tail) = rest.split_at(end);
            rest = tail;
            Some(piece)
        })
    })
}

/// Returns a line without its break.
pub(crate) fn unbroken(line: &str) -> &str {
    line.strip_suffix('\n').map_or(line, |line| line.strip_suffix('\r').unwrap_or(line))
}
