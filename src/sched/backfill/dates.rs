//! The dates of a backfill: which there are, in which order, and what becomes of one that has a
//! run already. Also what a dry run tells.

use crate::backfill::{BackfillRefusal, can_be_backfilled};
use crate::dag::Dag;
use crate::dag::schedule::{DataInterval, Timetable};
use crate::input::Rejected;
use crate::types::backfill::{Backfill, BackfillSpec};
use crate::types::state::{BackfillDagRunExceptionReason, ReprocessBehavior};
use crate::types::{DagRunState, Timestamp};

/// The intervals of a range, as they come.
#[derive(Debug, Clone)]
pub struct Dates<'a> {
    timetable: &'a Timetable,
    range: (Timestamp, Timestamp),
    backwards: bool,
    /// What has not ended by then is left out.
    ended_by: Timestamp,
    last: Option<Timestamp>,
}

impl<'a> Dates<'a> {
    /// All dates of a wish.
    pub fn of_spec(timetable: &'a Timetable, spec: &BackfillSpec, now: Timestamp) -> Self {
        Self {
            timetable,
            range: (spec.from_date, spec.to_date),
            backwards: spec.run_backwards,
            ended_by: now,
            last: None,
        }
    }

    /// The dates of a backfill that were not dealt with yet.
    pub fn of_backfill(timetable: &'a Timetable, backfill: &Backfill) -> Self {
        Self {
            timetable,
            range: (backfill.from_date, backfill.to_date),
            backwards: backfill.run_backwards,
            ended_by: backfill.created_at,
            last: backfill.last_logical_date,
        }
    }

    /// All of them, also those that were dealt with, the oldest first.
    #[must_use]
    pub const fn all_in_order(mut self) -> Self {
        self.last = None;
        self.backwards = false;
        self
    }
}

impl Iterator for Dates<'_> {
    type Item = DataInterval;

    fn next(&mut self) -> Option<DataInterval> {
        loop {
            let next = if self.backwards {
                self.timetable.prev_between(self.range, self.last)?
            } else {
                let last = self.last.and_then(|last| self.timetable.interval_from(last));
                self.timetable.next_between(self.range, last)?
            };
            self.last = Some(next.start);
            if next.end < self.ended_by {
                return Some(next);
            }
            // Those that follow end even later; going backwards they end earlier.
            if !self.backwards {
                return None;
            }
        }
    }
}

/// Refuses a wish that makes no sense for this DAG.
pub fn refuse(dag: &Dag, spec: &BackfillSpec, now: Timestamp) -> Result<(), Rejected> {
    let dag_id = dag.dag_id.clone();
    let timetable = dag.schedule.timetable();
    let Some(timetable) = timetable.filter(|_| can_be_backfilled(timetable)) else {
        return Err(BackfillRefusal::NotPeriodic { dag_id }.into());
    };
    let BackfillSpec { from_date, to_date, .. } = *spec;
    if from_date > to_date {
        return Err(BackfillRefusal::Reversed { from_date, to_date }.into());
    }
    if from_date >= now {
        return Err(BackfillRefusal::InTheFuture { from_date }.into());
    }
    let waits_for_the_past = dag.tasks.values().any(|task| task.flow.looks_back());
    if waits_for_the_past && spec.run_backwards {
        return Err(BackfillRefusal::Backwards { dag_id }.into());
    }
    if waits_for_the_past && spec.reprocess_behavior == ReprocessBehavior::None {
        return Err(BackfillRefusal::NoReprocess { dag_id }.into());
    }
    if let Some(conf) = &spec.dag_run_conf {
        dag.params.resolve(conf).map_err(|problems| Rejected::Params { problems })?;
    } else if let Err(problems) = dag.params.resolve(&serde_json::Map::new()) {
        return Err(Rejected::Params { problems });
    }
    if Dates::of_spec(timetable, spec, now).next().is_none() {
        return Err(BackfillRefusal::NoDates { dag_id, from_date, to_date }.into());
    }
    Ok(())
}

/// Says why a date with a run in this state gets none; `None`: that run is cleared.
pub fn what_stands_in_the_way(
    behavior: ReprocessBehavior,
    state: DagRunState,
) -> Option<BackfillDagRunExceptionReason> {
    use BackfillDagRunExceptionReason as Reason;
    match (behavior, state) {
        (_, DagRunState::Queued | DagRunState::Running) => Some(Reason::InFlight),
        (ReprocessBehavior::None, _) | (ReprocessBehavior::Failed, DagRunState::Success) => {
            Some(Reason::AlreadyExists)
        }
        (ReprocessBehavior::Failed, DagRunState::Failed) | (ReprocessBehavior::Completed, _) => {
            None
        }
    }
}
