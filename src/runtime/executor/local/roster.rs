//! The workers as the daemon knows them, published with each change: who looks at them asks the
//! daemon, never a worker.
//!
//! ```text
//! a connection is made ─► found: the worker behind it, and those of `/proc` that are older
//! Started (pid, holder) ─► hold: counted at the worker that holds it, until it is let go
//! a connection breaks ──► died        an older one ends ─► gone
//! ```

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::runtime::executor::process_table::{self, Process};
use crate::types::executor::{Silence, WorkerDeath, WorkerView, WorkersHeard};
use crate::types::time;

/// Deaths that are remembered.
const DEATHS_MAX: usize = 20;

/// How often it is looked whether an older worker has ended: nobody tells.
const LOOK: Duration = Duration::from_secs(1);

/// The workers.
#[derive(Debug)]
pub(super) struct Roster {
    heard: watch::Sender<WorkersHeard>,
    deaths: mpsc::Sender<WorkerDeath>,
}

/// An attempt that runs, counted at its worker.
pub(super) struct Holding {
    roster: Arc<Roster>,
    pub(super) worker: u32,
}

impl Roster {
    pub(super) fn new(
        heard: watch::Sender<WorkersHeard>,
        deaths: mpsc::Sender<WorkerDeath>,
    ) -> Self {
        Self { heard, deaths }
    }

    /// Takes note of the worker that takes new attempts, and of those that are older.
    pub(super) fn found(self: &Arc<Self>, (pid, build): (u32, &str), all: Vec<(Process, String)>) {
        let older: Vec<_> = all.into_iter().filter(|(process, _)| process.pid != pid).collect();
        let current = process_table::find(pid).map(|process| (process, build.to_owned()));
        let is_current = |at: usize| at == 0 && current.is_some();
        let named = current.iter().chain(&older).enumerate();
        let mut workers: Vec<WorkerView> =
            named.map(|(at, (process, build))| view(*process, build, is_current(at))).collect();
        self.heard.send_modify(|heard| {
            for worker in &mut workers {
                let known = heard.workers.iter().find(|known| known.pid == worker.pid);
                worker.attempts = known.map_or(0, |known| known.attempts);
            }
            heard.workers = workers;
            heard.trouble = None;
        });
        if !older.is_empty() {
            let older = older.into_iter().map(|(process, _)| process).collect();
            tokio::spawn(see_out(Arc::downgrade(self), older));
        }
    }

    /// Counts an attempt at its worker until what is returned is dropped.
    pub(super) fn hold(self: &Arc<Self>, worker: u32) -> Holding {
        self.count(worker, |attempts| attempts.saturating_add(1));
        Holding { roster: self.clone(), worker }
    }

    fn count(&self, worker: u32, change: impl Fn(u32) -> u32) {
        self.heard.send_if_modified(|heard| {
            let found = heard.workers.iter_mut().find(|one| one.pid == worker);
            found.map(|one| one.attempts = change(one.attempts)).is_some()
        });
    }

    /// A worker ended while it was needed.
    pub(super) fn died(&self, pid: u32) {
        let at = time::now();
        self.heard.send_if_modified(|heard| {
            let Some(place) = heard.workers.iter().position(|one| one.pid == pid) else {
                return false;
            };
            let death = WorkerDeath { at, pid, attempts: heard.workers.remove(place).attempts };
            // An error says that they are not written down any more, or not fast enough: it is
            // among what is published all the same.
            let _ = self.deaths.try_send(death.clone());
            heard.deaths.push(death);
            let surplus = heard.deaths.len().saturating_sub(DEATHS_MAX);
            heard.deaths.drain(..surplus);
            true
        });
    }

    /// An older worker has ended. One that still held something did not end by itself.
    fn gone(&self, pid: u32) {
        let holds = |one: &WorkerView| one.pid == pid && one.attempts > 0;
        if self.heard.borrow().workers.iter().any(holds) {
            return self.died(pid);
        }
        self.heard.send_if_modified(|heard| {
            let before = heard.workers.len();
            heard.workers.retain(|one| one.pid != pid);
            heard.workers.len() < before
        });
    }

