//! Looks for a line in a log of any length: by a pattern, a level, a time.
//!
//! One call looks for a moment and says how far it came. Whoever asked goes on from there, or
//! does not: a search that nobody waits for any more ends by itself.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use regex::{Regex, RegexBuilder};
use tokio::sync::Semaphore;

use crate::types::log::{self, LogFound, LogQuery};
use crate::types::{Fault, FaultKind, Timestamp, time};

#[cfg(test)]
mod tests;

/// How long one call looks.
const LOOK: Duration = Duration::from_millis(200);
/// What is read at once; a line that is longer is looked at in parts.
const BLOCK_BYTES: u64 = 1 << 19;
/// A pattern that would need more than this is refused.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// So many look at once: with more of them the others wait, and nobody else does.
static LOOKING: Semaphore = Semaphore::const_new(2);

/// What to look for, from where, in which direction.
#[derive(Debug, Clone)]
pub struct Search {
    pub query: LogQuery,
    pub offset: u64,
    pub backwards: bool,
}

/// Looks for a line, off the async threads.
pub async fn find(path: PathBuf, search: Search) -> Result<LogFound, Fault> {
    let pattern = search.query.pattern.as_deref().map(compile).transpose()?;
    // It is never closed. Whoever gives up leaves a look of a moment behind, which ends with it.
    let permit = LOOKING.acquire().await.ok();
    let look = move || {
        let found = Finder { path: &path, search: &search, pattern }.look();
        drop(permit);
        found
    };
    match tokio::task::spawn_blocking(look).await {
        Ok(found) => found,
        Err(error) => {
            Err(Fault::new(FaultKind::Internal, "search the log").caused_by(Some(&error)))
        }
    }
}

/// Makes a pattern ready; says what is wrong with it.
pub fn compile(pattern: &str) -> Result<Regex, Fault> {
    RegexBuilder::new(pattern).size_limit(PATTERN_BYTES_MAX).build().map_err(|error| {
        let told = error.to_string();
        let last = told.lines().last().unwrap_or_default().trim_start_matches("error: ");
        Fault::invalid(format!("search for `{pattern}`: {last}"))
    })
}

struct Finder<'a> {
    path: &'a Path,
    search: &'a Search,
    pattern: Option<Regex>,
}

impl Finder<'_> {
    fn look(&self) -> Result<LogFound, Fault> {
        let none = LogFound { at: None, next_offset: 0, is_end: true, size: 0 };
        let looked = match File::open(self.path) {
            Ok(file) => self.look_in(file),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(none),
            Err(error) => Err(error),
        };
        looked.map_err(|error| {
            Fault::unavailable(format!("read the log `{}`", self.path.display()))
                .caused_by(Some(&error))
        })
    }

    fn look_in(&self, mut file: File) -> io::Result<LogFound> {
        let size = file.metadata()?.len();
        let Search { query, offset, backwards } = self.search;
        let first = match query.since {
            Some(since) => first_at(&mut file, size, since)?,
            None => 0,
        };
        if self.pattern.is_none() && query.level.is_none() {
            let at = (first < size).then_some(first);
            return Ok(LogFound { at, next_offset: first, is_end: true, size });
        }
        let started = time::instant();
        let mut here = (*offset).min(size);
        if !backwards {
            here = here.max(first);
        }
        loop {
            let block = match backwards {
                true => Block::before(&mut file, here, first)?,
                false => Block::after(&mut file, here, size)?,
            };
            if let Some((at, line)) = self.line_of(&block) {
                let next_offset = if *backwards { at } else { at + line.len() as u64 };
                return Ok(LogFound { at: Some(at), next_offset, is_end: false, size });
            }
            here = if *backwards { block.from } else { block.end() };
            let is_end = if *backwards { here <= first } else { here >= size };
            if is_end || started.elapsed() >= LOOK {
                return Ok(LogFound { at: None, next_offset: here, is_end, size });
            }
        }
    }

    /// Returns the line of a block that is wanted. Where a line that fits has the pattern also as
    /// it is written, the block is looked through as a whole: most have no such line.
    fn line_of<'a>(&self, block: &'a Block) -> Option<(u64, &'a [u8])> {
        let quick = self.pattern.as_ref().filter(|pattern| holds_anywhere(pattern.as_str()));
        match quick.zip(block.plain()) {
            Some((pattern, text)) => self.pick(block.lines_with(text, pattern)),
            None => self.pick(block.lines()),
        }
    }

    /// Returns the first line that fits, backwards the last.
    fn pick<'a>(
        &self,
        mut lines: impl Iterator<Item = (u64, &'a [u8])>,
    ) -> Option<(u64, &'a [u8])> {
        match self.search.backwards {
            true => lines.filter(|(_, line)| self.fits(line)).last(),
            false => lines.find(|(_, line)| self.fits(line)),
        }
    }

    fn fits(&self, line: &[u8]) -> bool {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end_matches(['\n', '\r']);
        let text = log::plain(log::take_apart(line).text);
        self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(&text))
            && self
                .search
                .query
                .level
                .is_none_or(|least| log::level_of(&text).is_some_and(|level| level >= least))
    }
}

