//! Launches, adopts and ends attempts. Where an attempt runs is the executor's matter; what is
//! common to all is its folder.
//!
//! ```text
//! launch ─► Ended::Finished(outcome)      it ended and left a report
//!    │      Ended::Deferred(deferral)     it waits for something, and needs nobody meanwhile
//!    │      Ended::Lost(reason)           nobody knows how it ended
//!    └────► Ended::Cancelled              `cancelled` turned true: all its processes are gone
//! adopt  ─► the same, of an attempt that was launched before; or `Unstarted`: launch it
//! ```

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::runtime::attempt::{AttemptFolder, Order};
use crate::runtime::blocking::blocking;
use crate::runtime::handle::Handle;
use crate::runtime::task_log::TaskLog;
use crate::runtime::worker::wire::Start;
use crate::sched::{Input, Outcome, Report};
use crate::types::deferral::Deferral;
use crate::types::executor::TryPlace;
use crate::types::{AttemptKey, LaunchToken};

pub(crate) mod boot;
pub(crate) mod handover;
pub(crate) mod in_daemon;
pub(crate) mod limits;
pub(crate) mod local;
pub(crate) mod process;
pub(crate) mod process_table;
pub(crate) mod slurm;
pub(crate) mod tree;
pub(crate) mod wrapper;

pub(crate) use handover::Handover;
pub(crate) use local::build_of;
pub use local::{Workers, WorkersDesk};
pub use process::attempt_main;
pub use slurm::{OnNode, node_main};

/// An attempt that is ready to run: its folder has been begun, unless the executor does that.
pub(crate) struct Prepared {
    pub(crate) order: Order,
    pub(crate) handover: Handover,
    pub(crate) held: Held,
}

/// An attempt that the engine holds to be in flight.
#[derive(Clone)]
pub(crate) struct Held {
    pub(crate) key: AttemptKey,
    pub(crate) token: LaunchToken,
    pub(crate) folder: AttemptFolder,
    /// Turns true when the attempt is to end.
    pub(crate) cancelled: watch::Receiver<bool>,
    pub(crate) handle: Handle,
    /// A start that is to be told with the end.
    start: Arc<OnceLock<(Start, TryPlace)>>,
}

/// Why an attempt is adopted that an earlier daemon launched.
pub(crate) const AFTER_RESTART: &str = "after a restart of the daemon";

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ended {
    Finished(Outcome),
    Deferred(Deferral),
    Lost(String),
    Cancelled,
}

/// What became of an attempt that was launched before.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Adopted {
    Ended(Ended),
    /// Its token was never claimed: it may be launched.
    Unstarted,
}

/// Runs attempts somewhere. Both futures may be dropped at any point: the attempt goes on where
/// it is a process of its own, and is adopted later.
pub(crate) trait Executor: Send + Sync {
    /// Runs an attempt to its end.
    fn launch(&self, attempt: Prepared) -> BoxFuture<'static, Ended>;

    /// Takes up an attempt that was launched before. With `cancelled` true from the start it
    /// ends what it finds.
    fn adopt(&self, held: Held) -> BoxFuture<'static, Adopted>;

    /// Names the attempts that run here, whoever launched them: those that nobody waits for are
    /// ended.
    fn running(&self) -> Vec<(AttemptKey, LaunchToken)>;

    /// Says whether it begins the folders of attempts itself.
    fn begins_folders(&self) -> bool {
        false
    }

    /// Has ready what attempts need to be started.
    fn warm_up(&self) {}

    /// Takes note that an attempt is being prepared for it, until what is returned is dropped.
    fn expect(&self) -> Box<dyn Send> {
        Box::new(())
    }

    /// Says whether it keeps a note of an attempt that it was handed.
    fn holds(&self, _: &LaunchToken) -> bool {
        false
    }

    /// Forgets an attempt whose end is durable.
    fn settled(&self, _: &LaunchToken) {}

    /// Stops working; what runs goes on.
    fn let_go(&self) {}
}

/// Names the attempt in a folder, by its order.
pub(crate) fn named(folder: &AttemptFolder, pid: Option<u32>) -> Option<(AttemptKey, LaunchToken)> {
    match folder.order() {
        Ok(order) => Some((order.key, order.token)),
        Err(error) => {
            let folder = folder.path().display();
            tracing::warn!(pid, %folder, %error, "an attempt runs whose order cannot be read; it is left alone");
            None
        }
    }
}

