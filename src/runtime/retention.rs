//! Lets the past go: runs, logs, artifacts and events beyond the limits of `[deck.retention]`.
//!
//! ```text
//! plan (a reader) ─► rows, a bounded piece a transaction ─► folders are renamed into `trash`
//!                                                           └─► and deleted from there
//! ```
//! Never: runs under way, the latest success of a DAG, artifacts of registered versions, asset
//! events that something waits for or that a run came from, and keys of what may be reported
//! again (a file that still lies where a watcher sees it).

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::runtime::engine::Live;
use crate::runtime::layout::Layout;
use crate::runtime::promotion::off_thread;
use crate::runtime::publish::Publisher;
use crate::store::openlineage::received;
use crate::store::prune;
use crate::store::{Store, StoreError};
use crate::tracking::{gone, prune as artifacts};
use crate::types::ask::{Prune, PruneReport, PrunedKind};
use crate::types::event::Event;
use crate::types::run::DagRunKey;
use crate::types::{Clock, Fault, Timestamp};

mod folder;
mod plan;
#[cfg(test)]
mod tests;

pub(crate) use plan::Plan;

/// How often the daemon looks for what may go.
const EVERY: Duration = Duration::from_secs(3600);

/// An artifact of which nothing has come for so long will not be finished: an upload that rests is
/// broken off much sooner.
const UNFINISHED_MAX: Duration = Duration::from_secs(3600);

/// Between two pieces: whoever waits for the writer comes in between.
const PAUSE: Duration = Duration::from_millis(2);

/// How many runs go at once where the database is too large.
const TOO_LARGE_LEN: u32 = 50;

/// How many runs are handed to one transaction, which takes as many of them as it may.
const RUNS_LEN: usize = 64;

/// How many free pages are given back in one transaction (of 4 KiB each, mostly).
const PAGES: u32 = 256;

/// What it works with.
#[derive(Clone)]
pub struct Retention {
    pub layout: Layout,
    pub store: Store,
    pub live: watch::Receiver<Arc<Live>>,
    pub clock: Arc<dyn Clock>,
    pub publisher: Publisher,
}

/// Prunes every hour until it is dropped; first of all it buries what an earlier daemon left.
#[derive(Debug)]
pub struct Pruning(AbortHandle);

impl Drop for Pruning {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Retention {
    /// Starts the hourly task.
    pub fn start(self) -> Pruning {
        let task = tokio::spawn(async move {
            if let Err(fault) = self.bury().await {
                tracing::warn!(%fault, "could not bury what was deleted");
            }
            loop {
                match self.prune(Prune::default()).await {
                    Ok(report) => say(&report),
                    Err(fault) => tracing::warn!(%fault, "could not prune"),
                }
                tokio::time::sleep(EVERY).await;
            }
        });
        Pruning(task.abort_handle())
    }

    /// Deletes what may go, or says what that would be.
    pub async fn prune(&self, wish: Prune) -> Result<PruneReport, Fault> {
        let plan = self.plan(wish.clone()).await?;
        if wish.dry_run {
            return Ok(plan.report(true));
        }
        let mut done = self.carry_out(&plan).await?;
        if wish.dag_id.is_none() {
            self.shrink(&mut done).await?;
            self.tidy().await?;
            self.forget_unfinished().await?;
        }
        self.bury().await?;
        if !done.kinds.is_empty() {
            self.publisher.publish(Event::Resync);
        }
        Ok(done)
    }

    async fn plan(&self, wish: Prune) -> Result<Plan, Fault> {
        let retention = self.live.borrow().deck.retention.clone();
        let (store, layout, now) = (self.store.clone(), self.layout.clone(), self.clock.now());
        off_thread(move || {
            let plan = store.read_blocking(|conn| Plan::make(conn, &retention, &wish, now))?;
            Ok(plan.measured(&layout))
        })
        .await
    }

    async fn carry_out(&self, plan: &Plan) -> Result<PruneReport, Fault> {
        let mut done = PruneReport::default();
        let now = self.clock.now();
        let keys: Vec<DagRunKey> = plan.runs.iter().map(|(run, _)| run.clone()).collect();
        for ((_, bytes), is_gone) in plan.runs.iter().zip(self.delete_runs(keys).await?) {
            count(&mut done, "runs", u64::from(is_gone), *bytes);
        }
        for (run, bytes) in &plan.logs {
            // The files first: rows promise nothing here, and what a crash leaves is done again.
            let (layout, key) = (self.layout.clone(), run.clone());
            let deleted = off_thread(move || {
                folder::delete_logs(&layout, &key);
                Ok(())
            });
            deleted.await?;
            let key = run.clone();
            self.piece(move |tx| prune::note_logs_pruned(tx, &key, now)).await?;
            count(&mut done, "logs", 1, *bytes);
        }
        for one in &plan.artifacts {
            let wanted = one.clone();
            if self.piece(move |tx| artifacts::delete(tx, &wanted)).await? {
                count(&mut done, "artifacts", one.count, one.bytes);
            }
        }
        self.delete_for_good(plan, &mut done).await?;
        if let Some(before) = plan.events_before {
            loop {
                let deleted = self.piece(move |tx| prune::delete_lines(tx, before)).await?;
                count(&mut done, "events", deleted as u64, 0);
                if deleted < prune::LINES_LEN_MAX {
                    break;
                }
            }
        }
        if let Some(before) = plan.events_before {
            let len = prune::LINES_LEN_MAX;
            loop {
                let delete =
                    move |tx: &rusqlite::Transaction<'_>| received::delete_before(tx, before, len);
                let deleted = self.piece(delete).await?;
                count(&mut done, "lineage events", deleted as u64, 0);
                if deleted < len {
                    break;
                }
            }
        }
        for ids in plan.asset_events.chunks(prune::LINES_LEN_MAX) {
            let ids = ids.to_vec();
            let deleted = self.piece(move |tx| prune::delete_asset_events(tx, &ids)).await?;
            count(&mut done, "asset events", deleted as u64, 0);
        }
        Ok(done)
    }

