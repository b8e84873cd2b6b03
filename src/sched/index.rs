//! Caches over the state, kept by `decision` at each move, so that a decision costs the same in
//! a small and in a large state. All of it can be recomputed: `oracle` does, in tests.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::dag::{Dag, Deck};
use crate::ready::Tally;
use crate::state::ActiveRun;
use crate::types::backfill::{Backfill, BackfillId};
use crate::types::ids::UNMAPPED;
use crate::types::run::{DagRun, DagRunKey, TaskInstance};
use crate::types::{
    AssetName, DagId, DagRunId, DagRunState, MapIndex, TaskId, TaskInstanceKey, TaskInstanceState,
    Timestamp,
};
use crate::when;

/// Something that becomes due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    DagRunTimeout(DagRunKey),
    /// What a deferred task instance waits for has not come in time.
    Deferral(TaskInstanceKey),
    ExecutionTimeout(TaskInstanceKey),
    Retry(TaskInstanceKey),
    Schedule(DagId),
    /// An asset is older than it may get.
    Freshness(AssetName),
    /// With the number of the deadline.
    Deadline(DagRunKey, u32),
}

/// Task instances that the same limits hold back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Lane {
    pub(super) dag_id: DagId,
    pub(super) dag_run_id: DagRunId,
    pub(super) pool: String,
    pub(super) pool_slots: u32,
    /// Of a task with limits of its own.
    pub(super) task: Option<TaskId>,
}

/// A `scheduled` task instance; the first in order is admitted first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ready {
    pub(super) priority_weight: Reverse<i64>,
    pub(super) run_after: Timestamp,
    /// In the topological order of its DAG.
    position: usize,
    pub(super) key: TaskInstanceKey,
}

/// Task instances in flight.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) total: u32,
    pub(super) by_dag: BTreeMap<DagId, u32>,
    pub(super) by_run: BTreeMap<DagRunKey, u32>,
    /// In slots.
    pub(super) by_pool: BTreeMap<String, u32>,
    /// In slots, of what is deferred: not in flight, but counted by pools with
    /// `include_deferred`.
    pub(super) deferred_by_pool: BTreeMap<String, u32>,
    /// Of tasks with limits of their own.
    pub(super) by_task: BTreeMap<(DagId, TaskId), u32>,
    pub(super) by_task_in_run: BTreeMap<(DagRunKey, TaskId), u32>,
}

impl Usage {
    /// Returns how many slots of a pool are taken.
    pub(super) fn in_pool(&self, deck: &Deck, pool: &str) -> u32 {
        let in_flight = self.by_pool.get(pool).copied().unwrap_or(0);
        if !deck.pools_with_deferred.contains(pool) {
            return in_flight;
        }
        in_flight.saturating_add(self.deferred_by_pool.get(pool).copied().unwrap_or(0))
    }
}

/// Runs that the same limit holds back: those of a DAG, or those of one of its backfills.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RunGroup {
    pub(super) dag_id: DagId,
    pub(super) backfill_id: Option<BackfillId>,
}

/// What is in a pool and before it, in slots.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolLoad {
    /// Of task instances at work.
    pub running: u32,
    /// Of task instances that are scheduled, or queued by an executor.
    pub queued: u32,
}

/// The runs of one group that are under way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct DagRuns {
    /// By `run_after`, then `queued_at`.
    pub(super) queued: BTreeSet<(Timestamp, Timestamp, DagRunId)>,
    pub(super) running: usize,
}

/// What has moved since `fair` was brought in line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Touched {
    /// Those whose first task may be another one.
    pub(super) lanes: BTreeSet<Lane>,
    /// Those that have more or fewer in flight.
    pub(super) runs: BTreeSet<DagRunKey>,
    /// Those with limits of their own that have more or fewer in flight.
    pub(super) tasks: BTreeSet<(DagId, TaskId)>,
    /// The limits may be others.
    pub(super) all: bool,
}

