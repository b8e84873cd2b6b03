//! Reads and searches the log of an attempt, and knows when there is nothing more to come.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::runtime::control::{ControlParts, runs};
use crate::runtime::logs::find::{self, Search};
use crate::runtime::logs::{self, Stretch};
use crate::store::task_instance;
use crate::types::ask::Answer;
use crate::types::event::{Event, NumberedEvent};
use crate::types::run::{TaskInstance, TaskTry};
use crate::types::view::LogChunk;
use crate::types::{AttemptKey, Fault, TaskInstanceKey, TaskInstanceState};

/// The longest that a request may wait, in milliseconds.
const WAIT_MS_MAX: u32 = 30_000;

/// Returns how long a request may wait.
pub(super) fn wait(wait_ms: u32) -> Duration {
    Duration::from_millis(u64::from(wait_ms.min(WAIT_MS_MAX)))
}

/// Reads a stretch.
pub(super) async fn read(
    parts: &ControlParts,
    key: TaskInstanceKey,
    try_number: Option<u32>,
    stretch: Stretch,
) -> Result<Answer, Fault> {
    // Watches before it looks, so that nothing happens unseen in between.
    let mut events = parts.publisher.subscribe();
    let (mut task, mut tries) = look(parts, &key).await?;
    if try_number.is_none() && task.try_number == 0 && !is_finished(&task) {
        // Nothing has been launched yet: its first line is waited for here.
        let _ = tokio::time::timeout(stretch.wait, changed(&mut events, &key)).await;
        (task, tries) = look(parts, &key).await?;
    }
    let Some(try_number) = which(&task, &tries, try_number)? else {
        return Ok(Answer::Log(LogChunk {
            text: String::new(),
            offset: 0,
            next_offset: 0,
            size: 0,
            is_end: is_finished(&task),
            try_number: 0,
            day: None,
        }));
    };
    let over = Arc::new(AtomicBool::new(is_over(&task, &tries, try_number)));
    let attempt = AttemptKey { task: key.clone(), try_number };
    let is_over = || over.load(Ordering::Acquire);
    let path = parts.layout.attempt_dir(&attempt).join("task.log");
    tokio::select! {
        chunk = logs::read(&path, stretch, is_over) => {
            chunk.map(|chunk| Answer::Log(LogChunk { try_number, ..chunk }))
        }
        fault = watch(parts, &mut events, &attempt, &over) => Err(fault),
    }
}

/// Looks for a line.
pub(super) async fn search(
    parts: &ControlParts,
    key: &TaskInstanceKey,
    try_number: Option<u32>,
    search: Search,
) -> Result<Answer, Fault> {
    let (task, tries) = look(parts, key).await?;
    // What has not been tried has an empty log.
    let try_number = which(&task, &tries, try_number)?.unwrap_or(0);
    let attempt = AttemptKey { task: key.clone(), try_number };
    let path = parts.layout.attempt_dir(&attempt).join("task.log");
    find::find(path, search).await.map(Answer::LogFound)
}

async fn look(
    parts: &ControlParts,
    key: &TaskInstanceKey,
) -> Result<(TaskInstance, Vec<TaskTry>), Fault> {
    let wanted = key.clone();
    let read = move |conn: &rusqlite::Connection| {
        let task = task_instance::get(conn, &wanted)?;
        Ok((task, task_instance::tries(conn, &wanted)?))
    };
    match parts.read(read).await? {
        (Some(task), tries) => Ok((task, tries)),
        (None, _) => Err(runs::no_task(parts, key.clone()).await),
    }
}

/// Says which try is meant; `None`: there is none yet.
fn which(task: &TaskInstance, tries: &[TaskTry], asked: Option<u32>) -> Result<Option<u32>, Fault> {
    let last = tries.last().map_or(0, |t| t.key.try_number).max(task.try_number);
    match asked {
        None => Ok((task.try_number > 0).then_some(task.try_number)),
        Some(asked) if (1..=last).contains(&asked) => Ok(Some(asked)),
        Some(asked) => Err(Fault::not_found(format!("there is no try {asked} of {}", task.key))
            .hint(match last {
                0 => "it has not been tried yet".to_owned(),
                1 => "it was tried once".to_owned(),
                last => format!("tries 1 to {last} exist"),
            })),
    }
}

fn is_finished(task: &TaskInstance) -> bool {
    task.state.is_some_and(TaskInstanceState::is_finished)
}

/// Says whether a try will write no more.
fn is_over(task: &TaskInstance, tries: &[TaskTry], try_number: u32) -> bool {
    if task.try_number > try_number {
        return true;
    }
    let state = tries.iter().find(|t| t.key.try_number == try_number).map(|t| t.state);
    match state.or(task.state) {
        Some(state) => state.is_finished() || state == TaskInstanceState::UpForRetry,
        None => false,
    }
}

/// Keeps `over` true to the facts; ends only where it cannot.
async fn watch(
    parts: &ControlParts,
    events: &mut broadcast::Receiver<NumberedEvent>,
    attempt: &AttemptKey,
    over: &AtomicBool,
) -> Fault {
    loop {
        changed(events, &attempt.task).await;
        match look(parts, &attempt.task).await {
            Ok((task, tries)) => {
                over.store(is_over(&task, &tries, attempt.try_number), Ordering::Release);
            }
            Err(fault) => return fault,
        }
    }
}

/// Waits until the task instance may have changed.
async fn changed(events: &mut broadcast::Receiver<NumberedEvent>, key: &TaskInstanceKey) {
    loop {
        match events.recv().await.map(|numbered| numbered.event) {
            Ok(Event::TaskInstanceChanged { key: changed, .. }) if changed == *key => return,
            Ok(Event::Resync) | Err(RecvError::Lagged(_)) => return,
            Ok(_) => {}
            // Nothing more will be told.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
