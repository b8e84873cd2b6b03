//! The warm interpreter: one process for each interpreter and list of imports of a project, which
//! has imported the list once and forks for each task (`python/warm.py`).
//!
//! ```text
//! attempt ─► .dagdeck/warm/KEY.sock ─► server ─ fork ─► the task's process
//!    └─ reads the task's output from pipes of its own; if it goes, the task goes
//! ```
//! Whoever finds no server starts one, under a lock. It ends itself when it is idle. Whatever goes
//! wrong before the task has begun leads to a cold start, and the log says so.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, IoSlice, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;

use rustix::fs::{FlockOperation, flock};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::super::child;
use super::super::error::OperatorError;
use super::super::output::{Finished, Following};
use super::RUNNER;
use super::interpreter::Interpreter;
use crate::runtime::attempt::{AttemptFolder, Order, Private};
use crate::runtime::executor::process_table::{FOLDER_VARIABLE, TOKEN_VARIABLE};
use crate::runtime::task_log::TaskLog;

const SERVER: &str = include_str!("warm.py");

/// Seconds without a task.
const IDLE: &str = "600";

/// Libraries that would start threads for arithmetic when they are imported.
const ONE_THREAD: [&str; 4] =
    ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"];

/// What the server says of a task.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Told {
    Pid(i32),
    Status(i32),
}

/// Runs a task in a fork of the warm interpreter; the inner error says why it must start cold.
pub(super) fn run(
    interpreter: &Interpreter,
    modules: &[String],
    order: &Order,
    private: &Private,
    wish: &Value,
    log: &Arc<TaskLog>,
) -> Result<Result<Finished, String>, OperatorError> {
    let server = Server::new(interpreter, modules, &order.project);
    let stream = match server.reach(order, log) {
        Ok(stream) => stream,
        Err(reason) => return Ok(Err(reason)),
    };
    let failed = |error| OperatorError::io("hand the task to the warm interpreter", &error);
    let (out, out_end) = io::pipe().map_err(failed)?;
    let (err, err_end) = io::pipe().map_err(failed)?;
    let request = request(order, private, wish).map_err(failed)?;
    if let Err(error) = send(&stream, &request, &out_end, &err_end) {
        return Ok(Err(format!("the warm interpreter does not listen: {error}")));
    }
    drop((out_end, err_end));
    let mut answers = BufReader::new(stream);
    let Some(Told::Pid(pid)) = next(&mut answers) else {
        return Ok(Err("the warm interpreter ended before the task began".to_owned()));
    };
    tracing::debug!(pid, "the task runs in a fork of the warm interpreter");
    let following = Following::begin(Some(out), Some(err), &order.folder, log);
    match next(&mut answers) {
        Some(Told::Status(status)) => Ok(Ok(following.end(ExitStatus::from_raw(status)))),
        _ => Err(OperatorError::passing("the warm interpreter ended while the task ran")),
    }
}

fn next(answers: &mut impl BufRead) -> Option<Told> {
    let mut line = String::new();
    answers.read_line(&mut line).ok()?;
    serde_json::from_str(&line).ok()
}

/// The whole environment goes along: the server's own is that of another task.
fn request(order: &Order, private: &Private, wish: &Value) -> io::Result<Vec<u8>> {
    let mut env = inherited()?;
    let prepared = child::prepare("python", None, order, private, None);
    for (name, value) in prepared.get_envs() {
        let name = name.to_string_lossy().into_owned();
        match value {
            Some(value) => env.insert(name, value.to_string_lossy().into_owned()),
            None => env.remove(&name),
        };
    }
    let cwd = child::folder(None, order);
    let text = json!({ "env": env, "cwd": cwd, "order": wish }).to_string();
    let length = u32::try_from(text.len()).map_err(io::Error::other)?;
    Ok([&length.to_be_bytes(), text.as_bytes()].concat())
}

