//! The tracker as a door sees it: reads and writes off the async threads, and tells the deck that
//! something is new.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::{Connection, Transaction};

use crate::runtime::control::ControlParts;
use crate::runtime::pass::Pass;
use crate::runtime::promotion::off_thread;
use crate::store::{Store, StoreError, task_instance};
use crate::types::event::Event;
use crate::types::state::TaskInstanceState;
use crate::types::{Fault, Timestamp};

/// Experiments, runs and models; clones share them.
#[derive(Clone)]
pub struct Tracker {
    pub(super) parts: Arc<ControlParts>,
}

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
        self.parts.publisher.publish(Event::TrackingChanged);
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
}
