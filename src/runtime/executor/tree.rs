//! Ends all processes of an attempt: asked first, then made to.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::runtime::executor::process_table::{self, Process};
use crate::types::time;

/// How long a process has to end by itself after SIGTERM, unless its task says otherwise.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

/// How long to go on with SIGKILL: a process in an uninterruptible wait may outlast any patience.
const PATIENCE: Duration = Duration::from_secs(5);

const STEP: Duration = Duration::from_millis(50);

/// Ends the leader, its group, its session and all that came from it, with SIGKILL once `grace` is
/// over. Returns when none is left, or says how many would not go.
pub(crate) async fn end(leader: Process, token: &str, grace: Duration) -> usize {
    let started = time::instant();
    let mut asked: Vec<Process> = Vec::new();
    loop {
        let left = list(leader, token).await;
        let waited = started.elapsed();
        if left.is_empty() || waited > grace + PATIENCE {
            return left.len();
        }
        for process in left {
            if waited > grace {
                signal(process, Signal::KILL);
            } else if !asked.contains(&process) {
                signal(process, Signal::TERM);
                asked.push(process);
            }
        }
        tokio::time::sleep(STEP).await;
    }
}

async fn list(leader: Process, token: &str) -> Vec<Process> {
    let token = token.to_owned();
    tokio::task::spawn_blocking(move || process_table::tree(leader, &token))
        .await
        .unwrap_or_default()
}

fn signal(process: Process, signal: Signal) {
    // Looked at again right before: its id may have gone to another since the list was made.
    if !process_table::is_alive(process) {
        return;
    }
    let pid = i32::try_from(process.pid).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // An error says that it has just ended, or is not ours to end.
        let _ = kill_process(pid, signal);
    }
}
