//! When a file is complete: its writer closed it, it was renamed into place, or it was quiet.
//!
//! ```text
//! close after writing, rename ───────────────────────────────► complete
//! create, seen by a scan ─► pending ─ unchanged for 50 ms ────► complete
//!                              └─ written to ─► until it is closed
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::scan::Look;

/// How long a file must look the same.
const QUIET: Duration = Duration::from_millis(50);

/// How long it must look the same once somebody has opened it: perhaps to write to it.
const QUIET_OPENED: Duration = Duration::from_secs(1);

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

#[derive(Debug, Clone, Copy)]
struct Pending {
    due: Instant,
    quiet: Duration,
    seen: Option<Look>,
}

/// Files that are not known to be complete yet.
#[derive(Debug, Default)]
pub(super) struct Settling {
    pending: BTreeMap<PathBuf, Pending>,
    /// Written to, and not closed since.
    writing: BTreeSet<PathBuf>,
}

impl Settling {
    /// Takes note of a sign; `true`: the file is complete.
    pub(super) fn note(&mut self, now: Instant, path: &Path, sign: Sign) -> bool {
        match sign {
            Sign::Complete => {
                self.forget(path);
                return true;
            }
            Sign::Gone => self.forget(path),
            Sign::Written if CLOSE_IS_TOLD => {
                self.pending.remove(path);
                self.writing.insert(path.to_path_buf());
            }
            Sign::Written => self.wait(now, path, QUIET_OPENED),
            Sign::There if !self.writing.contains(path) => {
                if !self.pending.contains_key(path) {
                    self.wait(now, path, QUIET);
                }
            }
            Sign::There => {}
            Sign::Opened => {
                if self.pending.contains_key(path) {
                    self.wait(now, path, QUIET_OPENED);
                }
            }
        }
        false
    }

    fn wait(&mut self, now: Instant, path: &Path, quiet: Duration) {
        let seen = self.pending.get(path).and_then(|pending| pending.seen);
        self.pending.insert(path.to_path_buf(), Pending { due: now + quiet, quiet, seen });
    }

    /// Signs were missed, the close of a file perhaps: what is being written to is complete when
    /// it is quiet, too.
    pub(super) fn doubt(&mut self, now: Instant) {
        for path in std::mem::take(&mut self.writing) {
            self.wait(now, &path, QUIET_OPENED);
        }
    }

    fn forget(&mut self, path: &Path) {
        self.pending.remove(path);
        self.writing.remove(path);
    }

    /// Returns when `due` wants to be asked again.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.pending.values().map(|pending| pending.due).min()
    }

    /// Returns the files that have been quiet long enough. An empty file that nobody has closed
    /// is left to wait for its content.
    pub(super) fn due(
        &mut self,
        now: Instant,
        look: impl Fn(&Path) -> Option<Look>,
    ) -> Vec<PathBuf> {
        let mut complete = Vec::new();
        self.pending.retain(|path, pending| {
            if pending.due > now {
                return true;
            }
            let Some(found) = look(path) else { return false };
            if pending.seen == Some(found) {
                if found.size > 0 || pending.quiet == QUIET {
                    complete.push(path.clone());
                }
                return false;
            }
            *pending = Pending { due: now + pending.quiet, seen: Some(found), ..*pending };
            true
        });
        complete
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::time;

    const A: &str = "/in/a.csv";

    fn look(size: u64) -> impl Fn(&Path) -> Option<Look> {
        move |_| Some(Look { mtime_ns: 1, size })
    }

    fn ms(after: u64) -> Duration {
        Duration::from_millis(after)
    }

    #[test]
    fn a_file_that_is_closed_after_writing_is_complete() {
        let (mut settling, now, a) = (Settling::default(), time::instant(), Path::new(A));
        assert!(!settling.note(now, a, Sign::There));
        assert!(!settling.note(now, a, Sign::Opened));
        assert!(!settling.note(now, a, Sign::Written));
        assert_eq!(settling.next_due(), None, "it waits for the close, however long");
        assert!(!settling.note(now, a, Sign::There), "nor does a scan report it");
        assert_eq!(settling.next_due(), None);
        assert!(settling.note(now, a, Sign::Complete));
    }

    #[test]
    fn a_file_that_was_linked_is_complete_when_it_was_quiet() {
        let (mut settling, now, a) = (Settling::default(), time::instant(), Path::new(A));
        settling.note(now, a, Sign::There);
        assert!(settling.due(now + ms(49), look(5)).is_empty());
        assert!(settling.due(now + ms(50), look(5)).is_empty(), "seen once");
        assert_eq!(settling.due(now + ms(100), look(5)), [a]);
        assert_eq!(settling.next_due(), None);
    }

    #[test]
    fn a_file_that_still_grows_is_waited_for() {
        let (mut settling, now, a) = (Settling::default(), time::instant(), Path::new(A));
        settling.note(now, a, Sign::There);
        settling.due(now + ms(50), look(5));
        assert!(settling.due(now + ms(100), look(6)).is_empty());
        assert_eq!(settling.due(now + ms(150), look(6)), [a]);
    }

    #[test]
    fn an_empty_file_that_somebody_has_opened_waits_for_its_content() {
        let (mut settling, now, a) = (Settling::default(), time::instant(), Path::new(A));
        settling.note(now, a, Sign::There);
        settling.note(now, a, Sign::Opened);
        settling.due(now + ms(1000), look(0));
        assert!(settling.due(now + ms(2000), look(0)).is_empty());
    }

    #[test]
    fn a_close_that_was_missed_is_made_good_by_quiet() {
        let (mut settling, now, a) = (Settling::default(), time::instant(), Path::new(A));
        settling.note(now, a, Sign::Written);
        settling.doubt(now);
        assert!(settling.due(now + ms(1000), look(5)).is_empty());
        assert_eq!(settling.due(now + ms(2000), look(5)), [a]);
    }

    #[test]
    fn a_file_that_went_away_is_forgotten() {
        let (mut settling, now, a) = (Settling::default(), time::instant(), Path::new(A));
        settling.note(now, a, Sign::There);
        assert!(settling.due(now + ms(50), |_| None).is_empty());
        assert_eq!(settling.next_due(), None);
        settling.note(now, a, Sign::Written);
        settling.note(now, a, Sign::Gone);
        settling.note(now, a, Sign::There);
        assert!(settling.next_due().is_some());
    }
}
