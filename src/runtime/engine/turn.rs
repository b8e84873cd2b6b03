//! One turn of the loop: wait, decide, commit, act, publish, answer.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::dag::Deck;
use crate::runtime::act::Actor;
use crate::runtime::engine::batch::{Batch, Durable};
use crate::runtime::engine::live::Changed;
use crate::runtime::engine::recover::{self, Recovery};
use crate::runtime::engine::{EngineParts, Live, live, summary};
use crate::runtime::executor::process::panic_text;
use crate::runtime::handle::Asked;
#[cfg(test)]
use crate::runtime::simulation;
use crate::sched::{Decided, Input, Rejected, Report, State, step};
use crate::store::{asset, meta};
use crate::types::callback::CallbackRequest;
use crate::types::{AttemptKey, Fault, FaultKind, LaunchToken, Timestamp};

/// How many inputs share one commit: enough for one fsync to carry a burst, few enough that
/// nobody waits long for the others' decisions.
const BATCH_LEN_MAX: usize = 256;

/// The clock may jump (a laptop that slept, a clock set by hand): it is looked at this often.
const WAKE_MAX: Duration = Duration::from_secs(1);

/// Between two ticks, so that a wake-up that is always due cannot spin.
const TICK_PAUSE: Duration = Duration::from_millis(20);

/// How long it may take until it is durable that an attempt has started: its end, or whatever
/// else is decided until then, takes it along. What a crash takes of it the next adoption tells.
const PATIENCE: Duration = Duration::from_millis(25);

/// Between two tries of what could not be committed.
const RETRY_MIN: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(5);

/// When the store could be written again after it could not, in `meta`.
const PROBED: &str = "written_again_at";

/// All that the engine's task owns.
pub(super) struct Loop {
    parts: EngineParts,
    state: State,
    actor: Actor,
    channels: Channels,
    /// Inputs whose commit failed, oldest first.
    held: Vec<Asked>,
    /// How long to wait with them; `None` where the last commit went well.
    retry: Option<Duration>,
    /// Until when `held`, which is in no hurry, waits for company.
    patient_until: Option<Instant>,
    tick_after: Instant,
}

/// What leads into the loop and out of it.
pub(super) struct Channels {
    pub(super) inputs: mpsc::Receiver<Asked>,
    /// Resolves when the loop is to end.
    pub(super) stop: oneshot::Receiver<()>,
    pub(super) live: watch::Sender<Arc<Live>>,
    /// The definitions in force, for what is being launched.
    pub(super) deck: watch::Sender<Arc<Deck>>,
}

fn end_orphans(actor: &Actor, orphans: Vec<(AttemptKey, LaunchToken)>) {
    for (key, token) in orphans {
        actor.kill(key, token, "its DAG is gone");
    }
}

fn take_up_callbacks(actor: &Actor, callbacks: Vec<CallbackRequest>) {
    for request in callbacks {
        actor.call_back(request);
    }
}

impl Loop {
    pub(super) fn new(
        parts: EngineParts,
        recovery: Recovery,
        actor: Actor,
        channels: Channels,
    ) -> Self {
        end_orphans(&actor, recovery.orphans);
        take_up_callbacks(&actor, recovery.callbacks);
        Self {
            parts,
            state: recovery.state,
            actor,
            channels,
            held: Vec::new(),
            retry: None,
            patient_until: None,
            tick_after: Instant::now(),
        }
    }

    /// Turns until it is stopped.
    pub(super) async fn run(mut self) {
        loop {
            let wake = self.wake_after();
            let mut asked = Vec::new();
            tokio::select! {
                biased;
                // An error says that the engine was dropped.
                _ = &mut self.channels.stop => break,
                count = self.channels.inputs.recv_many(&mut asked, BATCH_LEN_MAX) => {
                    if count == 0 {
                        break;
                    }
                }
                () = tokio::time::sleep(wake) => {}
            }
            let mut batch = std::mem::take(&mut self.held);
            batch.append(&mut asked);
            batch.extend(self.tick());
            if self.may_wait(&batch) {
                let now = self.parts.clock.now();
                batch.iter_mut().for_each(|one| one.seen = one.seen.or(Some(now)));
                self.held = batch;
                continue;
            }
            if batch.is_empty() {
                self.probe().await;
            } else if self.turn(batch).await.is_err() && !self.repair().await {
                break;
            }
        }
        self.actor.let_go();
    }

