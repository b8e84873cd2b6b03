//! `POST /outcomes`: what is known later of predictions, joined to them by their ids, and what it
//! says of the versions.

mod arms;
mod body;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use hyper::body::Bytes;
use serde::Serialize;

use crate::runtime::promotion::off_thread;
use crate::serving::encoding::Encoding;
use crate::serving::log::{Answered, PredictionLog};
use crate::serving::refusal::Refusal;
use crate::serving::shared::Shared;
use crate::store::serving::outcome::{Kind, Metric, Outcome};
use crate::types::event::Event;

pub(crate) use self::arms::Arms;
use self::body::{Told, Truth};

/// Outcomes of one request, at most.
pub(crate) const OUTCOMES_MAX: usize = 10_000;

/// What came of them.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(crate) struct Joined {
    /// Those that count from now on.
    pub(crate) counted: usize,
    /// Those that were told before: they change nothing.
    pub(crate) repeated: usize,
    /// Those that could not be joined.
    pub(crate) problems: Vec<Unjoined>,
}

/// An outcome that belongs to no prediction that is kept, or does not fit it.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Unjoined {
    pub(crate) id: String,
    pub(crate) row: u32,
    pub(crate) message: String,
}

/// Joins the outcomes of a body; durable when it returns.
pub(crate) async fn tell(
    shared: &Arc<Shared>,
    body: Bytes,
    encoding: Option<Encoding>,
) -> Result<Joined, Refusal> {
    let Some(log) = shared.log.clone() else {
        let error = "no predictions are kept: `[serving.log]` of dags.toml has them kept";
        return Err(Refusal::new(hyper::StatusCode::CONFLICT, error));
    };
    let (max, source) = (shared.spec.max_body_bytes, Arc::clone(&shared.source));
    let now = shared.clock.now();
    let joined = off_thread(move || {
        let unpacked = encoding.map_or(Ok(body.clone()), |encoding| encoding.unpack(&body, max));
        let told = match unpacked.and_then(|body| body::read(&body)) {
            Ok(told) => told,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let (outcomes, problems) = join(&log, told)?;
        let oldest = log.oldest();
        let counted = source.add_outcomes(&outcomes, oldest, now)?;
        Ok(Ok((outcomes, counted, problems)))
    });
    let (outcomes, counted, problems) = joined.await.map_err(|fault| {
        tracing::error!(%fault, "outcomes were not kept");
        Refusal::unavailable(fault.to_string()).retry_after(1)
    })??;
    let mut joined = Joined { problems, ..Joined::default() };
    for (outcome, counts) in outcomes.iter().zip(counted) {
        if counts {
            joined.counted += 1;
            shared.arms.add(outcome);
        } else {
            joined.repeated += 1;
        }
    }
    if joined.counted > 0 {
        shared.publisher.publish(Event::ServingChanged);
    }
    Ok(joined)
}

/// Finds the prediction of each.
fn join(
    log: &PredictionLog,
    told: Vec<Told>,
) -> Result<(Vec<Outcome>, Vec<Unjoined>), crate::types::Fault> {
    let wanted: Vec<_> = told.iter().map(|told| (told.id.clone(), told.row)).collect();
    let found = log.find(&wanted)?;
    let (mut outcomes, mut problems) = (Vec::new(), Vec::new());
    for (told, found) in told.into_iter().zip(found) {
        let Told { id, row, truth, reward } = told;
        let Some(answered) = found else {
            let message = "no prediction of this id and row is kept".to_owned();
            problems.push(Unjoined { id, row, message });
            continue;
        };
        let scored = truth.map(|truth| score(&answered, &truth));
        match scored.transpose() {
            Ok(scored) => {
                let truth = scored.map(|(metric, score)| (Kind::Truth, metric, score));
                let reward = reward.map(|reward| (Kind::Reward, Metric::Reward, reward));
                outcomes.extend(truth.into_iter().chain(reward).map(|(kind, metric, score)| {
                    Outcome {
                        id: id.clone(),
                        row,
                        kind,
                        model: answered.model.clone(),
                        version: answered.version,
                        predicted_at: answered.at,
                        metric,
                        score,
                    }
                }));
            }
            Err(message) => problems.push(Unjoined { id, row, message }),
        }
    }
    Ok((outcomes, problems))
}

/// Measures an answer by the truth.
fn score(answered: &Answered, truth: &Truth) -> Result<(Metric, f64), String> {
    match (&answered.label, answered.value, truth) {
        (Some(label), _, truth) => {
            let is_right = *label == truth.to_string();
            Ok((Metric::Accuracy, f64::from(u8::from(is_right))))
        }
        (None, Some(value), Truth::Number(truth)) => match truth.as_f64() {
            Some(truth) => Ok((Metric::AbsoluteError, (value - truth).abs())),
            None => Err("the number is too large".to_owned()),
        },
        (None, Some(value), _) => {
            Err(format!("the answer was the number {value}: `truth` is a number, too"))
        }
        (None, None, _) => Err("nothing was answered to this row".to_owned()),
    }
}
