//! The loop: takes what is due, looks, and takes what events say.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;

use super::Shared;
use super::look::{look_at, look_at_files};
use super::set::Due;
use crate::types::event::{Event, NumberedEvent};

/// How many looks are under way at once; a batch of files counts as one.
const LOOKS_MAX: usize = 64;

/// How many files one thread looks at in a row: a millisecond or two, on a disk that answers.
const BATCH_LEN_MAX: usize = 256;

/// The clock may jump (a laptop that slept): it is looked at this often while something is due.
const WAKE_MAX: Duration = Duration::from_secs(1);

/// Looks after the set for ever; whoever stops it drops it.
pub(super) async fn run(shared: Arc<Shared>) {
    // From before anything was armed: no event comes between a look and this.
    let mut events = shared.parts.publisher.subscribe();
    let mut looks = JoinSet::new();
    loop {
        begin_looks(&shared, &mut looks);
        let is_full = looks.len() >= LOOKS_MAX;
        tokio::select! {
            () = shared.changed.notified() => {}
            Some(_) = looks.join_next(), if !looks.is_empty() => {}
            event = events.recv() => take_event(&shared, event),
            () = until_due(&shared), if !is_full => {}
        }
    }
}

fn begin_looks(shared: &Arc<Shared>, looks: &mut JoinSet<()>) {
    let now = shared.parts.clock.now();
    let mut files = Vec::new();
    let mut set = shared.set();
    while looks.len() < LOOKS_MAX {
        let Some(due) = set.next_due(now) else { break };
        if due.is_blocking {
            files.push(due);
            if files.len() == BATCH_LEN_MAX {
                looks.spawn(look_at_files(Arc::clone(shared), std::mem::take(&mut files)));
            }
        } else {
            looks.spawn(look_at(Arc::clone(shared), due));
        }
    }
    drop(set);
    if !files.is_empty() {
        let files: Vec<Due> = files;
        looks.spawn(look_at_files(Arc::clone(shared), files));
    }
}

async fn until_due(shared: &Shared) {
    let Some(at) = shared.set().next_at() else { return std::future::pending().await };
    let now = shared.parts.clock.now();
    let until = Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO);
    tokio::time::sleep(until.min(WAKE_MAX)).await;
}

fn take_event(shared: &Shared, event: Result<NumberedEvent, RecvError>) {
    let now = shared.parts.clock.now();
    match event.map(|numbered| numbered.event) {
        Ok(Event::TaskInstanceChanged { key, .. }) => {
            shared.set().changed(now, &key.dag_id, Some(&key.task_id));
        }
        Ok(Event::DagRunChanged { dag_id, .. }) => shared.set().changed(now, &dag_id, None),
        Ok(Event::Resync) | Err(RecvError::Lagged(_)) => shared.set().all_changed(now),
        // It cannot be closed: a sender is among the parts.
        Ok(_) | Err(RecvError::Closed) => {}
    }
}
