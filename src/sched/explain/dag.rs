//! Why no run of a DAG is made, or when the next one is.

use crate::dag::schedule::{AssetRef, Schedule};
use crate::sched::explain::due;
use crate::sched::state::State;
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
    let active = state.index.active_runs(dag_id);
    let limit = usize::try_from(dag.max_active_runs).unwrap_or(usize::MAX);
    if active >= limit {
        let text = format!("{active} runs are under way, max_active_runs is {limit}");
        let remedy = format!("raise `max_active_runs` of `{dag_id}`, or let one of them end");
        reasons.push(Reason::new(ReasonKind::MaxActiveRuns, text).remedy(remedy));
    }
    reasons.push(match &dag.schedule {
        Schedule::Manual => {
            Reason::new(ReasonKind::Manual, "it has no schedule: runs are made by hand")
                .remedy(format!("`dagdeck trigger {dag_id}`"))
        }
        Schedule::Assets(expression) => {
            let empty = Vec::new();
            let queue = state.queued_asset_events.get(dag_id).unwrap_or(&empty);
            let seen = |leaf: &AssetRef| queue.iter().any(|e| leaf.matches(&e.name, &e.uri));
            let leaves = expression.leaves();
            let (seen, missing): (Vec<&AssetRef>, Vec<&AssetRef>) =
                leaves.into_iter().partition(|leaf| seen(leaf));
            let names = |leaves: &[&AssetRef]| {
                leaves
                    .iter()
                    .map(|leaf| format!("`{}`", leaf.as_str()))
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            let so_far = match seen.is_empty() {
                true => String::new(),
                false => format!("; changed since the last run: {}", names(&seen)),
            };
            let text = format!("it waits for `{expression}`; missing: {}{so_far}", names(&missing));
            Reason::new(ReasonKind::Assets, text)
                .remedy("`dagdeck assets emit ASSET` reports a change")
        }
        Schedule::Cron(cron) => {
            let text = match known.and_then(|known| known.next_run_after) {
                Some(next) => format!("`{}`: the next run is due {}", cron.text, due(now, next)),
                None if reasons.is_empty() => {
                    format!("`{}` brings no more runs about: its end_date has passed", cron.text)
                }
                None => format!("its schedule is `{}`", cron.text),
            };
            Reason::new(ReasonKind::Schedule, text)
        }
    });
    reasons
}
