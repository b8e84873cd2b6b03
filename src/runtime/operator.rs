//! What the operators do, each in a file of its own.

use std::sync::Arc;

use tokio::sync::watch;

use crate::dag::Deck;
use crate::runtime::attempt::{Order, Private};
use crate::runtime::handle::Handle;
use crate::runtime::layout::Layout;
use crate::runtime::publish::Publisher;
use crate::runtime::serving::ServingHandle;
use crate::runtime::task_log::TaskLog;
use crate::sched::Outcome;
use crate::store::Store;

/// What an operator inside the daemon may use.
#[derive(Debug, Clone)]
pub struct DaemonContext {
    pub order: Order,
    pub private: Private,
    pub deck: Arc<Deck>,
    pub layout: Layout,
    pub store: Store,
    pub handle: Handle,
    pub publisher: Publisher,
    pub serving: ServingHandle,
    pub log: Arc<TaskLog>,
    /// Turns true when the attempt is to end.
    pub cancelled: watch::Receiver<bool>,
}

/// Runs an operator inside the daemon. Ends soon after `cancelled` turns true.
pub async fn run_in_daemon(_context: DaemonContext) -> Outcome {
    todo!("operators helper")
}

/// Runs an operator in the attempt's own process (already in its own session). Blocks. A child
/// that it starts stays in this session, its output goes through `log`.
pub fn run_in_process(_order: &Order, _private: &Private, _log: &Arc<TaskLog>) -> Outcome {
    todo!("operators helper")
}
