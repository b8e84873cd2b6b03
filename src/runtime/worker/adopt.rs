//! Attempts that another process launched: a worker that was killed, or that of an older build.
//! All that is known of them lies in their folders.
//!
//! ```text
//! report.json ─► Finished
//! no claim ────► Unstarted           (decided in another boot: Lost)
//! claim ───────► its process lives ─► watched; its output read on where its worker is gone
//!                gone ─► its worker lives ─► waited for: it is about to report
//!                        gone as well ─────► Lost: nobody knows its exit status
//! ```

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::runtime::attempt::{Claim, ClaimWorker};
use crate::runtime::executor::boot;
use crate::runtime::executor::process_table::{self, Process};
use crate::runtime::operator::output::LINGER;
use crate::runtime::task_log::TaskLog;
use crate::runtime::worker::pipes::{Pipes, Readers};
use crate::runtime::worker::wire::End;
use crate::runtime::worker::{Hand, Worker, direct, report};

/// How often a process is looked at that is not a child: nobody tells when it ends.
const WATCH: Duration = Duration::from_millis(50);

const RESTARTED: &str = "the machine was restarted, or the project restored, while it ran";

/// Says what became of it; waits for its end where it runs.
pub(super) async fn adopt(worker: &Worker, hand: &Hand, mask: Vec<String>) -> End {
    if let Some(report) = hand.folder.report(&hand.token) {
        return End::Finished(report.outcome);
    }
    let Some(claim) = claim_of(hand) else {
        return match hand.is_cancelled() {
            true => End::Cancelled,
            // A loss of power may have taken the claim, and the work may have been done.
            false if boot::is_of_another(&hand.token, &worker.shared.boot_id) => {
                lost(hand, RESTARTED.to_owned())
            }
            false => End::Unstarted,
        };
    };
    if claim.boot_id != worker.shared.boot_id {
        return lost(hand, RESTARTED.to_owned());
    }
    let limits = hand.folder.order().map(|order| order.limits).unwrap_or_default();
    let has_begun = AtomicBool::new(false);
    let mut following = pin!(follow(worker, hand, mask, limits.log_size, &has_begun));
    let mut is_read = false;
    let end = {
        let mut watched = pin!(watch(worker, hand));
        loop {
            tokio::select! {
                biased;
                () = &mut following, if !is_read => is_read = true,
                end = &mut watched => break end,
                () = hand.until_cancelled() => {
                    if let Some(leader) = leader_of(hand, claim_of(hand).as_ref()) {
                        direct::end(hand, leader, limits.killed_task_cleanup_time).await;
                    }
                    break End::Cancelled;
                }
            }
        }
    };
    if !is_read && has_begun.load(Ordering::Relaxed) {
        // Something that it left in the background may hold its output for ever.
        let _ = tokio::time::timeout(LINGER, following).await;
    }
    end
}

/// Watches an attempt that somebody else runs until it has ended.
async fn watch(worker: &Worker, hand: &Hand) -> End {
    let mut told = None;
    loop {
        if let Some(report) = hand.folder.report(&hand.token) {
            return End::Finished(report.outcome);
        }
        // Read once for each look: its worker may change it at any time.
        let claim = claim_of(hand);
        let leader = leader_of(hand, claim.as_ref());
        match leader.filter(|leader| process_table::is_alive(*leader)) {
            Some(leader) => {
                let holder = holder(worker, claim.as_ref());
                if told != Some((leader, holder)) {
                    hand.held_by(worker, leader.pid, holder);
                    told = Some((leader, holder));
                }
            }
            None if has_worker(worker, claim.as_ref()) => {}
            None => return gone(hand).await,
        }
        tokio::time::sleep(WATCH).await;
    }
}

/// Its process is gone, and so is whoever would have written a report.
async fn gone(hand: &Hand) -> End {
    // It may have come between the last look and now.
    if let Some(report) = hand.folder.report(&hand.token) {
        return End::Finished(report.outcome);
    }
    let text = match claim_of(hand) {
        Some(claim) if !is_bare(&claim) => {
            let leader = claim.process();
            direct::end(hand, leader, None).await;
            let pid = leader.pid;
            format!("its process {pid} is gone and left no report: nobody knows how it ended")
        }
        _ => "the worker ended while it started its process".to_owned(),
    };
    lost(hand, text)
}

/// Reads its output on, from when its own worker no longer does.
async fn follow(
    worker: &Worker,
    hand: &Hand,
    mask: Vec<String>,
    log_size: Option<u64>,
    has_begun: &AtomicBool,
) {
    while has_worker(worker, claim_of(hand).as_ref()) {
        tokio::time::sleep(WATCH).await;
    }
    let folder = hand.folder.path();
    // An attempt in a process of ours writes its log itself and has no pipes.
    let claim = claim_of(hand);
    let Some(numbers) = claim.as_ref().and_then(|claim| claim.pipes) else { return };
    let Some(leader) = leader_of(hand, claim.as_ref()) else { return };
    let token = hand.token.as_str().to_owned();
    let find = move || Pipes::find(numbers, &process_table::tree(leader, &token));
    let Ok(Some(mut pipes)) = tokio::task::spawn_blocking(find).await else { return };
    let Ok(log) = TaskLog::open(folder, mask) else { return };
    let log = Arc::new(log.at_most(log_size));
    log.say("the worker was replaced: lines that were on their way may be missing");
    has_begun.store(true, Ordering::Relaxed);
    let mut readers = Readers::new(folder, &log);
    pipes.follow(&mut readers).await;
    readers.out.end();
    readers.err.end();
    readers.said.end();
    log.close();
}

fn claim_of(hand: &Hand) -> Option<Claim> {
    hand.folder.claimed(&hand.token)
}

/// Returns the process that was started for the token. A worker that has not said yet which one
/// is found by it.
fn leader_of(hand: &Hand, claim: Option<&Claim>) -> Option<Process> {
    let claim = claim?;
    match is_bare(claim) {
        true => process_table::eldest_of(hand.token.as_str()),
        false => Some(claim.process()),
    }
}

/// Says whether another worker lives that would write the report.
fn has_worker(worker: &Worker, claim: Option<&Claim>) -> bool {
    other_worker(worker, claim).is_some()
}

/// Returns the worker that sees to it, by its process id.
fn holder(worker: &Worker, claim: Option<&Claim>) -> u32 {
    other_worker(worker, claim).unwrap_or(worker.shared.own).pid
}

fn other_worker(worker: &Worker, claim: Option<&Claim>) -> Option<Process> {
    let of = claim.and_then(|claim| claim.worker).map(ClaimWorker::process);
    of.filter(|of| *of != worker.shared.own && process_table::is_alive(*of))
}

/// A claim of a worker that has not said what it started.
fn is_bare(claim: &Claim) -> bool {
    claim.worker.is_some_and(|of| of.process() == claim.process())
}

/// Returns the process that a claim names, unless another boot made it.
pub(super) fn process_of(worker: &Worker, claim: &Claim) -> Option<Process> {
    let is_here = claim.boot_id == worker.shared.boot_id;
    is_here.then(|| claim.process())
}

fn lost(hand: &Hand, reason: String) -> End {
    if hand.is_cancelled() {
        return End::Cancelled;
    }
    report::note(hand, &reason);
    End::Lost(reason)
}
