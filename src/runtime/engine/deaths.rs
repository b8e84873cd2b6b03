//! Writes into the feed that a worker died.

use tokio::sync::mpsc;

use crate::runtime::publish::Publisher;
use crate::store::{Store, event_log};
use crate::types::event::{Event, EventLog, Severity, WORKER_DIED};
use crate::types::executor::WorkerDeath;

/// Writes what it is told until nobody tells any more.
pub(super) async fn write(
    store: Store,
    publisher: Publisher,
    mut deaths: mpsc::Receiver<WorkerDeath>,
) {
    while let Some(death) = deaths.recv().await {
        let line = line(&death);
        match store.write(move |tx| event_log::insert(tx, &line)).await {
            // Whoever watches asks for the feed again with any event.
            Ok(_) => publisher.publish(Event::Resync),
            Err(error) => tracing::warn!(%error, "could not write that a worker died"),
        }
    }
}

fn line(death: &WorkerDeath) -> EventLog {
    let (pid, held) = (death.pid, death.words());
    EventLog {
        id: 0,
        when: death.at,
        severity: Severity::Warning,
        event: WORKER_DIED.to_owned(),
        dag_id: None,
        dag_run_id: None,
        task_id: None,
        owner: None,
        message: format!("worker {pid} of this machine died; {held}"),
    }
}
