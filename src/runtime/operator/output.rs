//! What a task prints, as lines of its log.
//!
//! ```text
//! bytes ─► Reader: lines, cut where they are too long ─┬─► Said: `::output`, `::progress`
//!                                                      └─► task.log, and the last one kept
//! ```
//! Whoever reads the pipe hands in what came: a thread for each stream here, the worker there.

use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use super::said::{Said, Words};
use crate::runtime::task_log::{Stream, TaskLog};

/// Longer lines are cut: a program that prints a gigabyte without a line break must not fill
/// memory here. Bytes.
const LINE_LEN_MAX: usize = 256 * 1024;

/// Bytes that are read at once: what a pipe holds.
pub(crate) const CHUNK_LEN: usize = 64 * 1024;

/// How long to go on reading when the child has ended but something it left in the background
/// still holds its output.
pub(crate) const LINGER: Duration = Duration::from_secs(2);

/// What is said when nobody waits for it any longer.
pub(crate) const STILL_HELD: &str =
    "a background process still holds the output; it is not waited for";

/// What a child left behind.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    /// The last line of standard output that is neither blank nor for the deck, unmasked; `None`
    /// where it was cut.
    pub(crate) last_line: Option<String>,
    /// What it said to the deck.
    pub(crate) words: Words,
}

/// Makes lines of one stream's bytes.
pub(crate) struct Reader {
    stream: Stream,
    log: Arc<TaskLog>,
    said: Option<Arc<Said>>,
    lines: Lines,
    last: Option<String>,
}

impl Reader {
    /// Of a stream whose lines may be for the deck where there is `said`.
    pub(crate) fn new(stream: Stream, log: &Arc<TaskLog>, said: Option<&Arc<Said>>) -> Self {
        let (log, said) = (Arc::clone(log), said.cloned());
        Self { stream, log, said, lines: Lines::new(LINE_LEN_MAX), last: Some(String::new()) }
    }

    /// Says something of the stream itself.
    pub(crate) fn say(&self, text: &str) {
        self.log.say(text);
    }

    /// Takes what came.
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        let mut found = Vec::new();
        self.lines.feed(bytes, &mut |line| found.push(line));
        self.write(found);
    }

    /// Takes the end of the stream; returns the last line.
    pub(crate) fn end(mut self) -> Option<String> {
        let rest = self.lines.rest();
        self.write(rest.into_iter().collect());
        self.last
    }

    fn write(&mut self, mut found: Vec<Line>) {
        if let Some(said) = &self.said {
            let log = (&self.log, self.stream);
            // What goes before a line for the deck is to stand before it in the log, too.
            while let Some(at) = found.iter().position(|line| line.text.starts_with("::")) {
                let after = found.split_off(at + 1);
                let is_taken = found.pop().filter(|line| line.is_cut || !said.take(&line.text));
                found.extend(is_taken);
                log.0.lines(log.1, found.iter().map(|line| &*line.text));
                keep_last(&mut self.last, &found);
                found = after;
            }
        }
        if !found.is_empty() {
            self.log.lines(self.stream, found.iter().map(|line| &*line.text));
            keep_last(&mut self.last, &found);
        }
    }
}

fn keep_last(last: &mut Option<String>, found: &[Line]) {
    if let Some(line) = found.iter().rfind(|line| !line.text.trim().is_empty()) {
        *last = (!line.is_cut).then(|| line.text.clone());
    }
}

struct Line {
    text: String,
    is_cut: bool,
}

/// Cuts bytes into lines; bytes that are not UTF-8 become `U+FFFD`.
struct Lines {
    len_max: usize,
    /// The line that has no end yet, as far as it is kept.
    open: Vec<u8>,
    is_cut: bool,
}

impl Lines {
    fn new(len_max: usize) -> Self {
        Self { len_max, open: Vec::new(), is_cut: false }
    }

