//! The batch script's work on a node: what `dagdeck attempt-on-node` does. It starts the attempt
//! as the daemon does on its own machine, and watches over it and over its own parent: when
//! Slurm's step dies, nobody would end what it started.

use std::io::{self, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

use crate::runtime::attempt::{AttemptFolder, AttemptReport, Order, folder};
use crate::runtime::executor::process_table::{self, Process};
use crate::runtime::executor::slurm::batch::{Batch, Member};
use crate::runtime::executor::{Handover, tree, wrapper};
use crate::runtime::task_log::TaskLog;
use crate::sched::Outcome;
use crate::types::{LaunchToken, time};

/// Where an attempt runs, in its folder; written again while it runs, as a sign of life.
const WHEREABOUTS: &str = "node.json";

/// Between two signs of life.
const BEAT: Duration = Duration::from_secs(10);

/// How often the parent is looked at.
const WATCH: Duration = Duration::from_millis(500);

/// How long after an attempt failed Slurm's SIGTERM may still be on its way: it goes to each
/// process in turn, and the task may have been the first.
const ASKED_MAX: Duration = Duration::from_secs(1);

const DONE: u8 = 0;
/// The attempt failed: Slurm's accounting should show it.
const FAILED: u8 = 1;
/// There is nothing to run here; nothing was run.
const REFUSED: u8 = 64;

/// `node.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Whereabouts {
    token: LaunchToken,
    /// As Slurm numbers it.
    pub(crate) job: String,
    pub(crate) node: String,
    pub(super) host: String,
    pub(crate) pid: u32,
    start_time: u64,
    boot_id: String,
    beat: u64,
    /// `None`: it is still watched over.
    pub(super) end: Option<End>,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum End {
    ByItself,
    /// Slurm asked it to end.
    Asked,
    /// Its step died: Slurm takes the job for running, and will for long.
    Orphaned,
}

/// What the script of the batch knows of itself.
#[derive(Debug, Clone, Copy)]
pub struct OnNode<'a> {
    pub batch: &'a Path,
    pub index: usize,
    pub job: &'a str,
    pub node: &'a str,
    /// This program.
    pub executable: &'a Path,
}

/// What is said of a task that Slurm asked to end.
pub(super) const ASKED: &str =
    "Slurm asked it to end: cancelled, preempted, or its time limit (`time`) was reached";

impl Whereabouts {
    /// Reads where the attempt with this token is.
    pub(crate) fn of(folder: &AttemptFolder, token: &LaunchToken) -> Option<Self> {
        let bytes = std::fs::read(folder.path().join(WHEREABOUTS)).ok()?;
        let found: Self = serde_json::from_slice(&bytes).ok()?;
        (found.token == *token).then_some(found)
    }

    /// Process ids mean nothing on another machine, nor after a restart.
    pub(super) fn is_of_this_boot(&self) -> bool {
        process_table::boot_id().is_ok_and(|boot| boot == self.boot_id)
    }

    pub(super) const fn process(&self) -> Process {
        Process { pid: self.pid, start_time: self.start_time }
    }
}

/// Runs an attempt of a batch and returns the exit code.
pub fn node_main(on: OnNode<'_>) -> u8 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ran = runtime.map_err(|error| error.to_string()).and_then(|rt| rt.block_on(attempt(on)));
    match ran {
        Ok(code) => code,
        Err(text) => {
            let _ = writeln!(io::stderr(), "job {} on {}: {text}", on.job, on.node);
            REFUSED
        }
    }
}

