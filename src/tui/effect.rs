//! Does what `update` wants done, beside the deck's task; what comes of it returns as messages.

use std::collections::HashMap;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinHandle};

use crate::daemon::{Connector, Daemon};
use crate::message::{Call, Errand, Handover, LogStep, Message, Purpose, SaveLog, Timer};
use crate::state::graph::Job;
use crate::types::ask::Request;
use crate::types::{Fault, FaultKind, time};
use crate::widget::graph;

mod plugin;

mod save;

/// First and longest pause between two attempts to reach the daemon.
const RECONNECT_MIN: Duration = Duration::from_millis(200);
const RECONNECT_MAX: Duration = Duration::from_secs(5);

/// How long the nodes of a graph are moved about; after that they lie well enough.
const LAYOUT_BUDGET: Duration = Duration::from_millis(50);

/// Runs questions and timers.
pub(crate) struct Runner {
    daemon: Arc<dyn Daemon>,
    messages: mpsc::Sender<Message>,
    read_only: bool,
    /// What a newer one of its kind makes pointless: the read of a log no longer shown.
    replaceable: HashMap<&'static str, AbortHandle>,
    /// The graph that is wanted last.
    graph: Arc<AtomicU64>,
    /// The session is written by one task after the other, so that the last one stays.
    saving: Option<JoinHandle<()>>,
}

impl Runner {
    /// Sends what comes of effects to `messages`.
    pub(crate) fn new(
        daemon: Arc<dyn Daemon>,
        messages: mpsc::Sender<Message>,
        read_only: bool,
    ) -> Self {
        Self {
            daemon,
            messages,
            read_only,
            replaceable: HashMap::new(),
            graph: Arc::default(),
            saving: None,
        }
    }

    /// Asks the daemon; the answer comes as a message.
    pub(crate) fn ask(&mut self, purpose: Purpose, generation: u64, request: Request) {
        let kind = match &purpose {
            Purpose::Log { is_beside, step } => Some(log_kind(*is_beside, *step)),
            Purpose::PlanTrigger(_) => Some("plan"),
            Purpose::PlanSheet => Some("sheet"),
            Purpose::OlderEvents | Purpose::Fetch(_) | Purpose::Act(_) => None,
        };
        let (daemon, messages) = (Arc::clone(&self.daemon), self.messages.clone());
        // No key leads here in a read-only deck; this holds also where that has a hole.
        let changes = request.changes_state();
        let is_denied = self.read_only && changes;
        let task = tokio::spawn(async move {
            let result = match is_denied {
                true => Err(Fault::new(FaultKind::Denied, "this deck is read-only")),
                // What was ordered is not left half said when the deck goes to another project.
                false if changes => daemon.ask(request).await,
                false => tokio::select! {
                    result = daemon.ask(request) => result,
                    () = messages.closed() => return,
                },
            };
            let answered = Message::answered(purpose, generation, result);
            // The deck may have been left meanwhile.
            let _ = messages.send(answered).await;
        });
        if let Some(kind) = kind
            && let Some(older) = self.replaceable.insert(kind, task.abort_handle())
        {
            older.abort();
        }
    }

    /// Works out where the nodes of a graph lie, unless another graph is wanted meanwhile.
    pub(crate) fn lay_out(&self, job: Job) {
        let (messages, wanted) = (self.messages.clone(), Arc::clone(&self.graph));
        let id = job.id;
        wanted.store(id, Ordering::Relaxed);
        tokio::task::spawn_blocking(move || {
            let begun = time::instant();
            let stop =
                || wanted.load(Ordering::Relaxed) != id || time::instant() - begun > LAYOUT_BUDGET;
            let laid = graph::fit(&job, &stop);
            let _ = messages.blocking_send(Message::Laid(Box::new(laid)));
        });
    }

