//! What has become due: retries, timeouts and schedules.

use crate::decision::Decision;
use crate::index::Timer;
use crate::types::run::DagRunKey;
use crate::types::{DagRunState, TaskInstanceKey, TaskInstanceState};
use crate::when;

impl Decision<'_> {
    /// Takes every timer that is due. Each of them moves what it belongs to, and so is gone.
    pub(super) fn tick(&mut self) {
        while let Some((at, timer)) = self.state.index.timers.first() {
            if *at > self.now {
                break;
            }
            let due = (*at, timer.clone());
            match &due.1 {
                Timer::DagRunTimeout(key) => self.dagrun_timed_out(key),
                Timer::ExecutionTimeout(key) => self.attempt_timed_out(key),
                Timer::Deferral(key) => self.deferral_timed_out(key),
                Timer::Retry(key) => {
                    let now = self.now;
                    self.move_task(key, Some(TaskInstanceState::Scheduled), |ti| {
                        ti.scheduled_when = Some(now);
                        ti.next_retry_at = None;
                    });
                }
                Timer::Deadline(key, number) => self.deadline_missed(key, *number),
                Timer::Freshness(name) => self.asset_too_old(name),
                Timer::Schedule(dag_id) => {
                    self.state.pending.schedules.insert(dag_id.clone());
                    self.state.pending.schedule_timers.remove(dag_id);
                }
            }
            self.state.index.timers.remove(&due);
        }
    }

    fn attempt_timed_out(&mut self, key: &TaskInstanceKey) {
        let timeout = self.spec(key).and_then(|spec| spec.execution_timeout).unwrap_or_default();
        let error = format!("timed out after {}", when::humane(timeout));
        self.kill(key, &error);
        if self.skips_when_late(key) {
            self.skip_attempt(key, &error);
        } else {
            self.fail(key, error, None, true);
        }
    }

    /// As Airflow: the run has failed, and what of it has not ended is skipped.
    fn dagrun_timed_out(&mut self, key: &DagRunKey) {
        let run = self.state.runs.get(key);
        let timeout = run.and_then(|active| active.dag.dagrun_timeout).unwrap_or_default();
        let why = format!("the run timed out after {}", when::humane(timeout));
        self.tell_of_run(key, DagRunState::Failed, &why);
        self.break_off(key, TaskInstanceState::Skipped, None, &why);
    }
}
