//! Failures of the DAGs that the operator watches: told on the screen, and to who looks elsewhere.

use std::collections::HashSet;

use crate::message::Effect;
use crate::state::{State, Tone};
use crate::text;
use crate::types::event::Event;
use crate::types::run::DagRunKey;
use crate::types::{DagId, DagRunState, Timestamp};

/// Between two notifications; what fails meanwhile is told in one.
const BETWEEN_MILLIS: i64 = 10_000;

/// Names in one notification.
const NAMES_MAX: usize = 3;

/// What was told, and what is still to be.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    told_at: Option<Timestamp>,
    held: Vec<DagId>,
    /// Runs whose failure is known: a later change of a failed run is no failure.
    failed: HashSet<DagRunKey>,
}

/// Takes an event before what was fetched changes: a failure that is shown already is old.
pub(crate) fn take(state: &mut State, event: &Event, effects: &mut Vec<Effect>) {
    let Event::DagRunChanged { dag_id, dag_run_id, state: run_state } = event else { return };
    if !state.options.notify.iter().any(|pattern| fits(pattern, dag_id.as_str())) {
        return;
    }
    let key = DagRunKey { dag_id: dag_id.clone(), dag_run_id: dag_run_id.clone() };
    if *run_state != DagRunState::Failed {
        state.notices.failed.remove(&key);
        return;
    }
    if is_shown_failed(state, &key) || !state.notices.failed.insert(key) {
        return;
    }
    let name = text::run_name(dag_run_id.as_str());
    state.say(Tone::Bad, format!("{dag_id} failed ({name})"));
    state.notices.held.push(dag_id.clone());
    tell(state, effects);
}

/// Tells what was held back, when it is time.
pub(crate) fn tell(state: &mut State, effects: &mut Vec<Effect>) {
    let now = state.now;
    let is_early = state
        .notices
        .told_at
        .is_some_and(|at| now.as_millisecond() - at.as_millisecond() < BETWEEN_MILLIS);
    if is_early || state.notices.held.is_empty() {
        return;
    }
    let held = std::mem::take(&mut state.notices.held);
    state.notices.told_at = Some(now);
    // Who looks at the deck has the line on its screen.
    if state.is_focused != Some(true) {
        effects.push(Effect::Notify(sentence(&held)));
    }
}

fn sentence(failed: &[DagId]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for dag_id in failed {
        if !names.contains(&dag_id.as_str()) {
            names.push(dag_id.as_str());
        }
    }
    let more = match names.len().saturating_sub(NAMES_MAX) {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    names.truncate(NAMES_MAX);
    format!("{}{more} failed", names.join(", "))
}

fn is_shown_failed(state: &State, key: &DagRunKey) -> bool {
    let dags = state.cache.dags().unwrap_or_default();
    dags.iter().filter(|dag| dag.dag_id == key.dag_id).any(|dag| {
        dag.recent_runs
            .iter()
            .any(|run| run.dag_run_id == key.dag_run_id && run.state == DagRunState::Failed)
    })
}

/// Says whether `name` fits a pattern in which `*` stands for any part.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut left) = name.strip_prefix(head) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return left.ends_with(part);
        }
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_part_of_a_name() {
        for (pattern, name, is_fit) in [
            ("*", "etl", true),
            ("etl", "etl", true),
            ("etl", "etl2", false),
            ("etl*", "etl2", true),
            ("*_prod", "etl_prod", true),
            ("*_prod", "etl_prod2", false),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "a1c", false),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(fits(pattern, name), is_fit, "{pattern} {name}");
        }
    }

    #[test]
    fn many_failures_are_one_sentence() {
        let ids =
            |names: &[&str]| -> Vec<DagId> { names.iter().map(|name| DagId::new(*name)).collect() };
        assert_eq!(sentence(&ids(&["a"])), "a failed");
        assert_eq!(sentence(&ids(&["a", "b", "a"])), "a, b failed");
        assert_eq!(sentence(&ids(&["a", "b", "c", "d", "e"])), "a, b, c and 2 more failed");
    }
}
