//! The live state, as the doors see it. It costs as much as there are pools and DAGs with runs,
//! however many task instances are under way: the scheduler's own index is read.

use std::sync::Arc;

use tokio::sync::watch;

use crate::runtime::engine::Live;
use crate::sched::change::DagState;
use crate::sched::{Change, State};
use crate::types::Fault;
use crate::types::view::PoolView;

/// What a commit has changed, as far as the live state shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Changed {
    Nothing,
    /// Runs and tasks.
    Work,
    /// What is kept of DAGs, too.
    Dags,
}

impl Changed {
    pub(super) fn of(changes: &[Change]) -> Self {
        if changes.is_empty() {
            return Self::Nothing;
        }
        let is_of_dag = |change: &Change| matches!(change, Change::PutDagState(_));
        if changes.iter().any(is_of_dag) { Self::Dags } else { Self::Work }
    }
}

/// Draws it from the scheduler's state.
pub(super) fn of(state: &State) -> Live {
    with_dags(state, Arc::new(state.dag_states.values().cloned().collect()), None)
}

fn with_dags(state: &State, dag_states: Arc<Vec<DagState>>, trouble: Option<String>) -> Live {
    let pool = |(name, slots): (&String, &u32)| {
        let load = state.pool_load(name);
        PoolView { name: name.clone(), slots: *slots, running: load.running, queued: load.queued }
    };
    let (runs_running, runs_queued) = state.run_counts();
    Live {
        deck: state.deck.clone(),
        dag_states,
        slots_used: state.slots_used(),
        slots_total: state.deck.max_active_tasks,
        pools: state.deck.pools.iter().map(pool).collect(),
        runs_running,
        runs_queued,
        trouble,
    }
}

/// Publishes it where it differs from what was published last.
pub(super) fn publish(sender: &watch::Sender<Arc<Live>>, state: &State, changed: Changed) {
    // A state that comes from the store again ends no trouble: a commit does.
    let trouble = sender.borrow().trouble.clone();
    let new = match changed {
        Changed::Dags => Live { trouble, ..of(state) },
        Changed::Nothing | Changed::Work => {
            with_dags(state, Arc::clone(&sender.borrow().dag_states), trouble)
        }
    };
    sender.send_if_modified(|old| {
        let is_new = !is_same(old, &new);
        if is_new {
            *old = Arc::new(new);
        }
        is_new
    });
}

/// Publishes that nothing can be kept, or that all is well again.
pub(super) fn publish_trouble(sender: &watch::Sender<Arc<Live>>, trouble: Option<&Fault>) {
    let text = trouble.map(|fault| format!("{fault}; what ends meanwhile is kept and tried again"));
    sender.send_if_modified(|live| {
        let is_new = live.trouble != text;
        if is_new {
            *live = Arc::new(Live { trouble: text, ..Live::clone(live) });
        }
        is_new
    });
}

fn is_same(a: &Live, b: &Live) -> bool {
    Arc::ptr_eq(&a.deck, &b.deck)
        && (Arc::ptr_eq(&a.dag_states, &b.dag_states) || a.dag_states == b.dag_states)
        && (a.slots_used, a.slots_total) == (b.slots_used, b.slots_total)
        && a.pools == b.pools
        && (a.runs_running, a.runs_queued) == (b.runs_running, b.runs_queued)
        && a.trouble == b.trouble
}
