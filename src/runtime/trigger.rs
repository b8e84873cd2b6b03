//! The trigger set: looks after all that is deferred, so that what waits costs memory and
//! nothing else: no process, no thread, no slot, no file.
//!
//! ```text
//! Effect::Arm ─► set ─ due? an event? ─► look (64 at once; files in batches) ─► not yet: again later
//! Effect::Kill ─► gone                       └─► Report::Finished ─► engine
//! ```
//! One task holds the set and a heap of when to look. Times come from the timer, tasks and runs
//! from the engine's own events; the rest is looked at once an interval. What is waited for is
//! kept in the store with its task instance: the next daemon arms it again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use crate::dag::Deck;
use crate::runtime::handle::Handle;
use crate::runtime::layout::Layout;
use crate::runtime::publish::Publisher;
use crate::sched::Arm;
use crate::store::Store;
use crate::types::{Clock, LaunchToken};

mod look;
mod run;
mod set;
#[cfg(test)]
mod tests;

use set::Set;

/// What the trigger set is made of.
#[derive(Clone)]
pub(crate) struct TriggerParts {
    pub(crate) layout: Layout,
    pub(crate) store: Store,
    pub(crate) handle: Handle,
    pub(crate) publisher: Publisher,
    pub(crate) clock: Arc<dyn Clock>,
    /// The definitions in force: connections and variables.
    pub(crate) deck: watch::Receiver<Arc<Deck>>,
}

/// The trigger set.
pub(crate) struct Triggers {
    shared: Arc<Shared>,
    task: AbortHandle,
}

struct Shared {
    parts: TriggerParts,
    set: Mutex<Set>,
    /// Something was armed.
    changed: Notify,
}

impl Triggers {
    /// Starts with an empty set, on a task of its own.
    pub(crate) fn start(parts: TriggerParts) -> Self {
        let shared = Shared { parts, set: Mutex::default(), changed: Notify::new() };
        let shared = Arc::new(shared);
        let task = tokio::spawn(run::run(Arc::clone(&shared))).abort_handle();
        Self { shared, task }
    }

    /// Looks after one from now on; does nothing where it does so already.
    pub(crate) fn arm(&self, arm: Arm) {
        self.shared.set().arm(self.shared.parts.clock.now(), arm);
        self.shared.changed.notify_one();
        tracing::trace!(step = "armed");
    }

    /// Forgets one. `false`: it was not looked after.
    pub(crate) fn disarm(&self, token: &LaunchToken) -> bool {
        self.shared.set().take(token)
    }

    /// Forgets those that the store does not hold to be deferred, and looks after the others.
    pub(crate) fn reset(&self, arms: Vec<Arm>) {
        let now = self.shared.parts.clock.now();
        let mut set = self.shared.set();
        set.retain(&arms.iter().map(|arm| &arm.token).collect());
        for arm in arms {
            set.arm(now, arm);
            tracing::trace!(step = "armed");
        }
        drop(set);
        self.shared.changed.notify_one();
    }

    /// Looks after nothing any more.
    pub(crate) fn stop(&self) {
        self.task.abort();
    }
}

impl Shared {
    fn set(&self) -> MutexGuard<'_, Set> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
