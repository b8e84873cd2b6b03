//! Runs under runs: which are open, and what stands where in the list.

use crate::rows::tracking;
use crate::screen::tracking_runs;
use crate::state::lab::TrackingQuery;
use crate::state::run::fold;
use crate::state::{Level, State};
use crate::types::TrackingRunId;
use crate::types::ask::Nesting;
use crate::types::view::TrackingRunView;

/// Runs hang under each other so deep at most; what is deeper is on a page of its own.
const DEPTH_MAX: u16 = 8;

/// A run where it hangs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Branch<'a> {
    pub(crate) run: &'a TrackingRunView,
    /// How many runs it hangs under.
    pub(crate) depth: u16,
    /// What hangs under it is shown.
    pub(crate) is_open: bool,
}

impl<'a> Branch<'a> {
    /// A run in a list without runs under runs.
    pub(crate) const fn alone(run: &'a TrackingRunView) -> Self {
        Self { run, depth: 0, is_open: false }
    }
}

/// Says whether runs hang under a run that could be shown.
pub(crate) fn is_parent(run: &TrackingRunView) -> bool {
    run.nested.as_ref().is_some_and(|nested| nested.runs > 0)
}

/// Returns which runs hang under a run, in the order of the others.
fn under(query: &TrackingQuery, run: &TrackingRunId) -> TrackingQuery {
    let nesting = Nesting::Under(run.clone());
    TrackingQuery { nesting, offset: 0, ..query.clone() }
}

/// Returns the runs of an experiment as they are shown: each run above those that hang under it.
/// What a filter has found stands alone.
pub(crate) fn branches<'a>(state: &'a State, level: &Level, experiment: &str) -> Vec<Branch<'a>> {
    let query = tracking::query(state, level, experiment);
    let top = state.cache.tracking_runs(&query).unwrap_or_default();
    if query.nesting != Nesting::Top {
        let loaded: Vec<Branch<'_>> = top.iter().map(Branch::alone).collect();
        let list = tracking_runs::list(state, &loaded);
        let runs = match tracking::is_filter(&level.filter) {
            // It was applied where the runs are.
            true => list.sorted(state, top),
            false => list.arrange(state, level, top),
        };
        return runs.into_iter().map(Branch::alone).collect();
    }
    let loaded = loaded(state, level, experiment);
    let list = tracking_runs::list(state, &loaded);
    let sort = |runs: &'a [TrackingRunView]| list.sorted(state, runs);
    let mut shown = Vec::new();
    hang(state, (level, &query), top, &sort, 0, &mut shown);
    shown
}

/// Returns the runs that are there, of which some are shown, in the order in which they came.
pub(crate) fn loaded<'a>(state: &'a State, level: &Level, experiment: &str) -> Vec<Branch<'a>> {
    let query = tracking::query(state, level, experiment);
    let top = state.cache.tracking_runs(&query).unwrap_or_default();
    let mut all = Vec::new();
    let as_they_come = |runs: &'a [TrackingRunView]| runs.iter().collect();
    hang(state, (level, &query), top, &as_they_come, 0, &mut all);
    all
}

/// Returns what the list is made of: the runs at the top, and those under each that is open.
pub(crate) fn queries(state: &State, level: &Level, experiment: &str) -> Vec<TrackingQuery> {
    let query = tracking::query(state, level, experiment);
    let open = loaded(state, level, experiment);
    let open = open.iter().filter(|branch| branch.is_open);
    let below: Vec<_> = open.map(|branch| under(&query, &branch.run.run_id)).collect();
    std::iter::once(query).chain(below).collect()
}

fn hang<'a>(
    state: &'a State,
    (level, query): (&Level, &TrackingQuery),
    runs: &'a [TrackingRunView],
    order: &dyn Fn(&'a [TrackingRunView]) -> Vec<&'a TrackingRunView>,
    depth: u16,
    out: &mut Vec<Branch<'a>>,
) {
    for run in order(runs) {
        let is_shown = query.nesting != Nesting::All && depth < DEPTH_MAX;
        let is_open =
            is_shown && is_parent(run) && fold::is_open(level, run.run_id.as_str(), false);
        out.push(Branch { run, depth, is_open });
        if is_open {
            let below = under(query, &run.run_id);
            let runs = state.cache.tracking_runs(&below).unwrap_or_default();
            hang(state, (level, query), runs, order, depth + 1, out);
        }
    }
}
