//! Where a roll-out stands, in the store: a step is written before the traffic moves, so that
//! whoever goes on after a crash goes on from there, and people may steer it meanwhile.

use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use crate::runtime::operator::error::OperatorError;
use crate::runtime::operator::waiting::wait;
use crate::runtime::publish::Publisher;
use crate::store::Store;
use crate::store::serving::rollout::{self, Kept, Pending};
use crate::types::event::{Event, NumberedEvent};
use crate::types::serving::{RolloutState, RolloutView};
use crate::types::time::now;
use crate::types::{LaunchToken, Timestamp};

/// The roll-out of one attempt, as it is kept.
pub(super) struct Ledger<'a> {
    pub(super) store: &'a Store,
    pub(super) publisher: &'a Publisher,
    pub(super) model: &'a str,
    pub(super) token: &'a LaunchToken,
    /// For people.
    pub(super) task: String,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StepEnd {
    InTime,
    /// Somebody wants the next one.
    Advanced,
    /// Somebody, or this attempt before a crash, wants the traffic back; with the reason.
    Aborted(String),
}

impl Ledger<'_> {
    /// Begins a roll-out, or goes on with this attempt's own.
    pub(super) async fn begin(
        &self,
        version: u32,
        previous: Option<u32>,
        percents: Vec<u8>,
    ) -> Result<Kept, OperatorError> {
        let rollout = RolloutView {
            model: self.model.to_owned(),
            version,
            previous,
            percents,
            step: 0,
            state: RolloutState::Running,
            ends_at: None,
            left_ms: None,
            started_at: now(),
            ended_at: None,
            reason: None,
            task: self.task.clone(),
        };
        let fresh = Kept { rollout, token: self.token.clone(), wish: None };
        let kept = self.store.write(move |tx| {
            let own = rollout::of(tx, &fresh.rollout.model)?;
            let own = own.filter(|kept| kept.token == fresh.token && kept.rollout.state.is_open());
            match own {
                Some(own) => Ok(own),
                None => rollout::put(tx, &fresh).map(|()| fresh),
            }
        });
        let kept = kept.await?;
        self.publisher.publish(Event::ServingChanged);
        Ok(kept)
    }

    /// Writes that a step begins and how long it takes. A pause stays one where it is the step
    /// that stood already. Says `false` where somebody has paused or aborted the step before it.
    pub(super) async fn enter(&self, step: u32, takes: Duration) -> Result<bool, OperatorError> {
        let entered = self.change(move |kept, now| {
            let is_next = kept.rollout.step != step;
            let is_held = kept.rollout.state == RolloutState::Paused && kept.wish.is_none();
            if is_next && (is_held || kept.wish == Some(Pending::Abort)) {
                return false;
            }
            kept.rollout.step = step;
            if is_next {
                kept.wish = kept.wish.filter(|wish| *wish != Pending::Advance);
                kept.rollout.state = RolloutState::Running;
            }
            if kept.rollout.state == RolloutState::Running {
                kept.rollout.ends_at = Some(after(now, takes));
                kept.rollout.left_ms = None;
            }
            true
        });
        entered.await?.ok_or_else(|| superseded(self.model))
    }

    /// Waits until the step ends; as long as it is paused it does not.
    pub(super) async fn watch(
        &self,
        cancelled: &watch::Receiver<bool>,
    ) -> Result<StepEnd, OperatorError> {
        let mut events = self.publisher.subscribe();
        loop {
            let kept = self.own().await?;
            match kept.wish {
                Some(Pending::Abort) => {
                    return Ok(StepEnd::Aborted(kept.rollout.reason.unwrap_or_default()));
                }
                Some(Pending::Advance) => return Ok(StepEnd::Advanced),
                None => {}
            }
            let left = match kept.rollout.state {
                RolloutState::Paused => Duration::from_hours(1),
                _ => Duration::from_millis(kept.rollout.left_ms(now()).unwrap_or(0)),
            };
            if left.is_zero() {
                return Ok(StepEnd::InTime);
            }
            tokio::select! {
                waited = wait(left, cancelled) => waited?,
                () = serving_changed(&mut events) => {}
            }
        }
    }

    /// Decides that the traffic goes back; durable before it does. Says `false` where it is
    /// another attempt's by now.
    pub(super) async fn decide_to_go_back(&self, reason: &str) -> Result<bool, OperatorError> {
        let reason = reason.to_owned();
        let decided = self.change(move |kept, _| {
            kept.wish = Some(Pending::Abort);
            kept.rollout.reason = Some(reason);
        });
        Ok(decided.await?.is_some())
    }

    /// Writes that it is over, where it is this attempt's own and under way.
    pub(super) async fn end(
        &self,
        state: RolloutState,
        reason: Option<String>,
    ) -> Result<(), OperatorError> {
        let (model, token) = (self.model.to_owned(), self.token.clone());
        let ended = self.store.write(move |tx| match rollout::of(tx, &model)? {
            Some(kept) if kept.token == token => rollout::end(tx, &model, (state, reason), now()),
            _ => Ok(()),
        });
        ended.await?;
        self.publisher.publish(Event::ServingChanged);
        Ok(())
    }

    async fn own(&self) -> Result<Kept, OperatorError> {
        let model = self.model.to_owned();
        let kept = self.store.read(move |conn| rollout::of(conn, &model)).await?;
        kept.filter(|kept| kept.token == *self.token).ok_or_else(|| superseded(self.model))
    }

    /// Changes what is kept; `None` where it is another attempt's by now.
    async fn change<R: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Kept, Timestamp) -> R + Send + 'static,
    ) -> Result<Option<R>, OperatorError> {
        let (model, token) = (self.model.to_owned(), self.token.clone());
        let changed = self.store.write(move |tx| {
            let Some(mut kept) = rollout::of(tx, &model)?.filter(|kept| kept.token == token) else {
                return Ok(None);
            };
            let result = change(&mut kept, now());
            rollout::put(tx, &kept).map(|()| Some(result))
        });
        let changed = changed.await?;
        self.publisher.publish(Event::ServingChanged);
        Ok(changed)
    }
}

fn superseded(model: &str) -> OperatorError {
    OperatorError::Fatal(format!("another deployment of `{model}` has taken over"))
}

fn after(now: Timestamp, takes: Duration) -> Timestamp {
    let millis = i64::try_from(takes.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(now.as_millisecond().saturating_add(millis))
        .unwrap_or(Timestamp::MAX)
}

async fn serving_changed(events: &mut Receiver<NumberedEvent>) {
    loop {
        match events.recv().await {
            Ok(event) if event.event != Event::ServingChanged => {}
            Ok(_) | Err(RecvError::Lagged(_)) => return,
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
