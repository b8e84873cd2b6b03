//! Which of the tasks that may run are launched now: the limits of the deck, the runs, the
//! pools and the tasks themselves; `fair` says whose turn it is. Whatever an executor holds counts, also while it is
//! `queued`.

use std::collections::BTreeSet;

use crate::sched::decision::{Decision, run_key};
use crate::sched::effect::{Effect, Launch};
use crate::sched::fair::Gate;
use crate::sched::index::{Lane, Ready};
use crate::sched::state::{ActiveRun, State};
use crate::types::run::TaskTry;
use crate::types::{DagId, TaskInstanceKey, TaskInstanceState};

impl Decision<'_> {
    /// Launches as many as the limits allow, each in its turn.
    pub(super) fn admit(&mut self) {
        self.state.refresh_lanes();
        while self.state.index.usage.total < self.state.deck.max_active_tasks {
            let state = &self.state;
            let Some(next) = state.fair.next(|gate| state.has_room(gate)) else { break };
            let key = next.key.clone();
            self.state.fair.turns.take(&key.dag_id);
            self.launch(&key);
            self.state.refresh_lanes();
        }
    }

    fn launch(&mut self, key: &TaskInstanceKey) {
        let now = self.now;
        let token = self.next_token();
        self.move_task(key, Some(TaskInstanceState::Queued), |ti| {
            ti.try_number += 1;
            ti.token = Some(token.clone());
            ti.pid = None;
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
        self.draft.put_try(TaskTry {
            key: attempt,
            token,
            state: TaskInstanceState::Queued,
            start_date: None,
            end_date: None,
            exit_code: None,
            error: None,
        });
    }
}

impl State {
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
        let in_run = self.index.usage.by_run.get(&run).copied().unwrap_or(0);
        let dag = self.deck.dags.get(&run.dag_id).unwrap_or(&active.dag);
        (in_run < dag.max_active_tasks && self.has_room_of_its_own(active, &first.key))
            .then_some(first)
    }

    /// Says whether the limits of a task itself have room for one more.
    fn has_room_of_its_own(&self, active: &ActiveRun, key: &TaskInstanceKey) -> bool {
        let usage = &self.index.usage;
        let Some(flow) = active.dag.tasks.get(&key.task_id).map(|task| &task.flow) else {
            return true;
        };
        let in_dag = flow.max_active_tis_per_dag.is_none_or(|limit| {
            let place = (key.dag_id.clone(), key.task_id.clone());
            usage.by_task.get(&place).copied().unwrap_or(0) < limit
        });
        in_dag
            && flow.max_active_tis_per_dagrun.is_none_or(|limit| {
                let place = (run_key(key), key.task_id.clone());
                usage.by_task_in_run.get(&place).copied().unwrap_or(0) < limit
            })
    }

    /// Says whether a pool has room for one more task of this width.
    fn has_room(&self, gate: &Gate) -> bool {
        // A pool that is gone from the deck limits nothing: its tasks would wait for ever.
        let Some(slots) = self.deck.pools.get(&gate.pool).copied() else { return true };
        let in_pool = self.index.usage.in_pool(&self.deck, &gate.pool);
        // A task that is wider than its pool runs when it has the pool to itself.
        slots > 0 && in_pool.saturating_add(gate.pool_slots.min(slots)) <= slots
    }
}
