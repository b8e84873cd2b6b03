//! `task.log`: what an attempt says, a line each, with the time and the stream, secrets masked.
//!
//! ```text
//! 2026-01-01T12:00:00.123Z out  what the task printed
//! 2026-01-01T12:00:00.124Z err  … on standard error
//! 2026-01-01T12:00:00.125Z deck what the operator says
//! ```
//! Of a log that grows too long its beginning is kept and, once the attempt has ended, its last
//! lines, with a mark between them: what went wrong stands at the end.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::dag::secret::Mask;
use crate::types::time;

/// Bytes of one attempt's log, unless the deck says otherwise.
pub(crate) const LEN_MAX: u64 = 64 << 20;

/// Bytes of what is kept in memory of a log's end.
const TAIL_LEN_MAX: usize = 64 << 10;

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
    kept: Mutex<Kept>,
    mask: Mask,
    len_max: u64,
}

#[derive(Debug)]
struct Kept {
    folder: PathBuf,
    /// `None` until there is something to write.
    file: Option<File>,
    len: u64,
    /// What came after the file was full.
    tail: String,
    /// Bytes that fell out of the tail.
    left_out: u64,
    is_full: bool,
}

impl TaskLog {
    /// Opens `task.log` in the attempt's folder, to append to it (mode 0600).
    pub fn open(folder: &Path, mask: Vec<String>) -> io::Result<Self> {
        let log = Self::lazy(folder, mask);
        log.lock().open()?;
        Ok(log)
    }

    /// A log that is made, with its folder, when there is something to write into it.
    pub fn lazy(folder: &Path, mask: Vec<String>) -> Self {
        let kept = Kept {
            folder: folder.to_owned(),
            file: None,
            len: 0,
            tail: String::new(),
            left_out: 0,
            is_full: false,
        };
        Self { kept: Mutex::new(kept), mask: Mask::new(mask), len_max: LEN_MAX }
    }

    /// Keeps so many bytes at most, and the last lines.
    pub fn at_most(mut self, len_max: Option<u64>) -> Self {
        self.len_max = len_max.unwrap_or(LEN_MAX);
        self
    }

    /// Writes one line (or several, where `text` holds line breaks).
    pub fn line(&self, stream: Stream, text: &str) {
        self.lines(stream, [text]);
    }

    /// Writes lines at one go.
    pub fn lines<'a>(&self, stream: Stream, texts: impl IntoIterator<Item = &'a str>) {
        let tag = match stream {
            Stream::Out => "out ",
            Stream::Err => "err ",
            Stream::Deck => "deck",
        };
        let now = time::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        let mut lines = String::new();
        for text in texts {
            for line in self.masked(text).split('\n') {
                lines.extend([&now, " ", tag, " ", line.trim_end_matches('\r'), "\n"]);
            }
        }
        self.lock().take(&lines, self.len_max);
    }

    /// Writes a line of the operator's own.
    pub fn say(&self, text: &str) {
        self.line(Stream::Deck, text);
    }

    /// Writes the end of a log that was cut. What is said after it is kept as well.
    pub fn close(&self) {
        self.lock().close();
    }

    /// Replaces every secret by `***`.
    pub fn masked(&self, text: &str) -> String {
        self.mask.hide(text)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for TaskLog {
    fn drop(&mut self) {
        self.close();
    }
}

impl Kept {
    fn open(&mut self) -> io::Result<&mut File> {
        if self.file.is_none() {
            let path = self.folder.join("task.log");
            let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
            self.len = file.metadata()?.len();
            self.file = Some(file);
        }
        self.file.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn take(&mut self, lines: &str, len_max: u64) {
        if !self.is_full && self.len + lines.len() as u64 <= len_max {
            return self.write(lines);
        }
        if !self.is_full {
            self.is_full = true;
            self.write(&mark(&format!(
                "the log is cut here: at most {len_max} bytes are kept, and the last lines"
            )));
        }
        self.tail.push_str(lines);
        // Not at every line: what is kept has to move up.
        if self.tail.len() > 2 * TAIL_LEN_MAX {
            self.shorten();
        }
    }

    /// Leaves whole lines at the end of the tail, as many as are kept.
    fn shorten(&mut self) {
        let Some(over) = self.tail.len().checked_sub(TAIL_LEN_MAX).filter(|over| *over > 0) else {
            return;
        };
        let rest = self.tail.as_bytes().get(over - 1..).unwrap_or_default();
        let line = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len() - 1);
        let from = over + line;
        self.left_out += from as u64;
        self.tail.drain(..from);
    }

    fn close(&mut self) {
        self.shorten();
        if self.left_out > 0 {
            self.write(&mark(&format!("{} bytes are left out", self.left_out)));
        }
        self.left_out = 0;
        let tail = std::mem::take(&mut self.tail);
        if !tail.is_empty() {
            self.write(&tail);
        }
    }

    fn write(&mut self, lines: &str) {
        if self.file.is_none() {
            // An error shows again below.
            let _ = DirBuilder::new().recursive(true).mode(0o700).create(&self.folder);
        }
        // A full disk must not end the task; the report still says how it went.
        let _ = self.open().and_then(|file| file.write_all(lines.as_bytes()));
        self.len += lines.len() as u64;
    }
}

fn mark(text: &str) -> String {
    format!("{} deck … {text}\n", time::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(dir: &Path) -> Vec<String> {
        let text = std::fs::read_to_string(dir.join("task.log")).unwrap();
        // The time takes the first 24 columns and a blank.
        text.lines().map(|line| line[25..].to_owned()).collect()
    }

    fn written(mask: &[&str], lines: &[(Stream, &str)]) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        let mask = mask.iter().map(|m| (*m).to_owned()).collect();
        let log = TaskLog::open(dir.path(), mask).unwrap();
        for (stream, text) in lines {
            log.line(*stream, text);
        }
        read(dir.path())
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

    #[test]
    fn of_a_long_log_the_beginning_and_the_end_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let log = TaskLog::open(dir.path(), Vec::new()).unwrap().at_most(Some(10_000));
        let count = 20_000;
        for n in 0..count {
            log.line(Stream::Out, &format!("line {n}"));
        }
        log.say("the last word");
        assert!(read(dir.path()).last().unwrap().starts_with("deck … the log is cut here"));
        log.close();
        log.close();
        let lines = read(dir.path());
        assert_eq!(lines[0], "out  line 0");
        assert_eq!(lines[lines.len() - 2], format!("out  line {}", count - 1));
        assert_eq!(lines[lines.len() - 1], "deck the last word");
        let marks = lines.iter().filter(|line| line.starts_with("deck …")).count();
        assert_eq!(marks, 2, "one where it is cut, one that says how much is left out");
        let len = std::fs::metadata(dir.path().join("task.log")).unwrap().len();
        assert!(len < 10_000 + 70_000, "{len}");
    }

    #[test]
    fn of_many_lines_at_one_go_the_end_is_kept_as_well() {
        let dir = tempfile::tempdir().unwrap();
        let log = TaskLog::open(dir.path(), Vec::new()).unwrap().at_most(Some(10_000));
        let texts: Vec<String> = (0..50_000).map(|n| format!("line {n} ü")).collect();
        log.lines(Stream::Out, texts.iter().map(String::as_str));
        drop(log);
        let lines = read(dir.path());
        assert_eq!(lines.last().unwrap(), "out  line 49999 ü");
        assert!(lines[1].ends_with("bytes are left out") && lines[2].starts_with("out  line "));
        let len = std::fs::metadata(dir.path().join("task.log")).unwrap().len();
        assert!((60_000..70_000).contains(&len), "{len}");
    }
}