    /// Says whether inputs may wait for others to share a commit with.
    fn may_wait(&mut self, batch: &[Asked]) -> bool {
        let is_start = |one: &Asked| matches!(one.input, Input::Report(Report::Started { .. }));
        if self.retry.is_some() || batch.is_empty() || !batch.iter().all(is_start) {
            self.patient_until = None;
            return false;
        }
        let now = Instant::now();
        if *self.patient_until.get_or_insert(now + PATIENCE) > now {
            return true;
        }
        self.patient_until = None;
        false
    }

    /// Takes the first inputs. Where they cannot be committed the engine does not start.
    pub(super) async fn first(&mut self, inputs: Vec<Asked>) -> Result<(), Fault> {
        let turned = self.turn(inputs).await;
        if turned.is_err() {
            self.actor.let_go();
        }
        turned
    }

    /// Has ready what attempts need to be started.
    pub(super) fn warm_up(&self) {
        self.actor.warm_up();
    }

    /// Takes up what the store holds to be in flight, and what it holds to be deferred.
    pub(super) fn adopt_all(&self) {
        self.actor.arm_all(recover::deferred(&self.state));
        for launch in recover::in_flight(&self.state) {
            self.actor.adopt(launch);
        }
    }

    /// Ends processes that nobody waits for any more.
    pub(super) fn sweep(&self) {
        let wanted = self.tokens();
        self.actor.sweep(&|token| wanted.contains(token));
    }

    async fn turn(&mut self, inputs: Vec<Asked>) -> Result<(), Fault> {
        let mut batch = Batch::default();
        if let Err(fault) = self.recall(&inputs).await {
            tracing::error!(%fault, "could not read the store; it will be tried again");
            self.held = batch.give_back(inputs, &fault);
            return Err(fault);
        }
        let mut inputs = inputs.into_iter();
        while let Some(asked) = inputs.next() {
            let now = asked.seen.unwrap_or_else(|| self.parts.clock.now());
            let (input, answer) = batch.begin(asked);
            match self.decide(now, input) {
                Ok(decided) => batch.decided(decided, answer),
                Err(fault) => {
                    batch.refuse(answer);
                    self.held = batch.failed(&fault);
                    self.held.extend(inputs);
                    return Err(fault);
                }
            }
        }
        self.state.known_asset_changes.clear();
        let changes = summary::summed_up(std::mem::take(&mut batch.changes));
        let changed = Changed::of(&changes);
        let has_changed = !changes.is_empty();
        if has_changed {
            tracing::trace!(step = "decided");
            if let Err(error) = self.parts.store.commit(changes).await {
                let fault = Fault::from(error);
                tracing::error!(%fault, "could not commit; it will be tried again");
                live::publish_trouble(&self.channels.live, Some(&fault));
                self.held = batch.failed(&fault);
                return Err(fault);
            }
            tracing::trace!(step = "committed");
        }
        #[cfg(test)]
        simulation::settled(&self.state, self.parts.clock.now());
        if has_changed {
            self.is_well();
        }
        self.carry_on(batch.durable(), changed);
        Ok(())
    }

    /// Looks whether the store can be written again, where nothing else is to be written.
    async fn probe(&mut self) {
        if self.retry.is_none() {
            return;
        }
        let now = self.parts.clock.now().to_string();
        if self.parts.store.write(move |tx| meta::put(tx, PROBED, &now)).await.is_ok() {
            self.is_well();
        } else {
            self.retry = self.retry.map(|last| (last * 2).min(RETRY_MAX));
        }
    }

    /// The store has been written.
    fn is_well(&mut self) {
        self.retry = None;
        live::publish_trouble(&self.channels.live, None);
    }

    /// Tells the state which asset events it knows among those that the inputs bring.
    async fn recall(&mut self, inputs: &[Asked]) -> Result<(), Fault> {
        let keys: Vec<String> = inputs.iter().flat_map(|one| one.input.dedupe_keys()).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let known = self.parts.store.read(move |conn| asset::known_keys(conn, &keys)).await?;
        self.state.known_asset_changes.extend(known);
        Ok(())
    }

