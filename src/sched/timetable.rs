//! Runs that time brings about: each covers a data interval and is due when that has ended.

use std::sync::Arc;

use crate::change::DagState;
use crate::dag::Dag;
use crate::dag::schedule::{DataInterval, Restriction, Timetable};
use crate::decision::{About, Decision};
use crate::index::{RunGroup, Timer};
use crate::run::NewRun;
use crate::types::event::Severity;
use crate::types::state::{DagRunType, TriggeredBy};
use crate::types::{DagId, Timestamp};
use crate::when;

/// Less than any schedule can tell apart.
const INSTANT: jiff::SignedDuration = jiff::SignedDuration::from_micros(1);

/// Between the beginnings of two `@continuous` runs: how often Airflow's scheduler looks. Runs
/// that end at once would keep it from everything else.
const CONTINUOUS_PAUSE: std::time::Duration = std::time::Duration::from_secs(1);

impl Decision<'_> {
    /// Makes the scheduled runs that are due, of the DAGs that are to be looked at, and those of
    /// their backfills that may begin.
    pub(super) fn make_due_runs(&mut self) {
        for dag_id in std::mem::take(&mut self.state.pending.schedules) {
            self.make_due_runs_of(&dag_id);
            self.advance_backfill(&dag_id);
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
            && let Some(timetable) = dag.schedule.timetable()
        {
            let limit = usize::try_from(dag.max_active_runs).unwrap_or(usize::MAX);
            let group = RunGroup::of_dag(dag_id);
            while let Some(next) = next_interval(&dag, timetable, &dag_state, self.now) {
                is_blocked = self.state.index.active_runs(&group) >= limit;
                if next.end > self.now || is_blocked {
                    dag_state.next_run_after = Some(next.end);
                    break;
                }
                let dealt_with = if self.was_made_ahead(dag_id, next.start) {
                    next
                } else {
                    self.make_scheduled(&dag, timetable, next)
                };
                dag_state.last_logical_date = Some(dealt_with.start);
                dag_state.scheduled_until = Some(dealt_with.end);
            }
        }
        if let Some(until) = dag_state.scheduled_until {
            self.forget_made_ahead(dag_id, until);
        }
        self.put_dag_state(dag_state);
        self.set_schedule_timer(dag_id, is_blocked);
    }

    /// Makes one scheduled run; returns up to which there is nothing to make any more.
    fn make_scheduled(
        &mut self,
        dag: &Arc<Dag>,
        timetable: &Timetable,
        interval: DataInterval,
    ) -> DataInterval {
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
                let within = Restriction { catchup: false, ..restriction(dag) };
                let present = timetable.next(Some(interval), &within, self.now);
                return present.filter(|at_present| at_present.end <= self.now).unwrap_or(interval);
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
            backfill_id: None,
            partition_key: None,
        });
        interval
    }

    fn was_made_ahead(&self, dag_id: &DagId, date: Timestamp) -> bool {
        self.state.made_ahead.get(dag_id).is_some_and(|ahead| ahead.contains_key(&date))
    }

    fn forget_made_ahead(&mut self, dag_id: &DagId, until: Timestamp) {
        let Some(ahead) = self.state.made_ahead.get_mut(dag_id) else { return };
        ahead.retain(|_, interval_end| *interval_end > until);
        if ahead.is_empty() {
            self.state.made_ahead.remove(dag_id);
        }
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
/// the first one after the last that was made; without, those before the last one that has ended
/// are passed over, so that a DAG that was just unpaused runs once, at once.
fn next_interval(
    dag: &Dag,
    timetable: &Timetable,
    dag_state: &DagState,
    now: Timestamp,
) -> Option<DataInterval> {
    let last = dag_state.scheduled_until.map(|end| {
        // Rows of before the logical date was kept tell only the end.
        let before = end.checked_sub(INSTANT).unwrap_or(end);
        DataInterval { start: dag_state.last_logical_date.unwrap_or(before), end }
    });
    let next = timetable.next(last, &restriction(dag), now)?;
    Some(match (timetable, last) {
        (Timetable::Continuous, Some(last)) => {
            DataInterval { end: next.end.max(when::after(last.end, CONTINUOUS_PAUSE)), ..next }
        }
        _ => next,
    })
}

fn restriction(dag: &Dag) -> Restriction {
    Restriction { earliest: dag.start_date, latest: dag.end_date, catchup: dag.catchup }
}
