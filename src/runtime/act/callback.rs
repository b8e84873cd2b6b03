//! Tells the outside what has happened, at least once for each row, and notes how that went.
//!
//! ```text
//! CallBack ─► compose (rendered, in memory) ─► deliver ─► note: pending | done | failed
//!                 ▲                                         │
//!                 └──────────── after a wait ◄──────────────┘
//! ```
//! The row is pending until the outside has been told; a daemon that starts takes up those that
//! are. Nothing waits for a callback, and none changes what it tells of.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

use crate::runtime::act::{Actor, Shared};
use crate::store::callback::CallbackTry;
use crate::store::{callback, dag_run, event_log};
use crate::types::callback::{CallbackRequest, CallbackState, CallbackSubject};
use crate::types::event::{Event, EventLog, Severity};

mod command;
mod compose;
mod compose_of_asset;
mod compose_of_model;
mod deliver;

use compose::Composed;

/// How many are told at once: ten thousand tasks that fail together must not start as many
/// processes.
const AT_ONCE_MAX: usize = 16;

/// No wait between two tries is longer.
const RETRY_DELAY_MAX: Duration = Duration::from_mins(5);

/// What is kept of what the other side said, in characters.
const OUTPUT_LEN_MAX: usize = 4_096;

/// How often a try's end is written where the store refuses it. After that the row stays pending,
/// and the next start tells the outside again.
const NOTE_TRIES: u32 = 5;
const NOTE_RETRY: Duration = Duration::from_secs(1);

/// The callbacks in hand.
pub(crate) struct Callbacks {
    /// What the environment of every command begins with.
    environment: Vec<(OsString, OsString)>,
    turns: Semaphore,
    in_hand: Mutex<BTreeMap<String, AbortHandle>>,
}

/// A try that came to nothing.
#[derive(Debug)]
struct Refusal {
    error: String,
    /// Another try may help.
    is_passing: bool,
    output: Option<String>,
}

impl Refusal {
    fn passing(error: impl Into<String>) -> Self {
        Self { error: error.into(), is_passing: true, output: None }
    }

    fn fatal(error: impl Into<String>) -> Self {
        Self { error: error.into(), is_passing: false, output: None }
    }
}

impl Callbacks {
    pub(crate) fn new(environment: Vec<(OsString, OsString)>) -> Self {
        let turns = Semaphore::new(AT_ONCE_MAX);
        Self { environment, turns, in_hand: Mutex::default() }
    }

    /// Lets go of all of them: the next start takes them up again.
    pub(crate) fn let_go(&self) {
        self.in_hand().values().for_each(AbortHandle::abort);
    }

    fn in_hand(&self) -> MutexGuard<'_, BTreeMap<String, AbortHandle>> {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Actor {
    /// Takes up a callback, unless it is in hand; returns at once.
    pub(crate) fn call_back(&self, request: CallbackRequest) {
        let mut in_hand = self.shared.callbacks.in_hand();
        if in_hand.contains_key(&request.id) {
            return;
        }
        let (shared, id) = (self.shared.clone(), request.id.clone());
        let task = tokio::spawn(async move {
            carry_out(&shared, &request).await;
            shared.callbacks.in_hand().remove(&request.id);
        });
        in_hand.insert(id, task.abort_handle());
    }
}

async fn carry_out(shared: &Arc<Shared>, request: &CallbackRequest) {
    let mut tries = request.tries;
    let mut pause = request.spec.retry_delay;
    loop {
        let told = tell(shared, request).await;
        tries += 1;
        let ended = ended(shared, request, tries, told);
        tracing::trace!(step = "called back", callback = request.id);
        note(shared, request, &ended).await;
        tracing::trace!(step = "callback noted", callback = request.id);
        if ended.state != CallbackState::Pending {
            return;
        }
        tokio::time::sleep(pause.min(RETRY_DELAY_MAX)).await;
        pause = pause.saturating_mul(2);
    }
}