/// What is derived from all runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) timers: BTreeSet<(Timestamp, Timer)>,
    pub(super) ready: BTreeMap<Lane, BTreeSet<Ready>>,
    pub(super) usage: Usage,
    pub(super) dag_runs: BTreeMap<RunGroup, DagRuns>,
    pub(super) pools: BTreeMap<String, PoolLoad>,
    pub(super) touched: Touched,
}

/// What is derived from one run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RunIndex {
    /// Of each task: how the instances directly upstream of it ended. Those in the same mapped
    /// group are not counted: each of its instances looks at others of them.
    pub(super) tallies: BTreeMap<TaskId, Tally>,
    pub(super) unfinished: usize,
    /// Of each task: how many instances there are directly upstream beyond one for each task.
    more_upstream: BTreeMap<TaskId, isize>,
    /// Of each mapped task: how many of its instances were not removed.
    alive: BTreeMap<TaskId, usize>,
    positions: BTreeMap<TaskId, usize>,
}

impl RunIndex {
    pub(super) fn build(dag: &Dag, tasks: &BTreeMap<(TaskId, MapIndex), TaskInstance>) -> Self {
        let topological = dag.graph.topological().iter().enumerate();
        let mut index = Self {
            positions: topological.map(|(i, task)| (task.clone(), i)).collect(),
            ..Self::default()
        };
        let mut rows: BTreeMap<&TaskId, isize> = BTreeMap::new();
        for task in tasks.values() {
            *rows.entry(&task.key.task_id).or_default() += 1;
        }
        for (task, rows) in rows.into_iter().filter(|(_, rows)| *rows != 1) {
            index.count_upstream(dag, task, rows - 1);
        }
        for task in tasks.values() {
            index.unfinished += 1;
            if task.key.map_index != UNMAPPED {
                index.count_alive(&task.key.task_id, 1);
            }
            if let Some(state) = task.state.filter(|state| state.is_finished()) {
                index.count(dag, &task.key, None, Some(state));
            }
        }
        index
    }

    /// Notes that an instance without end is there, or no longer there.
    pub(super) fn count_row(&mut self, dag: &Dag, ti: &TaskInstance, amount: isize) {
        self.unfinished = self.unfinished.saturating_add_signed(amount);
        self.count_upstream(dag, &ti.key.task_id, amount);
        if ti.key.map_index != UNMAPPED {
            self.count_alive(&ti.key.task_id, amount);
        }
    }

    fn count_upstream(&mut self, dag: &Dag, task: &TaskId, amount: isize) {
        for downstream in dag.graph.downstream(task) {
            if dag.is_parallel(task, downstream) {
                continue;
            }
            let more = self.more_upstream.entry(downstream.clone()).or_default();
            *more += amount;
            if *more == 0 {
                self.more_upstream.remove(downstream);
            }
        }
    }

    fn count_alive(&mut self, task: &TaskId, amount: isize) {
        let alive = self.alive.entry(task.clone()).or_default();
        *alive = alive.saturating_add_signed(amount);
        if *alive == 0 {
            self.alive.remove(task);
        }
    }

    /// Returns how many instances of a mapped task were not removed.
    pub(super) fn alive(&self, task: &TaskId) -> usize {
        self.alive.get(task).copied().unwrap_or(0)
    }

    /// Returns how many instances there are directly upstream of a task, without those that
    /// stand in the same mapped group.
    pub(super) fn upstream_rows(&self, dag: &Dag, task: &TaskId) -> usize {
        let upstream = dag.graph.upstream(task);
        let tasks = match dag.plan.mapped_group(task) {
            Some(_) => upstream.iter().filter(|before| !dag.is_parallel(before, task)).count(),
            None => upstream.len(),
        };
        tasks.saturating_add_signed(self.more_upstream.get(task).copied().unwrap_or(0))
    }

