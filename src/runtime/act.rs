//! Carries out effects, after the commit. Each attempt in flight is a task of its own here, so
//! that the engine's loop never waits for a template, a disk or a process.
//!
//! ```text
//! Launch ─► adopt? ─► prepare (order.json) ─► executor ─► Report ─► engine ─► settled
//! Kill   ─► cancelled = true ───────────────────┘
//! ```
//! Callbacks go their own way (`callback`): nothing waits for them.
//!
//! An attempt is known by its token from its launch until the engine has settled its report:
//! launching it again in between does nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::dag::{Deck, TaskSpec};
use crate::runtime::act::backfill::Question;
use crate::runtime::attempt::AttemptFolder;
use crate::runtime::executor::{Adopted, Ended, Executor, Held, Prepared};
use crate::runtime::handle::Handle;
use crate::runtime::layout::Layout;
use crate::runtime::operator;
use crate::runtime::pass::TrackingDoor;
use crate::runtime::promotion::off_thread;
use crate::runtime::publish::Publisher;
use crate::runtime::trigger::Triggers;
use crate::sched::effect::Launch;
use crate::sched::{Arm, Effect, Outcome, Report};
use crate::store::{self, Store};
use crate::tracking;
use crate::types::event::Event;
use crate::types::executor::ExecutorKind;
use crate::types::run::DagRunKey;
use crate::types::{AttemptKey, Clock, Fault, LaunchToken};

mod again;
mod backfill;
mod callback;
mod context;
mod mapping;
mod order;
pub(crate) mod removal;
mod secrets;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use again::hand_again;
pub(crate) use callback::Callbacks;
pub(crate) use order::as_written;

/// Carries out effects; clones share what is in flight.
#[derive(Clone)]
pub(crate) struct Actor {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) layout: Layout,
    pub(crate) store: Store,
    pub(crate) handle: Handle,
    pub(crate) publisher: Publisher,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) deck: watch::Receiver<Arc<Deck>>,
    pub(crate) executors: Executors,
    pub(crate) triggers: Triggers,
    pub(crate) tracking: Option<TrackingDoor>,
    /// As many as `max_active_tasks` and pools admit.
    pub(crate) in_flight: Mutex<BTreeMap<LaunchToken, InFlight>>,
    pub(crate) callbacks: Callbacks,
}

/// Where attempts run, by their task and the placement of its operator.
pub(crate) struct Executors {
    pub(crate) local: Arc<dyn Executor>,
    pub(crate) slurm: Arc<dyn Executor>,
    pub(crate) in_daemon: Arc<dyn Executor>,
}

pub(crate) struct InFlight {
    cancel: watch::Sender<bool>,
    task: AbortHandle,
}

/// Returns the texts of a deck that no log may show.
pub(crate) fn secrets_of(deck: &Deck) -> Vec<String> {
    let mut texts = secrets::Variables::new(deck).mask;
    texts.extend(deck.connections.values().flat_map(secrets::of_connection));
    let login = deck.tracking.server.as_ref().and_then(|server| server.login.as_ref());
    texts.extend(login.iter().flat_map(|login| login.secrets()));
    texts
}

/// How an attempt comes to be in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// It was decided just now.
    Decided,
    /// The store says so; it may have been launched before.
    Recovered,
}

impl Actor {
    pub(crate) fn new(shared: Shared) -> Self {
        Self { shared: Arc::new(shared) }
    }

    /// Does one thing; returns at once.
    pub(crate) fn carry_out(&self, effect: Effect) {
        match effect {
            Effect::Launch(launch) => self.take_up(launch, Origin::Decided),
            Effect::Arm(arm) => self.shared.triggers.arm(arm),
            Effect::Kill { key, token, reason } => self.kill(key, token, &reason),
            Effect::RemoveRun { run, removal } => self.remove_run(&run, removal),
            Effect::ReadBackfill { dag_id, token, logical_dates, dag_run_ids, with_tasks } => {
                let question = Question { dag_id, token, logical_dates, dag_run_ids, with_tasks };
                tokio::spawn(backfill::answer(self.shared.clone(), question));
            }
            Effect::CallBack(request) => self.call_back(*request),
        }
    }

