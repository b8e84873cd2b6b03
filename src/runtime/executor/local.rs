//! Runs an attempt as a process of this machine: `dagdeck attempt FOLDER`. The process outlives
//! the daemon; whether it lives is read from its claim and `/proc`.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use crate::runtime::attempt::{AttemptFolder, Claim};
use crate::runtime::executor::process_table::{self, Process};
use crate::runtime::executor::{Adopted, Ended, Executor, Held, Launcher, Prepared, named, tree};
use crate::runtime::layout::Layout;
use crate::sched::Outcome;
use crate::types::{AttemptKey, LaunchToken};

#[cfg(test)]
mod tests;

/// How often an adopted process is looked at: it is not a child, so nobody tells when it ends.
const WATCH: Duration = Duration::from_millis(100);

/// How much of what a process said goes into its error.
const LAST_WORDS_LEN_MAX: usize = 300;

/// The local executor.
#[derive(Debug, Clone)]
pub(crate) struct Local {
    launcher: Launcher,
}

impl Local {
    pub(crate) fn new(launcher: Launcher) -> Self {
        Self { launcher }
    }
}

impl Executor for Local {
    fn launch(&self, attempt: Prepared) -> BoxFuture<'static, Ended> {
        launch(self.launcher.clone(), attempt).boxed()
    }

    fn adopt(&self, held: Held) -> BoxFuture<'static, Adopted> {
        adopt(held).boxed()
    }

    fn running(&self) -> Vec<(AttemptKey, LaunchToken)> {
        let runs_dir = Layout::new(&self.launcher.project).runs_dir();
        let attempts = process_table::attempts_below(&runs_dir).into_iter();
        attempts
            .filter_map(|(process, path)| named(&AttemptFolder::new(path), Some(process.pid)))
            .collect()
    }
}

async fn launch(launcher: Launcher, attempt: Prepared) -> Ended {
    let held = &attempt.held;
    let mut child = match spawn(&launcher, &attempt) {
        Ok(child) => child,
        Err(error) => {
            let program = launcher.executable.display();
            return failed(held, format!("start the attempt's process `{program}`: {error}"), None)
                .await;
        }
    };
    tracing::trace!(step = "spawned", attempt = %held.key);
    let leader = child.id().and_then(process_table::find);
    hand_over(&mut child, &attempt).await;
    tracing::trace!(step = "handed over", attempt = %held.key);
    held.started(child.id()).await;
    let exit = tokio::select! {
        exit = child.wait() => Some(exit),
        () = held.until_cancelled() => None,
    };
    match (exit, leader) {
        (Some(exit), _) => after_exit(held, exit, leader).await,
        (None, Some(leader)) => {
            // Waited for while it is ended, so that no remains look alive.
            tokio::join!(end(held, leader), child.wait().map(drop));
            Ended::Cancelled
        }
        (None, None) => Ended::Cancelled,
    }
}

fn spawn(launcher: &Launcher, attempt: &Prepared) -> io::Result<Child> {
    let folder = attempt.held.folder.path();
    let out = wrapper_log(folder)?;
    let err = out.try_clone()?;
    let mut order = attempt.order.clone();
    attempt.handover.fill(&mut order);
    Command::new(&launcher.executable)
        .arg("attempt")
        .arg(folder)
        .current_dir(&launcher.project)
        .env_clear()
        .envs(launcher.environment.iter().map(|(name, value)| (name, value)))
        .envs(&order.env)
        .envs(&attempt.handover.private.env)
        .env(process_table::TOKEN_VARIABLE, attempt.held.token.as_str())
        .stdin(Stdio::piped())
        .stdout(out)
        .stderr(err)
        .spawn()
}

fn wrapper_log(folder: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(folder.join("wrapper.log"))
}

/// An attempt that gets less than all of it refuses to run, so a failure here shows as an exit
/// without a report.
async fn hand_over(child: &mut Child, attempt: &Prepared) {
    let Some(mut stdin) = child.stdin.take() else { return };
    let text = serde_json::to_vec(&attempt.handover).unwrap_or_default();
    if let Err(error) = stdin.write_all(&text).await {
        tracing::warn!(attempt = %attempt.held.key, %error, "could not hand over");
    }
    let _ = stdin.shutdown().await;
}

