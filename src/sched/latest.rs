//! `latest_only`: whether a run is the latest that its schedule has brought about.

use crate::dag::operator::Operator;
use crate::dag::schedule::{DataInterval, Restriction};
use crate::decision::{Decision, run_key};
use crate::types::state::DagRunType;
use crate::types::{TaskId, TaskInstanceKey};

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
        // As in Airflow, `catchup` or not: the one that comes after it by the schedule.
        let after = Restriction { earliest: Some(end), latest: None, catchup: true };
        let timetable = active.dag.schedule.timetable();
        let next = timetable.and_then(|timetable| {
            timetable.next(Some(DataInterval { start, end }), &after, self.now)
        });
        let is_latest = next.is_none_or(|next| start <= self.now && self.now <= next.end);
        (!is_latest).then(|| active.dag.graph.downstream(&key.task_id).to_vec())
    }
}