/// Tells it once, within its time.
async fn tell(shared: &Shared, request: &CallbackRequest) -> Result<String, Refusal> {
    let _turn = shared.callbacks.turns.acquire().await;
    let limit = request.spec.timeout;
    let composed = compose::compose(shared, request).await?;
    let told = tokio::time::timeout(limit, deliver::deliver(shared, request, &composed)).await;
    let told = told.unwrap_or_else(|_| {
        Err(Refusal::passing(format!("not done within {} s", limit.as_secs_f64())))
    });
    told.map(|output| composed.masked(&output)).map_err(|refusal| Refusal {
        error: composed.masked(&refusal.error),
        output: refusal.output.map(|output| composed.masked(&output)),
        ..refusal
    })
}

fn ended(
    shared: &Shared,
    request: &CallbackRequest,
    tries: u32,
    told: Result<String, Refusal>,
) -> CallbackTry {
    let (id, at) = (request.id.clone(), shared.clock.now());
    match told {
        Ok(output) => {
            let output = Some(cut(&output)).filter(|output| !output.is_empty());
            CallbackTry { id, tries, state: CallbackState::Done, at, output, error: None }
        }
        Err(refusal) => {
            let is_last = !refusal.is_passing || tries > request.spec.retries;
            let state = if is_last { CallbackState::Failed } else { CallbackState::Pending };
            let output = refusal.output.as_deref().map(cut);
            CallbackTry { id, tries, state, at, output, error: Some(cut(&refusal.error)) }
        }
    }
}

/// Keeps the end of a text: it tells the most.
fn cut(text: &str) -> String {
    let text = text.trim();
    let over = text.chars().count().saturating_sub(OUTPUT_LEN_MAX);
    text.chars().skip(over).collect()
}

/// Writes how a try ended, and the lines of the feed that go with it, in one transaction.
async fn note(shared: &Shared, request: &CallbackRequest, ended: &CallbackTry) {
    for nth in 1..=NOTE_TRIES {
        let (row, line) = (ended.clone(), line(request, ended));
        let subject = request.subject.clone();
        let noted = shared.store.write(move |tx| {
            if callback::note_try(tx, &row)?
                && let Some(line) = line
            {
                event_log::insert(tx, &line)?;
            }
            match subject {
                CallbackSubject::Run(key) => dag_run::get(tx, &key.dag_id, &key.dag_run_id),
                CallbackSubject::Asset { .. } | CallbackSubject::Model { .. } => Ok(None),
            }
        });
        match noted.await {
            Ok(run) => {
                if let Some(run) = run {
                    let (dag_id, dag_run_id, state) = (run.dag_id, run.dag_run_id, run.state);
                    let event = Event::DagRunChanged { dag_id, dag_run_id, state };
                    shared.publisher.publish(event);
                }
                return;
            }
            Err(error) => {
                tracing::warn!(callback = ended.id, %error, "could not note a callback");
            }
        }
        if nth < NOTE_TRIES {
            tokio::time::sleep(NOTE_RETRY).await;
        }
    }
}

/// What the feed says: a message to it, or that a callback has failed for good.
fn line(request: &CallbackRequest, ended: &CallbackTry) -> Option<EventLog> {
    let (of, run) = match (&request.task_id, &request.subject) {
        (Some(task_id), CallbackSubject::Run(run)) => (format!("`{task_id}`"), Some(run)),
        (None, CallbackSubject::Run(run)) => (format!("run `{}`", run.dag_run_id), Some(run)),
        (_, CallbackSubject::Asset { asset }) => (format!("asset `{asset}`"), None),
        (_, CallbackSubject::Model { model, version }) => {
            (format!("version {version} of `{model}`"), None)
        }
    };
    let (severity, event, message) = match ended.state {
        CallbackState::Pending => return None,
        CallbackState::Done if deliver::is_for_feed(request) => {
            (Severity::Info, "notify", ended.output.clone()?)
        }
        CallbackState::Done => return None,
        CallbackState::Failed => {
            let (event, action) = (request.event.as_str(), request.spec.action.name());
            let error = ended.error.as_deref().unwrap_or_default();
            let message = format!("`{event}` of {of}: {action} failed: {error}");
            (Severity::Warning, "callback.failed", message)
        }
    };
    Some(EventLog {
        id: 0,
        when: ended.at,
        severity,
        event: event.to_owned(),
        dag_id: run.map(|run| run.dag_id.clone()),
        dag_run_id: run.map(|run| run.dag_run_id.clone()),
        task_id: request.task_id.clone(),
        owner: None,
        message,
    })
}
