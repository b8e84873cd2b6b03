//! Sees files come, for assets that are watched: local folders at once, by file system events,
//! made good by a scan at start and every `every`.

use std::sync::Arc;

use tokio::sync::watch;

use crate::runtime::engine::Live;
use crate::runtime::handle::Handle;
use crate::runtime::layout::Layout;
use crate::store::Store;

/// Watches until it is dropped.
#[derive(Debug)]
pub struct Watchers {
    /// What could not be watched, a line each.
    pub problems: watch::Receiver<Vec<String>>,
}

/// Starts to watch what the deck in force says; follows its changes.
pub fn start(
    _layout: Layout,
    _store: Store,
    _handle: Handle,
    _live: watch::Receiver<Arc<Live>>,
) -> Watchers {
    todo!("operators helper")
}
