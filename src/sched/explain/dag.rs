//! Why no run of a DAG is made, or when the next one is.

use crate::dag::schedule::{AssetExpression, AssetRef, Schedule, Timetable};
use crate::explain::due;
use crate::index::RunGroup;
use crate::state::State;
use crate::types::why::{Reason, ReasonKind};
use crate::types::{DagId, Timestamp};

pub(super) fn why(state: &State, now: Timestamp, dag_id: &DagId) -> Vec<Reason> {
    let Some(dag) = state.deck.dags.get(dag_id) else {
        let text = format!("`{dag_id}` is gone from the definitions: no runs of it are made");
        return vec![Reason::new(ReasonKind::Stale, text)];
    };
    let known = state.dag_states.get(dag_id);
    let mut reasons = Vec::new();
    if known.is_some_and(|known| known.is_paused) {
        let text = "it is paused: neither time nor assets bring runs about";
        let remedy = format!("`dagdeck dags unpause {dag_id}`; a run by hand begins all the same");
        reasons.push(Reason::new(ReasonKind::Paused, text).remedy(remedy));
    }
    let active = state.index.active_runs(&RunGroup::of_dag(dag_id));
    let limit = usize::try_from(dag.max_active_runs).unwrap_or(usize::MAX);
    if active >= limit {
        let text = format!("{active} runs are under way, max_active_runs is {limit}");
        let remedy = format!("raise `max_active_runs` of `{dag_id}`, or let one of them end");
        reasons.push(Reason::new(ReasonKind::MaxActiveRuns, text).remedy(remedy));
    }
    if let Some(timetable) = dag.schedule.timetable().map(Timetable::summary) {
        let text = match known.and_then(|known| known.next_run_after) {
            Some(next) => format!("`{timetable}`: the next run is due {}", due(now, next)),
            None if reasons.is_empty() => {
                format!("`{timetable}` brings no more runs about: its end_date has passed")
            }
            None => format!("its schedule is `{timetable}`"),
        };
        reasons.push(Reason::new(ReasonKind::Schedule, text));
    }
    if let Some(expression) = dag.schedule.assets() {
        reasons.push(of_assets(state, dag_id, expression));
    }
    if matches!(dag.schedule, Schedule::Manual) {
        let text = "it has no schedule: runs are made by hand";
        let remedy = format!("`dagdeck trigger {dag_id}`");
        reasons.push(Reason::new(ReasonKind::Manual, text).remedy(remedy));
    }
    reasons
}

fn of_assets(state: &State, dag_id: &DagId, expression: &AssetExpression) -> Reason {
    let empty = Vec::new();
    let queue = state.queued_asset_events.get(dag_id).unwrap_or(&empty);
    let seen = |leaf: &AssetRef| queue.iter().any(|event| leaf.is_of(event));
    let leaves = expression.leaves();
    let (seen, missing): (Vec<&AssetRef>, Vec<&AssetRef>) =
        leaves.into_iter().partition(|leaf| seen(leaf));
    let names = |leaves: &[&AssetRef]| {
        let names = leaves.iter().map(|leaf| format!("`{}`", leaf.as_str()));
        names.collect::<Vec<_>>().join(", ")
    };
    let so_far = match seen.is_empty() {
        true => String::new(),
        false => format!("; changed since the last run: {}", names(&seen)),
    };
    let text = format!("it waits for `{expression}`; missing: {}{so_far}", names(&missing));
    Reason::new(ReasonKind::Assets, text).remedy("`dagdeck assets emit ASSET` reports a change")
}
