//! What computes: `dagdeck attempt FOLDER` as a child of the worker. It claims its token itself,
//! leads a session and writes its report; the worker hands over and says how it ended where it
//! left none.

use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use tokio::process::{Child, Command};

use crate::runtime::attempt::Order;
use crate::runtime::executor::process_table::{self, FOLDER_VARIABLE, Process, TOKEN_VARIABLE};
use crate::runtime::executor::{Handover, Launcher, limits, wrapper};
use crate::runtime::worker::wire::End;
use crate::runtime::worker::{Hand, Worker, adopt, direct, report};
use crate::sched::Outcome;

/// How much of what a process said goes into its error.
const LAST_WORDS_LEN_MAX: usize = 300;

/// Runs it to its end.
pub(super) async fn run(
    worker: &Worker,
    hand: &Hand,
    order: &Order,
    handover: &Handover,
    launcher: &Launcher,
) -> End {
    let mut child = match spawn(hand, order, handover, launcher) {
        Ok(child) => child,
        Err(error) => {
            // A process may be about to claim that a worker started which was killed. One of the
            // two comes first.
            if hand.folder.claim(&worker.claim(&hand.token)).is_ok_and(|is_ours| !is_ours) {
                return adopt::adopt(worker, hand, handover.private.mask.clone()).await;
            }
            let program = launcher.executable.display();
            let text = format!("start the attempt's process `{program}`: {error}");
            return failed(hand, text, None).await;
        }
    };
    let leader = child.id().and_then(process_table::name_child);
    if let Err(error) = wrapper::hand_over(&mut child, handover).await {
        tracing::warn!(%error, "could not hand over");
    }
    let Some(leader) = leader else {
        return failed(hand, "`/proc` does not show its process".to_owned(), None).await;
    };
    worker.shared.open_files.give_back(leader.pid, order.limits);
    hand.started(worker, leader.pid);
    let token = hand.token.as_str();
    let ending = tokio::select! {
        exit = child.wait() => Ok(exit),
        () = hand.until_cancelled() => Err(None),
        text = limits::memory_exceeded(order.limits, leader, token) => Err(Some(text)),
    };
    match ending {
        Ok(exit) => after_exit(worker, hand, exit, leader).await,
        Err(why) => {
            // Waited for while it is ended, so that no remains look alive.
            let grace = order.limits.killed_task_cleanup_time;
            let _ = tokio::join!(direct::end(hand, leader, grace), child.wait());
            match why {
                Some(text) => failed(hand, text, None).await,
                None => End::Cancelled,
            }
        }
    }
}

fn spawn(
    hand: &Hand,
    order: &Order,
    handover: &Handover,
    launcher: &Launcher,
) -> io::Result<Child> {
    let folder = hand.folder.path();
    let out = wrapper::log(folder)?;
    let err = out.try_clone()?;
    let mut order = order.clone();
    handover.fill(&mut order);
    let texts = [&*launcher.executable.to_string_lossy(), "attempt", &*folder.to_string_lossy()];
    let argv = limits::prefixed(order.limits, texts.map(str::to_owned).to_vec());
    Command::new(&argv[0])
        .args(&argv[1..])
        .current_dir(&launcher.project)
        .env_clear()
        .envs(launcher.environment.iter().map(|(name, value)| (name, value)))
        .envs(&order.env)
        .envs(&handover.private.env)
        .env(TOKEN_VARIABLE, hand.token.as_str())
        .env(FOLDER_VARIABLE, folder)
        .stdin(Stdio::piped())
        .stdout(out)
        .stderr(err)
        .spawn()
}

async fn after_exit(
    worker: &Worker,
    hand: &Hand,
    exit: io::Result<ExitStatus>,
    leader: Process,
) -> End {
    if let Some(report) = hand.folder.report(&hand.token) {
        return End::Finished(report.outcome);
    }
    // Another process may have claimed the token: a launch by a worker that was killed.
    let claim = hand.folder.claimed(&hand.token);
    if claim.is_some_and(|claim| adopt::process_of(worker, &claim) != Some(leader)) {
        return adopt::adopt(worker, hand, Vec::new()).await;
    }
    // Nobody is left to watch over what it started.
    direct::end(hand, leader, None).await;
    match exit {
        Ok(status) => {
            let mut error =
                format!("the attempt's process ended without a report ({})", how(worker, status));
            if let Some(said) = last_words(hand.folder.path()) {
                error += &format!(": {said}");
            }
            failed(hand, error, status.code()).await
        }
        Err(error) => End::Lost(format!("wait for the attempt's process: {error}")),
    }
}

/// Returns the last line that the process said outside of its task: why it refused.
fn last_words(folder: &Path) -> Option<String> {
    let said = fs::read(wrapper::log_path(folder)).ok()?;
    let said = String::from_utf8_lossy(&said);
    let line = said.lines().rev().find(|line| !line.trim().is_empty())?;
    Some(line.chars().take(LAST_WORDS_LEN_MAX).collect())
}

fn how(worker: &Worker, status: ExitStatus) -> String {
    match status.signal() {
        Some(9) if worker.shared.oom_kills.has_risen() => "out of memory, signal 9".to_owned(),
        _ => wrapper::how(status),
    }
}

async fn failed(hand: &Hand, error: String, exit_code: Option<i32>) -> End {
    report::note(hand, &error);
    report::finished(hand, Outcome::Failed { error, exit_code, retryable: true }).await
}
