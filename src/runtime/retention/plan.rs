//! What may go, as the limits and the store stand.

use std::collections::BTreeSet;
use std::time::Duration;

use rusqlite::Connection;

use crate::dag::retention::{Retention, RunLimits};
use crate::runtime::layout::Layout;
use crate::runtime::promotion;
use crate::runtime::retention::{before, count, folder};
use crate::store::openlineage::received;
use crate::store::prune;
use crate::store::{StoreError, meta};
use crate::tracking::gone;
use crate::tracking::prune::{self as artifacts, Artifacts};
use crate::types::ask::{Prune, PruneReport};
use crate::types::run::DagRunKey;
use crate::types::{Timestamp, TrackingRunId};

/// What is to go. Bytes are those of files.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(super) runs: Vec<(DagRunKey, u64)>,
    pub(super) logs: Vec<(DagRunKey, u64)>,
    pub(super) artifacts: Vec<Artifacts>,
    /// Tracked runs, logged models and experiments that somebody deleted.
    pub(super) deleted_runs: Vec<(TrackingRunId, u64)>,
    pub(super) deleted_models: Vec<(String, u64)>,
    pub(super) deleted_experiments: Vec<i64>,
    pub(super) events_before: Option<Timestamp>,
    lines: u64,
    /// Events of OpenLineage that were told here, as old as those of the feed.
    told_here: u64,
    pub(super) asset_events: Vec<i64>,
}

impl Plan {
    /// Reads what may go.
    pub(super) fn make(
        conn: &Connection,
        retention: &Retention,
        wish: &Prune,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let older = wish.older_than_secs.and_then(|secs| Duration::try_from_secs_f64(secs).ok());
        let mut plan = Self::default();
        if wish.only_deleted {
            let age = older.unwrap_or(Duration::ZERO);
            plan.add_deleted(conn, before(now, age))?;
            return Ok(plan);
        }
        let dags = match &wish.dag_id {
            Some(dag_id) => vec![dag_id.clone()],
            None => prune::dags(conn)?,
        };
        for dag_id in dags {
            let limits = retention.of(&dag_id);
            let limits = match older {
                Some(_) => RunLimits { runs_max_age: older, ..RunLimits::default() },
                None => limits,
            };
            plan.add_runs(conn, &dag_id, limits, now)?;
        }
        if wish.dag_id.is_some() {
            return Ok(plan);
        }
        let age = older.or(retention.artifacts_max_age).map(|age| before(now, age));
        let size = retention.artifacts_max_size.filter(|_| older.is_none());
        if age.is_some() || size.is_some() {
            plan.artifacts = artifacts::candidates(conn, age, size)?;
        }
        if let Some(age) = older.or(retention.deleted_max_age) {
            plan.add_deleted(conn, before(now, age))?;
        }
        plan.events_before = older.or(retention.events_max_age).map(|age| before(now, age));
        if let Some(before) = plan.events_before {
            plan.lines = prune::lines_before(conn, before)?;
            plan.told_here = received::count_before(conn, before)?;
            let told = meta::get(conn, promotion::TOLD)?;
            let told = told.and_then(|id| id.parse().ok()).unwrap_or(0);
            plan.asset_events = prune::asset_events_before(conn, before, told)?;
        }
        Ok(plan)
    }

    fn add_deleted(&mut self, conn: &Connection, before: Timestamp) -> Result<(), StoreError> {
        self.deleted_runs = gone::runs(conn, before)?;
        self.deleted_models = gone::logged_models(conn, before)?;
        self.deleted_experiments = gone::experiments(conn, before)?;
        Ok(())
    }

    fn add_runs(
        &mut self,
        conn: &Connection,
        dag_id: &crate::types::DagId,
        limits: RunLimits,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut runs = Vec::new();
        if let Some(age) = limits.runs_max_age {
            runs.extend(prune::runs_before(conn, dag_id, before(now, age))?);
        }
        if let Some(kept) = limits.runs_max_count {
            runs.extend(prune::runs_beyond(conn, dag_id, kept)?);
        }
        let mut seen = BTreeSet::new();
        runs.retain(|run| seen.insert(run.clone()));
        if let Some(age) = limits.logs_max_age {
            let logs = prune::runs_with_logs(conn, dag_id, before(now, age))?;
            self.logs.extend(logs.into_iter().filter(|run| !seen.contains(run)).map(|r| (r, 0)));
        }
        self.runs.extend(runs.into_iter().map(|run| (run, 0)));
        Ok(())
    }

    /// Looks how much the files take.
    pub(super) fn measured(mut self, layout: &Layout) -> Self {
        for (run, bytes) in &mut self.runs {
            *bytes = folder::bytes_of_run(layout, run);
        }
        for (run, bytes) in &mut self.logs {
            *bytes = folder::bytes_of_logs(layout, run);
        }
        self
    }

    /// Says what would go.
    pub(super) fn report(&self, dry_run: bool) -> PruneReport {
        let mut report = PruneReport { dry_run, kinds: Vec::new() };
        let bytes = |runs: &[(DagRunKey, u64)]| runs.iter().map(|(_, bytes)| bytes).sum();
        count(&mut report, "runs", self.runs.len() as u64, bytes(&self.runs));
        count(&mut report, "logs", self.logs.len() as u64, bytes(&self.logs));
        let files = self.artifacts.iter().map(|one| one.count).sum();
        let size = self.artifacts.iter().map(|one| one.bytes).sum();
        count(&mut report, "artifacts", files, size);
        let runs = self.deleted_runs.len() as u64;
        count(&mut report, "deleted runs", runs, self.deleted_runs.iter().map(|one| one.1).sum());
        let models = self.deleted_models.len() as u64;
        let size = self.deleted_models.iter().map(|one| one.1).sum();
        count(&mut report, "deleted logged models", models, size);
        let experiments = self.deleted_experiments.len() as u64;
        count(&mut report, "deleted experiments", experiments, 0);
        count(&mut report, "events", self.lines, 0);
        count(&mut report, "lineage events", self.told_here, 0);
        count(&mut report, "asset events", self.asset_events.len() as u64, 0);
        report
    }
}
