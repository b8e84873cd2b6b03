//! Does what `update` wants done, beside the deck's task; what comes of it returns as messages.

use std::collections::HashMap;
use std::io::{self, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::daemon::Daemon;
use crate::message::{Handover, Message, Purpose, Timer};
use crate::types::ask::Request;
use crate::types::{Fault, FaultKind};

/// First and longest pause between two attempts to reach the daemon.
const RECONNECT_MIN: Duration = Duration::from_millis(200);
const RECONNECT_MAX: Duration = Duration::from_secs(5);

/// Runs questions and timers.
pub(crate) struct Runner {
    daemon: Arc<dyn Daemon>,
    messages: mpsc::Sender<Message>,
    read_only: bool,
    /// What a newer one of its kind makes pointless: the read of a log no longer shown.
    replaceable: HashMap<&'static str, AbortHandle>,
}

impl Runner {
    /// Sends what comes of effects to `messages`.
    pub(crate) fn new(
        daemon: Arc<dyn Daemon>,
        messages: mpsc::Sender<Message>,
        read_only: bool,
    ) -> Self {
        Self { daemon, messages, read_only, replaceable: HashMap::new() }
    }

    /// Asks the daemon; the answer comes as a message.
    pub(crate) fn ask(&mut self, purpose: Purpose, generation: u64, request: Request) {
        let kind = match &purpose {
            Purpose::Log => Some("log"),
            Purpose::PlanTrigger(_) => Some("plan"),
            Purpose::PlanSheet => Some("sheet"),
            Purpose::Fetch(_) | Purpose::PlanAlias(_) | Purpose::Act(_) => None,
        };
        let (daemon, messages) = (Arc::clone(&self.daemon), self.messages.clone());
        // No key leads here in a read-only deck; this holds also where that has a hole.
        let is_denied = self.read_only && request.changes_state();
        let task = tokio::spawn(async move {
            let result = match is_denied {
                true => Err(Fault::new(FaultKind::Denied, "this deck is read-only")),
                false => daemon.ask(request).await,
            };
            // The deck may have been left meanwhile.
            let _ = messages.send(Message::Answered { purpose, generation, result }).await;
        });
        if let Some(kind) = kind
            && let Some(older) = self.replaceable.insert(kind, task.abort_handle())
        {
            older.abort();
        }
    }

    /// Rings after a while.
    pub(crate) fn after(&self, millis: u64, timer: Timer) {
        let messages = self.messages.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            let _ = messages.send(Message::Timer(timer)).await;
        });
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
                    while let Some(numbered) = events.recv().await {
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
