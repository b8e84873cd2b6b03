//! Which of the tasks that may run are launched now: the limits of the deck, the runs, the
//! pools and the tasks themselves; `fair` says whose turn it is. Whatever an executor holds counts, also while it is
//! `queued`.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::dag::Dag;
use crate::decision::{Decision, open_try, run_key};
use crate::effect::{Effect, Launch};
use crate::fair::Gate;
use crate::index::{Lane, Ready};
use crate::state::{ActiveRun, State};
use crate::types::executor::TryPlace;
use crate::types::run::TaskInstance;
use crate::types::{DagId, TaskInstanceKey, TaskInstanceState};

/// What has no room for one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    Deck {
        used: u32,
        limit: u32,
    },
    Run {
        used: u32,
        limit: u32,
    },
    /// A limit of the task itself, by its key in `dags.toml`.
    Task {
        limit: u32,
        key: &'static str,
    },
    /// In slots.
    Pool {
        used: u32,
        slots: u32,
        need: u32,
    },
}

impl Decision<'_> {
    /// Launches as many as the limits allow, each in its turn.
    pub(super) fn admit(&mut self) {
        self.state.refresh_lanes();
        while let Some(key) = self.state.next_to_launch().map(|next| next.key.clone()) {
            self.state.fair.turns.take(&key.dag_id);
            self.launch(&key);
            self.state.refresh_lanes();
        }
    }

    fn launch(&mut self, key: &TaskInstanceKey) {
        let now = self.now;
        let token = self.next_token();
        let place = self.spec(key).map(|spec| TryPlace::of(spec.executor())).unwrap_or_default();
        self.move_task(key, Some(TaskInstanceState::Queued), |ti| {
            ti.try_number += 1;
            ti.token = Some(token.clone());
            ti.pid = None;
            ti.place = place.clone();
            ti.queued_when = Some(now);
            ti.start_date = None;
            ti.end_date = None;
            ti.note = None;
        });
        let active = self.state.runs.get(&run_key(key)).expect("a task moved in this run");
        let attempt = self.task(key).expect("it has just moved").attempt();
        let launch = Launch {
            key: attempt.clone(),
            token: token.clone(),
            dag: active.dag.clone(),
            task_id: key.task_id.clone(),
            run: active.run.clone(),
            triggering_asset_events: active.triggering_asset_events.clone(),
        };
        self.draft.effect(Effect::Launch(launch));
        let ti = self.task(key).expect("it has just moved");
        let kept = open_try(ti, attempt, token, TaskInstanceState::Queued);
        self.draft.put_try(kept);
    }
}

impl State {
    /// Returns the task whose turn it is, where there is room for one; `refresh_lanes` comes
    /// before it.
    pub(super) fn next_to_launch(&self) -> Option<&Ready> {
        if self.full_deck().is_some() {
            return None;
        }
        self.fair.next(|gate| self.full_pool(gate).is_none())
    }

    /// Returns all that has no room for a task that is scheduled.
    pub(super) fn what_is_full(&self, active: &ActiveRun, ti: &TaskInstance) -> Vec<Full> {
        let spec = active.dag.tasks.get(&ti.key.task_id);
        let pool_slots = spec.map_or(1, |spec| spec.pool_slots);
        let gate = Gate { pool: ti.pool.clone(), pool_slots };
        let full = [
            self.full_deck(),
            self.full_run(active),
            self.full_task(active, &ti.key),
            self.full_pool(&gate),
        ];
        full.into_iter().flatten().collect()
    }

    /// Brings `fair` in line with what the moves since the last time have touched.
    pub(super) fn refresh_lanes(&mut self) {
        let touched = std::mem::take(&mut self.index.touched);
        let mut lanes = touched.lanes;
        if touched.all {
            lanes.extend(self.index.ready.keys().cloned());
        }
        for (dag_id, task_id) in &touched.tasks {
            lanes.extend(self.index.lanes_of_task(dag_id, task_id).cloned());
        }
        for run in &touched.runs {
            lanes.extend(self.index.lanes_of(run).cloned());
        }
        let mut dags: BTreeSet<DagId> = touched.runs.into_iter().map(|run| run.dag_id).collect();
        for lane in lanes {
            let head = self.open_head(&lane).cloned();
            self.fair.set_head(&lane, head);
            dags.insert(lane.dag_id);
        }
        for dag_id in dags {
            let in_flight = self.index.usage.by_dag.get(&dag_id).copied().unwrap_or(0);
            self.fair.rank(&dag_id, in_flight);
        }
    }

    /// Returns the first task of a lane whose run has room for one more.
    fn open_head(&self, lane: &Lane) -> Option<&Ready> {
        let first = self.index.ready.get(lane)?.first()?;
        let run = run_key(&first.key);
        let active = self.runs.get(&run)?;
        let has_room =
            self.full_run(active).or_else(|| self.full_task(active, &first.key)).is_none();
        has_room.then_some(first)
    }

    /// Looks for room within the limits of a task itself.
    fn full_task(&self, active: &ActiveRun, key: &TaskInstanceKey) -> Option<Full> {
        let usage = &self.index.usage;
        let flow = &active.dag.tasks.get(&key.task_id)?.flow;
        let in_dag = flow.max_active_tis_per_dag.and_then(|limit| {
            let place = (key.dag_id.clone(), key.task_id.clone());
            let used = usage.by_task.get(&place).copied().unwrap_or(0);
            (used >= limit).then_some(Full::Task { limit, key: "max_active_tis_per_dag" })
        });
        in_dag.or_else(|| {
            let limit = flow.max_active_tis_per_dagrun?;
            let place = (run_key(key), key.task_id.clone());
            let used = usage.by_task_in_run.get(&place).copied().unwrap_or(0);
            (used >= limit).then_some(Full::Task { limit, key: "max_active_tis_per_dagrun" })
        })
    }

    fn full_deck(&self) -> Option<Full> {
        let (used, limit) = (self.index.usage.total, self.deck.max_active_tasks);
        (used >= limit).then_some(Full::Deck { used, limit })
    }

    fn full_run(&self, active: &ActiveRun) -> Option<Full> {
        let used = self.index.usage.by_run.get(&active.run.key()).copied().unwrap_or(0);
        let limit = self.dag_in_force(active).max_active_tasks;
        (used >= limit).then_some(Full::Run { used, limit })
    }

    /// Looks for room for one more task of this width.
    fn full_pool(&self, gate: &Gate) -> Option<Full> {
        // A pool that is gone from the deck limits nothing: its tasks would wait for ever.
        let slots = self.deck.pools.get(&gate.pool).copied()?;
        let used = self.index.usage.in_pool(&self.deck, &gate.pool);
        // A task that is wider than its pool runs when it has the pool to itself.
        let need = gate.pool_slots.min(slots);
        let has_room = slots > 0 && used.saturating_add(need) <= slots;
        (!has_room).then_some(Full::Pool { used, slots, need })
    }

    /// Returns the present definition of a run's DAG, else the one that it began with.
    pub(super) fn dag_in_force<'a>(&'a self, active: &'a ActiveRun) -> &'a Arc<Dag> {
        self.deck.dags.get(&active.run.dag_id).unwrap_or(&active.dag)
    }
}
