//! One look: secrets are put back, the operator looks, and what it saw is told: the engine where
//! it has come, the log where it is new, else nobody.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use super::Shared;
use super::set::Due;
use crate::runtime::act::hand_again;
use crate::runtime::attempt::{AttemptFolder, Private};
use crate::runtime::executor::handover;
use crate::runtime::executor::process::panic_text;
use crate::runtime::operator::sensor::{self, Look, Step};
use crate::runtime::task_log::TaskLog;
use crate::sched::{Input, Outcome, Report};
use crate::types::AttemptKey;
use crate::types::deferral::TriggerSpec;

/// No look takes longer: a server that does not answer must not hold one of the few for ever.
const LOOK_MAX: Duration = Duration::from_secs(120);

/// What one look came to.
struct Seen {
    step: Step,
    /// Texts to be masked in what is said about it.
    mask: Vec<String>,
}

impl Seen {
    fn failed(outcome: Outcome) -> Self {
        Self { step: Step::Done(outcome), mask: Vec::new() }
    }
}

/// Looks at one.
pub(super) async fn look_at(shared: Arc<Shared>, due: Due) {
    let looked = AssertUnwindSafe(look(&shared, &due)).catch_unwind();
    let seen = match tokio::time::timeout(LOOK_MAX, looked).await {
        Ok(Ok(seen)) => seen,
        Ok(Err(panic)) => {
            let text = panic_text(&*panic);
            Seen::failed(Outcome::fatal(format!("the sensor panicked: {text}")))
        }
        Err(_) => {
            let secs = LOOK_MAX.as_secs();
            Seen::failed(Outcome::failed(format!("a look took longer than {secs} s")))
        }
    };
    conclude(&shared, due, seen).await;
}

/// Looks at several files, one after the other, on one thread; and at what turns out to lie on
/// other machines, all at once.
pub(super) async fn look_at_files(shared: Arc<Shared>, batch: Vec<Due>) {
    let parts = shared.parts.clone();
    let seen = tokio::task::spawn_blocking(move || {
        let look = |due: Due| {
            let seen = match prepare(&parts, &due) {
                Ok((spec, private)) => {
                    let look = Look {
                        args: &spec.args,
                        private: &private,
                        project: parts.layout.project(),
                        store: &parts.store,
                        now: parts.clock.now(),
                    };
                    let step = sensor::look_at_files(&spec, &look);
                    step.map(|step| Seen { step, mask: private.mask })
                }
                Err(outcome) => Some(Seen::failed(outcome)),
            };
            (due, seen)
        };
        batch.into_iter().map(look).collect::<Vec<_>>()
    });
    match seen.await {
        Ok(seen) => {
            let mut elsewhere = Vec::new();
            for (due, seen) in seen {
                match seen {
                    Some(seen) => conclude(&shared, due, seen).await,
                    None => elsewhere.push(look_at(Arc::clone(&shared), due)),
                }
            }
            futures_util::future::join_all(elsewhere).await;
        }
        // They stay as they are: the next daemon looks again.
        Err(error) => tracing::error!(%error, "a look at files ended badly"),
    }
}

async fn look(shared: &Shared, due: &Due) -> Seen {
    let parts = &shared.parts;
    match prepare(parts, due) {
        Ok((spec, private)) => {
            let look = Look {
                args: &spec.args,
                private: &private,
                project: parts.layout.project(),
                store: &parts.store,
                now: parts.clock.now(),
            };
            Seen { step: sensor::look_again(&spec, &look).await, mask: private.mask }
        }
        Err(outcome) => Seen::failed(outcome),
    }
}

/// Reads what is waited for and gives its arguments their secrets again.
fn prepare(parts: &super::TriggerParts, due: &Due) -> Result<(TriggerSpec, Private), Outcome> {
    let mut spec = TriggerSpec::parse(&due.trigger)
        .map_err(|error| Outcome::fatal(format!("read what it waits for: {error}")))?;
    let deck = parts.deck.borrow().clone();
    let (args, private) = hand_again(&deck, &spec.args)?;
    spec.args = args;
    Ok((spec, private))
}

async fn conclude(shared: &Shared, due: Due, seen: Seen) {
    let Seen { step, mask } = seen;
    match step {
        Step::Wait { seen, until } => {
            let now = shared.parts.clock.now();
            let is_new = shared.set().wait(now, &due.token, &seen, until);
            if is_new {
                say(shared, &due.key, mask, seen, None).await;
            }
            // Without a new interval to wait for nobody else would look at the set.
            shared.changed.notify_one();
        }
        Step::Done(outcome) => {
            if !shared.set().take(&due.token) {
                // It was disarmed meanwhile.
                return;
            }
            tracing::trace!(step = "fired", attempt = %due.key);
            let text = match &outcome {
                Outcome::Success { .. } => "it has come".to_owned(),
                Outcome::Skipped { reason } => format!("skipped: {reason}"),
                Outcome::Failed { error, .. } => error.clone(),
            };
            let outcome = say(shared, &due.key, mask, text, Some(outcome)).await;
            let Some(outcome) = outcome else { return };
            let report = Report::Finished { key: due.key, token: due.token, outcome };
            // An error says that the engine has stopped: the next one arms it again.
            let _ = shared.parts.handle.tell(Input::Report(report)).await;
        }
    }
}

/// Writes a line into the attempt's log, and masks what is told of its end. A log that cannot be
/// written costs the line; what would be told without a mask is then told only without secrets.
async fn say(
    shared: &Shared,
    key: &AttemptKey,
    mask: Vec<String>,
    text: String,
    outcome: Option<Outcome>,
) -> Option<Outcome> {
    let folder = AttemptFolder::new(shared.parts.layout.attempt_dir(key));
    let written = tokio::task::spawn_blocking(move || {
        let mut outcome = outcome;
        let has_secrets = !mask.is_empty();
        // Somebody may have tidied up while it waited.
        match folder.make().and_then(|()| TaskLog::open(folder.path(), mask)) {
            Ok(log) => {
                log.say(&text);
                if let Some(outcome) = &mut outcome {
                    handover::mask(outcome, &log);
                }
            }
            Err(error) if has_secrets && outcome.is_some() => {
                let path = folder.path().display();
                outcome = Some(Outcome::failed(format!("open the log in `{path}`: {error}")));
            }
            Err(error) => tracing::debug!(%error, "could not write into the log"),
        }
        outcome
    });
    match written.await {
        Ok(outcome) => outcome,
        Err(error) => Some(Outcome::failed(format!("tell how it ended: {error}"))),
    }
}
