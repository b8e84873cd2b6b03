//! `command`: the user's program as a child of the worker, without a process of ours between
//! them.
//!
//! ```text
//! claim for the worker ─► spawn, in a group of its own ─► claim for the process ─► Started
//!    ─► output into the log ─► exit ─► outcome, masked ─► report.json ─► Ended
//! ```
//! A worker that is killed between the two claims leaves a process that its token finds.

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::runtime::attempt::Order;
use crate::runtime::executor::process::kept_outcome;
use crate::runtime::executor::process_table::{self, Process};
use crate::runtime::executor::{Handover, Launcher, limits, tree};
use crate::runtime::operator::output::{Finished, LINGER, STILL_HELD};
use crate::runtime::operator::{command_ended, prepare_command, unstartable_command};
use crate::runtime::task_log::TaskLog;
use crate::runtime::worker::pipes::{Pipes, Readers};
use crate::runtime::worker::wire::End;
use crate::runtime::worker::{Hand, Worker, adopt, lock_of, report};
use crate::sched::Outcome;

const SIGKILL: i32 = 9;

/// Runs it to its end.
pub(super) async fn run(
    worker: &Worker,
    hand: &Hand,
    mut order: Order,
    handover: &Handover,
    launcher: &Launcher,
) -> End {
    match hand.folder.claim(&worker.claim(&hand.token)) {
        Ok(true) => {}
        // A launch by a worker that was killed.
        Ok(false) => return adopt::adopt(worker, hand, handover.private.mask.clone()).await,
        Err(error) => return report::failed(format!("claim the token: {error}")),
    }
    // A task that says nothing has no log.
    let log = TaskLog::lazy(hand.folder.path(), handover.private.mask.clone());
    let log = Arc::new(log.at_most(order.limits.log_size));
    handover.fill(&mut order);
    let outcome = match start(&order, handover, launcher) {
        Ok((child, pipes)) => {
            let started = Started { worker, hand, order: &order, log: &log };
            match started.see_through(child, pipes).await {
                Some(outcome) => outcome,
                None => return End::Cancelled,
            }
        }
        Err(outcome) => outcome,
    };
    if let Outcome::Failed { error, .. } = &outcome {
        log.say(error);
    }
    let outcome = kept_outcome(outcome, &order, &log);
    log.close();
    report::finished(hand, outcome).await
}

fn start(
    order: &Order,
    handover: &Handover,
    launcher: &Launcher,
) -> Result<(Child, Pipes), Outcome> {
    let mut command = prepare_command(order, &handover.private, &launcher.environment)?;
    let (pipes, ends) = Pipes::make()
        .map_err(|error| Outcome::failed(format!("make the pipes for its output: {error}")))?;
    // A group of its own, not a session: so it needs no step between fork and exec.
    command.process_group(0).stdin(Stdio::null()).stdout(ends.out).stderr(ends.err);
    let child = Command::from(command).spawn();
    child.map(|child| (child, pipes)).map_err(|error| unstartable_command(order, &error))
}

/// A command that runs.
struct Started<'a> {
    worker: &'a Worker,
    hand: &'a Hand,
    order: &'a Order,
    log: &'a Arc<TaskLog>,
}

/// What ended it.
enum Ending {
    Exit(io::Result<ExitStatus>),
    Cancelled,
    OutOfMemory(String),
}

impl Started<'_> {
    /// Sees it to its end; `None`: it was ended.
    async fn see_through(&self, mut child: Child, mut pipes: Pipes) -> Option<Outcome> {
        let Some(process) = child.id().and_then(process_table::name_child) else {
            return Some(Outcome::failed("`/proc` does not show its process"));
        };
        self.worker.shared.open_files.give_back(process.pid, self.order.limits);
        self.record(process, pipes.numbers);
        let mut readers = Readers::new(self.hand.folder.path(), self.log);
        let mut following = Box::pin(pipes.follow(&mut readers));
        let mut is_read = false;
        let ending = {
            let mut ending = pin!(self.ending(&mut child, process));
            loop {
                tokio::select! {
                    biased;
                    () = &mut following, if !is_read => is_read = true,
                    ending = &mut ending => break ending,
                }
            }
        };
        let status = match ending {
            Ending::Exit(status) => Ok(status),
            Ending::Cancelled => Err(None),
            Ending::OutOfMemory(text) => Err(Some(text)),
        };
        if status.is_err() {
            // Its output is read on meanwhile: it may want to say something.
            let ended = async { tokio::join!(self.end(process), child.wait()) };
            let mut ended = pin!(ended);
            loop {
                tokio::select! {
                    () = &mut following, if !is_read => is_read = true,
                    _ = &mut ended => break,
                }
            }
        }
        is_read = is_read || timeout(LINGER, &mut following).await.is_ok();
        drop(following);
        if !is_read {
            self.log.say(STILL_HELD);
            self.worker.drain(pipes);
        }
        match status {
            Ok(status) => Some(self.outcome(status, readers, is_read)),
            Err(None) => None,
            Err(Some(text)) => {
                Some(Outcome::Failed { error: text, exit_code: None, retryable: true })
            }
        }
    }

    fn record(&self, process: Process, pipes: [u64; 2]) {
        let claim = self.worker.claim_for(&self.hand.token, process, Some(pipes));
        if let Err(error) = self.hand.folder.claim_for(&claim) {
            // Its token finds it, should this worker be killed.
            tracing::warn!(token = %self.hand.token, %error, "could not write a claim");
        }
        self.hand.started(self.worker, process.pid);
    }

    async fn ending(&self, child: &mut Child, process: Process) -> Ending {
        let token = self.hand.token.as_str();
        tokio::select! {
            status = child.wait() => Ending::Exit(status),
            () = self.hand.until_cancelled() => Ending::Cancelled,
            text = limits::memory_exceeded(self.order.limits, process, token) => {
                Ending::OutOfMemory(text)
            }
        }
    }

    async fn end(&self, process: Process) {
        end(self.hand, process, self.order.limits.killed_task_cleanup_time).await;
    }

    fn outcome(&self, status: io::Result<ExitStatus>, readers: Readers, is_read: bool) -> Outcome {
        let status = match status {
            Ok(status) => status,
            Err(error) => return Outcome::failed(format!("wait for the command: {error}")),
        };
        readers.err.end();
        let last_line = readers.out.end().filter(|_| is_read);
        let finished = Finished { status, last_line, words: readers.said.end() };
        let outcome = command_ended(self.order, finished, self.log);
        match outcome {
            Outcome::Failed { exit_code, retryable, .. }
                if status.signal() == Some(SIGKILL) && self.worker.shared.oom_kills.has_risen() =>
            {
                let error = "out of memory: killed by signal 9, and the kernel has counted one \
                             more process that it killed for want of memory"
                    .to_owned();
                Outcome::Failed { error, exit_code, retryable }
            }
            outcome => outcome,
        }
    }
}

/// Ends all processes of an attempt.
pub(super) async fn end(hand: &Hand, leader: Process, grace: Option<Duration>) {
    let left = tree::end(leader, hand.token.as_str(), grace.unwrap_or(tree::GRACE)).await;
    if left > 0 {
        tracing::error!(token = %hand.token, left, "processes of an attempt would not end");
    }
}

impl Worker {
    /// Reads on what a background process holds; the worker stays as long.
    fn drain(&self, pipes: Pipes) {
        *lock_of(&self.shared.drains) += 1;
        let worker = self.clone();
        tokio::spawn(async move {
            pipes.drain().await;
            *lock_of(&worker.shared.drains) -= 1;
            worker.shared.let_go.notify_one();
        });
    }
}
