//! The way from the doors to the workers: what is known of them, and the order to replace one.

use tokio::sync::{mpsc, oneshot, watch};

use crate::types::Fault;
use crate::types::executor::{WorkerDeath, WorkersHeard};

/// Orders to replace a worker that wait: people give them.
const ORDERS_LEN_MAX: usize = 4;

/// Deaths that wait to be written down: a worker takes longer to start than a line to write.
const DEATHS_LEN_MAX: usize = 16;

/// Says how it went.
type Reply = oneshot::Sender<Result<(), String>>;

/// What the doors have of the workers; clones share it.
#[derive(Debug, Clone)]
pub struct Workers {
    pub heard: watch::Receiver<WorkersHeard>,
    orders: mpsc::Sender<Reply>,
}

/// The other end, of which the local executor is made.
#[derive(Debug)]
pub struct WorkersDesk {
    pub(crate) heard: watch::Sender<WorkersHeard>,
    pub(super) deaths: mpsc::Sender<WorkerDeath>,
    pub(super) orders: mpsc::Receiver<Reply>,
}

impl Workers {
    /// Makes both ends, and what tells of workers that die.
    pub fn channel() -> (Self, WorkersDesk, mpsc::Receiver<WorkerDeath>) {
        let (sender, heard) = watch::channel(WorkersHeard::default());
        let (orders, received) = mpsc::channel(ORDERS_LEN_MAX);
        let (deaths, told) = mpsc::channel(DEATHS_LEN_MAX);
        let desk = WorkersDesk { heard: sender, deaths, orders: received };
        (Self { heard, orders }, desk, told)
    }

    /// Has a new worker take new attempts; the one before finishes what it has.
    pub async fn replace(&self) -> Result<(), Fault> {
        let (reply, answer) = oneshot::channel();
        let stopping = |_| Fault::unavailable("replace the worker: the daemon is stopping");
        self.orders.send(reply).await.map_err(|_| stopping(()))?;
        let replaced = answer.await.map_err(|_| stopping(()))?;
        replaced.map_err(|error| Fault::unavailable(format!("replace the worker: {error}")))
    }
}