/// What a child of this process would inherit.
fn inherited() -> io::Result<BTreeMap<String, String>> {
    let bytes = fs::read("/proc/self/environ")?;
    let pairs = bytes.split(|byte| *byte == 0).filter_map(|pair| {
        let pair = String::from_utf8_lossy(pair);
        let (name, value) = pair.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    });
    Ok(pairs.collect())
}

/// Sends the request, and with its first bytes the ends that the task is to print to.
fn send(stream: &UnixStream, request: &[u8], out: &impl AsFd, err: &impl AsFd) -> io::Result<()> {
    let ends = [out.as_fd(), err.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut along = SendAncillaryBuffer::new(&mut space);
    along.push(SendAncillaryMessage::ScmRights(&ends));
    let (first, rest) = request.split_at(4);
    let sent = sendmsg(stream, &[IoSlice::new(first)], &mut along, SendFlags::NOSIGNAL)?;
    let mut stream = stream;
    stream.write_all(&first[sent..])?;
    stream.write_all(rest)
}

struct Server<'a> {
    interpreter: &'a Interpreter,
    modules: &'a [String],
    folder: PathBuf,
    key: String,
}

impl<'a> Server<'a> {
    fn new(interpreter: &'a Interpreter, modules: &'a [String], project: &Path) -> Self {
        // Another version of this program has another server.
        let told = json!([interpreter.program, modules, SERVER, RUNNER]).to_string();
        let digest = Sha256::digest(told.as_bytes());
        let key = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self { interpreter, modules, folder: project.join(".dagdeck/warm"), key }
    }

    /// Connects; starts the server where there is none.
    fn reach(&self, order: &Order, log: &TaskLog) -> Result<UnixStream, String> {
        let failed = |error: io::Error| format!("reach the warm interpreter: {error}");
        AttemptFolder::new(&self.folder).make().map_err(failed)?;
        if let Ok(stream) = self.connect() {
            return Ok(stream);
        }
        let lock = File::create(self.folder.join(format!("{}.lock", self.key))).map_err(failed)?;
        flock(&lock, FlockOperation::LockExclusive).map_err(|error| failed(error.into()))?;
        if let Ok(stream) = self.connect() {
            return Ok(stream);
        }
        log.say("starts the warm interpreter");
        self.start(order)?;
        self.connect().map_err(failed)
    }

    /// By way of the folder's descriptor: the path itself may be longer than a socket's may be.
    fn connect(&self) -> io::Result<UnixStream> {
        let folder = File::open(&self.folder)?;
        UnixStream::connect(format!("/proc/self/fd/{}/{}.sock", folder.as_raw_fd(), self.key))
    }

    /// Starts the server and waits until it has imported the list.
    fn start(&self, order: &Order) -> Result<(), String> {
        let failed = |error: io::Error| format!("start the warm interpreter: {error}");
        let log = File::create(self.folder.join(format!("{}.log", self.key))).map_err(failed)?;
        // Nothing of this task may be in what other tasks are forked from.
        let bare = Order { env: indexmap::IndexMap::new(), ..order.clone() };
        let mut command: Command = self.interpreter.command(&bare, &Private::default());
        command
            .args(["-u", "-c", SERVER, &format!("{}.sock", self.key), IDLE])
            .args(self.modules)
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .env_remove(TOKEN_VARIABLE)
            .env_remove(FOLDER_VARIABLE)
            .env_remove(super::super::handed::VARIABLE)
            .envs(ONE_THREAD.map(|name| (name, "1")));
        let mut child = command.spawn().map_err(failed)?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(RUNNER.as_bytes()).map_err(failed)?;
        }
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line).map_err(failed)?;
        }
        // It has forked and left: the server is nobody's child.
        child.wait().map_err(failed)?;
        match line.trim() {
            "ready" => Ok(()),
            "" => Err(format!(
                "the warm interpreter did not start: see `.dagdeck/warm/{}.log`",
                self.key
            )),
            refused => Err(format!("the warm interpreter {refused}")),
        }
    }
}

#[cfg(test)]
mod tests;
