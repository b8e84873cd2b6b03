//! What a batch of inputs led to, gathered for one commit.

use tokio::sync::oneshot;

use crate::runtime::handle::Asked;
use crate::sched::{Change, Decided, Effect, Input, Rejected, Reply, Report};
use crate::types::event::Event;
use crate::types::{Fault, LaunchToken};

type Answer = oneshot::Sender<Result<Reply, Fault>>;

/// Gathered decisions.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) changes: Vec<Change>,
    effects: Vec<Effect>,
    events: Vec<Event>,
    answers: Vec<(Answer, Result<Reply, Fault>)>,
    /// Inputs that nobody waits for: if the commit fails they are tried again.
    kept: Vec<Asked>,
    /// Whether the input begun last is among them.
    is_last_kept: bool,
    /// Attempts whose end is settled with this batch.
    settled: Vec<LaunchToken>,
}

/// What is left to do once the batch is durable.
pub(super) struct Durable {
    pub(super) effects: Vec<Effect>,
    pub(super) events: Vec<Event>,
    pub(super) answers: Vec<(Answer, Result<Reply, Fault>)>,
    pub(super) settled: Vec<LaunchToken>,
}

impl Batch {
    /// Takes note of one input before it is decided; returns what to decide and who waits.
    pub(super) fn begin(&mut self, asked: Asked) -> (Input, Option<Answer>) {
        if let Input::Report(
            Report::Finished { token, .. }
            | Report::Deferred { token, .. }
            | Report::Lost { token, .. },
        ) = &asked.input
        {
            self.settled.push(token.clone());
        }
        self.is_last_kept = asked.reply.is_none() && !matches!(asked.input, Input::Tick);
        if self.is_last_kept {
            let Asked { seen, ago, .. } = asked;
            self.kept.push(Asked { seen, ago, ..Asked::of(asked.input.clone()) });
        }
        (asked.input, asked.reply)
    }

    /// Takes the decision on it.
    pub(super) fn decided(&mut self, decided: Result<Decided, Rejected>, answer: Option<Answer>) {
        let reply = match decided {
            Ok(decided) => {
                self.changes.extend(decided.changes);
                self.effects.extend(decided.effects);
                self.events.extend(decided.events);
                Ok(decided.reply)
            }
            Err(rejected) => {
                if answer.is_none() {
                    log(&rejected);
                }
                Err(rejected.into())
            }
        };
        if let Some(answer) = answer {
            self.answers.push((answer, reply));
        }
    }

    /// Takes back the input that was begun last: it is not to be tried again.
    pub(super) fn refuse(&mut self, answer: Option<Answer>) {
        if self.is_last_kept {
            self.kept.pop();
        }
        // `failed` replaces the answer.
        self.answers.extend(answer.map(|answer| (answer, Ok(Reply::Done))));
    }

    /// Takes inputs none of which can be decided; returns what is to be tried again.
    pub(super) fn give_back(mut self, inputs: Vec<Asked>, fault: &Fault) -> Vec<Asked> {
        for asked in inputs {
            let (_, answer) = self.begin(asked);
            self.answers.extend(answer.map(|answer| (answer, Ok(Reply::Done))));
        }
        self.failed(fault)
    }

    pub(super) fn durable(self) -> Durable {
        Durable {
            effects: self.effects,
            events: self.events,
            answers: self.answers,
            settled: self.settled,
        }
    }

    /// Tells every caller that it came to nothing, and returns what is to be tried again.
    pub(super) fn failed(self, fault: &Fault) -> Vec<Asked> {
        for (answer, _) in self.answers {
            let _ = answer.send(Err(fault.clone()));
        }
        self.kept
    }
}

fn log(rejected: &Rejected) {
    match rejected {
        Rejected::Straggler { .. } => tracing::debug!(%rejected, "dropped"),
        _ => tracing::warn!(%rejected, "refused what nobody waits for"),
    }
}