async fn after_exit(held: &Held, exit: io::Result<ExitStatus>, leader: Option<Process>) -> Ended {
    if let Some(outcome) = held.reported().await {
        return Ended::Finished(outcome);
    }
    // Another process may have claimed the token: a launch by a daemon that was killed.
    if let Some(claim) = held.folder.claimed(&held.token)
        && process_of(&claim).is_some_and(|process| Some(process) != leader)
        && let Adopted::Ended(ended) = adopt(held.clone()).await
    {
        return ended;
    }
    if let Some(leader) = leader {
        // Nobody is left to watch over what it started.
        end(held, leader).await;
    }
    match exit {
        Ok(status) => {
            let mut error =
                format!("the attempt's process ended without a report ({})", how(status));
            if let Some(said) = last_words(held.folder.path()) {
                error += &format!(": {said}");
            }
            failed(held, error, status.code()).await
        }
        Err(error) => Ended::Lost(format!("wait for the attempt's process: {error}")),
    }
}

/// Returns the last line that the process said outside of its task: why it refused.
fn last_words(folder: &Path) -> Option<String> {
    let said = fs::read(folder.join("wrapper.log")).ok()?;
    let said = String::from_utf8_lossy(&said);
    let line = said.lines().rev().find(|line| !line.trim().is_empty())?;
    Some(line.chars().take(LAST_WORDS_LEN_MAX).collect())
}

fn how(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("signal {signal}"),
        (None, Some(code)) => format!("exit code {code}"),
        (None, None) => "unknown".to_owned(),
    }
}

async fn failed(held: &Held, error: String, exit_code: Option<i32>) -> Ended {
    held.note(&error).await;
    Ended::Finished(Outcome::Failed { error, exit_code, retryable: true })
}

async fn adopt(held: Held) -> Adopted {
    if let Some(outcome) = held.reported().await {
        return Adopted::Ended(Ended::Finished(outcome));
    }
    let Some(claim) = held.folder.claimed(&held.token) else {
        return if *held.cancelled.borrow() {
            Adopted::Ended(Ended::Cancelled)
        } else {
            Adopted::Unstarted
        };
    };
    Adopted::Ended(watch(&held, &claim).await)
}

/// Watches a process that is not a child until it has ended.
async fn watch(held: &Held, claim: &Claim) -> Ended {
    let Some(leader) = process_of(claim) else {
        return lost(
            held,
            "the machine was restarted, or the project restored, while it ran".to_owned(),
        )
        .await;
    };
    if process_table::is_alive(leader) {
        held.started(Some(leader.pid)).await;
    }
    while process_table::is_alive(leader) {
        tokio::select! {
            () = tokio::time::sleep(WATCH) => {}
            () = held.until_cancelled() => {
                end(held, leader).await;
                return Ended::Cancelled;
            }
        }
    }
    // It may have written its report between the last look and its end.
    if let Some(outcome) = held.reported().await {
        return Ended::Finished(outcome);
    }
    end(held, leader).await;
    lost(held, format!("its process {} is gone and left no report", leader.pid)).await
}

async fn lost(held: &Held, reason: String) -> Ended {
    match held.reported().await {
        Some(outcome) => Ended::Finished(outcome),
        None if *held.cancelled.borrow() => Ended::Cancelled,
        None => {
            held.note(&reason).await;
            Ended::Lost(reason)
        }
    }
}

/// Returns the process that a claim names, unless another boot made it.
fn process_of(claim: &Claim) -> Option<Process> {
    let boot = process_table::boot_id().ok()?;
    (boot == claim.boot_id).then_some(Process { pid: claim.pid, start_time: claim.start_time })
}

async fn end(held: &Held, leader: Process) {
    let left = tree::end(leader, held.token.as_str()).await;
    if left > 0 {
        tracing::error!(attempt = %held.key, left, "processes of an attempt would not end");
    }
}
