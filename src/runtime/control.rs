//! Answers the control protocol: the one place behind every door.

use std::sync::Arc;

use tokio::sync::{Notify, broadcast, watch};

use crate::runtime::engine::Live;
use crate::runtime::handle::Handle;
use crate::runtime::layout::Layout;
use crate::runtime::publish::Publisher;
use crate::runtime::serving::ServingHandle;
use crate::store::Store;
use crate::types::ask::{Answer, Request};
use crate::types::event::NumberedEvent;
use crate::types::view::DefinitionsView;
use crate::types::{Clock, Fault, Timestamp};

/// What the control is made of.
#[derive(Clone)]
pub struct ControlParts {
    pub layout: Layout,
    pub store: Store,
    pub handle: Handle,
    pub live: watch::Receiver<Arc<Live>>,
    pub definitions: watch::Receiver<DefinitionsView>,
    /// Of the watchers.
    pub watch_problems: watch::Receiver<Vec<String>>,
    pub publisher: Publisher,
    pub serving: ServingHandle,
    pub clock: Arc<dyn Clock>,
    pub started_at: Timestamp,
    pub api_listen: Option<String>,
    /// Of the listeners, a line each.
    pub listen_problems: Vec<String>,
    /// Notified by `Request::Shutdown`.
    pub shutdown: Arc<Notify>,
}

/// Answers requests; clones share everything.
#[derive(Clone)]
pub struct Control {
    parts: ControlParts,
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control").field("layout", &self.parts.layout).finish_non_exhaustive()
    }
}

impl Control {
    /// Takes the parts.
    pub fn new(parts: ControlParts) -> Self {
        Self { parts }
    }

    /// Answers one request. Does not stop half-way when the caller goes away.
    pub async fn ask(&self, _request: Request) -> Result<Answer, Fault> {
        todo!("control helper")
    }

    /// Begins to watch events, from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<NumberedEvent> {
        self.parts.publisher.subscribe()
    }
}