    /// Notes how an instance has ended, no longer how it had, for the tasks directly downstream.
    pub(super) fn count(
        &mut self,
        dag: &Dag,
        key: &TaskInstanceKey,
        before: Option<TaskInstanceState>,
        after: Option<TaskInstanceState>,
    ) {
        match (before, after) {
            (None, Some(_)) => self.unfinished = self.unfinished.saturating_sub(1),
            (Some(_), None) => self.unfinished += 1,
            _ => {}
        }
        let removed = |state| isize::from(state == Some(TaskInstanceState::Removed));
        if key.map_index != UNMAPPED && removed(before) != removed(after) {
            self.count_alive(&key.task_id, removed(before) - removed(after));
        }
        for downstream in dag.graph.downstream(&key.task_id) {
            if dag.is_parallel(&key.task_id, downstream) {
                continue;
            }
            let tally = self.tallies.entry(downstream.clone()).or_default();
            if let Some(state) = before {
                tally.remove(state);
            }
            if let Some(state) = after {
                tally.add(state);
            }
        }
    }
}

impl Index {
    /// Takes note of a task instance as it stands.
    pub(super) fn note_task(&mut self, run: &DagRun, dag: &Dag, of: &RunIndex, ti: &TaskInstance) {
        if let Some(timer) = task_timer(dag, ti) {
            self.timers.insert(timer);
        }
        if ti.state == Some(TaskInstanceState::Scheduled) {
            let lane = lane(dag, ti);
            self.touched.lanes.insert(lane.clone());
            self.ready.entry(lane).or_default().insert(ready(run, dag, of, ti));
        }
        if ti.state.is_some_and(TaskInstanceState::is_in_flight) {
            self.usage.total += 1;
            *self.usage.by_dag.entry(ti.key.dag_id.clone()).or_default() += 1;
            *self.usage.by_run.entry(run.key()).or_default() += 1;
            self.touched.runs.insert(run.key());
            *self.usage.by_pool.entry(ti.pool.clone()).or_default() += pool_slots(dag, ti);
            if has_limits(dag, ti) {
                self.touched.tasks.insert(of_task(ti));
                *self.usage.by_task.entry(of_task(ti)).or_default() += 1;
                *self.usage.by_task_in_run.entry(of_task_in_run(run, ti)).or_default() += 1;
            }
        }
        if ti.state == Some(TaskInstanceState::Deferred) {
            *self.usage.deferred_by_pool.entry(ti.pool.clone()).or_default() += pool_slots(dag, ti);
        }
        self.load(dag, ti, false);
    }

    /// Takes note of a task instance in the load of its pool; with `minus`, forgets it.
    fn load(&mut self, dag: &Dag, ti: &TaskInstance, minus: bool) {
        let Some(state) = ti.state else { return };
        let is_running =
            matches!(state, TaskInstanceState::Running | TaskInstanceState::Restarting);
        let is_queued = matches!(state, TaskInstanceState::Queued | TaskInstanceState::Scheduled);
        if !is_running && !is_queued {
            return;
        }
        let slots = pool_slots(dag, ti);
        let load = self.pools.entry(ti.pool.clone()).or_default();
        let figure = if is_running { &mut load.running } else { &mut load.queued };
        *figure = if minus { figure.saturating_sub(slots) } else { *figure + slots };
        if *load == PoolLoad::default() {
            self.pools.remove(&ti.pool);
        }
    }

    /// Forgets what was noted of a task instance, before it changes.
    pub(super) fn forget_task(
        &mut self,
        run: &DagRun,
        dag: &Dag,
        of: &RunIndex,
        ti: &TaskInstance,
    ) {
        if let Some(timer) = task_timer(dag, ti) {
            self.timers.remove(&timer);
        }
        if ti.state == Some(TaskInstanceState::Scheduled) {
            let lane = lane(dag, ti);
            if let Some(queue) = self.ready.get_mut(&lane) {
                queue.remove(&ready(run, dag, of, ti));
                if queue.is_empty() {
                    self.ready.remove(&lane);
                }
            }
            self.touched.lanes.insert(lane);
        }
        if ti.state.is_some_and(TaskInstanceState::is_in_flight) {
            self.usage.total = self.usage.total.saturating_sub(1);
            give_back(&mut self.usage.by_dag, &ti.key.dag_id, 1);
            give_back(&mut self.usage.by_run, &run.key(), 1);
            self.touched.runs.insert(run.key());
            give_back(&mut self.usage.by_pool, &ti.pool, pool_slots(dag, ti));
            if has_limits(dag, ti) {
                self.touched.tasks.insert(of_task(ti));
                give_back(&mut self.usage.by_task, &of_task(ti), 1);
                give_back(&mut self.usage.by_task_in_run, &of_task_in_run(run, ti), 1);
            }
        }
        if ti.state == Some(TaskInstanceState::Deferred) {
            give_back(&mut self.usage.deferred_by_pool, &ti.pool, pool_slots(dag, ti));
        }
        self.load(dag, ti, true);
    }

