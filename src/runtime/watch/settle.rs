//! When a file is complete: its writer closed it, it was renamed into place, or it was quiet; and
//! when it is gone.
//!
//! ```text
//! close after writing, rename ─┬─────────────────────────────► complete
//!                              └─ told a moment ago: wait ───► complete (once, for all closes)
//! seen by a scan, a second old ───────────────────────────────► complete
//! create, seen by a scan ─► pending ─ unchanged for 50 ms ────► complete
//!                              └─ written to ─► until it is closed
//! removed ─► not there again for 300 ms ──────────────────────► gone
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::scan::{Look, Seen};

/// How long a file must look the same.
const QUIET: Duration = Duration::from_millis(50);

/// How long it must look the same once somebody has opened it: perhaps to write to it.
const QUIET_OPENED: Duration = Duration::from_secs(1);

/// How long a file must be away: programs save by removing a file and writing it anew.
const QUIET_GONE: Duration = Duration::from_millis(300);

/// A file that is written to again and again (a log) is told of as often as this at most.
const AGAIN: Duration = Duration::from_secs(1);

/// Whether the system tells when a file that was written to is closed.
const CLOSE_IS_TOLD: bool = cfg!(target_os = "linux");

/// What was seen of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// It is there: made, linked, or found by a scan.
    There,
    Opened,
    Written,
    /// Closed after writing, or renamed into place.
    Complete,
    Gone,
}

/// What is to be told of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Settled {
    Complete(PathBuf),
    Gone(PathBuf),
}

#[derive(Debug, Clone, Copy)]
struct Pending {
    due: Instant,
    wait: Wait,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Wait {
    /// Until it looks as it did, so long ago.
    Quiet { quiet: Duration, seen: Option<Look> },
    /// Until it still looks as a scan found it, whoever opens it: whoever writes to it says so.
    Found(Look),
    /// It is complete, and was told of a moment ago.
    Again,
    /// Whether it comes back.
    Gone,
}

/// Files that are not known to be complete, or gone, yet.
#[derive(Debug, Default)]
pub(super) struct Settling {
    pending: BTreeMap<PathBuf, Pending>,
    /// Written to, and not closed since.
    writing: BTreeSet<PathBuf>,
    /// When files were complete last: those of the last moment.
    completed: BTreeMap<PathBuf, Instant>,
}

impl Settling {
    /// Takes note of a sign; `true`: the file is complete.
    pub(super) fn note(&mut self, now: Instant, path: &Path, sign: Sign) -> bool {
        match sign {
            Sign::Complete => {
                self.forget(path);
                return self.is_due(now, path);
            }
            Sign::Gone => {
                self.forget(path);
                self.put(path, now + QUIET_GONE, Wait::Gone);
            }
            Sign::Written if CLOSE_IS_TOLD => {
                self.pending.remove(path);
                self.writing.insert(path.to_path_buf());
            }
            Sign::Written => self.wait(now, path, QUIET_OPENED),
            Sign::There if !self.writing.contains(path) => {
                let waits = self.pending.get(path).is_some_and(|one| one.wait != Wait::Gone);
                if !waits {
                    self.wait(now, path, QUIET);
                }
            }
            Sign::There => {}
            Sign::Opened => {
                if let Some(Pending { wait: Wait::Quiet { .. }, .. }) = self.pending.get(path) {
                    self.wait(now, path, QUIET_OPENED);
                }
            }
        }
        false
    }

    /// Takes note of a file as a scan found it, last written so long ago. One that was left alone
    /// for long is complete as it stands: to wait for it would be to tell of it only after
    /// whoever reads it now.
    pub(super) fn found(&mut self, now: Instant, path: &Path, look: Look, age: Duration) {
        let waits = self.pending.get(path).is_some_and(|one| one.wait != Wait::Gone);
        if waits || self.writing.contains(path) {
            return;
        }
        match age < QUIET_OPENED {
            true if look.size == 0 => self.wait(now, path, QUIET),
            true => self.put(path, now + QUIET, Wait::Found(look)),
            false => self.put(path, now, Wait::Found(look)),
        }
    }

    /// Says whether a file that is complete is to be told of now; else it waits.
    fn is_due(&mut self, now: Instant, path: &Path) -> bool {
        if let Some(last) = self.completed.get(path)
            && now < *last + AGAIN
        {
            let due = *last + AGAIN;
            self.put(path, due, Wait::Again);
            return false;
        }
        self.completed.insert(path.to_path_buf(), now);
        true
    }

    fn wait(&mut self, now: Instant, path: &Path, quiet: Duration) {
        let seen = match self.pending.get(path) {
            Some(Pending { wait: Wait::Quiet { seen, .. }, .. }) => *seen,
            _ => None,
        };
        self.put(path, now + quiet, Wait::Quiet { quiet, seen });
    }

    fn put(&mut self, path: &Path, due: Instant, wait: Wait) {
        self.pending.insert(path.to_path_buf(), Pending { due, wait });
    }

    /// Signs were missed, the close of a file perhaps: what is being written to is complete when
    /// it is quiet, too.
    pub(super) fn doubt(&mut self, now: Instant) {
        for path in std::mem::take(&mut self.writing) {
            self.wait(now, &path, QUIET_OPENED);
        }
    }

    /// Lets go of a file: it is known under another name.
    pub(super) fn forget(&mut self, path: &Path) {
        self.pending.remove(path);
        self.writing.remove(path);
    }

    /// Returns when `due` wants to be asked again.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.pending.values().map(|pending| pending.due).min()
    }

    /// Returns the files that have been quiet, or away, long enough. An empty file that nobody
    /// has closed is left to wait for its content.
    pub(super) fn due(&mut self, now: Instant, look: impl Fn(&Path) -> Seen) -> Vec<Settled> {
        let mut settled = Vec::new();
        self.completed.retain(|_, at| now < *at + AGAIN);
        let completed = &mut self.completed;
        self.pending.retain(|path, pending| {
            if pending.due > now {
                return true;
            }
            let found = match (look(path), pending.wait) {
                (Seen::File(found), _) => found,
                (Seen::Nothing, Wait::Gone) => {
                    settled.push(Settled::Gone(path.clone()));
                    return false;
                }
                (Seen::Nothing | Seen::Unclear, _) => return false,
            };
            let (quiet, seen) = match pending.wait {
                Wait::Quiet { quiet, seen } => (quiet, seen),
                Wait::Found(found) => (QUIET, Some(found)),
                // It was written anew, and nobody told so.
                Wait::Gone => (QUIET, None),
                Wait::Again => (Duration::ZERO, Some(found)),
            };
            if seen == Some(found) {
                if found.size > 0 || quiet <= QUIET {
                    completed.insert(path.clone(), now);
                    settled.push(Settled::Complete(path.clone()));
                }
                return false;
            }
            let wait = Wait::Quiet { quiet, seen: Some(found) };
            *pending = Pending { due: now + quiet, wait };
            true
        });
        settled
    }
}

#[cfg(test)]
mod tests;
