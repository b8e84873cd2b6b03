//! Lines of logs: what one is made of, how much it matters, and what is looked for in them.
//!
//! The daemon, the command line and the deck read the same lines; what a level or a match is must
//! not differ between them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::ids::TaskInstanceKey;
use crate::time::Timestamp;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
}

impl LogLevel {
    /// Returns the word in titles and options.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// Reads a level as programs write it, in any case.
    pub fn named(word: &str) -> Option<Self> {
        const NAMES: &[(&str, LogLevel)] = &[
            ("info", LogLevel::Info),
            ("error", LogLevel::Error),
            ("warn", LogLevel::Warn),
            ("warning", LogLevel::Warn),
            ("debug", LogLevel::Debug),
            ("trace", LogLevel::Debug),
            ("notice", LogLevel::Info),
            ("err", LogLevel::Error),
            ("fatal", LogLevel::Error),
            ("critical", LogLevel::Error),
            ("crit", LogLevel::Error),
            ("panic", LogLevel::Error),
            ("severe", LogLevel::Error),
            ("alert", LogLevel::Error),
            ("emergency", LogLevel::Error),
        ];
        NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, level)| *level)
    }
}

/// Which log is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "log", rename_all = "snake_case")]
pub enum LogName {
    /// Of a task; without `try_number` of its last try.
    Task { key: TaskInstanceKey, try_number: Option<u32> },
    /// The daemon's own of a day (`2026-03-02`); without one the last.
    Daemon { day: Option<String> },
}

/// What is looked for in a log: all of it must be true of a line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogQuery {
    /// A regular expression.
    #[serde(default)]
    pub pattern: Option<String>,
    /// At least this level.
    #[serde(default)]
    pub level: Option<LogLevel>,
    /// Not before.
    #[serde(default)]
    pub since: Option<Timestamp>,
}

/// How far a search came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogFound {
    /// Where the line begins that was found.
    pub at: Option<u64>,
    /// Where to search on.
    pub next_offset: u64,
    /// Nothing is left to be searched in this direction.
    pub is_end: bool,
    /// Bytes of the whole log.
    pub size: u64,
}

/// Who wrote a line of a task's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogSource {
    Out,
    Err,
    Deck,
    /// Not in the form of a task's log.
    Raw,
}

/// A line taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogParts<'a> {
    pub time: Option<Timestamp>,
    pub source: LogSource,
    pub text: &'a str,
}

/// Takes a line apart: `2026-01-01T12:00:00.123Z out  text`, or `TIME text`, or text alone.
pub fn take_apart(line: &str) -> LogParts<'_> {
    let whole = LogParts { time: None, source: LogSource::Raw, text: line };
    let looks =
        line.len() > 20 && line.as_bytes()[0].is_ascii_digit() && line.as_bytes()[4] == b'-';
    let Some((time, rest)) = looks.then(|| line.split_once(' ')).flatten() else { return whole };
    if !time.ends_with('Z') || time.len() > 30 {
        return whole;
    }
    let Ok(time) = time.parse::<Timestamp>() else { return whole };
    let (tag, said) = rest.split_at_checked(4).unwrap_or((rest, ""));
    let source = match tag.trim_end() {
        "out" => LogSource::Out,
        "err" => LogSource::Err,
        "deck" => LogSource::Deck,
        _ => return LogParts { time: Some(time), source: LogSource::Raw, text: rest },
    };
    let text = said.strip_prefix(' ').unwrap_or(said);
    LogParts { time: Some(time), source, text }
}

/// Takes escape sequences out of a line.
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains('\u{1b}') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        rest = &rest[escape_len(rest)..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Returns the bytes of the escape sequence that `text` begins with.
pub fn escape_len(text: &str) -> usize {
    let end_of = |at: Option<(usize, char)>| at.map_or(text.len(), |(at, c)| at + c.len_utf8());
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        Some((_, '[')) => end_of(chars.find(|(_, c)| ('\u{40}'..='\u{7e}').contains(c))),
        // An operating system command ends with BEL or ESC and a backslash.
        Some((_, ']')) => match chars.find(|(_, c)| matches!(c, '\u{7}' | '\u{1b}')) {
            Some((at, '\u{1b}')) => {
                text[at..].chars().nth(1).map_or(at + 1, |c| at + 1 + c.len_utf8())
            }
            found => end_of(found),
        },
        found => end_of(found),
    }
}

/// Cells of a line that are looked at for its level.
const LEVEL_WITHIN: usize = 200;

/// Recognises the level of a line without escape sequences: `INFO`, `[error]`, `level=warn`, JSON's
/// `"level"`, and how Python, Rust and Go end.
pub fn level_of(text: &str) -> Option<LogLevel> {
    let head = head(text);
    let trimmed = head.trim_start();
    if trimmed.starts_with('{') {
        if let Some(level) = ["level", "severity", "lvl", "levelname", "log.level"]
            .iter()
            .find_map(|key| json_level(text, key))
        {
            return Some(level);
        }
    } else if let Some(level) = keyed_level(head) {
        return Some(level);
    }
    word_level(head).or_else(|| ending_level(trimmed))
}