    /// A panic is a bug, and the state may be anything after it: the input is dropped, and the
    /// state is repaired.
    fn decide(&mut self, now: Timestamp, input: Input) -> Result<Result<Decided, Rejected>, Fault> {
        #[cfg(test)]
        let asked = simulation::is_on().then(|| input.clone());
        let state = &mut self.state;
        let decided = catch_unwind(AssertUnwindSafe(|| step(state, now, input)));
        #[cfg(test)]
        simulation::decided(asked.as_ref(), &decided);
        decided.map_err(|panic| {
            let text = panic_text(&*panic);
            tracing::error!(panic = text, "the scheduler failed on an input; it is dropped");
            Fault::new(FaultKind::Internal, format!("the scheduler failed: {text}"))
        })
    }

    fn carry_on(&mut self, durable: Durable, changed: Changed) {
        if !Arc::ptr_eq(&self.channels.deck.borrow(), &self.state.deck) {
            self.channels.deck.send_replace(self.state.deck.clone());
            live::publish(&self.channels.live, &self.state, Changed::Dags);
        } else if changed != Changed::Nothing {
            live::publish(&self.channels.live, &self.state, changed);
        }
        for effect in durable.effects {
            self.actor.carry_out(effect);
            tracing::trace!(step = "carried out");
        }
        for event in durable.events {
            self.parts.publisher.publish(event);
        }
        for (answer, reply) in durable.answers {
            // An error says that the caller has gone; it is done all the same.
            let _ = answer.send(reply);
            tracing::trace!(step = "answered");
        }
        for token in durable.settled {
            self.actor.settled(&token);
        }
    }

    /// Brings the state back to what the store says, as often as it takes. `false`: stopped
    /// meanwhile.
    async fn repair(&mut self) -> bool {
        // Not the state's: that one may have taken definitions that were not committed.
        let deck = self.channels.deck.borrow().clone();
        loop {
            let pause = self.retry.map_or(RETRY_MIN, |last| (last * 2).min(RETRY_MAX));
            self.retry = Some(pause);
            let now = self.parts.clock.now();
            match recover::recover(&self.parts.store, &deck, now).await {
                Ok(recovery) => {
                    self.take_over(recovery);
                    return true;
                }
                Err(fault) => tracing::error!(%fault, "could not recover; it will be tried again"),
            }
            tokio::select! {
                _ = &mut self.channels.stop => return false,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    fn take_over(&mut self, recovery: Recovery) {
        self.state = recovery.state;
        end_orphans(&self.actor, recovery.orphans);
        take_up_callbacks(&self.actor, recovery.callbacks);
        let wanted = self.tokens();
        self.actor.end_all_but(&|token| wanted.contains(token));
        self.adopt_all();
        live::publish(&self.channels.live, &self.state, Changed::Dags);
    }

    fn tokens(&self) -> BTreeSet<LaunchToken> {
        recover::in_flight(&self.state).into_iter().map(|launch| launch.token).collect()
    }

    /// Makes a tick where one is due.
    fn tick(&mut self) -> Option<Asked> {
        let (now, instant) = (self.parts.clock.now(), Instant::now());
        let is_due = self.state.next_wakeup(now).is_some_and(|wakeup| wakeup <= now);
        if !is_due || instant < self.tick_after {
            return None;
        }
        self.tick_after = instant + TICK_PAUSE;
        Some(Asked { input: Input::Tick, reply: None, seen: None })
    }

    /// How long to sleep where nothing comes in.
    fn wake_after(&self) -> Duration {
        if let Some(pause) = self.retry {
            return pause;
        }
        if let Some(until) = self.patient_until {
            return until.saturating_duration_since(Instant::now());
        }
        let now = self.parts.clock.now();
        let Some(wakeup) = self.state.next_wakeup(now) else { return WAKE_MAX };
        let until = Duration::try_from(wakeup.duration_since(now)).unwrap_or(Duration::ZERO);
        let paused = self.tick_after.saturating_duration_since(Instant::now());
        until.max(paused).min(WAKE_MAX)
    }
}
