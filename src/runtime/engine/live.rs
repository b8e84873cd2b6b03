//! The live state, as the doors see it.

use std::sync::Arc;

use tokio::sync::watch;

use crate::runtime::engine::Live;
use crate::sched::State;
use crate::types::view::PoolView;
use crate::types::{DagRunState, TaskInstanceState};

/// Draws it from the scheduler's state.
pub(super) fn of(state: &State) -> Live {
    let mut pools: Vec<PoolView> = state
        .deck
        .pools
        .iter()
        .map(|(name, slots)| PoolView { name: name.clone(), slots: *slots, running: 0, queued: 0 })
        .collect();
    let (mut slots_used, mut runs_running, mut runs_queued) = (0, 0, 0);
    for active in state.runs.values() {
        match active.run.state {
            DagRunState::Running => runs_running += 1,
            DagRunState::Queued => runs_queued += 1,
            DagRunState::Success | DagRunState::Failed => {}
        }
        for task in active.tasks.values() {
            let Some(task_state) = task.state else { continue };
            slots_used += u32::from(task_state.is_in_flight());
            let slots = active.dag.tasks.get(&task.key.task_id).map_or(1, |spec| spec.pool_slots);
            let Some(pool) = pools.iter_mut().find(|pool| pool.name == task.pool) else { continue };
            match task_state {
                TaskInstanceState::Running | TaskInstanceState::Restarting => pool.running += slots,
                TaskInstanceState::Deferred
                    if state.deck.pools_with_deferred.contains(&pool.name) =>
                {
                    pool.running += slots;
                }
                TaskInstanceState::Queued | TaskInstanceState::Scheduled => pool.queued += slots,
                _ => {}
            }
        }
    }
    Live {
        deck: state.deck.clone(),
        dag_states: state.dag_states.values().cloned().collect(),
        slots_used,
        slots_total: state.deck.max_active_tasks,
        pools,
        runs_running,
        runs_queued,
    }
}

/// Publishes it where it differs from what was published last.
pub(super) fn publish(sender: &watch::Sender<Arc<Live>>, state: &State) {
    let new = of(state);
    sender.send_if_modified(|old| {
        let is_new = !is_same(old, &new);
        if is_new {
            *old = Arc::new(new);
        }
        is_new
    });
}

fn is_same(a: &Live, b: &Live) -> bool {
    Arc::ptr_eq(&a.deck, &b.deck)
        && a.dag_states == b.dag_states
        && (a.slots_used, a.slots_total) == (b.slots_used, b.slots_total)
        && a.pools == b.pools
        && (a.runs_running, a.runs_queued) == (b.runs_running, b.runs_queued)
}
