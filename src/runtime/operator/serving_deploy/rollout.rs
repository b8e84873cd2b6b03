//! The steps of a roll-out, and the way back.

use serde::Serialize;
use tokio::sync::watch;

use super::shares::give;
use super::strategy::{Strategy, counts};
use crate::runtime::operator::condition::number;
use crate::runtime::operator::error::OperatorError;
use crate::runtime::operator::waiting::wait;
use crate::runtime::serving::ServingHandle;
use crate::runtime::task_log::TaskLog;
use crate::types::serving::ServedVersion;

/// One version on its way to all traffic.
pub(super) struct Rollout<'a> {
    pub(super) serving: &'a ServingHandle,
    pub(super) log: &'a TaskLog,
    pub(super) cancelled: &'a watch::Receiver<bool>,
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
        let present = self.versions().await?;
        let weights: Vec<_> =
            present.iter().map(|served| (served.version, served.weight)).collect();
        let own = weights.iter().find(|(v, _)| *v == version).map_or(0, |(_, weight)| *weight);
        let others = || weights.iter().filter(|(v, weight)| *v != version && *weight > 0);
        let previous = others().max_by_key(|(_, weight)| *weight).map(|(v, _)| *v);
        if own == 100 {
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
        let percents = if previous.is_none() { &[100][..] } else { &strategy.percents };
        // After a crash the roll-out goes on where the traffic stands.
        let percents = percents.iter().copied().filter(|percent| *percent >= own);
        let mut steps = Vec::new();
        for percent in percents {
            match self.step(percent, &weights, previous, strategy).await {
                Ok(step) => steps.push(step),
                Err(error) => return Err(self.go_back(&weights, error).await),
            }
        }
        Ok(RolledOut { previous, steps })
    }

    /// Gives the version its percent and watches it for a while; at 100 it is through.
    async fn step(
        &self,
        percent: u8,
        weights: &[(u32, u8)],
        previous: Option<u32>,
        strategy: &Strategy,
    ) -> Result<Step, OperatorError> {
        let at_first = self.versions().await?;
        let before = of(&at_first, Some(self.version));
        self.serving.set_traffic(self.model, give(weights, self.version, percent)).await?;
        self.log.say(&format!("{percent} % of the traffic goes to version {}", self.version));
        if percent < 100 {
            wait(strategy.step, self.cancelled).await?;
        }
        let at_last = self.versions().await?;
        let now = of(&at_last, Some(self.version)).ok_or_else(|| {
            OperatorError::Passing(format!("version {} was taken away meanwhile", self.version))
        })?;
        let (requests, errors) = counts(before, now);
        if percent < 100 {
            let told = now.p99_ms.map_or(String::new(), |p99| format!(", p99 {} ms", number(p99)));
            self.log.say(&format!("at {percent} %: {requests} requests, {errors} errors{told}"));
            for (figure, condition) in &strategy.rollback_if {
                let breaks = |value: &f64| condition.holds(*value);
                let Some(value) = figure.measure(before, now).filter(breaks) else { continue };
                let present = of(&at_last, previous)
                    .and_then(|served| figure.measure(of(&at_first, previous), served))
                    .filter(breaks);
                if let Some(present) = present {
                    // What befalls both alike (clients that send bad rows, a busy machine) is
                    // not the new version's doing.
                    self.log.say(&format!(
                        "{} is {}, but {} for the present version too: going on",
                        figure.name(),
                        number(value),
                        number(present)
                    ));
                } else {
                    return Err(OperatorError::Fatal(format!(
                        "rolled back at {percent} %: {} is {}, and {condition} is the limit",
                        figure.name(),
                        number(value)
                    )));
                }
            }
        }
        Ok(Step { percent, requests, errors, p99_ms: now.p99_ms })
    }

    /// Sets the traffic back to what it was without the new version.
    async fn go_back(&self, weights: &[(u32, u8)], error: OperatorError) -> OperatorError {
        if weights.iter().all(|(v, weight)| *v == self.version || *weight == 0) {
            // There is nothing to go back to; what little there is serves better than nothing.
            return error;
        }
        match self.serving.set_traffic(self.model, give(weights, self.version, 0)).await {
            Ok(()) => {
                self.log.say("the traffic is back where it was");
                error
            }
            Err(fault) => OperatorError::Passing(format!(
                "{error}; and the traffic could not be set back: {fault}"
            )),
        }
    }

    async fn versions(&self) -> Result<Vec<ServedVersion>, OperatorError> {
        let mut versions = self.serving.status().await?.versions;
        versions.retain(|served| served.model == self.model);
        Ok(versions)
    }
}

fn of(versions: &[ServedVersion], version: Option<u32>) -> Option<&ServedVersion> {
    versions.iter().find(|served| Some(served.version) == version)
}

#[cfg(test)]
mod tests;
