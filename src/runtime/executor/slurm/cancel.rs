//! Ends jobs: all that are to end at once by one `scancel`.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::runtime::executor::slurm::cluster::Cluster;

/// How many jobs one `scancel` is given.
const IDS_LEN_MAX: usize = 500;

/// How many orders wait; who comes later waits in `send`.
const ORDERS_LEN_MAX: usize = IDS_LEN_MAX;

/// How long further orders are waited for.
const GAP: Duration = Duration::from_millis(5);

struct Order {
    ids: Vec<String>,
    done: oneshot::Sender<()>,
}

/// Takes orders; clones share the desk.
#[derive(Clone)]
pub(super) struct Canceller {
    orders: mpsc::Sender<Order>,
}

impl Canceller {
    /// Returns what works for it, to be polled.
    pub(super) fn new(cluster: Cluster) -> (Self, impl Future<Output = ()>) {
        let (orders, receiver) = mpsc::channel(ORDERS_LEN_MAX);
        (Self { orders }, work(cluster, receiver))
    }

    /// Has Slurm end jobs. Whether they have ended only the queue can say: a job that is over is
    /// refused, and a silent controller may have heard.
    pub(super) async fn cancel(&self, ids: Vec<String>) {
        let (done, is_done) = oneshot::channel();
        if self.orders.send(Order { ids, done }).await.is_ok() {
            // An error says that the engine is stopping.
            let _ = is_done.await;
        }
    }
}

async fn work(cluster: Cluster, mut orders: mpsc::Receiver<Order>) {
    while let Some(first) = orders.recv().await {
        let mut ids = first.ids;
        let mut waiting = vec![first.done];
        while ids.len() < IDS_LEN_MAX {
            let Ok(Some(order)) = tokio::time::timeout(GAP, orders.recv()).await else { break };
            ids.extend(order.ids);
            waiting.push(order.done);
        }
        if let Err(failure) = cluster.cancel(&ids).await {
            tracing::debug!(?failure, "scancel");
        }
        for done in waiting {
            // An error says that nobody waits any more.
            let _ = done.send(());
        }
    }
}
