//! Which stretch of a backfill's dates is shown: more of them as the cursor nears the last one.

use crate::state::{Level, Slot, State};
use crate::types::backfill::{BackfillDagRunView, BackfillDetailView, BackfillId};
use crate::types::run::DagRunKey;

/// Dates of a page.
pub(crate) const DATES: u32 = 100;

/// More than this the daemon does not send at once.
pub(crate) const PAGES_MAX: u32 = 10;

/// Returns what the page of a backfill is made of.
pub(crate) fn slot(level: &Level, id: BackfillId) -> Slot {
    Slot::Backfill(id, level.pages)
}

/// Returns the backfill with as many dates as there are by now.
pub(crate) fn shown(state: &State, id: BackfillId) -> Option<&BackfillDetailView> {
    (1..=state.level().pages).rev().find_map(|pages| state.cache.backfill(id, pages))
}

/// Returns the selected date.
pub(crate) fn date_here(state: &State, id: BackfillId) -> Option<&BackfillDagRunView> {
    let dates = &shown(state, id)?.dag_runs;
    dates.get(state.level().cursor(&keys(state, id)))
}

/// Returns the run of the selected date, where it has one that is still there.
pub(crate) fn run_here(state: &State, id: BackfillId) -> Option<DagRunKey> {
    let date = date_here(state, id)?;
    date.state?;
    let dag_id = shown(state, id)?.backfill.backfill.dag_id.clone();
    Some(DagRunKey { dag_id, dag_run_id: date.dag_run.dag_run_id.clone()? })
}

/// Returns what the dates are selected by.
pub(crate) fn keys(state: &State, id: BackfillId) -> Vec<String> {
    let dates = shown(state, id).map(|detail| detail.dag_runs.as_slice()).unwrap_or_default();
    dates.iter().map(|date| date.dag_run.sort_ordinal.to_string()).collect()
}
