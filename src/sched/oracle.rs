//! Recomputes from scratch, by counting, what the caches of `index` say and what a settled state
//! must look like. Tests ask it after every step.

use std::collections::BTreeMap;

use crate::dag::TaskSpec;
use crate::deadline;
use crate::decision::run_key;
use crate::fair::Fair;
use crate::index::{Index, RunIndex, Timer, Touched};
use crate::judge::{Judgement, judge, upstream_of};
use crate::mapping::Length;
use crate::past;
use crate::ready::Tally;
use crate::state::{ActiveRun, Recovered, State};
use crate::types::backfill::Backfill;
use crate::types::ids::UNMAPPED;
use crate::types::run::{DagRun, TaskInstance};
use crate::types::{DagRunState, MapIndex, TaskId, TaskInstanceKey, TaskInstanceState};

/// Panics where the state is not settled, or a cache is not what it should be.
pub fn check(state: &State) {
    caches_agree(state);
    for active in state.runs.values() {
        run_is_settled(state, active);
    }
    runs_begin_where_they_may(state);
    nothing_more_can_be_launched(state);
}

/// Panics where what a store gives back is not the state.
pub fn check_recovered(state: &State, recovered: Recovered) {
    let (again, orphans) = State::recover(state.deck.clone(), recovered, "again".into());
    assert!(state.dag_states.keys().eq(again.dag_states.keys()));
    assert_eq!(state.dag_states, again.dag_states);
    assert_eq!(state.dag_versions, again.dag_versions);
    assert_eq!(state.queued_asset_events, again.queued_asset_events);
    assert_eq!(state.known_asset_changes, again.known_asset_changes);
    assert_eq!(state.next_asset_event_id, again.next_asset_event_id);
    assert_eq!(state.freshness.news, again.freshness.news);
    assert_eq!(state.next_backfill_id, again.next_backfill_id);
    assert_eq!(state.made_ahead, again.made_ahead);
    let backfills = |state: &State| -> Vec<Backfill> {
        state.backfills.values().map(|active| active.backfill.clone()).collect()
    };
    assert_eq!(backfills(state), backfills(&again));
    assert_eq!(state.runs.len(), again.runs.len() + orphans.len());
    for (key, active) in &again.runs {
        let mine = &state.runs[key];
        assert_eq!(mine.tasks, active.tasks);
        assert_eq!(mine.run, active.run);
        assert_eq!(mine.dag.version, active.dag.version);
        assert_eq!(mine.maps, active.maps);
        assert_eq!(mine.triggering_asset_events, active.triggering_asset_events);
        let open = |state: &State| state.deadlines.get(key).cloned();
        assert_eq!(open(state), open(&again), "deadlines of {key:?}");
    }
}

fn caches_agree(state: &State) {
    let mut fresh = Index::default();
    for active in state.runs.values() {
        fresh.note_all(active);
        let built = RunIndex::build(&active.dag, &active.tasks);
        assert_eq!(active.index.unfinished, built.unfinished, "unfinished of {:?}", active.run);
        for task in active.dag.tasks.keys() {
            let mapped = active.rows(task).filter(|ti| ti.key.map_index != UNMAPPED);
            let alive = mapped.filter(|ti| ti.state != Some(TaskInstanceState::Removed));
            assert_eq!(active.index.alive(task), alive.count(), "instances of `{task}`");
        }
        for task in active.dag.tasks.keys() {
            let kept = upstream_of(active, task, UNMAPPED);
            assert_eq!(kept, tally(active, task, UNMAPPED), "tally of `{task}`");
        }
    }
    for (dag_id, at) in &state.pending.schedule_timers {
        fresh.timers.insert((*at, Timer::Schedule(dag_id.clone())));
    }
    for (name, at) in &state.freshness.timers {
        fresh.timers.insert((*at, Timer::Freshness(name.clone())));
    }
    for (key, deadlines) in &state.deadlines {
        assert!(state.runs.contains_key(key), "a deadline of a run that has ended");
        fresh.timers.extend(deadlines.values().map(|one| deadline::timer(key, one)));
    }
    fresh.touched = Touched::default();
    assert_eq!(state.index, fresh);
    let mut again = state.clone();
    again.fair = Fair::default();
    again.fair.turns = state.fair.turns.clone();
    again.index.touched.all = true;
    again.refresh_lanes();
    assert_eq!(state.fair, again.fair, "whose turn it is");
}