    /// Moves the folder away before anything else is done: a run may be made anew under its id.
    fn remove_run(&self, run: &DagRunKey, removal: String) {
        if removal::move_away(&self.shared.layout, run, &removal) {
            let shared = self.shared.clone();
            tokio::spawn(
                async move { removal::finish(&shared.layout, &shared.store, removal).await },
            );
        }
    }

    /// Has a worker ready.
    pub(crate) fn warm_up(&self) {
        self.shared.executors.local.warm_up();
    }

    /// Takes up an attempt that the store holds to be in flight.
    pub(crate) fn adopt(&self, launch: Launch) {
        self.take_up(launch, Origin::Recovered);
    }

    /// Looks after what the store holds to be deferred, and nothing else.
    pub(crate) fn arm_all(&self, arms: Vec<Arm>) {
        self.shared.triggers.reset(arms);
    }

    /// Ends an attempt, also one that only its folder tells of.
    pub(crate) fn kill(&self, key: AttemptKey, token: LaunchToken, reason: &str) {
        tracing::info!(attempt = %key, reason, "ending an attempt");
        let (_, cancelled) = watch::channel(true);
        let held = self.hold(key, token, cancelled);
        let line = format!("the attempt is ended: {reason}");
        let noted = held.clone();
        tokio::spawn(async move { noted.note(&line).await });
        if self.shared.triggers.disarm(&held.token) {
            return;
        }
        if let Some(attempt) = self.in_flight().get(&held.token) {
            // An error says that it has ended.
            let _ = attempt.cancel.send(true);
            return;
        }
        let shared = self.shared.clone();
        tokio::spawn(async move {
            let Executors { local, slurm, .. } = &shared.executors;
            if slurm.holds(&held.token) {
                slurm.adopt(held.clone()).await;
                slurm.settled(&held.token);
            } else {
                local.adopt(held).await;
            }
        });
    }

    /// Forgets an attempt whose end, or whose wait, is durable.
    pub(crate) fn settled(&self, token: &LaunchToken) {
        self.shared.executors.slurm.settled(token);
        if self.in_flight().remove(token).is_none() {
            // It was waiting. A repair may have armed it again between its answer and now.
            self.shared.triggers.disarm(token);
        }
    }

    /// Ends what runs but should not: attempts whose end was decided by a decision that the
    /// store kept and this process lost.
    pub(crate) fn end_all_but(&self, wanted: &dyn Fn(&LaunchToken) -> bool) {
        for (token, attempt) in self.in_flight().iter() {
            if !wanted(token) {
                let _ = attempt.cancel.send(true);
            }
        }
    }

    /// As `end_all_but`, for processes and jobs that an earlier daemon left.
    pub(crate) fn sweep(&self, wanted: &dyn Fn(&LaunchToken) -> bool) {
        let Executors { local, slurm, .. } = &self.shared.executors;
        for (key, token) in slurm.running().into_iter().chain(local.running()) {
            if !wanted(&token) {
                self.kill(key, token, "nobody waits for it any more");
            }
        }
    }

    /// Lets go of everything: processes go on and are adopted by the next engine.
    pub(crate) fn let_go(&self) {
        self.shared.triggers.stop();
        for attempt in self.in_flight().values() {
            attempt.task.abort();
        }
        self.shared.executors.slurm.let_go();
        self.shared.callbacks.let_go();
    }

    fn take_up(&self, launch: Launch, origin: Origin) {
        let mut in_flight = self.in_flight();
        if in_flight.contains_key(&launch.token) {
            return;
        }
        let token = launch.token.clone();
        let (cancel, cancelled) = watch::channel(false);
        let held = self.hold(launch.key.clone(), token.clone(), cancelled);
        let shared = self.shared.clone();
        let task = tokio::spawn(supervise(shared, launch, held, origin)).abort_handle();
        in_flight.insert(token, InFlight { cancel, task });
    }

    fn hold(&self, key: AttemptKey, token: LaunchToken, cancelled: watch::Receiver<bool>) -> Held {
        let folder = AttemptFolder::new(self.shared.layout.attempt_dir(&key));
        Held::new(key, token, folder, cancelled, self.shared.handle.clone())
    }

