//! The dates of a backfill, as rows.

use crate::rows;
use crate::screen::backfill::list;
use crate::state::backfill::shown;
use crate::state::{Level, State};
use crate::types::backfill::{BackfillDagRunView, BackfillId};
use crate::types::run::DagRunKey;

/// Returns the dates as they are shown, by themselves the last one first.
pub(crate) fn dates<'a>(
    state: &'a State,
    level: &Level,
    id: BackfillId,
) -> Vec<&'a BackfillDagRunView> {
    let all = shown(state, level, id).map(|detail| detail.dag_runs.as_slice()).unwrap_or_default();
    list().arrange(state, level, all)
}

/// Returns the run of the selected date, where it has one that is still there.
pub(crate) fn run_here(state: &State, id: BackfillId) -> Option<DagRunKey> {
    let level = state.level();
    let date = rows::selected(level, &dates(state, level, id))?;
    date.state?;
    let dag_id = shown(state, level, id)?.backfill.backfill.dag_id.clone();
    Some(DagRunKey { dag_id, dag_run_id: date.dag_run.dag_run_id.clone()? })
}
