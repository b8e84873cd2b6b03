//! The loop that owns all scheduling state.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

use crate::dag::Deck;
use crate::runtime::handle::Handle;
use crate::runtime::layout::Layout;
use crate::runtime::publish::Publisher;
use crate::runtime::serving::ServingHandle;
use crate::sched::change::DagState;
use crate::store::Store;
use crate::types::view::PoolView;
use crate::types::{Clock, Fault};

/// What the engine is made of.
#[derive(Clone)]
pub struct EngineParts {
    pub layout: Layout,
    pub store: Store,
    pub deck: Arc<Deck>,
    pub clock: Arc<dyn Clock>,
    /// This program: attempts are run as `executable attempt FOLDER`.
    pub executable: PathBuf,
    pub serving: ServingHandle,
    pub publisher: Publisher,
}

/// Live state, published after each commit.
#[derive(Debug, Clone)]
pub struct Live {
    pub deck: Arc<Deck>,
    pub dag_states: Vec<DagState>,
    pub slots_used: u32,
    pub slots_total: u32,
    pub pools: Vec<PoolView>,
    pub runs_running: u64,
    pub runs_queued: u64,
}

/// A running engine.
#[derive(Debug)]
pub struct Engine {
    pub handle: Handle,
    pub live: watch::Receiver<Arc<Live>>,
}

/// Recovers from the store, adopts what still runs, and starts the loop on a task of its own.
pub async fn start(_parts: EngineParts) -> Result<Engine, Fault> {
    todo!("engine helper")
}

impl Engine {
    /// Ends the loop after the input in hand; attempts in flight go on and are adopted by the
    /// next engine.
    pub async fn stop(self) {
        todo!("engine helper")
    }
}
