//! A callback's command: a process group of its own, which is gone when its time is over.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::process::Command;

use super::{OUTPUT_LEN_MAX, Refusal};
use crate::runtime::act::Shared;
use crate::types::callback::{CallbackRequest, CallbackSubject};

/// How long to read on when the command has ended: what it left in the pipe, not what a process
/// in the background may say yet.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Ends all processes of a group when it is dropped.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            // An error says that all of them have ended.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

/// Runs it to its end and returns what it wrote, standard error included.
pub(super) async fn run(
    shared: &Shared,
    request: &CallbackRequest,
    argv: &[String],
    input: &Value,
) -> Result<String, Refusal> {
    let [program, args @ ..] = argv else { return Err(Refusal::fatal("`argv` is empty")) };
    let mut child = Command::new(program)
        .args(args)
        .current_dir(shared.layout.project())
        .env_clear()
        .envs(shared.callbacks.environment.iter().map(|(name, value)| (name, value)))
        .envs(environment(request))
        .env("DAGDECK_PROJECT", shared.layout.project())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| refused(&format!("start `{program}`"), &error))?;
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    let _group = Group(pid);
    let (told, out, err) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (mut said, mut complained) = (Vec::new(), Vec::new());
    let status = {
        let reading = async {
            tokio::join!(write(told, input), read(out, &mut said), read(err, &mut complained));
        };
        tokio::pin!(reading);
        tokio::select! {
            status = child.wait() => {
                // An error says that a process in the background holds the output.
                let _ = tokio::time::timeout(LAST_WORDS, &mut reading).await;
                status
            }
            () = &mut reading => child.wait().await,
        }
    };
    let status = status.map_err(|error| refused("wait for the command", &error))?;
    said.extend_from_slice(&complained);
    let output = String::from_utf8_lossy(&said).into_owned();
    if status.success() {
        return Ok(output);
    }
    Err(Refusal { error: status.to_string(), is_passing: true, output: Some(output) })
}

/// Tells what has happened, in a line of JSON. A command need not listen.
async fn write(stream: Option<impl AsyncWrite + Unpin>, input: &Value) {
    let Some(mut stream) = stream else { return };
    let line = format!("{input}\n");
    if stream.write_all(line.as_bytes()).await.is_ok() {
        let _ = stream.shutdown().await;
    }
}

/// Reads all there is, and keeps the end of it.
async fn read(stream: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>) {
    let Some(mut stream) = stream else { return };
    let mut piece = [0; 8_192];
    while let Ok(count @ 1..) = stream.read(&mut piece).await {
        kept.extend_from_slice(&piece[..count]);
        let over = kept.len().saturating_sub(4 * OUTPUT_LEN_MAX);
        kept.drain(..over);
    }
}

/// The names that a command finds what has happened by.
fn environment(request: &CallbackRequest) -> Vec<(&'static str, String)> {
    let mut env = vec![
        ("DAGDECK_CALLBACK_ID", request.id.clone()),
        ("DAGDECK_EVENT", request.event.as_str().to_owned()),
        ("DAGDECK_STATE", request.task_or_run_state.clone()),
        ("DAGDECK_REASON", request.reason.clone().unwrap_or_default().replace('\0', "")),
    ];
    match &request.subject {
        CallbackSubject::Run(run) => {
            env.push(("DAGDECK_DAG_ID", run.dag_id.to_string()));
            env.push(("DAGDECK_RUN_ID", run.dag_run_id.to_string()));
        }
        CallbackSubject::Asset { asset } => env.push(("DAGDECK_ASSET", asset.to_string())),
        CallbackSubject::Model { model, version } => {
            env.push(("DAGDECK_MODEL", model.replace('\0', "")));
            env.push(("DAGDECK_MODEL_VERSION", version.to_string()));
        }
    }
    if let Some(task_id) = &request.task_id {
        env.push(("DAGDECK_TASK_ID", task_id.to_string()));
        env.push(("DAGDECK_MAP_INDEX", request.map_index.to_string()));
        env.push(("DAGDECK_TRY_NUMBER", request.try_number.to_string()));
    }
    env
}

fn refused(what: &str, error: &io::Error) -> Refusal {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput => {
            Refusal::fatal(format!("{what}: {error}"))
        }
        _ => Refusal::passing(format!("{what}: {error}")),
    }
}
