//! The steps of a roll-out, and the way back.

use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;

use super::judge::{Both, Judged};
use super::ledger::{Ledger, StepEnd};
use super::shares::give;
use super::strategy::Strategy;
use crate::runtime::operator::condition::number;
use crate::runtime::operator::error::OperatorError;
use crate::runtime::serving::ServingHandle;
use crate::runtime::task_log::TaskLog;
use crate::store::serving::rollout::Pending;
use crate::types::serving::{RolloutState, ServingStatus, TrafficChange};

/// One version on its way to all traffic.
pub(super) struct Rollout<'a> {
    pub(super) serving: &'a ServingHandle,
    pub(super) log: &'a TaskLog,
    pub(super) cancelled: &'a watch::Receiver<bool>,
    pub(super) ledger: Ledger<'a>,
    pub(super) model: &'a str,
    pub(super) version: u32,
}

/// What came of it.
#[derive(Debug, PartialEq)]
pub(super) struct RolledOut {
    /// The version that had most of the traffic before.
    pub(super) previous: Option<u32>,
    pub(super) steps: Vec<Step>,
}

/// One step that was taken.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Step {
    percent: u8,
    requests: u64,
    errors: u64,
    p99_ms: Option<f64>,
}

impl Rollout<'_> {
    pub(super) async fn carry_out(&self, strategy: &Strategy) -> Result<RolledOut, OperatorError> {
        let Self { model, version, log, .. } = *self;
        let present = self.status().await?;
        let weights = weights(&present);
        let own = weights.iter().find(|(v, _)| *v == version).map_or(0, |(_, weight)| *weight);
        let others = || weights.iter().filter(|(v, weight)| *v != version && *weight > 0);
        let previous = others().max_by_key(|(_, weight)| *weight).map(|(v, _)| *v);
        if own == 100 {
            self.ledger.end(RolloutState::Done, None).await?;
            log.say(&format!("`{model}` version {version} has all traffic already"));
            return Ok(RolledOut { previous, steps: Vec::new() });
        }
        let smoke = self.serving.load(model, version).await?;
        log.say(&format!(
            "loaded in {} ms; {} examples answered as after training, {} ms a row",
            number(smoke.load_ms),
            smoke.rows,
            number(smoke.predict_ms)
        ));
        if let Some(sticky) = &strategy.sticky {
            let change = TrafficChange::Sticky { by: Some(sticky.clone()) };
            self.serving.change_traffic(model, change).await?;
        }
        // A new try goes on where the traffic stands.
        let percents = if previous.is_none() { vec![100] } else { strategy.percents() };
        let percents = percents.into_iter().filter(|percent| *percent >= own).collect();
        let kept = self.ledger.begin(version, previous, percents).await?;
        let (percents, first) = (kept.rollout.percents, kept.rollout.step);
        if kept.wish == Some(Pending::Abort) {
            let reason = kept.rollout.reason.unwrap_or_default();
            return Err(self.go_back(&weights, OperatorError::Fatal(reason)).await);
        }
        if first > 0 || kept.rollout.state == RolloutState::Paused {
            let word = kept.rollout.state.word();
            log.say(&format!("goes on from step {} of {}, {word}", first + 1, percents.len()));
        }
        let mut steps = Vec::new();
        for (at, percent) in (0..).zip(percents).skip(first as usize) {
            match self.step((at, percent), &weights, previous, strategy).await {
                Ok(step) => steps.push(step),
                Err(error) => return Err(self.go_back(&weights, error).await),
            }
        }
        self.ledger.end(RolloutState::Done, None).await?;
        Ok(RolledOut { previous: kept.rollout.previous, steps })
    }

    /// Gives the version its percent and watches it for a while; at 100 it is through.
    async fn step(
        &self,
        (at, percent): (u32, u8),
        weights: &[(u32, u8)],
        previous: Option<u32>,
        strategy: &Strategy,
    ) -> Result<Step, OperatorError> {
        let takes = match percent {
            0 => strategy.shadow.unwrap_or_default(),
            100 => Duration::ZERO,
            _ => strategy.step,
        };
        let rolled_back =
            |why: &str| Err(OperatorError::Fatal(format!("rolled back at {percent} %: {why}")));
        // Somebody may have paused it between two steps.
        while !self.ledger.enter(at, takes).await? {
            if let StepEnd::Aborted(reason) = self.ledger.watch(self.cancelled).await? {
                return rolled_back(&reason);
            }
        }
        let at_first = self.status().await?;
        if percent == 0 {
            self.shadow(Some(self.version)).await?;
            self.log.say(&format!("version {} gets copies of all requests", self.version));
        } else {
            self.serving.set_traffic(self.model, give(weights, self.version, percent)).await?;
            self.log.say(&format!("{percent} % of the traffic goes to version {}", self.version));
        }
        let end = match percent {
            100 => StepEnd::InTime,
            _ => self.ledger.watch(self.cancelled).await?,
        };
        let at_last = self.status().await?;
        if percent == 0 {
            self.shadow(None).await?;
        }
        if let StepEnd::Aborted(reason) = end {
            return rolled_back(&reason);
        }
        let both = Both { model: self.model, version: self.version, previous };
        let judged = if percent == 0 {
            both.copies(&at_last, strategy)?
        } else {
            both.answers((&at_first, &at_last), (percent < 100).then_some(strategy))?
        };
        let Judged { requests, errors, p99_ms, excused, breach } = judged;
        if percent < 100 {
            let told = p99_ms.map_or(String::new(), |p99| format!(", p99 {} ms", number(p99)));
            self.log.say(&format!("at {percent} %: {requests} requests, {errors} errors{told}"));
        }
        for line in excused {
            self.log.say(&line);
        }
        match (breach, end) {
            (Some(why), StepEnd::Advanced) => {
                self.log.say(&format!("{why}; it goes on because somebody said so"));
            }
            (Some(why), _) => return rolled_back(&why),
            (None, _) => {}
        }
        Ok(Step { percent, requests, errors, p99_ms })
    }

    /// Sets the traffic back to what it was without the new version.
    async fn go_back(&self, weights: &[(u32, u8)], error: OperatorError) -> OperatorError {
        let reason = error.to_string();
        match self.ledger.decide_to_go_back(&reason).await {
            Ok(true) => {}
            // The traffic is another's, too.
            Ok(false) => return error,
            Err(unwritten) => self.log.say(&format!("not written: {unwritten}")),
        }
        let set_back = self.set_back(weights).await;
        if let Err(fault) = &set_back {
            return OperatorError::Passing(format!(
                "{error}; and the traffic could not be set back: {fault}"
            ));
        }
        match self.ledger.end(RolloutState::RolledBack, Some(reason)).await {
            Ok(()) => error,
            Err(unwritten) => OperatorError::Passing(format!("{error}; {unwritten}")),
        }
    }

    async fn set_back(&self, weights: &[(u32, u8)]) -> Result<(), OperatorError> {
        let present = self.status().await?;
        let copies = present.traffic_of(self.model).and_then(|traffic| traffic.shadow.as_ref());
        if copies.is_some_and(|shadow| shadow.version == self.version) {
            self.shadow(None).await?;
        }
        if weights.iter().all(|(v, weight)| *v == self.version || *weight == 0) {
            // There is nothing to go back to; what little there is serves better than nothing.
            return Ok(());
        }
        self.serving.set_traffic(self.model, give(weights, self.version, 0)).await?;
        self.log.say("the traffic is back where it was");
        Ok(())
    }

    async fn shadow(&self, version: Option<u32>) -> Result<(), OperatorError> {
        let change = TrafficChange::Shadow { version, percent: 100 };
        Ok(self.serving.change_traffic(self.model, change).await?)
    }

    async fn status(&self) -> Result<ServingStatus, OperatorError> {
        let mut status = self.serving.status().await?;
        status.versions.retain(|served| served.model == self.model);
        Ok(status)
    }
}

fn weights(status: &ServingStatus) -> Vec<(u32, u8)> {
    status.versions.iter().map(|served| (served.version, served.weight)).collect()
}

#[cfg(test)]
mod tests;