    /// Takes note of a run as it stands, without its task instances.
    pub(super) fn note_run(&mut self, run: &DagRun, dag: &Dag) {
        if let Some(timer) = run_timer(run, dag) {
            self.timers.insert(timer);
        }
        match run.state {
            DagRunState::Queued => {
                self.dag_runs.entry(RunGroup::of(run)).or_default().queued.insert(place(run));
            }
            DagRunState::Running => {
                self.dag_runs.entry(RunGroup::of(run)).or_default().running += 1;
            }
            DagRunState::Success | DagRunState::Failed => {}
        }
    }

    /// Forgets what was noted of a run, before it changes.
    pub(super) fn forget_run(&mut self, run: &DagRun, dag: &Dag) {
        if let Some(timer) = run_timer(run, dag) {
            self.timers.remove(&timer);
        }
        let group = RunGroup::of(run);
        let Some(runs) = self.dag_runs.get_mut(&group) else { return };
        match run.state {
            DagRunState::Queued => {
                runs.queued.remove(&place(run));
            }
            DagRunState::Running => runs.running = runs.running.saturating_sub(1),
            DagRunState::Success | DagRunState::Failed => {}
        }
        if *runs == DagRuns::default() {
            self.dag_runs.remove(&group);
        }
    }

    /// Takes note of a run and all its task instances.
    pub(super) fn note_all(&mut self, active: &ActiveRun) {
        self.note_run(&active.run, &active.dag);
        for ti in active.tasks.values() {
            self.note_task(&active.run, &active.dag, &active.index, ti);
        }
    }

    /// Forgets a run and all its task instances.
    pub(super) fn forget_all(&mut self, active: &ActiveRun) {
        self.forget_run(&active.run, &active.dag);
        for ti in active.tasks.values() {
            self.forget_task(&active.run, &active.dag, &active.index, ti);
        }
    }

    /// Returns how many runs of a group are queued or running.
    pub(super) fn active_runs(&self, group: &RunGroup) -> usize {
        self.dag_runs.get(group).map_or(0, |runs| runs.queued.len() + runs.running)
    }
}

impl RunGroup {
    pub(super) fn of(run: &DagRun) -> Self {
        Self { dag_id: run.dag_id.clone(), backfill_id: run.backfill_id }
    }

    /// The runs of a DAG that belong to no backfill.
    pub(super) fn of_dag(dag_id: &DagId) -> Self {
        Self { dag_id: dag_id.clone(), backfill_id: None }
    }

    pub(super) fn of_backfill(backfill: &Backfill) -> Self {
        Self { dag_id: backfill.dag_id.clone(), backfill_id: Some(backfill.id) }
    }
}

impl Index {
    /// Returns the lanes of a run.
    pub(super) fn lanes_of(&self, run: &DagRunKey) -> impl Iterator<Item = &Lane> {
        let DagRunKey { dag_id, dag_run_id } = run.clone();
        let from = Lane { dag_id, dag_run_id, pool: String::new(), pool_slots: 0, task: None };
        let is_of_run =
            |lane: &&Lane| lane.dag_id == run.dag_id && lane.dag_run_id == run.dag_run_id;
        self.ready.range(from..).map(|(lane, _)| lane).take_while(is_of_run)
    }

