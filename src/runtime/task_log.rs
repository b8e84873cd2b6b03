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
    pub fn open(folder: &Path, mask: Vec<String>) -> io::Result<Self> {
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