    fn in_flight(&self) -> MutexGuard<'_, BTreeMap<LaunchToken, InFlight>> {
        self.shared.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sees one attempt from its launch to its report.
async fn supervise(shared: Arc<Shared>, launch: Launch, held: Held, origin: Origin) {
    let (key, token) = (held.key.clone(), held.token.clone());
    let task = launch.dag.tasks.get(&launch.task_id);
    let observes = task.is_some_and(|task| task.operator.observes());
    let ended = run(&shared, launch, &held, origin).await;
    tracing::trace!(step = "ended", attempt = %key);
    if ended.leaves_runs_behind() {
        end_tracked_runs(&shared, &token).await;
    }
    if matches!(ended, Ended::Finished(_)) && observes {
        keep_observed(&shared, &held).await;
    }
    let report = match ended {
        Ended::Finished(outcome) => Report::Finished { key, token, outcome },
        Ended::Deferred(deferral) => Report::Deferred { key, token, deferral },
        Ended::Lost(reason) => Report::Lost { key, token, reason },
        Ended::Cancelled => {
            let mut in_flight = shared.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
            in_flight.remove(&token);
            shared.executors.slurm.settled(&token);
            return;
        }
    };
    held.ended(report).await;
}

async fn run(shared: &Shared, launch: Launch, held: &Held, origin: Origin) -> Ended {
    let Executors { local, slurm, in_daemon } = &shared.executors;
    let task = launch.dag.tasks.get(&launch.task_id);
    let executor = match task.map_or(ExecutorKind::Daemon, TaskSpec::executor) {
        ExecutorKind::Daemon => in_daemon,
        ExecutorKind::Slurm => slurm,
        ExecutorKind::Local => local,
    };
    if origin == Origin::Recovered
        && let Adopted::Ended(ended) = executor.adopt(held.clone()).await
    {
        return ended;
    }
    let expected = executor.expect();
    let deck = shared.deck.borrow().clone();
    let begins = !executor.begins_folders();
    let prepared = tokio::select! {
        biased;
        prepared = order::prepare(shared, deck, &launch, begins) => prepared,
        () = held.until_cancelled() => return Ended::Cancelled,
    };
    match prepared {
        Ok((order, handover)) => {
            tracing::trace!(step = "prepared", attempt = %held.key);
            drop(expected);
            executor.launch(Prepared { order, handover, held: held.clone() }).await
        }
        Err(outcome) => {
            if let Outcome::Failed { error, .. } = &outcome {
                held.note(error).await;
            }
            Ended::Finished(outcome)
        }
    }
}

impl Ended {
    /// Says whether tracked runs may have been left `RUNNING`.
    fn leaves_runs_behind(&self) -> bool {
        match self {
            Self::Finished(outcome) => matches!(outcome, Outcome::Failed { .. }),
            Self::Deferred(_) => false,
            Self::Lost(_) | Self::Cancelled => true,
        }
    }
}

/// Keeps what the attempt says that it read, wrote and checked, before its report counts: who hears
/// of the one finds the other. Told again after a crash, it is the same.
async fn keep_observed(shared: &Shared, held: &Held) {
    let folder = held.folder.path().to_owned();
    let read = off_thread(move || Ok(operator::observed::read(&folder))).await;
    let Ok(Some(observed)) = read else { return };
    let (key, now) = (held.key.clone(), shared.clock.now());
    let kept = shared.store.write(move |tx| store::observed::put(tx, &key, &observed, now)).await;
    if let Err(error) = kept {
        tracing::warn!(%error, attempt = %held.key, "could not keep what an attempt observed");
    }
}

async fn end_tracked_runs(shared: &Shared, token: &LaunchToken) {
    let (store, token, now) = (shared.store.clone(), token.clone(), shared.clock.now());
    let ended = off_thread(move || {
        tracking::run::end_abandoned(&store, token.as_str(), now).map_err(Fault::from)
    })
    .await;
    match ended {
        Ok(0) => {}
        Ok(_) => shared.publisher.publish(Event::TrackingChanged),
        Err(error) => tracing::warn!(%error, "could not end the runs of an attempt"),
    }
}
