//! How runs are looked at, whichever is shown.

use crate::state::run::fold::Order;
use crate::types::{DagId, DagRunId};

/// How runs are looked at.
#[derive(Debug, Default)]
pub(crate) struct RunView {
    /// The run that stands in the middle of the grid, where that is not the last ones.
    pub(crate) around: Option<(DagId, DagRunId)>,
    /// The run was asked for a moment ago.
    pub(crate) rests: bool,
    /// Bars over time in place of the runs.
    pub(crate) has_bars: bool,
    /// What failed comes first.
    pub(crate) failed_first: bool,
}

impl RunView {
    /// Returns the run in the middle of a DAG's grid.
    pub(crate) fn around(&self, dag_id: &DagId) -> Option<&DagRunId> {
        self.around.as_ref().filter(|(id, _)| id == dag_id).map(|(_, run)| run)
    }

    /// Returns how rows are ordered.
    pub(crate) const fn order(&self) -> Order {
        match (self.failed_first, self.has_bars) {
            (true, _) => Order::FailedFirst,
            (false, true) => Order::Started,
            (false, false) => Order::Graph,
        }
    }
}
