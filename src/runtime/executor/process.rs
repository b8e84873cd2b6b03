//! The attempt's own process: what `dagdeck attempt FOLDER` does, for the worker or for a cluster.
//!
//! It becomes the leader of a session, reads what it is handed, claims its token, runs the
//! operator and writes the report. It has run nothing before the claim and leaves nothing
//! unwritten after it.

use std::any::Any;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use crate::runtime::attempt::{AttemptFolder, AttemptReport, Claim, Order};
use crate::runtime::executor::{Handover, handover, process_table, wrapper};
use crate::runtime::operator;
use crate::runtime::task_log::TaskLog;
use crate::runtime::xcom;
use crate::sched::Outcome;
use crate::types::time;

/// The report is written, or another process holds the claim.
const DONE: u8 = 0;
/// The order or what is handed over cannot be read; nothing was run.
const REFUSED: u8 = 64;
/// The claim cannot be written; nothing was run.
const NO_CLAIM: u8 = 73;
/// The work was done, but its report could not be written.
const NO_REPORT: u8 = 74;

/// Runs the attempt in `folder`, with a `Private` on the standard input, and returns the exit
/// code. Complaints go to the standard error, which the launcher keeps in `wrapper.log`.
pub fn attempt_main(folder: &Path) -> u8 {
    // An error says that this is a session's leader already.
    let _ = rustix::process::setsid();
    // What a panic says may hold a secret: the log has it, masked; here is only where it was.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(io::stderr(), "a panic at {place}");
    }));
    match attempt(&AttemptFolder::new(folder), &mut io::stdin().lock()) {
        Ok(()) => DONE,
        Err(Refusal { code, text }) => {
            let _ = writeln!(io::stderr(), "{text}");
            code
        }
    }
}

#[derive(Debug)]
struct Refusal {
    code: u8,
    text: String,
}

fn refusal(code: u8, what: &str, error: &dyn std::fmt::Display) -> Refusal {
    Refusal { code, text: format!("{what}: {error}") }
}

fn attempt(folder: &AttemptFolder, stdin: &mut dyn Read) -> Result<(), Refusal> {
    let mut order = folder.order().map_err(|e| refusal(REFUSED, "read the order", &e))?;
    let handover: Handover = serde_json::from_reader(stdin).map_err(|error| {
        // Not the error itself: it may quote a secret.
        let what = format!("{:?} at column {}", error.classify(), error.column());
        refusal(REFUSED, "read what the daemon hands over", &what)
    })?;
    if !claim(folder, &order).map_err(|e| refusal(NO_CLAIM, "claim the token", &e))? {
        return Ok(());
    }
    let outcome = run(folder, &mut order, &handover);
    let report = AttemptReport { token: order.token, finished_at: time::now(), outcome };
    wrapper::keep_report_blocking(folder, &report)
        .map_err(|e| refusal(NO_REPORT, "write the report", &e))
}

fn claim(folder: &AttemptFolder, order: &Order) -> io::Result<bool> {
    let own = process_table::find(std::process::id())
        .ok_or_else(|| io::Error::other("`/proc` does not show this process"))?;
    folder.claim(&Claim {
        token: order.token.clone(),
        pid: own.pid,
        start_time: own.start_time,
        boot_id: process_table::boot_id()?,
        worker: None,
        pipes: None,
    })
}

fn run(folder: &AttemptFolder, order: &mut Order, handover: &Handover) -> Outcome {
    let log = match TaskLog::open(folder.path(), handover.private.mask.clone()) {
        Ok(log) => Arc::new(log.at_most(order.limits.log_size)),
        Err(error) => return Outcome::failed(format!("open the attempt's log: {error}")),
    };
    handover.fill(order);
    let work = || operator::run_in_process(order, &handover.private, &log);
    let outcome = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic_text(&*panic);
        log.say(&format!("the operator panicked: {text}"));
        Outcome::fatal(format!("the operator panicked: {text}"))
    });
    let outcome = kept_outcome(outcome, order, &log);
    log.close();
    outcome
}

/// Makes of an outcome what may be kept of it: secrets masked, long outputs in files.
pub(crate) fn kept_outcome(mut outcome: Outcome, order: &Order, log: &TaskLog) -> Outcome {
    handover::mask(&mut outcome, log);
    xcom::spill(outcome, order)
}

/// Returns what a panic said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text,
        (None, None) => "no reason given",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_order_it_refuses() {
        let dir = tempfile::tempdir().unwrap();
        let refused = attempt(&AttemptFolder::new(dir.path()), &mut io::empty()).unwrap_err();
        assert_eq!(refused.code, REFUSED);
        assert!(refused.text.starts_with("read the order"), "{}", refused.text);
    }

    #[test]
    fn half_a_handover_is_refused_before_the_claim() {
        let dir = tempfile::tempdir().unwrap();
        let folder = AttemptFolder::new(dir.path());
        let order = crate::runtime::act::tests::order(dir.path());
        folder.begin(&order).unwrap();
        let refused = attempt(&folder, &mut &b"{\"connections\": {"[..]).unwrap_err();
        assert_eq!(refused.code, REFUSED);
        assert_eq!(folder.claimed(&order.token), None);
        let refused = attempt(&folder, &mut &b"{\"mask\": \"hunter2\"}"[..]).unwrap_err();
        assert!(!refused.text.contains("hunter2"), "{}", refused.text);
    }

    #[test]
    fn a_token_that_is_claimed_is_not_run_again() {
        let dir = tempfile::tempdir().unwrap();
        let folder = AttemptFolder::new(dir.path());
        let order = crate::runtime::act::tests::order(dir.path());
        folder.begin(&order).unwrap();
        assert!(claim(&folder, &order).unwrap());
        attempt(&folder, &mut &br#"{"connections": {}, "env": {}, "mask": []}"#[..]).unwrap();
        assert_eq!(folder.report(&order.token), None);
    }

    #[test]
    fn a_panic_says_what_it_said() {
        let panic = catch_unwind(|| panic!("no {}", 5)).unwrap_err();
        assert_eq!(panic_text(&*panic), "no 5");
    }
}