/// Counts the instances upstream of one instance, from the rows alone.
fn tally(active: &ActiveRun, task: &TaskId, index: MapIndex) -> (usize, Tally) {
    let mut tally = Tally::default();
    let mut total = 0;
    for upstream in active.dag.graph.upstream(task) {
        let all: Vec<&TaskInstance> =
            active.tasks.values().filter(|ti| ti.key.task_id == *upstream).collect();
        let group = |task: &TaskId| active.dag.plan.mapped_group(task);
        let is_parallel = group(task).is_some() && group(task) == group(upstream);
        let own = all.iter().find(|ti| ti.key.map_index == index);
        let own = own.or_else(|| all.iter().find(|ti| ti.key.map_index == UNMAPPED));
        let seen = match own.filter(|_| is_parallel && index != UNMAPPED) {
            Some(own) => vec![*own],
            None if is_parallel && index != UNMAPPED => Vec::new(),
            None => all,
        };
        total += seen.len();
        seen.iter().filter_map(|ti| ti.state).for_each(|state| tally.add(state));
    }
    (total, tally)
}

/// Says whether an instance without status could move by what its own run and the one before say.
fn could_move(state: &State, active: &ActiveRun, ti: &TaskInstance) -> bool {
    let spec = &active.dag.tasks[&ti.key.task_id];
    let (task, index) = (&ti.key.task_id, ti.key.map_index);
    assert_eq!(upstream_of(active, task, index), tally(active, task, index), "{}", ti.key);
    match judge(active, task, index) {
        Judgement::Wait => false,
        Judgement::Pass(..) => true,
        Judgement::Run => {
            let waits_for_elements =
                active.dag.mapping(task).is_some() && active.length(task) == Length::Pending;
            past::allows(state, active, spec) && !waits_for_elements
        }
    }
}

fn run_is_settled(state: &State, active: &ActiveRun) {
    let is_running = active.run.state == DagRunState::Running;
    assert!(!active.run.state.is_finished(), "a run that has ended is in memory");
    for ti in active.tasks.values() {
        let holds = ti.state.is_some_and(TaskInstanceState::is_under_way);
        assert_eq!(ti.token.is_some(), holds, "a token is held while under way: {ti:?}");
        let is_deferred = ti.state == Some(TaskInstanceState::Deferred);
        assert_eq!(ti.trigger.is_some(), is_deferred, "a trigger is kept while deferred: {ti:?}");
        assert!(is_deferred || ti.trigger_timeout.is_none(), "{ti:?}");
        assert!(ti.try_number <= ti.max_tries, "{ti:?}");
        assert_eq!(ti.next_retry_at.is_some(), ti.state == Some(TaskInstanceState::UpForRetry));
        if !active.dag.tasks.contains_key(&ti.key.task_id) {
            continue;
        }
        if is_running && ti.state.is_none() {
            assert!(!could_move(state, active, ti), "{} could move", ti.key);
        }
        if !is_running {
            assert!(!holds, "{} is in flight in a queued run", ti.key);
        }
    }
    let is_open = |ti: &TaskInstance| !ti.state.is_some_and(|state| state.is_finished());
    assert!(!is_running || active.tasks.values().any(is_open), "a run has nothing left to do");
}

fn runs_begin_where_they_may(state: &State) {
    for (dag_id, dag) in &state.deck.dags {
        let is_of_dag = |run: &DagRun| run.dag_id == *dag_id && run.backfill_id.is_none();
        let of_dag = || state.runs.values().filter(|active| is_of_dag(&active.run));
        let running = of_dag().filter(|a| a.run.state == DagRunState::Running).count();
        let queued = of_dag().filter(|a| a.run.state == DagRunState::Queued).count();
        let limit = dag.max_active_runs as usize;
        if !state.pending.promotable.contains(dag_id) {
            assert!(queued == 0 || running >= limit, "a run of `{dag_id}` could begin");
        }
    }
}