async fn attempt(on: OnNode<'_>) -> Result<u8, String> {
    let parent = rustix::process::getppid();
    let batch = Batch::read(on.batch);
    let batch = batch.map_err(|error| format!("read `{}`: {error}", on.batch.display()))?;
    let member = batch.members.get(on.index).ok_or("the batch has no such element")?;
    let folder = AttemptFolder::new(&member.folder);
    let order = folder.order();
    let order = order.map_err(|error| format!("read `{}`: {error}", member.folder.display()))?;
    if order.token != member.token || folder.claimed(&member.token).is_some() {
        // It was cancelled, or another job runs it.
        return Ok(DONE);
    }
    let handover = match member.handover {
        Some(index) => open(&batch, index).await?,
        None => Handover::default(),
    };
    let mut whereabouts = whereabouts(on, member).map_err(|error| error.to_string())?;
    let keep =
        |whereabouts: &Whereabouts| folder::keep_lightly(&member.folder, WHEREABOUTS, whereabouts);
    keep(&whereabouts).map_err(|error| format!("write `{WHEREABOUTS}`: {error}"))?;
    // A line that is lost is no loss.
    let _ = TaskLog::open(&member.folder, Vec::new())
        .map(|log| log.say(&format!("Slurm job {} on {} ({})", on.job, on.node, whereabouts.host)));
    let mut asked = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    let mut child = spawn(on, &folder, order, &handover).map_err(|error| error.to_string())?;
    if let Err(error) = wrapper::hand_over(&mut child, &handover).await {
        let _ = writeln!(io::stderr(), "hand over: {error}");
    }
    drop(handover);
    let mut beat = tokio::time::interval(BEAT);
    let mut how = None;
    let mut end = loop {
        tokio::select! {
            status = child.wait() => {
                how = Some(status.map_or_else(|error| error.to_string(), wrapper::how));
                break End::ByItself;
            }
            _ = asked.recv() => break End::Asked,
            () = tokio::time::sleep(WATCH) => {
                if rustix::process::getppid() != parent {
                    break End::Orphaned;
                }
            }
            _ = beat.tick() => {
                whereabouts.beat += 1;
                // A sign of life that is lost is no loss.
                let _ = keep(&whereabouts);
            }
        }
    };
    let report = folder.report(&member.token);
    let failed = report.is_none_or(|report| matches!(report.outcome, Outcome::Failed { .. }));
    if end == End::ByItself && failed && tokio::time::timeout(ASKED_MAX, asked.recv()).await.is_ok()
    {
        end = End::Asked;
    }
    if end != End::ByItself || folder.report(&member.token).is_none() {
        // Slurm's SIGTERM reaches all of them, so the attempt's process may be gone before what it
        // started. Waited for while they end, so that no remains look alive.
        let _ = tokio::join!(
            tree::end(whereabouts.process(), member.token.as_str(), tree::GRACE),
            child.wait()
        );
    }
    let why = match (end, how) {
        (End::Asked, _) => ASKED.to_owned(),
        (End::Orphaned, _) => {
            "Slurm's step on the node died, and its task was ended with it".to_owned()
        }
        (End::ByItself, how) => {
            let how = how.unwrap_or_default();
            format!("the attempt's process ended without a report ({how})")
        }
    };
    let code = finish(&folder, &member.token, why).await;
    whereabouts.end = Some(end);
    // Without it the reason is told later, and an orphan's cores are free later.
    let _ = keep(&whereabouts);
    code
}

/// Opens what was sealed. Old and seen before is no reason to refuse it: jobs wait for days, and
/// the token says who may run it.
async fn open(batch: &Batch, index: usize) -> Result<Handover, String> {
    let sealed = batch.handovers.get(index).ok_or("the batch lacks a handover")?;
    let mut command = Command::new("unmunge");
    command.arg("--metadata=/dev/null").arg("--output=-");
    if let Some(socket) = &batch.munge_socket {
        command.arg(format!("--socket={socket}"));
    }
    let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = spawned.map_err(|error| format!("start `unmunge`: {error}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all(sealed.as_bytes()).await;
    }
    let opened = child.wait_with_output().await;
    let opened = opened.map_err(|error| format!("run `unmunge`: {error}"))?;
    // Not the error of the reader itself: it may quote a secret.
    serde_json::from_slice(&opened.stdout).map_err(|_| {
        format!("`unmunge` does not open the secrets ({})", wrapper::how(opened.status))
    })
}

fn whereabouts(on: OnNode<'_>, member: &Member) -> io::Result<Whereabouts> {
    let own = process_table::find(std::process::id())
        .ok_or_else(|| io::Error::other("`/proc` does not show this process"))?;
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname")?.trim().to_owned();
    Ok(Whereabouts {
        token: member.token.clone(),
        job: on.job.to_owned(),
        node: on.node.to_owned(),
        host,
        pid: own.pid,
        start_time: own.start_time,
        boot_id: process_table::boot_id()?,
        beat: 0,
        end: None,
    })
}

/// The attempt has Slurm's variables (`SLURM_JOB_ID`, which GPUs are its own …) beside its own.
fn spawn(
    on: OnNode<'_>,
    folder: &AttemptFolder,
    mut order: Order,
    handover: &Handover,
) -> io::Result<Child> {
    let out = wrapper::log(folder.path())?;
    let err = out.try_clone()?;
    handover.fill(&mut order);
    Command::new(on.executable)
        .arg("attempt")
        .arg(folder.path())
        .current_dir(&order.project)
        .envs(&order.env)
        .envs(&handover.private.env)
        .env(process_table::TOKEN_VARIABLE, order.token.as_str())
        .stdin(Stdio::piped())
        .stdout(out)
        .stderr(err)
        .spawn()
}

/// Sees to it that there is a report, and says how the job is to end.
async fn finish(folder: &AttemptFolder, token: &LaunchToken, error: String) -> Result<u8, String> {
    let outcome = match folder.report(token) {
        Some(report) => report.outcome,
        None => {
            let outcome = Outcome::Failed { error, exit_code: None, retryable: true };
            let report = AttemptReport {
                token: token.clone(),
                finished_at: time::now(),
                outcome: outcome.clone(),
            };
            let kept = wrapper::keep_report(folder, &report).await;
            kept.map_err(|error| format!("write the report: {error}"))?;
            outcome
        }
    };
    Ok(if matches!(outcome, Outcome::Failed { .. }) { FAILED } else { DONE })
}