    /// No worker can be reached or started.
    pub(super) fn troubled(&self, why: &str) {
        self.heard.send_modify(|heard| {
            let since = heard.trouble.as_ref().map_or_else(time::now, |trouble| trouble.since);
            heard.trouble = Some(Silence { since, why: why.to_owned() });
        });
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.roster.count(self.worker, |attempts| attempts.saturating_sub(1));
    }
}

/// Waits for the end of older workers.
async fn see_out(roster: Weak<Roster>, mut older: Vec<Process>) {
    while !older.is_empty() {
        tokio::time::sleep(LOOK).await;
        let Some(roster) = roster.upgrade() else { return };
        older.retain(|process| {
            let is_alive = process_table::is_alive(*process);
            if !is_alive {
                roster.gone(process.pid);
            }
            is_alive
        });
    }
}

fn view(process: Process, build: &str, is_current: bool) -> WorkerView {
    let (version, build) = match build.split_once('-') {
        Some((version, build)) => (Some(version.to_owned()), build),
        None => (None, build),
    };
    WorkerView {
        pid: process.pid,
        since: process_table::started_at(process).unwrap_or_else(time::now),
        version,
        build: build.to_owned(),
        attempts: 0,
        is_current,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster() -> (Arc<Roster>, watch::Receiver<WorkersHeard>, mpsc::Receiver<WorkerDeath>) {
        let (sender, heard) = watch::channel(WorkersHeard::default());
        let (deaths, told) = mpsc::channel(4);
        (Arc::new(Roster::new(sender, deaths)), heard, told)
    }

    fn own() -> Process {
        process_table::find(std::process::id()).unwrap()
    }

    #[tokio::test]
    async fn attempts_are_counted_at_the_worker_that_holds_them() {
        let (roster, heard, _told) = roster();
        let old = Process { pid: 1, start_time: 7 };
        let all = vec![(old, "ab".to_owned()), (own(), "0.4-cd".to_owned())];
        roster.found((own().pid, "0.4-cd"), all.clone());
        let held = [roster.hold(own().pid), roster.hold(1), roster.hold(1)];
        let counts = || heard.borrow().workers.iter().map(|one| one.attempts).collect::<Vec<_>>();
        assert_eq!(counts(), [1, 2]);
        roster.found((own().pid, "0.4-cd"), all);
        assert_eq!(counts(), [1, 2], "a second look takes nothing away");
        drop(held);
        assert_eq!(counts(), [0, 0]);
        let heard = heard.borrow();
        let [current, older] = heard.workers.as_slice() else { panic!("{heard:?}") };
        assert!(current.is_current && !older.is_current);
        assert_eq!((current.version.as_deref(), current.build.as_str()), (Some("0.4"), "cd"));
        assert_eq!((older.version.as_deref(), older.build.as_str()), (None, "ab"));
    }

    #[tokio::test]
    async fn a_death_is_told_once_with_what_the_worker_held() {
        let (roster, heard, mut told) = roster();
        roster.found((own().pid, "0.4-cd"), Vec::new());
        let held = roster.hold(own().pid);
        roster.died(own().pid);
        roster.died(own().pid);
        drop(held);
        assert_eq!(told.recv().await.unwrap().attempts, 1);
        assert!(told.try_recv().is_err());
        assert!(heard.borrow().workers.is_empty());
        assert_eq!(heard.borrow().deaths.len(), 1);
    }

    #[tokio::test]
    async fn an_older_worker_that_ends_with_nothing_in_hand_has_not_died() {
        let (roster, heard, _told) = roster();
        let old = |pid| (Process { pid, start_time: 7 }, "ab".to_owned());
        roster.found((own().pid, "0.4-cd"), vec![old(1), old(2)]);
        let _held = roster.hold(2);
        roster.gone(1);
        roster.gone(2);
        let heard = heard.borrow();
        assert_eq!(heard.workers.len(), 1);
        assert_eq!(heard.deaths.iter().map(|death| death.pid).collect::<Vec<_>>(), [2]);
    }

    #[tokio::test]
    async fn only_the_last_deaths_are_remembered() {
        let (roster, heard, _told) = roster();
        for _ in 0..=DEATHS_MAX {
            roster.found((own().pid, "0.4-cd"), Vec::new());
            roster.died(own().pid);
        }
        assert_eq!(heard.borrow().deaths.len(), DEATHS_MAX);
    }
}
