//! Sensors: tasks that wait for something outside. The first look is the attempt's own; where
//! there is nothing yet the attempt is deferred, and the trigger set looks on.
//!
//! ```text
//! attempt: resolve what is waited for ─► look ─► found: done
//!                                         └────► not yet: Deferred { TriggerSpec }
//! trigger set: look_again, look_again, … ─► found · failed · (the engine) timed out
//! ```
//! As in Airflow: a sensor that times out fails for good; `soft_fail` skips it instead; a look
//! that fails ends the try, unless `silent_fail` or `never_fail` say otherwise.

use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value};

use super::args::Args;
use super::error::OperatorError;
use super::{DaemonContext, Work};
use crate::dag::operator::{Operator, SENSOR_KEYS};
use crate::runtime::attempt::Private;
use crate::sched::Outcome;
use crate::store::Store;
use crate::types::deferral::{AtTimeout, Deferral, OnError, TriggerSpec};
use crate::types::{Timestamp, time};

mod expect;
mod file;
pub(super) mod http;
mod object;
mod sql;
pub(super) mod task;
#[cfg(test)]
mod tests;
mod time_of;

pub(super) use expect::Expect;

/// As Airflow's `default_timeout`.
const TIMEOUT: Duration = Duration::from_hours(7 * 24);

const POKE_INTERVAL: Duration = Duration::from_secs(60);

/// No doubled interval is longer, unless `max_wait` says otherwise.
const MAX_WAIT: Duration = Duration::from_hours(1);

/// What a sensor looks with.
pub(crate) struct Look<'a> {
    /// Rendered, with their secrets.
    pub(crate) args: &'a Map<String, Value>,
    pub(crate) private: &'a Private,
    pub(crate) project: &'a Path,
    pub(crate) store: &'a Store,
    pub(crate) now: Timestamp,
}

/// What it saw.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Poke {
    /// Not yet; one line about what there is. With an instant it is looked at again then.
    Waits {
        seen: String,
        until: Option<Timestamp>,
    },
    Found(Value),
    /// It will not come: a run that failed.
    Failed(String),
    Skipped(String),
}

/// What comes of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    Done(Outcome),
    Wait { seen: String, until: Option<Timestamp> },
}

impl Poke {
    fn waits(seen: impl Into<String>) -> Self {
        Self::Waits { seen: seen.into(), until: None }
    }
}

/// Looks for the first time.
pub(super) async fn run(
    context: &DaemonContext,
    operator: Operator,
) -> Result<Work, OperatorError> {
    let (kept, args) = target(context, operator).await?;
    let spec = manner(Args(&context.order.args), operator, kept)?;
    let timeout = Args(&context.order.args).duration_or_none("timeout")?.unwrap_or(TIMEOUT);
    let now = time::now();
    let look = Look {
        args: &args,
        private: &context.private,
        project: &context.order.project,
        store: &context.store,
        now,
    };
    match judge(&spec, poke(operator, &look).await) {
        Step::Done(outcome) => Ok(Work::Done(outcome)),
        Step::Wait { seen, .. } => {
            context.log.say(&seen);
            Ok(Work::Deferred(Deferral {
                trigger: spec.to_text(),
                timeout_at: Some(now.saturating_add(timeout).unwrap_or(Timestamp::MAX)),
                note: seen,
            }))
        }
    }
}

/// Looks again at what an earlier attempt was deferred for.
pub(crate) async fn look_again(spec: &TriggerSpec, look: &Look<'_>) -> Step {
    let found = super::find(&spec.operator);
    let result = match found {
        Ok(operator) => poke(operator, look).await,
        Err(error) => Err(error),
    };
    judge(spec, result)
}

/// As `look_again`, of files and objects on this machine; `None`: they lie elsewhere. Blocks.
pub(crate) fn look_at_files(spec: &TriggerSpec, look: &Look<'_>) -> Option<Step> {
    let plan = super::find(&spec.operator).and_then(|operator| file::Plan::read(operator, look));
    let seen = match plan {
        Ok(None) => return None,
        Ok(Some(plan)) => plan.look(),
        Err(error) => Err(error),
    };
    Some(judge(spec, seen))
}

