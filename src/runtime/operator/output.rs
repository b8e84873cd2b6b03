//! A child's output, streamed into the task's log line by line.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::Value;

use super::said::Said;
use crate::runtime::task_log::{Stream, TaskLog};

/// Longer lines are cut: a program that prints a gigabyte without a line break must not fill
/// memory here. Bytes.
const LINE_LEN_MAX: usize = 256 * 1024;

/// How long to go on reading when the child has ended but something it left in the background
/// still holds its output.
const LINGER: Duration = Duration::from_secs(2);

/// What a child left behind.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) status: ExitStatus,
    /// The last line of standard output that is neither blank nor for the deck, unmasked; `None`
    /// where it was cut.
    pub(super) last_line: Option<String>,
    /// What it said to be outputs.
    pub(super) outputs: BTreeMap<String, Value>,
}

/// Streams the child's standard output and error into `log` until it ends; `folder` is the
/// attempt's.
pub(super) fn follow(child: &mut Child, folder: &Path, log: &Arc<TaskLog>) -> io::Result<Finished> {
    let following = Following::begin(child.stdout.take(), child.stderr.take(), folder, log);
    let status = child.wait()?;
    Ok(following.end(status))
}

/// Output that is being read.
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
        let out = out.map(|out| read_on_thread(out, Stream::Out, log, Some(&said)));
        let err = err.map(|err| read_on_thread(err, Stream::Err, log, None));
        Self { said, log: Arc::clone(log), out, err }
    }

    /// Reads what is left, once the child has ended.
    pub(super) fn end(self, status: ExitStatus) -> Finished {
        let mut last_line = Some(String::new());
        for lines in [self.err, self.out].into_iter().flatten() {
            last_line = latest(&lines, &self.log);
        }
        Finished { status, last_line, outputs: self.said.end() }
    }
}

fn read_on_thread(
    pipe: impl Read + Send + 'static,
    stream: Stream,
    log: &Arc<TaskLog>,
    said: Option<&Arc<Said>>,
) -> Receiver<Option<String>> {
    let (sender, receiver) = channel();
    let (log, said) = (Arc::clone(log), said.cloned());
    std::thread::spawn(move || {
        let mut last = Some(String::new());
        let read = for_each_line(BufReader::new(pipe), LINE_LEN_MAX, |line, is_cut| {
            if !is_cut && said.as_ref().is_some_and(|said| said.take(line)) {
                return;
            }
            log.line(stream, line);
            if !line.trim().is_empty() {
                last = (!is_cut).then(|| line.to_owned());
            }
        });
        if let Err(error) = read {
            log.say(&format!("the output could not be read on: {error}"));
        }
        // An error only says that nobody waits for it any more.
        let _ = sender.send(last);
    });
    receiver
}

/// Waits for the reader to come to the end; gives up on output that a background process holds.
fn latest(lines: &Receiver<Option<String>>, log: &TaskLog) -> Option<String> {
    match lines.recv_timeout(LINGER) {
        Ok(last) => last,
        Err(RecvTimeoutError::Timeout) => {
            log.say("a background process still holds the output; it is not waited for");
            None
        }
        Err(RecvTimeoutError::Disconnected) => None,
    }
}

/// Calls `each` with every line (without its end) and whether it was cut at `len_max` bytes.
/// Bytes that are not UTF-8 become `U+FFFD`.
fn for_each_line(
    mut from: impl BufRead,
    len_max: usize,
    mut each: impl FnMut(&str, bool),
) -> io::Result<()> {
    let mut line = Vec::new();
    let mut is_cut = false;
    loop {
        let piece = match from.fill_buf() {
            Ok(piece) => piece,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if piece.is_empty() {
            if !line.is_empty() {
                each(&String::from_utf8_lossy(&line), is_cut);
            }
            return Ok(());
        }
        let (part, used, ends) = match piece.iter().position(|byte| *byte == b'\n') {
            Some(end) => (&piece[..end], end + 1, true),
            None => (piece, piece.len(), false),
        };
        let room = len_max.saturating_sub(line.len());
        line.extend_from_slice(&part[..part.len().min(room)]);
        is_cut |= part.len() > room;
        from.consume(used);
        if ends {
            let mut text = String::from_utf8_lossy(&line).into_owned();
            if is_cut {
                text.push_str(" … (line cut)");
            }
            each(text.trim_end_matches('\r'), is_cut);
            line.clear();
            is_cut = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8], len_max: usize) -> Vec<(String, bool)> {
        let mut lines = Vec::new();
        for_each_line(BufReader::with_capacity(4, text), len_max, |line, is_cut| {
            lines.push((line.to_owned(), is_cut));
        })
        .unwrap();
        lines
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
