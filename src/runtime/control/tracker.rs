//! The tracker as a door sees it: reads and writes off the async threads, and tells the deck that
//! something is new.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::{Connection, Transaction};

use crate::runtime::control::ControlParts;
use crate::runtime::pass::Pass;
use crate::runtime::promotion::off_thread;
use crate::store::{Store, StoreError, task_instance};
use crate::types::event::Event;
use crate::types::state::TaskInstanceState;
use crate::types::{Clock, Fault, Timestamp};

/// Experiments, runs and models; clones share them.
#[derive(Clone)]
pub struct Tracker {
    pub(super) parts: Arc<ControlParts>,
    /// Whether watchers will be told anyway.
    pub(super) is_telling: Arc<AtomicBool>,
}

/// For how long what is logged is told of together.
const MOMENT: Duration = Duration::from_millis(100);

impl Tracker {
    /// Asks, off the async threads.
    pub async fn read<R: Send + 'static>(
        &self,
        f: impl FnOnce(&Store) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, Fault> {
        let store = self.parts.store.clone();
        off_thread(move || f(&store).map_err(Fault::from)).await
    }

    /// As `read`, of one moment.
    pub async fn look<R: Send + 'static>(
        &self,
        f: impl FnOnce(&Connection) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, Fault> {
        Ok(self.parts.store.read(f).await?)
    }

    /// Changes something: durable when it returns, also where the caller goes away meanwhile.
    pub async fn write<R: Send + 'static>(
        &self,
        f: impl FnOnce(&Store) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, Fault> {
        let done = self.read(f).await?;
        self.parts.publisher.publish(Event::TrackingChanged);
        Ok(done)
    }

    /// As `write`, in one transaction that others share: no thread waits for it.
    pub async fn commit<R: Send + 'static>(
        &self,
        f: impl FnOnce(&Transaction<'_>) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, Fault> {
        let done = self.parts.store.write(f).await?;
        self.tell_soon();
        Ok(done)
    }

    /// Says whether the attempt that bears a pass is still under way.
    pub async fn is_under_way(&self, pass: Pass) -> Result<bool, Fault> {
        self.look(move |conn| {
            let found = task_instance::get(conn, &pass.key.task)?;
            Ok(found.is_some_and(|task| {
                let is_in_flight = task.state.is_some_and(TaskInstanceState::is_in_flight);
                is_in_flight && task.token.as_ref() == Some(&pass.token)
            }))
        })
        .await
    }

    pub fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// Where artifacts lie, the default experiment's below `0`.
    pub fn artifacts_dir(&self) -> PathBuf {
        self.parts.layout.artifacts_dir()
    }

    pub fn clock(&self) -> &dyn Clock {
        &*self.parts.clock
    }

    /// What one artifact may weigh.
    pub fn artifact_max_bytes(&self) -> u64 {
        self.parts.live().deck.tracking.artifact_max_bytes
    }

    /// Where artifacts come in.
    pub fn incoming_dir(&self) -> PathBuf {
        self.parts.layout.incoming_dir()
    }

    /// Tells once of all that is logged within a moment: a client may log thousands of points a
    /// second, and each watcher asks again for each event.
    fn tell_soon(&self) {
        if self.is_telling.swap(true, Ordering::AcqRel) {
            return;
        }
        let (is_telling, publisher) = (self.is_telling.clone(), self.parts.publisher.clone());
        tokio::spawn(async move {
            tokio::time::sleep(MOMENT).await;
            is_telling.store(false, Ordering::Release);
            publisher.publish(Event::TrackingChanged);
        });
    }
}
