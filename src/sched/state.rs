//! All scheduling state, owned by one engine task.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::backfill::ActiveBackfill;
use crate::change::DagState;
use crate::dag::{Dag, Deck};
use crate::fair::Fair;
use crate::freshness::{AssetNews, Freshness};
use crate::index::{Index, PoolLoad, RunIndex};
use crate::mapping::TaskMap;
use crate::past::{Past, PastRun};
use crate::recover;
use crate::types::asset::AssetEvent;
use crate::types::backfill::{Backfill, BackfillId};
use crate::types::deadline::Deadline;
use crate::types::run::{DagRun, DagRunKey, TaskInstance};
use crate::types::{AssetName, DagId, DagRunId, MapIndex, TaskId, TaskInstanceKey, Timestamp};

/// What the scheduler knows. Runs that have ended leave it.
#[derive(Debug, Clone)]
pub struct State {
    pub deck: Arc<Deck>,
    pub dag_states: BTreeMap<DagId, DagState>,
    /// The version of each DAG that was noted last.
    pub dag_versions: BTreeMap<DagId, LatestVersion>,
    /// Runs that are queued or running.
    pub runs: BTreeMap<DagRunKey, ActiveRun>,
    /// Asset events that wait to bring a run of a DAG about.
    pub queued_asset_events: BTreeMap<DagId, Vec<AssetEvent>>,
    /// Dedupe keys of asset events that were taken note of: of those that the inputs in hand
    /// bring (`Input::dedupe_keys`), which is all that a step asks for.
    pub known_asset_changes: BTreeSet<String>,
    pub next_asset_event_id: i64,
    pub next_operation_id: i64,
    /// Backfills that have not ended: one of a DAG at most.
    pub backfills: BTreeMap<DagId, ActiveBackfill>,
    pub next_backfill_id: BackfillId,
    /// Of each DAG the dates, each with the end of its interval, that the schedule has still to
    /// come to and for which a backfill has made a run already.
    pub made_ahead: BTreeMap<DagId, BTreeMap<Timestamp, Timestamp>>,
    /// Begins every launch token, so that tokens of two daemons differ.
    pub token_prefix: String,
    pub next_token: u64,
    pub(super) past: Past,
    /// Deadlines of runs under way that have not been missed.
    pub(super) deadlines: BTreeMap<DagRunKey, BTreeMap<u32, Deadline>>,
    /// How long the last runs of each DAG took, the newest last.
    pub(super) runtimes: BTreeMap<DagId, VecDeque<Duration>>,
    pub(super) index: Index,
    pub(super) fair: Fair,
    pub(super) freshness: Freshness,
    pub(super) pending: Pending,
}

/// What is still to be looked at; empty between steps but for what one step leaves to the next.
#[derive(Debug, Clone, Default)]
pub(super) struct Pending {
    /// Nothing was decided since `recover`: everything is to be looked at.
    pub(super) is_fresh: bool,
    /// Rows that `recover` made because the definition has changed.
    pub(super) unsaved: Vec<TaskInstanceKey>,
    /// DAGs of which a queued run may begin.
    pub(super) promotable: BTreeSet<DagId>,
    /// When the next step is to look at what is left in `promotable`.
    pub(super) left_over_at: Option<Timestamp>,
    /// DAGs of which a scheduled run may be due.
    pub(super) schedules: BTreeSet<DagId>,
    /// The timer of each DAG that waits for its next scheduled run.
    pub(super) schedule_timers: BTreeMap<DagId, Timestamp>,
    /// Of each DAG, the ids of the runs made last: those that ended are no longer in `runs`, and
    /// a clock that stands still must not give their ids again.
    pub(super) last_run_ids: BTreeMap<DagId, (Timestamp, BTreeSet<DagRunId>)>,
}

/// A run that is under way.
#[derive(Debug, Clone)]
pub struct ActiveRun {
    pub run: DagRun,
    /// The definition it began with.
    pub dag: Arc<Dag>,
    pub tasks: BTreeMap<(TaskId, MapIndex), TaskInstance>,
    pub triggering_asset_events: Vec<AssetEvent>,
    /// What the outputs said that others are mapped over.
    pub maps: BTreeMap<TaskId, TaskMap>,
    pub(super) index: RunIndex,
}

/// The last version of a DAG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LatestVersion {
    pub version_number: u32,
    /// The digest of the definition.
    pub dag_version: String,
}

