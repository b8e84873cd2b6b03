//! Sees data come, for assets that are watched: files of local folders at once, by file system
//! events, made good by a scan at start and every `every`; objects of buckets by listing them every
//! `every`; messages as they are published.
//!
//! ```text
//! file system ─notify─► settle: is it complete? ─► Handle::emit_asset (counts once by its key)
//! scan ─────────────────┘
//! buckets ─► listing: what differs from what was told ─┤
//! Redis · NATS · MQTT ─► message: one event each ──────┘
//! ```
//! Of an asset that asks for it the content of each file is read (`digest`), beside the loop.
//!
//! Files that lie there when an asset is watched for the first time are reported too, of a
//! pattern and of a single file alike. What was told of each (of a file its size and time of
//! change, of an object its ETag) is kept with the event: by this a daemon that starts finds what is new, has changed and is
//! gone since the last one, and a file that comes to look as it did before has changed.

mod digest;
mod folder;
mod listing;
mod message;
mod report;
mod scan;
mod settle;
mod target;

pub(crate) use target::matches;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use self::folder::Folders;
use self::listing::Listings;
use self::message::Channels;
use crate::runtime::engine::Live;
use crate::runtime::handle::Handle;
use crate::runtime::layout::Layout;
use crate::store::{Store, asset};

/// How long after the store could not be read it is asked again.
const AGAIN: Duration = Duration::from_secs(1);

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
    store: Store,
    handle: Handle,
    live: watch::Receiver<Arc<Live>>,
) -> Watchers {
    let (sender, problems) = watch::channel(Vec::new());
    let task = tokio::spawn(async move {
        let known = loop {
            match store.read(asset::objects).await {
                Ok(known) => break known,
                Err(error) => tracing::error!(%error, "read what was told of files"),
            }
            tokio::time::sleep(AGAIN).await;
        };
        let (tell, channels) = mpsc::channel(16);
        let listings =
            Listings { layout: layout.clone(), store, handle: handle.clone(), tell: tell.clone() };
        let following = Channels::new(&layout, handle.clone(), known.clone(), tell);
        let folders = Folders::new(layout, handle, known, sender, channels);
        tokio::join!(following.run(live.clone()), listings.run(live.clone()), folders.run(live));
    });
    Watchers { problems, _task: EndOnDrop(task.abort_handle()) }
}

#[cfg(test)]
pub(in crate::runtime) mod tests;
