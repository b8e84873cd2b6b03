//! Does what `update` wants done, beside the deck's task; what comes of it returns as messages.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::daemon::Daemon;
use crate::message::{LogStep, Message, Purpose, SaveLog, Timer};
use crate::types::ask::Request;
use crate::types::{Fault, FaultKind};

mod save;

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
            Purpose::Log { is_beside, step } => Some(log_kind(*is_beside, *step)),
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

    /// Saves a log; how that went comes as a message.
    pub(crate) fn save(&self, wish: SaveLog) {
        let (daemon, messages) = (Arc::clone(&self.daemon), self.messages.clone());
        tokio::spawn(async move {
            let path = wish.path.clone();
            let result = save::save(&*daemon, wish).await;
            let _ = messages.send(Message::Saved { path, result }).await;
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
