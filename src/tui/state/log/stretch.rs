//! The stretch of a log that is loaded: it grows at either end, and lets go of lines at the other
//! where it has become too much.

use super::{KEPT_BYTES, KEPT_LINES, LogLine, LogOptions, LogPane, line};
use crate::types::view::LogChunk;

impl LogPane {
    /// Takes the next stretch; says `false` where it does not go on what is loaded.
    pub(crate) fn append(&mut self, chunk: &LogChunk, options: &LogOptions) -> bool {
        if chunk.offset != self.end && !self.lines.is_empty() {
            return false;
        }
        let was_last = self.last();
        let mut at = self.end.saturating_sub(self.partial.len() as u64);
        if self.lines.is_empty() && self.partial.is_empty() {
            (self.start, at) = (chunk.offset, chunk.offset);
        }
        let mut text = std::mem::take(&mut self.partial);
        text.push_str(&chunk.text);
        for piece in line::pieces(&text) {
            // What is too long to be kept whole ends without a break, and so does the log.
            let is_whole = piece.ends_with('\n') || piece.len() >= 32 * 1024 || chunk.is_end;
            if !is_whole {
                piece.clone_into(&mut self.partial);
                break;
            }
            self.push_back(LogLine::new(at, line::unbroken(piece)), options);
            at += piece.len() as u64;
        }
        self.end = chunk.next_offset;
        self.size = self.size.max(chunk.size).max(self.end);
        if !self.follows && self.is_at_tail {
            self.unseen += usize::try_from(self.last() - was_last).unwrap_or(0);
        }
        self.shrink();
        true
    }

    /// Takes the stretch before what is loaded; says `false` where it is another one.
    pub(crate) fn prepend(&mut self, chunk: &LogChunk, options: &LogOptions) -> bool {
        if chunk.next_offset != self.start && !self.lines.is_empty() {
            return false;
        }
        if self.lines.is_empty() {
            (self.start, self.end) = (chunk.next_offset, chunk.next_offset);
        }
        let mut at = chunk.offset;
        let mut lines: Vec<LogLine> = Vec::new();
        for piece in line::pieces(&chunk.text) {
            let mut line = LogLine::new(at, line::unbroken(piece));
            if line.goes_on {
                line.level = lines.last().and_then(|before| before.level);
            }
            lines.push(line);
            at += piece.len() as u64;
        }
        for line in lines.into_iter().rev() {
            self.push_front(line, options);
        }
        self.start = chunk.offset;
        self.size = self.size.max(chunk.size);
        while self.is_full() && self.lines.len() > 1 {
            self.drop_back();
        }
        true
    }

    fn push_back(&mut self, mut line: LogLine, options: &LogOptions) {
        if line.goes_on {
            line.level = self.lines.back().and_then(|before| before.level);
        }
        let number = self.last();
        if options.admits(&line, self.since) {
            self.shown.push_back(number);
        }
        if options.search.fits(&line) {
            self.matches.push_back(number);
        }
        if line.is_error() {
            self.errors.push_back(number);
        }
        self.bytes += line.weight();
        self.lines.push_back(line);
    }

    fn push_front(&mut self, line: LogLine, options: &LogOptions) {
        self.first -= 1;
        if options.admits(&line, self.since) {
            self.shown.push_front(self.first);
        }
        if options.search.fits(&line) {
            self.matches.push_front(self.first);
        }
        if line.is_error() {
            self.errors.push_front(self.first);
        }
        self.bytes += line.weight();
        self.lines.push_front(line);
    }

    fn is_full(&self) -> bool {
        self.lines.len() > KEPT_LINES || self.bytes > KEPT_BYTES
    }

    /// Lets go of lines at the start, and at the end where somebody reads those at the start.
    fn shrink(&mut self) {
        while self.is_full() && self.lines.len() > 1 {
            if self.follows || !self.is_at_tail || self.top.number > self.first {
                self.drop_front();
            } else {
                self.drop_back();
            }
        }
    }

    fn drop_front(&mut self) {
        let Some(line) = self.lines.pop_front() else { return };
        self.bytes -= line.weight();
        self.first += 1;
        self.start = self.lines.front().map_or(self.end, |line| line.offset);
        for list in [&mut self.shown, &mut self.matches, &mut self.errors] {
            while list.front().is_some_and(|number| *number < self.first) {
                list.pop_front();
            }
        }
    }

    fn drop_back(&mut self) {
        let Some(line) = self.lines.pop_back() else { return };
        self.bytes -= line.weight();
        self.end = line.offset;
        self.is_at_tail = false;
        self.partial.clear();
        let last = self.last();
        for list in [&mut self.shown, &mut self.matches, &mut self.errors] {
            while list.back().is_some_and(|number| *number >= last) {
                list.pop_back();
            }
        }
    }
}