async fn poke(operator: Operator, look: &Look<'_>) -> Result<Poke, OperatorError> {
    match operator {
        Operator::SensorFile | Operator::SensorObject => match file::Plan::read(operator, look)? {
            Some(plan) => off_thread(move || plan.look()).await,
            None => object::poke(look).await,
        },
        Operator::SensorHttp => http::poke(look).await,
        Operator::SensorSql => sql::poke(look).await,
        Operator::SensorTime => time_of::poke(look),
        Operator::SensorTask => task::poke(look).await,
        Operator::TriggerDagRun => task::poke_triggered(look).await,
        other => Err(OperatorError::Fatal(format!("`{}` waits for nothing", other.name()))),
    }
}

async fn off_thread<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, OperatorError> + Send + 'static,
) -> Result<R, OperatorError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(OperatorError::Passing(format!("look: {error}"))),
    }
}

/// Returns the arguments that tell what is waited for, as they may be kept and with secrets.
/// What depends on the run is resolved here, for good.
async fn target(
    context: &DaemonContext,
    operator: Operator,
) -> Result<(Map<String, Value>, Map<String, Value>), OperatorError> {
    let resolved = match operator {
        Operator::SensorTime => time_of::resolve(context).await?,
        Operator::SensorTask => task::resolve(context).await?,
        _ => {
            let own = |args: &Map<String, Value>| -> Map<String, Value> {
                let is_own = |key: &str| SENSOR_KEYS.iter().all(|common| common.name != key);
                let own = args.iter().filter(|(key, _)| is_own(key));
                own.map(|(key, value)| (key.clone(), value.clone())).collect()
            };
            return Ok((own(&context.written), own(&context.order.args)));
        }
    };
    Ok((resolved.clone(), resolved))
}

/// Reads how it waits: the keys that every sensor has.
fn manner(
    args: Args<'_>,
    operator: Operator,
    kept: Map<String, Value>,
) -> Result<TriggerSpec, OperatorError> {
    let soft_fail = args.flag("soft_fail", false)?;
    let never_fail = args.flag("never_fail", false)?;
    let on_error = match (args.flag("silent_fail", false)?, never_fail) {
        (true, _) => OnError::Wait,
        (false, true) => OnError::Skip,
        (false, false) => OnError::Fail,
    };
    let interval = args.duration_or_none("poke_interval")?.unwrap_or(POKE_INTERVAL);
    let max_wait = args.duration_or_none("max_wait")?;
    let doubles = args.flag("exponential_backoff", false)?;
    // Clocks and the engine's events tell of these.
    let is_told = matches!(operator, Operator::SensorTime | Operator::SensorTask);
    Ok(TriggerSpec {
        operator: operator.name().to_owned(),
        args: kept,
        at_timeout: if soft_fail || never_fail { AtTimeout::Skip } else { AtTimeout::FailForGood },
        on_error,
        poke_interval: if is_told { 0.0 } else { interval.as_secs_f64() },
        max_wait: doubles.then(|| max_wait.unwrap_or(MAX_WAIT).as_secs_f64()),
        approval: None,
    })
}

/// Says what a look means to the attempt.
pub(super) fn judge(spec: &TriggerSpec, result: Result<Poke, OperatorError>) -> Step {
    let is_soft = spec.at_timeout == AtTimeout::Skip;
    let skipped = |reason| Step::Done(Outcome::Skipped { reason });
    match result {
        Ok(Poke::Found(output)) => Step::Done(Outcome::output(output)),
        Ok(Poke::Waits { seen, until }) => Step::Wait { seen, until },
        Ok(Poke::Skipped(reason)) => skipped(reason),
        Ok(Poke::Failed(reason)) | Err(OperatorError::Fatal(reason)) if is_soft => skipped(reason),
        Ok(Poke::Failed(error)) => Step::Done(Outcome::failed(error)),
        Err(OperatorError::Fatal(error)) => Step::Done(Outcome::fatal(error)),
        Err(OperatorError::Cancelled) => Step::Done(Outcome::fatal("cancelled")),
        Err(OperatorError::Passing(error)) => match spec.on_error {
            OnError::Fail => Step::Done(Outcome::failed(error)),
            OnError::Wait => Step::Wait { seen: error, until: None },
            OnError::Skip => skipped(error),
        },
    }
}