    /// Rings after a while.
    pub(crate) fn after(&self, millis: u64, timer: Timer) {
        let messages = self.messages.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            let _ = messages.send(Message::Timer(timer)).await;
        });
    }

    /// Saves a log; how that went comes as a message.
    pub(crate) fn save_log(&self, wish: SaveLog) {
        let (daemon, messages) = (Arc::clone(&self.daemon), self.messages.clone());
        tokio::spawn(async move {
            let path = wish.path.clone();
            let result = save::save(&*daemon, wish).await;
            let _ = messages.send(Message::Saved { path, result }).await;
        });
    }

    /// Writes the session; the file is whole at any time.
    pub(crate) fn save(&mut self, path: PathBuf, text: String) {
        let before = self.saving.take();
        self.saving = Some(tokio::spawn(async move {
            if let Some(before) = before {
                let _ = before.await;
            }
            // A session that cannot be kept is no reason to disturb anybody.
            let _ = tokio::task::spawn_blocking(move || write_private(&path, &text)).await;
        }));
    }

    /// Waits until the session is written.
    pub(crate) async fn saved(&mut self) {
        if let Some(saving) = self.saving.take() {
            let _ = saving.await;
        }
    }

    /// Reaches the daemon of a profile.
    pub(crate) fn connect(&self, connector: &Arc<dyn Connector>, profile: &str) {
        let (connecting, messages) = (connector.connect(profile), self.messages.clone());
        tokio::spawn(async move {
            let result = tokio::select! {
                result = connecting => result,
                () = messages.closed() => return,
            };
            let _ = messages.send(Message::Switched(result)).await;
        });
    }

    /// Asks another daemon from now on, and sends what comes of it elsewhere: whatever is under
    /// way for the one before has nobody to tell.
    pub(crate) fn attach(
        &mut self,
        daemon: Arc<dyn Daemon>,
        messages: mpsc::Sender<Message>,
        read_only: bool,
    ) {
        self.replaceable.drain().for_each(|(_, task)| task.abort());
        (self.daemon, self.messages, self.read_only) = (daemon, messages, read_only);
        self.watch();
    }

    /// Runs a program on the terminal, which the deck has left to it.
    pub(crate) fn hand_over(&self, handover: Handover) {
        let messages = self.messages.clone();
        tokio::spawn(async move {
            let Handover { program, args, input, errand } = handover;
            let name = program.clone();
            let ran = tokio::task::spawn_blocking(move || on_terminal(&program, &args, input));
            let outcome = match ran.await {
                Ok(Ok(status)) => Ok(status.code()),
                Ok(Err(error)) => Err(format!("failed to start `{name}`: {error}")),
                Err(error) => Err(format!("failed to wait for `{name}`: {error}")),
            };
            let _ = messages.send(Message::HandedBack { errand, outcome }).await;
        });
    }

    /// Runs a plugin on the terminal, which the deck has left to it, until enter at its end.
    pub(crate) fn call(&self, call: Call) {
        let messages = self.messages.clone();
        tokio::spawn(async move {
            let errand = Errand::Plugin(call.name.clone());
            let ran = tokio::task::spawn_blocking(move || plugin::on_terminal(&call));
            let outcome = ran.await.unwrap_or_else(|error| Err(error.to_string()));
            let _ = messages.send(Message::HandedBack { errand, outcome }).await;
        });
    }

    /// Runs a plugin beside the deck.
    pub(crate) fn beside(&self, call: Call) {
        let messages = self.messages.clone();
        tokio::spawn(async move {
            let name = call.name.clone();
            let ran = tokio::task::spawn_blocking(move || plugin::beside(&call));
            let outcome = ran.await.unwrap_or_else(|error| Err(error.to_string()));
            let _ = messages.send(Message::PluginEnded { name, outcome }).await;
        });
    }

    /// Watches the daemon's events, again and again where it goes away.
    pub(crate) fn watch(&self) {
        let (daemon, messages) = (Arc::clone(&self.daemon), self.messages.clone());
        tokio::spawn(async move {
            let mut pause = RECONNECT_MIN;
            while !messages.is_closed() {
                if let Ok(mut events) = daemon.events().await {
                    pause = RECONNECT_MIN;
                    if messages.send(Message::LinkUp).await.is_err() {
                        return;
                    }
                    loop {
                        let numbered = tokio::select! {
                            numbered = events.recv() => numbered,
                            () = messages.closed() => return,
                        };
                        let Some(numbered) = numbered else { break };
                        if messages.send(Message::Event(numbered.event)).await.is_err() {
                            return;
                        }
                    }
                }
                if messages.send(Message::LinkDown).await.is_err() {
                    return;
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(RECONNECT_MAX);
            }
        });
    }
}

/// A read of a log makes an older one of its kind pointless.
fn log_kind(is_beside: bool, step: LogStep) -> &'static str {
    match (is_beside, step) {
        // What is opened anew is no longer followed where it was.
        (false, LogStep::Tail | LogStep::Follow) => "log",
        (true, LogStep::Tail | LogStep::Follow) => "log beside",
        (false, LogStep::Older | LogStep::Newer) => "log stretch",
        (true, LogStep::Older | LogStep::Newer) => "log stretch beside",
        (_, LogStep::Seek) => "log search",
    }
}

/// Writes a file for its owner only: beside, then renamed over the one before.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let beside = path.with_extension(format!("{}.tmp", rustix::process::getpid()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&beside)?;
    file.write_all(text.as_bytes())?;
    std::fs::rename(&beside, path).inspect_err(|_| {
        let _ = std::fs::remove_file(&beside);
    })
}

/// Runs a program to its end, on the terminal that this one has.
fn on_terminal(program: &str, args: &[String], input: Option<String>) -> io::Result<ExitStatus> {
    let stdin = if input.is_some() { Stdio::piped() } else { Stdio::inherit() };
    let mut child = Command::new(program).args(args).stdin(stdin).spawn()?;
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
        // A pager may be left before it has read everything.
        let _ = stdin.write_all(input.as_bytes());
    }
    child.wait()
}