/// Says whether what a pattern matches does not depend on what stands around it.
fn holds_anywhere(pattern: &str) -> bool {
    !pattern.contains(['^', '$', '\\'])
}

/// Whole lines, or a part of one that is longer than a block.
struct Block {
    from: u64,
    bytes: Vec<u8>,
}

impl Block {
    fn after(file: &mut File, from: u64, size: u64) -> io::Result<Self> {
        let mut bytes = read(file, from, BLOCK_BYTES)?;
        let is_last = from + bytes.len() as u64 >= size;
        if !is_last && let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') {
            bytes.truncate(end + 1);
        }
        Ok(Self { from, bytes })
    }

    /// What ends at `end`, down to `first`.
    fn before(file: &mut File, end: u64, first: u64) -> io::Result<Self> {
        let from = end.saturating_sub(BLOCK_BYTES).max(first);
        let mut bytes = read(file, from, end.saturating_sub(from))?;
        let skip = match bytes.iter().position(|byte| *byte == b'\n') {
            Some(at) if from > first && at + 1 < bytes.len() => at + 1,
            _ => 0,
        };
        bytes.drain(..skip);
        Ok(Self { from: from + skip as u64, bytes })
    }

    fn end(&self) -> u64 {
        self.from + self.bytes.len() as u64
    }

    /// Returns its text where the words of each line stand in it as they are read: without escape
    /// sequences between them.
    fn plain(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok().filter(|text| !text.contains('\u{1b}'))
    }

    /// Returns the lines in which a match of the pattern begins, as [`Block::lines`] does.
    fn lines_with<'a>(
        &self,
        text: &'a str,
        pattern: &Regex,
    ) -> impl Iterator<Item = (u64, &'a [u8])> {
        let mut from = 0;
        std::iter::from_fn(move || {
            let hit = pattern.find_at(text, from).filter(|_| from < text.len())?.start();
            let begin = text[..hit].rfind('\n').map_or(0, |at| at + 1);
            let end = text[hit..].find('\n').map_or(text.len(), |at| hit + at + 1);
            from = end;
            Some((self.from + begin as u64, &text.as_bytes()[begin..end]))
        })
    }

    /// Returns each line with its break, and where it begins.
    fn lines(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let mut at = self.from;
        self.bytes.split_inclusive(|byte| *byte == b'\n').map(move |line| {
            let here = at;
            at += line.len() as u64;
            (here, line)
        })
    }
}

fn read(file: &mut File, from: u64, max_bytes: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(max_bytes).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Returns where the first line begins that is not before `since`; lines are in the order of time.
fn first_at(file: &mut File, size: u64, since: Timestamp) -> io::Result<u64> {
    let (mut low, mut high) = (0, size);
    while low < high {
        let middle = low + (high - low) / 2;
        match timed_after(file, middle)? {
            Some((at, time)) if time < since => low = at.max(middle + 1),
            _ => high = middle,
        }
    }
    Ok(timed_after(file, low)?.map_or(size, |(at, _)| at))
}

/// Returns the first line with a time that begins after `from`, or at the start: its place and
/// its time.
fn timed_after(file: &mut File, from: u64) -> io::Result<Option<(u64, Timestamp)>> {
    for max_bytes in [1 << 13, BLOCK_BYTES] {
        let bytes = read(file, from, max_bytes)?;
        let skip = match from {
            0 => 0,
            _ => bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1),
        };
        let block = Block { from: from + skip as u64, bytes: bytes[skip..].to_vec() };
        let timed = block.lines().find_map(|(at, line)| Some((at, time_of(line)?)));
        if timed.is_some() {
            return Ok(timed);
        }
    }
    Ok(None)
}

fn time_of(line: &[u8]) -> Option<Timestamp> {
    // The time is at the beginning; what follows need not be looked at.
    let head = &line[..line.len().min(64)];
    log::take_apart(&String::from_utf8_lossy(head)).time
}
