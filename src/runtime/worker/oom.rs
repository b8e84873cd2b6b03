//! Whether a process that was killed was killed for want of memory: the kernel counts such kills,
//! and the count of a moment ago is compared with that of now.

use std::sync::Mutex;

use crate::runtime::executor::process_table;
use crate::runtime::worker::lock_of;

/// The counts of the last two looks.
pub(super) struct OomKills {
    before_and_latest: Mutex<(u64, u64)>,
}

impl OomKills {
    pub(super) fn new() -> Self {
        let count = process_table::oom_kills().unwrap_or_default();
        Self { before_and_latest: Mutex::new((count, count)) }
    }

    /// Looks at the count; to be called every few seconds, so that what it is compared with is
    /// not of long ago.
    pub(super) fn look(&self) {
        let count = process_table::oom_kills().unwrap_or_default();
        let mut counts = lock_of(&self.before_and_latest);
        *counts = (counts.1, count);
    }

    /// Says whether the kernel has killed something for want of memory just now.
    pub(super) fn has_risen(&self) -> bool {
        let before = lock_of(&self.before_and_latest).0;
        process_table::oom_kills().is_some_and(|count| count > before)
    }
}
