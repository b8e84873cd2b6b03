//! Runs attempts as jobs of a Slurm cluster that shares the project's folder: the same folder of
//! an attempt, the same report. See ADR 0039.
//!
//! ```text
//! launch ─► submit (one `sbatch` for all that are alike) ─► follow ─► report
//! adopt  ─► batch: handed to Slurm? ──────────────────────► follow
//!                                                             ▲
//!                        queue (one `squeue` for all) ────────┘
//! on a node: node ─► dagdeck attempt FOLDER
//! ```

use std::path::PathBuf;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::AbortHandle;

use crate::dag::Deck;
use crate::runtime::attempt::AttemptFolder;
use crate::runtime::executor::{
    AFTER_RESTART, Adopted, Ended, Executor, Held, Launcher, Prepared, named,
};
use crate::sched::Outcome;
use crate::types::executor::SlurmHeard;
use crate::types::{AttemptKey, LaunchToken};

mod batch;
mod cancel;
mod cluster;
mod follow;
mod job;
mod node;
mod queue;
mod submit;
pub(crate) mod trial;

use batch::Batches;
use cancel::Canceller;
use cluster::Cluster;
pub use node::{OnNode, node_main};
use queue::Queue;
use submit::{Desk, Expected, TICKETS_LEN_MAX, Ticket};

/// The Slurm executor; clones share its desk and its view of the queue.
#[derive(Clone)]
pub(crate) struct Slurm {
    cluster: Cluster,
    batches: Arc<Batches>,
    queue: Arc<Queue>,
    expected: Expected,
    tickets: mpsc::Sender<Ticket>,
    canceller: Canceller,
    /// What works on its behalf.
    tasks: Arc<[AbortHandle]>,
}

impl Slurm {
    /// Takes up what an earlier daemon left in `dir`. Nothing is asked of Slurm until an attempt
    /// is to run there; what it says then is told to `heard` as well.
    pub(crate) fn start(
        launcher: Launcher,
        deck: watch::Receiver<Arc<Deck>>,
        dir: PathBuf,
        heard: watch::Sender<SlurmHeard>,
    ) -> Self {
        let cluster = Cluster { launcher, deck };
        let (batches, queue) = (Arc::new(Batches::load(dir)), Arc::new(Queue::new(heard)));
        let expected = Expected::default();
        let (tickets, receiver) = mpsc::channel(TICKETS_LEN_MAX);
        let (canceller, cancels) = Canceller::new(cluster.clone());
        let desk = Desk {
            cluster: cluster.clone(),
            batches: batches.clone(),
            queue: queue.clone(),
            expected: expected.clone(),
            canceller: canceller.clone(),
            tickets: receiver,
        };
        let looks = {
            let (cluster, queue, batches) = (cluster.clone(), queue.clone(), batches.clone());
            async move { queue.look(&cluster, &batches).await }
        };
        let tasks = [tokio::spawn(desk.work()), tokio::spawn(looks), tokio::spawn(cancels)];
        let tasks = tasks.map(|task| task.abort_handle()).into();
        Self { cluster, batches, queue, expected, tickets, canceller, tasks }
    }
}

impl Executor for Slurm {
    fn launch(&self, attempt: Prepared) -> BoxFuture<'static, Ended> {
        launch(self.clone(), attempt).boxed()
    }

    fn adopt(&self, held: Held) -> BoxFuture<'static, Adopted> {
        adopt(self.clone(), held).boxed()
    }

    fn running(&self) -> Vec<(AttemptKey, LaunchToken)> {
        let folders = self.batches.folders().into_iter();
        folders.filter_map(|path| named(&AttemptFolder::new(path), None)).collect()
    }

    /// Jobs that become ready together go to Slurm together.
    fn expect(&self) -> Box<dyn Send> {
        Box::new(self.expected.one())
    }

    fn holds(&self, token: &LaunchToken) -> bool {
        !self.batches.places(token).is_empty()
    }

    fn settled(&self, token: &LaunchToken) {
        self.batches.forget(token);
    }

    fn let_go(&self) {
        for task in self.tasks.iter() {
            task.abort();
        }
    }
}

async fn launch(slurm: Slurm, attempt: Prepared) -> Ended {
    let Prepared { order, handover, held } = attempt;
    let (reply, answer) = oneshot::channel();
    let options = order.slurm.unwrap_or_default();
    let ticket = Ticket { held: held.clone(), options, handover, reply };
    let submitted = async {
        // Both errors say that the engine is stopping: the next one takes it up.
        match slurm.tickets.send(ticket).await {
            Ok(()) => answer.await.ok(),
            Err(_) => None,
        }
    };
    let submitted = tokio::select! {
        submitted = submitted => submitted,
        () = held.until_cancelled() => return follow::cancel(&slurm, &held).await,
    };
    match submitted {
        Some(Ok(())) => {}
        Some(Err(error)) => {
            held.note(&error).await;
            return Ended::Finished(Outcome::Failed { error, exit_code: None, retryable: true });
        }
        None => std::future::pending().await,
    }
    match follow::follow(&slurm, &held, None).await {
        Some(ended) => ended,
        None => Ended::Lost("Slurm took its job and does not know it".to_owned()),
    }
}

async fn adopt(slurm: Slurm, held: Held) -> Adopted {
    if let Some(outcome) = held.reported().await {
        return Adopted::Ended(Ended::Finished(outcome));
    }
    let is_cancelled = *held.cancelled.borrow();
    if !slurm.holds(&held.token) {
        return if is_cancelled { Adopted::Ended(Ended::Cancelled) } else { Adopted::Unstarted };
    }
    if is_cancelled {
        return Adopted::Ended(follow::cancel(&slurm, &held).await);
    }
    follow::follow(&slurm, &held, Some(AFTER_RESTART))
        .await
        .map_or(Adopted::Unstarted, Adopted::Ended)
}