/// A run as the store gives it back.
#[derive(Debug, Clone)]
pub struct EndedRun {
    pub run: DagRun,
    /// The definition that it runs; `None` where none was kept, or it cannot be read any more.
    pub dag: Option<Arc<Dag>>,
    pub tasks: Vec<TaskInstance>,
    pub triggering_asset_events: Vec<AssetEvent>,
    /// How long the outputs are that others are mapped over.
    pub maps: Vec<(TaskInstanceKey, BTreeMap<String, usize>)>,
}

/// What the store gives back at start.
#[derive(Debug, Clone, Default)]
pub struct Recovered {
    pub dag_states: Vec<DagState>,
    pub dag_versions: Vec<(DagId, LatestVersion)>,
    /// Runs that had not ended, with their task instances.
    pub runs: Vec<EndedRun>,
    pub queued_asset_events: Vec<(DagId, Vec<AssetEvent>)>,
    pub known_asset_changes: Vec<String>,
    pub last_asset_event_id: i64,
    /// The last event of each asset that was no deletion.
    pub asset_news: Vec<(AssetName, AssetNews)>,
    /// Those that have not ended.
    pub backfills: Vec<Backfill>,
    pub last_backfill_id: BackfillId,
    /// Logical dates of runs of backfills, each with the end of its interval, which is after
    /// what the DAG's schedule has come to.
    pub made_ahead: Vec<(DagId, Timestamp, Timestamp)>,
    /// Ended runs of DAGs whose tasks wait for the run before.
    pub past: Vec<PastRun>,
    pub last_operation_id: i64,
    /// Deadlines of those runs.
    pub deadlines: Vec<Deadline>,
    /// How long the last runs of DAGs took, the newest last, where their deadlines ask for it.
    pub runtimes: Vec<(DagId, Vec<Duration>)>,
}

impl State {
    /// Begins with what the store gave back. Runs that have no definition, neither a kept one nor
    /// one on the deck, are kept out and returned, for the engine to end them as failed. The first step after this one (a
    /// `Tick` will do) brings the state in line with the deck and writes what has changed.
    pub fn recover(
        deck: Arc<Deck>,
        recovered: Recovered,
        token_prefix: String,
    ) -> (Self, Vec<EndedRun>) {
        recover::recover(deck, recovered, token_prefix)
    }

    /// Returns the runs of a DAG that are under way.
    pub(super) fn runs_of(&self, dag_id: &DagId) -> impl Iterator<Item = &ActiveRun> {
        let first = DagRunKey { dag_id: dag_id.clone(), dag_run_id: DagRunId::new("") };
        let dag_id = dag_id.clone();
        let all = self.runs.range(first..).map(|(_, active)| active);
        all.take_while(move |active| active.run.dag_id == dag_id)
    }

    /// Returns how many task instances are in flight.
    pub fn slots_used(&self) -> u32 {
        self.index.usage.total
    }

    /// Returns what is in a pool and before it.
    pub fn pool_load(&self, pool: &str) -> PoolLoad {
        let mut load = self.index.pools.get(pool).copied().unwrap_or_default();
        if self.deck.pools_with_deferred.contains(pool) {
            load.running += self.index.usage.deferred_by_pool.get(pool).copied().unwrap_or(0);
        }
        load
    }

    /// Returns how many runs are running, and how many are queued.
    pub fn run_counts(&self) -> (u64, u64) {
        let of_dags = self.index.dag_runs.values();
        of_dags.fold((0, 0), |(running, queued), runs| {
            (running + runs.running as u64, queued + runs.queued.len() as u64)
        })
    }

    /// When `step` wants to be called with `Input::Tick` at the latest: the next due schedule,
    /// retry or timeout.
    pub fn next_wakeup(&self, now: Timestamp) -> Option<Timestamp> {
        if self.pending.is_fresh {
            return Some(now);
        }
        let due = self.index.timers.first().map(|(at, _)| *at);
        due.into_iter().chain(self.pending.left_over_at).min()
    }
}

impl ActiveRun {
    /// Returns all instances of a task, by map index.
    pub fn rows<'a>(&'a self, task: &TaskId) -> impl Iterator<Item = &'a TaskInstance> + use<'a> {
        let all = (task.clone(), MapIndex::MIN)..=(task.clone(), MapIndex::MAX);
        self.tasks.range(all).map(|(_, ti)| ti)
    }
}
