//! Rebuilds the state from what the store gives back.

use std::sync::Arc;

use crate::dag::Deck;
use crate::sched::definitions::new_dag_state;
use crate::sched::fair::Fair;
use crate::sched::index::Index;
use crate::sched::past::{PAST_RUNS_MAX, Past};
use crate::sched::state::{ActiveRun, EndedRun, Pending, Recovered, State};

/// Rebuilds the state. Task instances in flight keep their tokens: the engine adopts their
/// attempts, launches them again, or reports them lost. Runs take the present definition of
/// their DAG; those whose DAG is gone are returned.
pub(super) fn recover(
    deck: Arc<Deck>,
    recovered: Recovered,
    token_prefix: String,
) -> (State, Vec<EndedRun>) {
    let mut state = State {
        deck,
        dag_states: recovered.dag_states.into_iter().map(|s| (s.dag_id.clone(), s)).collect(),
        runs: std::collections::BTreeMap::new(),
        queued_asset_events: recovered.queued_asset_events.into_iter().collect(),
        known_asset_changes: recovered.known_asset_changes.into_iter().collect(),
        next_asset_event_id: recovered.last_asset_event_id + 1,
        token_prefix,
        next_token: 1,
        past: Past::default(),
        deadlines: std::collections::BTreeMap::new(),
        runtimes: recovered.runtimes.into_iter().map(|(id, of)| (id, of.into())).collect(),
        index: Index::default(),
        fair: Fair::default(),
        pending: Pending { is_fresh: true, ..Pending::default() },
    };
    recovered.past.into_iter().for_each(|run| state.past.add(run, PAST_RUNS_MAX));
    state.queued_asset_events.retain(|_, events| !events.is_empty());
    for dag in state.deck.dags.values() {
        state.dag_states.entry(dag.dag_id.clone()).or_insert_with(|| new_dag_state(dag));
    }
    for (dag_id, dag_state) in &mut state.dag_states {
        dag_state.is_stale = !state.deck.dags.contains_key(dag_id);
    }
    let mut orphans = Vec::new();
    let max_map_length = state.deck.max_map_length;
    for found in recovered.runs {
        let Some(dag) = state.deck.dags.get(&found.run.dag_id).cloned() else {
            orphans.push(found);
            continue;
        };
        let (active, made) = ActiveRun::reload(found, dag, max_map_length);
        state.pending.unsaved.extend(made);
        state.index.note_all(&active);
        state.runs.insert(active.run.key(), active);
    }
    state.take_up_deadlines(recovered.deadlines);
    (state, orphans)
}
