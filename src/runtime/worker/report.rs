//! How an attempt ended, as the worker writes it down.

use crate::dag::operator::Operator;
use crate::runtime::attempt::{AttemptReport, Order};
use crate::runtime::executor::wrapper;
use crate::runtime::task_log::TaskLog;
use crate::runtime::worker::Hand;
use crate::runtime::worker::wire::End;
use crate::sched::Outcome;
use crate::types::time;

/// Says whether the worker starts the user's program itself. What computes is this program, in a
/// process of its own.
pub(super) fn runs_directly(order: &Order) -> bool {
    order.operator == Operator::Command.name()
}

/// An end at which nothing was run.
pub(super) fn failed(error: impl Into<String>) -> End {
    End::Finished(Outcome::failed(error))
}

/// Writes the report. Where it cannot be written the daemon is told all the same.
pub(super) async fn finished(hand: &Hand, outcome: Outcome) -> End {
    let report = AttemptReport { token: hand.token.clone(), finished_at: time::now(), outcome };
    if let Err(error) = wrapper::keep_report(&hand.folder, &report).await {
        tracing::error!(token = %hand.token, %error, "could not write a report");
    }
    End::Finished(report.outcome)
}

/// Says in the attempt's log what its own process cannot.
pub(super) fn note(hand: &Hand, text: &str) {
    let said = TaskLog::open(hand.folder.path(), Vec::new()).map(|log| log.say(text));
    if let Err(error) = said {
        tracing::debug!(token = %hand.token, %error, "could not write into the log");
    }
}