impl Held {
    pub(crate) fn new(
        key: AttemptKey,
        token: LaunchToken,
        folder: AttemptFolder,
        cancelled: watch::Receiver<bool>,
        handle: Handle,
    ) -> Self {
        Self { key, token, folder, cancelled, handle, start: Arc::default() }
    }

    /// Tells the engine that it runs, and where.
    pub(crate) async fn started(&self, pid: Option<u32>, place: TryPlace) {
        self.tell_start(pid, Duration::ZERO, place).await;
    }

    /// As `started`, of a start some time ago.
    pub(crate) async fn started_before(&self, start: Start, place: TryPlace) {
        self.tell_start(Some(start.pid), start.ago, place).await;
    }

    async fn tell_start(&self, pid: Option<u32>, ago: Duration, place: TryPlace) {
        // An error says that the engine has stopped; the next one finds the claim.
        let _ = self.handle.tell_all([(self.report_of_start(pid, place), ago)]).await;
        tracing::trace!(step = "started", attempt = %self.key);
    }

    fn report_of_start(&self, pid: Option<u32>, place: TryPlace) -> Input {
        let (key, token) = (self.key.clone(), self.token.clone());
        Input::Report(Report::Started { key, token, pid, place })
    }

    /// Keeps a start until `ended` tells it.
    pub(crate) fn remember(&self, start: Option<Start>, place: TryPlace) {
        if let Some(start) = start {
            // Only one worker tells of an end.
            let _ = self.start.set((start, place));
        }
    }

    /// Tells the engine how it ended, and before it what was kept of its start: both at once.
    pub(crate) async fn ended(&self, report: Report) {
        let end = (Input::Report(report), Duration::ZERO);
        // An error says that the engine has stopped: the next one finds the report in the folder.
        let _ = match self.start.get() {
            Some((start, place)) => {
                let begin = (self.report_of_start(Some(start.pid), place.clone()), start.ago);
                let told = self.handle.tell_all([begin, end]).await;
                tracing::trace!(step = "started", attempt = %self.key);
                told
            }
            None => self.handle.tell_all([end]).await,
        };
    }

    /// Tells people where it stands.
    pub(crate) async fn noted(&self, note: String) {
        let (key, token) = (self.key.clone(), self.token.clone());
        // An error says that the engine has stopped; the next executor says it again.
        let _ = self.handle.tell(Input::Report(Report::Noted { key, token, note })).await;
    }

    /// Waits until the attempt is to end.
    pub(crate) async fn until_cancelled(&self) {
        let mut cancelled = self.cancelled.clone();
        if cancelled.wait_for(|cancelled| *cancelled).await.is_err() {
            // Whoever could cancel is gone.
            std::future::pending::<()>().await;
        }
    }

    /// Writes a line into the attempt's log, where its own process cannot. A failure costs
    /// nothing but the line: the store has the reason, too.
    pub(crate) async fn note(&self, text: &str) {
        let (folder, text) = (self.folder.clone(), text.to_owned());
        let write = move || -> std::io::Result<()> {
            folder.make()?;
            TaskLog::open(folder.path(), Vec::new())?.say(&text);
            Ok(())
        };
        if let Ok(Err(error)) = blocking(write).await {
            tracing::debug!(attempt = %self.key, %error, "could not write into the log");
        }
    }

    /// What became of it where it leaves nothing but a report: without one it may be launched.
    pub(crate) async fn left_behind(&self) -> Adopted {
        match self.reported().await {
            Some(outcome) => Adopted::Ended(Ended::Finished(outcome)),
            None if *self.cancelled.borrow() => Adopted::Ended(Ended::Cancelled),
            None => Adopted::Unstarted,
        }
    }

    /// Reads the report, where there is one, off the async threads.
    pub(crate) async fn reported(&self) -> Option<Outcome> {
        let (folder, token) = (self.folder.clone(), self.token.clone());
        let read = move || folder.report(&token).map(|report| report.outcome);
        blocking(read).await.ok().flatten()
    }
}

/// What every launch needs of this machine.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Launcher {
    /// This program.
    pub(crate) executable: PathBuf,
    /// Where attempts work.
    pub(crate) project: PathBuf,
    /// What their environment begins with.
    pub(crate) environment: Vec<(OsString, OsString)>,
}
