//! Tells watchers what changed. A watcher that lags gets `Resync`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::broadcast;

use crate::types::event::{Event, NumberedEvent};

/// How many events a watcher may be behind before it must ask for everything again: about a
/// second's worth at full load, a few hundred kilobytes.
const BACKLOG: usize = 4096;

/// The source of all events.
#[derive(Debug, Clone)]
pub struct Publisher {
    sender: broadcast::Sender<NumberedEvent>,
    seq: Arc<AtomicU64>,
}

impl Default for Publisher {
    fn default() -> Self {
        Self { sender: broadcast::channel(BACKLOG).0, seq: Arc::new(AtomicU64::new(0)) }
    }
}

impl Publisher {
    /// Tells every watcher.
    pub fn publish(&self, event: Event) {
        let seq = self.seq.fetch_add(1, Ordering::Relaxed) + 1;
        // An error only says that nobody watches.
        let _ = self.sender.send(NumberedEvent { seq, event });
    }

    /// Begins to watch, from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<NumberedEvent> {
        self.sender.subscribe()
    }

    /// Returns the number of the last event.
    pub fn last_seq(&self) -> u64 {
        self.seq.load(Ordering::Relaxed)
    }
}
