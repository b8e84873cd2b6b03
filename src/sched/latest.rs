//! `latest_only`: whether a run is the latest that its schedule has brought about.

use crate::dag::operator::Operator;
use crate::dag::schedule::Schedule;
use crate::sched::decision::{Decision, run_key};
use crate::types::state::DagRunType;
use crate::types::{TaskId, TaskInstanceKey, Timestamp};

impl Decision<'_> {
    /// Returns what a `latest_only` task leaves out: all that is directly downstream, where the
    /// run is not the latest one.
    pub(super) fn left_out_as_old(&self, key: &TaskInstanceKey) -> Option<Vec<TaskId>> {
        let active = self.state.runs.get(&run_key(key))?;
        let spec = active.dag.tasks.get(&key.task_id)?;
        if spec.operator != Operator::LatestOnly || active.run.run_type == DagRunType::Manual {
            return None;
        }
        let start = active.run.data_interval_start.or(active.run.logical_date)?;
        let end = active.run.data_interval_end.unwrap_or(start);
        let is_latest = match next_end(&active.dag.schedule, end) {
            Some(next_end) => start < self.now && self.now <= next_end,
            None => true,
        };
        (!is_latest).then(|| active.dag.graph.downstream(&key.task_id).to_vec())
    }
}

/// Returns the end of the interval after the one that ends at `end`.
fn next_end(schedule: &Schedule, end: Timestamp) -> Option<Timestamp> {
    match schedule {
        Schedule::Cron(cron) => cron.next_interval(end, None).map(|next| next.end),
        Schedule::Manual | Schedule::Assets(_) => None,
    }
}