    /// Returns the lanes of a task with limits of its own, in all runs.
    pub(super) fn lanes_of_task<'a>(
        &'a self,
        dag_id: &'a DagId,
        task_id: &'a TaskId,
    ) -> impl Iterator<Item = &'a Lane> {
        let from = Lane {
            dag_id: dag_id.clone(),
            dag_run_id: DagRunId::new(""),
            pool: String::new(),
            pool_slots: 0,
            task: None,
        };
        let of_dag = self.ready.range(from..).map(|(lane, _)| lane);
        let of_dag = of_dag.take_while(move |lane| lane.dag_id == *dag_id);
        of_dag.filter(move |lane| lane.task.as_ref() == Some(task_id))
    }
}

/// When the state that a task instance is in comes to its end by itself.
fn task_timer(dag: &Dag, ti: &TaskInstance) -> Option<(Timestamp, Timer)> {
    match ti.state? {
        TaskInstanceState::UpForRetry => Some((ti.next_retry_at?, Timer::Retry(ti.key.clone()))),
        TaskInstanceState::Running => execution_timer(dag, ti),
        TaskInstanceState::Deferred => {
            let given_up = ti.trigger_timeout.map(|at| (at, Timer::Deferral(ti.key.clone())));
            given_up.into_iter().chain(execution_timer(dag, ti)).min()
        }
        _ => None,
    }
}

/// The time that a try may take runs on while it waits for its trigger.
fn execution_timer(dag: &Dag, ti: &TaskInstance) -> Option<(Timestamp, Timer)> {
    let timeout = dag.tasks.get(&ti.key.task_id)?.execution_timeout?;
    let due = when::after(ti.start_date?, timeout);
    Some((due, Timer::ExecutionTimeout(ti.key.clone())))
}

fn run_timer(run: &DagRun, dag: &Dag) -> Option<(Timestamp, Timer)> {
    let timeout = dag.dagrun_timeout.filter(|_| run.state == DagRunState::Running)?;
    Some((when::after(run.start_date?, timeout), Timer::DagRunTimeout(run.key())))
}

fn place(run: &DagRun) -> (Timestamp, Timestamp, DagRunId) {
    (run.run_after, run.queued_at, run.dag_run_id.clone())
}

fn lane(dag: &Dag, ti: &TaskInstance) -> Lane {
    Lane {
        dag_id: ti.key.dag_id.clone(),
        dag_run_id: ti.key.dag_run_id.clone(),
        pool: ti.pool.clone(),
        pool_slots: pool_slots(dag, ti),
        task: has_limits(dag, ti).then(|| ti.key.task_id.clone()),
    }
}

fn has_limits(dag: &Dag, ti: &TaskInstance) -> bool {
    dag.tasks.get(&ti.key.task_id).is_some_and(|task| {
        let flow = &task.flow;
        flow.max_active_tis_per_dag.is_some() || flow.max_active_tis_per_dagrun.is_some()
    })
}

fn of_task(ti: &TaskInstance) -> (DagId, TaskId) {
    (ti.key.dag_id.clone(), ti.key.task_id.clone())
}

fn of_task_in_run(run: &DagRun, ti: &TaskInstance) -> (DagRunKey, TaskId) {
    (run.key(), ti.key.task_id.clone())
}

fn pool_slots(dag: &Dag, ti: &TaskInstance) -> u32 {
    dag.tasks.get(&ti.key.task_id).map_or(1, |task| task.pool_slots)
}

fn ready(run: &DagRun, dag: &Dag, of: &RunIndex, ti: &TaskInstance) -> Ready {
    let weight = dag.tasks.get(&ti.key.task_id).map_or(0, |task| task.priority_weight_total);
    Ready {
        priority_weight: Reverse(weight),
        run_after: run.run_after,
        position: of.positions.get(&ti.key.task_id).copied().unwrap_or(usize::MAX),
        key: ti.key.clone(),
    }
}

fn give_back<K: Ord>(used: &mut BTreeMap<K, u32>, key: &K, amount: u32) {
    if let Some(count) = used.get_mut(key) {
        *count = count.saturating_sub(amount);
        if *count == 0 {
            used.remove(key);
        }
    }
}
