//! Rebuilds the state from what the store gives back.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::backfill::ActiveBackfill;
use crate::dag::{Dag, Deck};
use crate::definitions::new_dag_state;
use crate::fair::Fair;
use crate::freshness::Freshness;
use crate::index::Index;
use crate::past::{PAST_RUNS_MAX, Past};
use crate::state::{ActiveRun, EndedRun, Pending, Recovered, State};

/// Rebuilds the state. Task instances in flight keep their tokens: the engine adopts their
/// attempts, launches them again, or reports them lost. Runs keep the definition that they began
/// with; those of which there is none are returned.
pub(super) fn recover(
    deck: Arc<Deck>,
    recovered: Recovered,
    token_prefix: String,
) -> (State, Vec<EndedRun>) {
    let mut state = State {
        deck,
        dag_states: recovered.dag_states.into_iter().map(|s| (s.dag_id.clone(), s)).collect(),
        dag_versions: recovered.dag_versions.into_iter().collect(),
        runs: BTreeMap::new(),
        queued_asset_events: recovered.queued_asset_events.into_iter().collect(),
        known_asset_changes: recovered.known_asset_changes.into_iter().collect(),
        next_asset_event_id: recovered.last_asset_event_id + 1,
        backfills: recovered
            .backfills
            .into_iter()
            .map(|backfill| (backfill.dag_id.clone(), ActiveBackfill::new(backfill)))
            .collect(),
        next_backfill_id: recovered.last_backfill_id + 1,
        made_ahead: BTreeMap::new(),
        next_operation_id: recovered.last_operation_id + 1,
        token_prefix,
        next_token: 1,
        past: Past::default(),
        deadlines: std::collections::BTreeMap::new(),
        runtimes: recovered.runtimes.into_iter().map(|(id, of)| (id, of.into())).collect(),
        index: Index::default(),
        fair: Fair::default(),
        freshness: Freshness {
            news: recovered.asset_news.into_iter().collect(),
            ..Freshness::default()
        },
        pending: Pending { is_fresh: true, ..Pending::default() },
    };
    for (dag_id, date, interval_end) in recovered.made_ahead {
        state.made_ahead.entry(dag_id).or_default().insert(date, interval_end);
    }
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
        let present = state.deck.dags.get(&found.run.dag_id);
        let Some(dag) = definition_of(&found, present) else {
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

/// Returns the definition that a run runs: the present one where it is the same or no other one
/// was kept, as of runs that were made before versions were.
pub(super) fn definition_of(found: &EndedRun, present: Option<&Arc<Dag>>) -> Option<Arc<Dag>> {
    let is_same = |dag: &&Arc<Dag>| dag.version == found.run.dag_version;
    present.filter(is_same).or(found.dag.as_ref()).or(present).cloned()
}