    fn feed(&mut self, mut bytes: &[u8], each: &mut dyn FnMut(Line)) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.grow(&bytes[..end]);
            each(self.close());
            bytes = &bytes[end + 1..];
        }
        self.grow(bytes);
    }

    fn rest(&mut self) -> Option<Line> {
        (!self.open.is_empty()).then(|| self.close())
    }

    fn grow(&mut self, part: &[u8]) {
        let room = self.len_max.saturating_sub(self.open.len());
        self.open.extend_from_slice(&part[..part.len().min(room)]);
        self.is_cut |= part.len() > room;
    }

    fn close(&mut self) -> Line {
        let mut text = String::from_utf8_lossy(&self.open).into_owned();
        if self.is_cut {
            text.push_str(" … (line cut)");
        }
        if text.ends_with('\r') {
            text.truncate(text.trim_end_matches('\r').len());
        }
        self.open.clear();
        Line { text, is_cut: std::mem::take(&mut self.is_cut) }
    }
}

/// Streams the child's standard output and error into `log` until it ends; `folder` is the
/// attempt's.
pub(super) fn follow(child: &mut Child, folder: &Path, log: &Arc<TaskLog>) -> io::Result<Finished> {
    let following = Following::begin(child.stdout.take(), child.stderr.take(), folder, log);
    let status = child.wait()?;
    Ok(following.end(status))
}

/// Output that is being read, on threads.
pub(super) struct Following {
    said: Arc<Said>,
    log: Arc<TaskLog>,
    out: Option<Receiver<Option<String>>>,
    err: Option<Receiver<Option<String>>>,
}

impl Following {
    /// Begins to read.
    pub(super) fn begin(
        out: Option<impl Read + Send + 'static>,
        err: Option<impl Read + Send + 'static>,
        folder: &Path,
        log: &Arc<TaskLog>,
    ) -> Self {
        let said = Said::new(folder, log);
        let out = out.map(|out| read_on_thread(out, Reader::new(Stream::Out, log, Some(&said))));
        let err = err.map(|err| read_on_thread(err, Reader::new(Stream::Err, log, None)));
        Self { said, log: Arc::clone(log), out, err }
    }

    /// Reads what is left, once the child has ended.
    pub(super) fn end(self, status: ExitStatus) -> Finished {
        let mut last_line = Some(String::new());
        for lines in [self.err, self.out].into_iter().flatten() {
            last_line = latest(&lines, &self.log);
        }
        Finished { status, last_line, words: self.said.end() }
    }
}

fn read_on_thread(
    mut pipe: impl Read + Send + 'static,
    mut reader: Reader,
) -> Receiver<Option<String>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut chunk = vec![0; CHUNK_LEN];
        loop {
            match pipe.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => reader.take(&chunk[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    reader.say(&unreadable(&error));
                    break;
                }
            }
        }
        // An error only says that nobody waits for it any more.
        let _ = sender.send(reader.end());
    });
    receiver
}

/// What is said of a stream that fails.
pub(crate) fn unreadable(error: &io::Error) -> String {
    format!("the output could not be read on: {error}")
}

/// Waits for the reader to come to the end; gives up on output that a background process holds.
fn latest(lines: &Receiver<Option<String>>, log: &TaskLog) -> Option<String> {
    match lines.recv_timeout(LINGER) {
        Ok(last) => last,
        Err(RecvTimeoutError::Timeout) => {
            log.say(STILL_HELD);
            None
        }
        Err(RecvTimeoutError::Disconnected) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8], len_max: usize) -> Vec<(String, bool)> {
        let mut found = Vec::new();
        let mut lines = Lines::new(len_max);
        let mut each = |line: Line| found.push((line.text, line.is_cut));
        text.chunks(4).for_each(|chunk| lines.feed(chunk, &mut each));
        lines.rest().into_iter().for_each(each);
        found
    }

    #[test]
    fn lines_come_whole_whatever_the_reads_were() {
        let found = lines(b"first line\r\n\nlast without an end", 100);
        let found: Vec<_> = found.iter().map(|(line, _)| line.as_str()).collect();
        assert_eq!(found, ["first line", "", "last without an end"]);
    }

    #[test]
    fn a_long_line_is_cut_and_the_next_one_is_whole() {
        let found = lines(b"abcdefghij\nok\n", 6);
        assert_eq!(found, [("abcdef … (line cut)".to_owned(), true), ("ok".to_owned(), false)]);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_replaced() {
        assert_eq!(lines(b"a\xffb\n", 10)[0].0, "a\u{fffd}b");
    }
}