fn head(text: &str) -> &str {
    let mut end = text.len().min(LEVEL_WITHIN);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// `"level": "error"`, or a number as Bunyan and Pino write it.
fn json_level(text: &str, key: &str) -> Option<LogLevel> {
    let at = text.find(&format!("\"{key}\""))?;
    let value = text[at + key.len() + 2..].trim_start().strip_prefix(':')?.trim_start();
    if let Some(word) = value.strip_prefix('"') {
        return LogLevel::named(word.split('"').next()?);
    }
    let digits: String = value.chars().take_while(char::is_ascii_digit).collect();
    Some(match digits.parse::<u32>().ok()? {
        50.. => LogLevel::Error,
        40..50 => LogLevel::Warn,
        30..40 => LogLevel::Info,
        _ => LogLevel::Debug,
    })
}

/// `level=warn`, `lvl=error`, `severity=INFO`.
fn keyed_level(head: &str) -> Option<LogLevel> {
    ["level=", "lvl=", "severity="].iter().find_map(|key| {
        let value = head[head.find(key)? + key.len()..].trim_start_matches('"');
        let end = value.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(value.len());
        LogLevel::named(&value[..end])
    })
}

/// The first word in capitals, in brackets or before a colon that is a level.
fn word_level(head: &str) -> Option<LogLevel> {
    let bytes = head.as_bytes();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let mut at = 0;
    while at < bytes.len() {
        if !is_word(bytes[at]) {
            at += 1;
            continue;
        }
        let from = at;
        while at < bytes.len() && is_word(bytes[at]) {
            at += 1;
        }
        let word = &head[from..at];
        let is_loud = word.bytes().all(|byte| byte.is_ascii_uppercase());
        let in_brackets = from > 0
            && matches!((bytes[from - 1], bytes.get(at)), (b'[', Some(b']')) | (b'<', Some(b'>')));
        let opens = head[..from].trim().is_empty() && bytes.get(at) == Some(&b':');
        if (3..=9).contains(&word.len())
            && (is_loud || in_brackets || opens)
            && let Some(level) = LogLevel::named(word)
        {
            return Some(level);
        }
    }
    None
}

/// `Traceback …`, `ValueError: …`, `thread 'main' panicked at …`, `panic: …`.
fn ending_level(trimmed: &str) -> Option<LogLevel> {
    if trimmed.starts_with("Traceback (most recent call last)") || trimmed.contains("' panicked at")
    {
        return Some(LogLevel::Error);
    }
    let name = trimmed.split([':', ' ', '(']).next()?;
    let is_name = name.len() > 5
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_'));
    let follows = trimmed[name.len()..].is_empty() || trimmed[name.len()..].starts_with(':');
    match name {
        _ if !is_name || !follows => None,
        name if name.ends_with("Error") || name.ends_with("Exception") => Some(LogLevel::Error),
        name if name.ends_with("Warning") => Some(LogLevel::Warn),
        _ => None,
    }
}

/// Says whether a line goes on what the one before began: the frames of a traceback.
pub fn goes_on(text: &str) -> bool {
    text.starts_with([' ', '\t'])
        || text.starts_with("Caused by")
        || text.starts_with("stack backtrace")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_into_time_stream_and_text() {
        let parts = take_apart("2026-01-01T12:00:00.123Z err  it broke");
        assert_eq!(
            parts.time.map(|time| time.to_string()).as_deref(),
            Some("2026-01-01T12:00:00.123Z")
        );
        assert_eq!((parts.source, parts.text), (LogSource::Err, "it broke"));
        assert_eq!(take_apart("2026-01-01T12:00:00.123Z deck said").source, LogSource::Deck);
        let raw = take_apart("2026-01-01T12:00:00.123456Z  INFO engine: up");
        assert_eq!((raw.source, raw.text), (LogSource::Raw, " INFO engine: up"));
        assert!(raw.time.is_some());
        for odd in ["free text", "", "2026-01-01T12:00:00.123Z ünï x", "2026-99-01T12:00:00Z out x"]
        {
            assert_eq!(take_apart(odd).source, LogSource::Raw, "{odd}");
        }
    }

    #[test]
    fn the_usual_forms_of_a_level_are_recognised() {
        use LogLevel::{Debug, Error, Info, Warn};
        for (line, level) in [
            ("INFO  rank 0: loading", Some(Info)),
            ("[ERROR] no space", Some(Error)),
            ("[warning] slow", Some(Warn)),
            ("2026-01-01 12:00:00,123 - root - WARNING - slow", Some(Warn)),
            ("time=\"x\" level=warn msg=\"INFO\"", Some(Warn)),
            ("{\"msg\": \"ERROR\", \"level\": \"debug\"}", Some(Debug)),
            ("{\"level\":50,\"msg\":\"x\"}", Some(Error)),
            ("{\"severity\":\"NOTICE\"}", Some(Info)),
            ("error: could not compile", Some(Error)),
            ("Traceback (most recent call last):", Some(Error)),
            ("ValueError: no such column", Some(Error)),
            ("sklearn.exceptions.ConvergenceWarning: lbfgs", Some(Warn)),
            ("thread 'main' panicked at src/x.rs:1:2:", Some(Error)),
            ("no error at all", None),
            ("ERROR_COUNT is 3", None),
            ("MirrorError handling", None),
            ("", None),
            ("\u{00e4}\u{00f6}", None),
        ] {
            assert_eq!(level_of(line), level, "{line}");
        }
        assert!(Debug < Info && Info < Warn && Warn < Error);
    }

    #[test]
    fn escape_sequences_are_taken_out_whole() {
        assert_eq!(plain("a\u{1b}[31mb\u{1b}[0m c"), "ab c");
        assert_eq!(plain("\u{1b}]0;title\u{7}x\u{1b}]8;;u\u{1b}\\y"), "xy");
        for broken in ["\u{1b}", "a\u{1b}[", "\u{1b}]", "\u{1b}[38;5", "\u{1b}]x\u{1b}", "\u{1b}é"]
        {
            assert!(!plain(broken).contains('\u{1b}'), "{broken:?}");
        }
    }
}