fn nothing_more_can_be_launched(state: &State) {
    let mut total = 0;
    let mut by_run: BTreeMap<_, u32> = BTreeMap::new();
    let mut by_pool: BTreeMap<_, u32> = BTreeMap::new();
    let all = || {
        state.runs.values().flat_map(|active| {
            active.tasks.values().map(|ti| (active.dag.tasks.get(&ti.key.task_id), ti))
        })
    };
    for (spec, ti) in all() {
        if ti.state.is_some_and(TaskInstanceState::is_in_flight) {
            total += 1;
            *by_run.entry(run_key(&ti.key)).or_default() += 1;
        }
        if takes_pool_slots(state, ti) {
            *by_pool.entry(ti.pool.clone()).or_default() += spec.map_or(1, |s| s.pool_slots);
        }
    }
    for (spec, ti) in all() {
        if ti.state != Some(TaskInstanceState::Scheduled) {
            continue;
        }
        let slots = state.deck.pools.get(&ti.pool).copied().unwrap_or(u32::MAX);
        let need = spec.map_or(1, |s| s.pool_slots).min(slots);
        let dag = state.deck.dags.get(&ti.key.dag_id).map_or(u32::MAX, |d| d.max_active_tasks);
        let fits = total < state.deck.max_active_tasks
            && by_run.get(&run_key(&ti.key)).copied().unwrap_or(0) < dag
            && slots > 0
            && by_pool.get(&ti.pool).copied().unwrap_or(0) + need <= slots
            && spec.is_none_or(|spec| has_room_of_its_own(state, spec, ti));
        assert!(!fits, "{} could be launched", ti.key);
    }
}

/// A pool may count what is deferred, too.
fn takes_pool_slots(state: &State, ti: &TaskInstance) -> bool {
    let counts_deferred = state.deck.pools_with_deferred.contains(&ti.pool);
    ti.state
        .is_some_and(|s| s.is_in_flight() || (counts_deferred && s == TaskInstanceState::Deferred))
}

fn has_room_of_its_own(state: &State, spec: &TaskSpec, ti: &TaskInstance) -> bool {
    let (all, in_run) = in_flight_of(state, &ti.key);
    spec.flow.max_active_tis_per_dag.is_none_or(|limit| all < limit as usize)
        && spec.flow.max_active_tis_per_dagrun.is_none_or(|limit| in_run < limit as usize)
}

/// Counts what is in flight of a task: in all runs, and in one.
fn in_flight_of(state: &State, key: &TaskInstanceKey) -> (usize, usize) {
    let tasks = state.runs.values().flat_map(|active| active.tasks.values());
    let same = tasks.filter(|ti| {
        (&ti.key.dag_id, &ti.key.task_id) == (&key.dag_id, &key.task_id)
            && ti.state.is_some_and(TaskInstanceState::is_in_flight)
    });
    let same: Vec<_> = same.collect();
    (same.len(), same.iter().filter(|ti| ti.key.dag_run_id == key.dag_run_id).count())
}

/// Panics where more is in flight or under way than the limits of the deck allow.
pub fn check_limits(state: &State) {
    let usage = &state.index.usage;
    assert!(usage.total <= state.deck.max_active_tasks, "{usage:?}");
    for (dag_id, dag) in &state.deck.dags {
        let is_running = |active: &&ActiveRun| active.run.state == DagRunState::Running;
        let running = state.runs_of(dag_id).filter(is_running);
        let running = running.filter(|active| active.run.backfill_id.is_none()).count();
        let of_dag = usage.by_run.iter().filter(|(run, _)| run.dag_id == *dag_id);
        assert!(of_dag.into_iter().all(|(_, used)| *used <= dag.max_active_tasks), "{usage:?}");
        assert!(running <= dag.max_active_runs as usize);
    }
    for active in state.backfills.values() {
        let of_backfill = state.runs_of(&active.backfill.dag_id).filter(|run| {
            run.run.backfill_id == Some(active.backfill.id) && run.run.state == DagRunState::Running
        });
        assert!(of_backfill.count() <= active.backfill.max_active_runs as usize);
    }
    for active in state.runs.values() {
        for ti in active.tasks.values() {
            let (all, in_run) = in_flight_of(state, &ti.key);
            let Some(spec) = active.dag.tasks.get(&ti.key.task_id) else { continue };
            assert!(spec.flow.max_active_tis_per_dag.is_none_or(|limit| all <= limit as usize));
            let limit = spec.flow.max_active_tis_per_dagrun;
            assert!(limit.is_none_or(|limit| in_run <= limit as usize));
        }
    }
    for (pool, slots) in &state.deck.pools {
        let used = usage.in_pool(&state.deck, pool);
        let in_pool = state
            .runs
            .values()
            .flat_map(|active| active.tasks.values())
            .filter(|ti| ti.pool == *pool && takes_pool_slots(state, ti));
        // One that is wider than the pool may have it to itself.
        assert!(used <= *slots || in_pool.count() == 1, "pool `{pool}`: {used} of {slots}");
    }
}
