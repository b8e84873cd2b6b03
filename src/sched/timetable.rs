//! Runs that time brings about: each covers a data interval and is due when that has ended.

use crate::dag::Dag;
use crate::dag::schedule::{Cron, DataInterval, Schedule};
use crate::sched::change::DagState;
use crate::sched::decision::{About, Decision};
use crate::sched::index::Timer;
use crate::sched::run::NewRun;
use crate::types::event::Severity;
use crate::types::state::{DagRunType, TriggeredBy};
use crate::types::{DagId, Timestamp};

/// Less than any cron schedule can tell apart.
const INSTANT: jiff::SignedDuration = jiff::SignedDuration::from_micros(1);

impl Decision<'_> {
    /// Makes the scheduled runs that are due, of the DAGs that are to be looked at.
    pub(super) fn make_due_runs(&mut self) {
        for dag_id in std::mem::take(&mut self.state.pending.schedules) {
            self.make_due_runs_of(&dag_id);
        }
    }

    /// As in Airflow there are never more runs under way than `max_active_runs` because of the
    /// schedule; what is missing then is made when one of them ends.
    fn make_due_runs_of(&mut self, dag_id: &DagId) {
        let Some(mut dag_state) = self.state.dag_states.get(dag_id).cloned() else { return };
        let dag = self.state.deck.dags.get(dag_id).cloned();
        let mut is_blocked = false;
        dag_state.next_run_after = None;
        if let Some(dag) = dag.filter(|_| !dag_state.is_paused && !dag_state.is_stale)
            && let Schedule::Cron(cron) = &dag.schedule
        {
            while let Some(next) = due_interval(&dag, cron, dag_state.scheduled_until, self.now) {
                let limit = usize::try_from(dag.max_active_runs).unwrap_or(usize::MAX);
                is_blocked = self.state.index.active_runs(dag_id) >= limit;
                if next.end > self.now || is_blocked {
                    dag_state.next_run_after = Some(next.end);
                    break;
                }
                dag_state.scheduled_until = Some(self.make_scheduled(&dag, cron, next));
            }
        }
        self.put_dag_state(dag_state);
        self.set_schedule_timer(dag_id, is_blocked);
    }

    /// Makes one scheduled run; returns up to when there is nothing to make any more.
    fn make_scheduled(
        &mut self,
        dag: &std::sync::Arc<Dag>,
        cron: &Cron,
        interval: DataInterval,
    ) -> Timestamp {
        let params = match dag.params.resolve(&serde_json::Map::new()) {
            Ok(params) => params,
            Err(problems) => {
                let names: Vec<_> = problems.iter().map(|p| format!("`{}`", p.param)).collect();
                let message = format!(
                    "no scheduled run of `{}` was made: its params have no fit default: {}",
                    dag.dag_id,
                    names.join(", ")
                );
                let about = About(Some(&dag.dag_id), None, None);
                self.log(Severity::Error, "dag.not_scheduled", about, None, message);
                // One line is enough for all that was missed.
                let now = self.now;
                let present = cron.next_interval(now, None).map(|at_present| at_present.start);
                return present.unwrap_or(interval.end).max(interval.end);
            }
        };
        self.make_run(NewRun {
            dag: dag.clone(),
            run_type: DagRunType::Scheduled,
            triggered_by: TriggeredBy::Timetable,
            user: None,
            dag_run_id: None,
            logical_date: Some(interval.start),
            interval: Some(interval),
            run_after: interval.end,
            conf: serde_json::Map::new(),
            params,
            note: None,
            events: Vec::new(),
        });
        interval.end
    }

    /// Keeps what is known of a DAG, and writes it where it has changed.
    pub(super) fn put_dag_state(&mut self, dag_state: DagState) {
        let known = self.state.dag_states.get(&dag_state.dag_id);
        if known != Some(&dag_state) {
            self.draft.put_dag_state(&dag_state);
            self.state.dag_states.insert(dag_state.dag_id.clone(), dag_state);
        }
    }

    /// A DAG that waits for one of its runs to end has no timer: that end looks at it.
    fn set_schedule_timer(&mut self, dag_id: &DagId, is_blocked: bool) {
        if let Some(old) = self.state.pending.schedule_timers.remove(dag_id) {
            self.state.index.timers.remove(&(old, Timer::Schedule(dag_id.clone())));
        }
        let next = self.state.dag_states.get(dag_id).and_then(|dag_state| dag_state.next_run_after);
        if let Some(at) = next.filter(|_| !is_blocked) {
            self.state.pending.schedule_timers.insert(dag_id.clone(), at);
            self.state.index.timers.insert((at, Timer::Schedule(dag_id.clone())));
        }
    }
}

/// Returns the next interval to be covered, which may not have ended yet. With `catchup` it is
/// the first one after `scheduled_until`; without, those before the last one that has ended are
/// passed over, so that a DAG that was just unpaused runs once, at once.
fn due_interval(
    dag: &Dag,
    cron: &Cron,
    scheduled_until: Option<Timestamp>,
    now: Timestamp,
) -> Option<DataInterval> {
    let after = if dag.catchup {
        // Without a start nothing can be missed: `adopt_deck` sets `scheduled_until` then.
        scheduled_until.or(dag.start_date).unwrap_or(now)
    } else {
        let present = cron.next_interval(now, None)?;
        let before_last = present.start.checked_sub(INSTANT).unwrap_or(Timestamp::MIN);
        scheduled_until.map_or(before_last, |until| until.max(before_last))
    };
    let next = cron.next_interval(after, dag.start_date)?;
    // As Airflow: the end date is the last logical date.
    dag.end_date.is_none_or(|end| next.start <= end).then_some(next)
}

/// Returns the interval that a run by hand covers: the last one that had ended by `at`.
pub(super) fn interval_by_hand(schedule: &Schedule, at: Timestamp) -> DataInterval {
    let last = match schedule {
        Schedule::Cron(cron) => cron
            .next_interval(at, None)
            .and_then(|present| cron.next_interval(present.start.checked_sub(INSTANT).ok()?, None)),
        Schedule::Manual | Schedule::Assets(_) => None,
    };
    last.unwrap_or(DataInterval { start: at, end: at })
}