    /// Deletes what somebody deleted of experiments.
    async fn delete_for_good(&self, plan: &Plan, done: &mut PruneReport) -> Result<(), Fault> {
        for (run_id, bytes) in &plan.deleted_runs {
            let mut left = gone::Left::More;
            while left == gone::Left::More {
                let run_id = run_id.clone();
                left = self.piece(move |tx| gone::delete_run(tx, &run_id)).await?;
            }
            count(done, "deleted runs", u64::from(left == gone::Left::Nothing), *bytes);
        }
        for (model_id, bytes) in &plan.deleted_models {
            let id = model_id.clone();
            let is_gone = self.piece(move |tx| gone::delete_logged_model(tx, &id)).await?;
            count(done, "deleted logged models", u64::from(is_gone), *bytes);
        }
        for &id in &plan.deleted_experiments {
            let is_gone = self.piece(move |tx| gone::delete_experiment(tx, id)).await?;
            count(done, "deleted experiments", u64::from(is_gone), 0);
        }
        Ok(())
    }

    /// Deletes runs, and says of each whether it is gone.
    async fn delete_runs(&self, runs: Vec<DagRunKey>) -> Result<Vec<bool>, Fault> {
        let mut settled = Vec::new();
        while settled.len() < runs.len() {
            let next: Vec<_> = runs[settled.len()..].iter().take(RUNS_LEN).cloned().collect();
            settled.extend(self.piece(move |tx| prune::delete_runs(tx, &next)).await?);
        }
        Ok(settled)
    }

    /// Deletes the oldest runs while the database holds more than it may.
    async fn shrink(&self, done: &mut PruneReport) -> Result<(), Fault> {
        let Some(max) = self.live.borrow().deck.retention.store_max_size else { return Ok(()) };
        while self.store.read(prune::used_bytes).await? > max {
            let oldest = self.store.read(|conn| prune::oldest_runs(conn, TOO_LARGE_LEN)).await?;
            let settled = self.delete_runs(oldest).await?;
            let deleted = settled.into_iter().filter(|is_gone| *is_gone).count() as u64;
            count(done, "runs", deleted, 0);
            if deleted == 0 {
                tracing::warn!("the store is larger than `store_max_size`, and nothing may go");
                break;
            }
        }
        Ok(())
    }

    /// Gives free pages back, and lets SQLite look at its figures.
    async fn tidy(&self) -> Result<(), Fault> {
        while self.piece(|tx| prune::give_back_pages(tx, PAGES)).await? > 0 {}
        self.piece(|tx| prune::optimize(tx)).await
    }

    /// Deletes what a daemon that was killed had been sent of artifacts.
    async fn forget_unfinished(&self) -> Result<(), Fault> {
        let (layout, before) = (self.layout.clone(), before(self.clock.now(), UNFINISHED_MAX));
        off_thread(move || {
            folder::forget_unfinished(&layout, before);
            Ok(())
        })
        .await
    }

    /// Renames the folders of what was deleted into `trash`, and empties it.
    pub(crate) async fn bury(&self) -> Result<(), Fault> {
        loop {
            let layout = self.layout.clone();
            let settled = self
                .piece(move |tx| prune::bury(tx, |deleted| folder::to_trash(&layout, deleted)))
                .await?;
            if settled == 0 {
                break;
            }
        }
        let layout = self.layout.clone();
        off_thread(move || {
            folder::empty_trash(&layout);
            Ok(())
        })
        .await
    }

    /// One bounded transaction, and a pause after it.
    async fn piece<R: Send + 'static>(
        &self,
        write: impl FnOnce(&rusqlite::Transaction<'_>) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, Fault> {
        let result = self.store.write(write).await?;
        tokio::time::sleep(PAUSE).await;
        Ok(result)
    }
}

fn count(report: &mut PruneReport, kind: &str, count: u64, bytes: u64) {
    if count == 0 {
        return;
    }
    if let Some(line) = report.kinds.iter_mut().find(|line| line.kind == kind) {
        line.count += count;
        line.bytes += bytes;
    } else {
        report.kinds.push(PrunedKind { kind: kind.to_owned(), count, bytes });
    }
}

fn say(report: &PruneReport) {
    for PrunedKind { kind, count, bytes } in &report.kinds {
        tracing::info!(kind, count, bytes, "pruned");
    }
}

/// Returns the instant that lies so long before `now`.
fn before(now: Timestamp, age: Duration) -> Timestamp {
    now.checked_sub(age).unwrap_or(Timestamp::MIN)
}
