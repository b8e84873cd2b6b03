//! Sees files come, for assets that are watched: local folders at once, by file system events,
//! made good by a scan at start and every `every`.
//!
//! ```text
//! file system ─notify─► settle: is it complete? ─► Handle::emit_asset (counts once by its key)
//! scan ─────────────────┘
//! ```
//! Files that lie there when an asset is watched for the first time are reported too, of a
//! pattern and of a single file alike. A file is known by its URI, size and time of change: the
//! same file is reported again by every scan after a restart, and counts only once.

mod folder;
mod report;
mod scan;
mod settle;
mod target;

pub(crate) use target::matches;

use std::sync::Arc;

use tokio::sync::watch;

use self::folder::Folders;
use crate::runtime::engine::Live;
use crate::runtime::handle::Handle;
use crate::runtime::layout::Layout;
use crate::store::Store;

/// Watches until it is dropped.
#[derive(Debug)]
pub struct Watchers {
    /// What could not be watched, a line each.
    pub problems: watch::Receiver<Vec<String>>,
    _task: EndOnDrop,
}

/// Ends the watching with its owner.
#[derive(Debug)]
struct EndOnDrop(tokio::task::AbortHandle);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Starts to watch what the deck in force says; follows its changes.
pub fn start(
    layout: Layout,
    _store: Store,
    handle: Handle,
    live: watch::Receiver<Arc<Live>>,
) -> Watchers {
    begin(layout, handle, live)
}

fn begin(layout: Layout, handle: Handle, live: watch::Receiver<Arc<Live>>) -> Watchers {
    let (sender, problems) = watch::channel(Vec::new());
    let task = tokio::spawn(Folders::new(layout, handle, sender).run(live));
    Watchers { problems, _task: EndOnDrop(task.abort_handle()) }
}

#[cfg(test)]
pub(in crate::runtime) mod tests;
