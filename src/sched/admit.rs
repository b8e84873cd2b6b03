//! Which of the tasks that may run are launched now: the limits of the deck, the DAGs and the
//! pools. Whatever an executor holds counts, also while it is `queued`.

use crate::sched::decision::{Decision, run_key};
use crate::sched::effect::{Effect, Launch};
use crate::sched::index::{Lane, Ready};
use crate::types::run::TaskTry;
use crate::types::{TaskInstanceKey, TaskInstanceState};

impl Decision<'_> {
    /// Launches as many as the limits allow, the most urgent first.
    pub(super) fn admit(&mut self) {
        while self.state.index.usage.total < self.state.deck.max_active_tasks {
            let open = self.state.index.ready.iter().filter_map(|(lane, queue)| {
                let first = queue.first()?;
                self.is_open(lane, first).then_some(first)
            });
            let Some(key) = open.min().map(|ready| ready.key.clone()) else { break };
            self.launch(&key);
        }
    }

    /// Says whether the DAG and the pool have room for one more of this lane.
    fn is_open(&self, lane: &Lane, first: &Ready) -> bool {
        let usage = &self.state.index.usage;
        let Some(active) = self.state.runs.get(&run_key(&first.key)) else { return false };
        let in_dag = usage.by_dag.get(&lane.dag_id).copied().unwrap_or(0);
        if in_dag >= self.dag_in_force(&lane.dag_id, active).max_active_tasks {
            return false;
        }
        // A pool that is gone from the deck limits nothing: its tasks would wait for ever.
        let Some(slots) = self.state.deck.pools.get(&lane.pool).copied() else { return true };
        let in_pool = usage.in_pool(&self.state.deck, &lane.pool);
        // A task that is wider than its pool runs when it has the pool to itself.
        slots > 0 && in_pool.saturating_add(lane.pool_slots.min(slots)) <= slots
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
