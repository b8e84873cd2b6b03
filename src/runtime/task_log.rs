//! `task.log`: what an attempt says, a line each, with the time and the stream, secrets masked.
//!
//! ```text
//! 2026-01-01T12:00:00.123Z out  what the task printed
//! 2026-01-01T12:00:00.124Z err  … on standard error
//! 2026-01-01T12:00:00.125Z deck what the operator says
//! ```

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Mutex;

use crate::types::time;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Out,
    Err,
    Deck,
}

/// The log of one attempt; shared by the threads that feed it.
#[derive(Debug)]
pub struct TaskLog {
    file: Mutex<File>,
    mask: Vec<String>,
}

impl TaskLog {
    /// Opens `task.log` in the attempt's folder, to append to it (mode 0600).
    pub fn open(folder: &Path, mut mask: Vec<String>) -> io::Result<Self> {
        // Longest first: a secret may hold another.
        mask.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(folder.join("task.log"))?;
        Ok(Self { file: Mutex::new(file), mask })
    }

    /// Writes one line (or several, where `text` holds line breaks).
    pub fn line(&self, stream: Stream, text: &str) {
        let tag = match stream {
            Stream::Out => "out ",
            Stream::Err => "err ",
            Stream::Deck => "deck",
        };
        let now = time::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        let text = self.masked(text);
        let mut lines = String::new();
        for line in text.split('\n') {
            lines.push_str(&format!("{now} {tag} {}\n", line.trim_end_matches('\r')));
        }
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // A full disk must not end the task; the report still says how it went.
        let _ = file.write_all(lines.as_bytes());
    }

    /// Writes a line of the operator's own.
    pub fn say(&self, text: &str) {
        self.line(Stream::Deck, text);
    }

    /// Replaces every secret by `***`.
    pub fn masked(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.mask.iter().filter(|secret| !secret.is_empty()) {
            text = text.replace(secret.as_str(), "***");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(mask: &[&str], lines: &[(Stream, &str)]) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        let mask = mask.iter().map(|m| (*m).to_owned()).collect();
        let log = TaskLog::open(dir.path(), mask).unwrap();
        for (stream, text) in lines {
            log.line(*stream, text);
        }
        let text = std::fs::read_to_string(dir.path().join("task.log")).unwrap();
        // The time takes the first 24 columns and a blank.
        text.lines().map(|line| line[25..].to_owned()).collect()
    }

    #[test]
    fn each_line_bears_its_stream() {
        let lines = written(&[], &[(Stream::Out, "a\r\nb"), (Stream::Err, "c")]);
        assert_eq!(lines, ["out  a", "out  b", "err  c"]);
    }

    #[test]
    fn secrets_are_masked_the_longest_first() {
        let lines = written(&["", "abc", "abcdef"], &[(Stream::Deck, "x abcdef abc")]);
        assert_eq!(lines, ["deck x *** ***"]);
    }

    #[test]
    fn a_log_in_a_folder_that_is_not_there_is_an_error() {
        assert!(TaskLog::open(Path::new("/nonexistent/x"), Vec::new()).is_err());
    }
}
