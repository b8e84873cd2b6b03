//! Runs an attempt inside the daemon: operators that wait and decide. What was in flight when a
//! daemon ended is run again with the same token, which those operators know.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use crate::dag::Deck;
use crate::dag::operator::Operator;
use crate::runtime::attempt::AttemptReport;
use crate::runtime::executor::process::panic_text;
use crate::runtime::executor::{Adopted, Ended, Executor, Held, Prepared, handover};
use crate::runtime::layout::Layout;
use crate::runtime::operator::{self, DaemonContext, Work};
use crate::runtime::publish::Publisher;
use crate::runtime::serving::ServingHandle;
use crate::runtime::task_log::TaskLog;
use crate::runtime::xcom;
use crate::sched::Outcome;
use crate::store::Store;
use crate::types::deferral::Deferral;
use crate::types::executor::TryPlace;
use crate::types::{AttemptKey, Clock, LaunchToken};

/// How long an operator has to end by itself once it is cancelled: longer than it takes itself to
/// set things right.
const GRACE: Duration = Duration::from_secs(10);

/// The executor inside the daemon.
#[derive(Clone)]
pub(crate) struct InDaemon {
    pub(crate) layout: Layout,
    pub(crate) store: Store,
    pub(crate) publisher: Publisher,
    pub(crate) serving: ServingHandle,
    pub(crate) clock: Arc<dyn Clock>,
    /// The definitions in force.
    pub(crate) deck: watch::Receiver<Arc<Deck>>,
}

impl Executor for InDaemon {
    fn launch(&self, attempt: Prepared) -> BoxFuture<'static, Ended> {
        launch(self.clone(), attempt).boxed()
    }

    fn adopt(&self, held: Held) -> BoxFuture<'static, Adopted> {
        async move { held.left_behind().await }.boxed()
    }

    /// What ran inside a daemon ended with it.
    fn running(&self) -> Vec<(AttemptKey, LaunchToken)> {
        Vec::new()
    }
}

async fn launch(executor: InDaemon, attempt: Prepared) -> Ended {
    let Prepared { mut order, handover, held } = attempt;
    let written = order.args.clone();
    handover.fill(&mut order);
    let only_decides = Operator::named(&order.operator).is_some_and(Operator::only_decides);
    let log = Arc::new(TaskLog::lazy(held.folder.path(), handover.private.mask.clone()));
    if !only_decides {
        held.started(None, TryPlace::default()).await;
    }
    let context = DaemonContext {
        order: order.clone(),
        written,
        private: handover.private,
        deck: executor.deck.borrow().clone(),
        layout: executor.layout.clone(),
        store: executor.store.clone(),
        handle: held.handle.clone(),
        publisher: executor.publisher.clone(),
        serving: executor.serving.clone(),
        log: log.clone(),
        cancelled: held.cancelled.clone(),
    };
    let work = AssertUnwindSafe(operator::run_in_daemon(context)).catch_unwind();
    let overdue = async {
        held.until_cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    let work = tokio::select! {
        work = work => work.unwrap_or_else(|panic| {
            let text = format!("the operator panicked: {}", panic_text(&*panic));
            Work::Done(Outcome::fatal(text))
        }),
        () = overdue => return Ended::Cancelled,
    };
    if *held.cancelled.borrow() {
        return Ended::Cancelled;
    }
    tracing::trace!(step = "worked", attempt = %held.key);
    let mut outcome = match work {
        Work::Done(outcome) => outcome,
        Work::Deferred(deferral) => {
            let note = log.masked(&deferral.note);
            return Ended::Deferred(Deferral { note, ..deferral });
        }
    };
    handover::mask(&mut outcome, &log);
    if only_decides {
        return Ended::Finished(xcom::spill(outcome, &order));
    }
    let outcome = tokio::task::spawn_blocking(move || xcom::spill(outcome, &order)).await;
    let outcome =
        outcome.unwrap_or_else(|error| Outcome::failed(format!("keep the outputs: {error}")));
    report(&executor, &held, &outcome).await;
    Ended::Finished(outcome)
}

/// A report that cannot be written costs nothing but a second run after a crash.
async fn report(executor: &InDaemon, held: &Held, outcome: &Outcome) {
    let report = AttemptReport {
        token: held.token.clone(),
        finished_at: executor.clock.now(),
        outcome: outcome.clone(),
    };
    let folder = held.folder.clone();
    let written = tokio::task::spawn_blocking(move || folder.write_report(&report)).await;
    if let Ok(Err(error)) = written {
        tracing::warn!(attempt = %held.key, %error, "could not write the report");
    }
}
