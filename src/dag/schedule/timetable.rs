//! Which interval a run covers and when it is due: Airflow's timetables. Each variant does what
//! the class of its name does; tests compare them with what those have answered.
//!
//! A run is due at the end of its interval, and its start is the logical date. A *trigger*
//! timetable fires at instants: its intervals have no length. A *data interval* timetable covers
//! the time from one firing to the next.

use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::schedule::Cron;
use crate::types::{Timestamp, duration};

/// A stretch of time that a run covers: from start up to, not including, end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataInterval {
    /// Also the run's logical date.
    pub start: Timestamp,
    /// Also when the run is due.
    pub end: Timestamp,
}

/// What brings runs about as time passes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timetable {
    /// `@once`
    Once,
    /// `@continuous`: one run after the other.
    Continuous,
    /// At the firings of one expression or of several; never empty.
    CronTrigger(Vec<Cron>),
    CronDataInterval(Cron),
    DeltaTrigger(Duration),
    DeltaDataInterval(Duration),
}

/// Between which logical dates, and whether what was missed is made up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restriction {
    pub earliest: Option<Timestamp>,
    /// Inclusive.
    pub latest: Option<Timestamp>,
    pub catchup: bool,
}

impl DataInterval {
    /// One without length.
    pub const fn exact(at: Timestamp) -> Self {
        Self { start: at, end: at }
    }
}

impl Timetable {
    /// For people: `@daily`, `0 6 * * *, 0 18 * * 5`, `every 30m`.
    pub fn summary(&self) -> String {
        match self {
            Self::Once => "@once".to_owned(),
            Self::Continuous => "@continuous".to_owned(),
            Self::CronTrigger(crons) => {
                let texts: Vec<&str> = crons.iter().map(|cron| cron.text.as_str()).collect();
                texts.join(", ")
            }
            Self::CronDataInterval(cron) => cron.text.clone(),
            Self::DeltaTrigger(delta) | Self::DeltaDataInterval(delta) => {
                format!("every {}", duration::text(*delta))
            }
        }
    }

    /// Says whether it has dates that can be made up for.
    pub const fn is_periodic(&self) -> bool {
        !matches!(self, Self::Once | Self::Continuous)
    }

    /// Returns the interval of the next run by time, which may be due in the future. `last` is
    /// that of the last one, or of a run that a backfill made.
    pub fn next(
        &self,
        last: Option<DataInterval>,
        within: &Restriction,
        now: Timestamp,
    ) -> Option<DataInterval> {
        match self {
            Self::Once => once(last, within, now),
            Self::Continuous => continuous(last, within, now),
            Self::CronTrigger(crons) => {
                let found = crons.iter().filter_map(|cron| cron_trigger(cron, last, within, now));
                if within.catchup {
                    return found.min_by_key(|interval| interval.start);
                }
                // The last one that is due; where none is, the one that comes first.
                let (due, later): (Vec<_>, Vec<_>) =
                    found.partition(|interval| interval.start <= now);
                let last_due = due.into_iter().max_by_key(|interval| interval.start);
                last_due.or_else(|| later.into_iter().min_by_key(|interval| interval.start))
            }
            Self::DeltaTrigger(delta) => delta_trigger(delta_of(*delta)?, last, within, now),
            Self::CronDataInterval(cron) => {
                let earliest = match within.earliest {
                    Some(earliest) => Some(cron.align_to_next(earliest)?),
                    None => None,
                };
                let skipped_to = match within.catchup {
                    true => None,
                    false => Some(cron.last_ended(now)?),
                };
                let resumed = match last {
                    Some(last) => Some(cron.align_to_prev(last.end)?),
                    None => None,
                };
                let start = [earliest, skipped_to, resumed].into_iter().flatten().max()?;
                self.data_interval(start, last, within)
            }
            Self::DeltaDataInterval(delta) => {
                let delta = delta_of(*delta)?;
                let skipped_to = match within.catchup {
                    true => None,
                    false => Some(floor(now, delta)?.checked_sub(delta).ok()?),
                };
                let resumed = last.map(|last| last.end);
                let start = [within.earliest, skipped_to, resumed].into_iter().flatten().max()?;
                self.data_interval(start, last, within)
            }
        }
    }

    /// Returns the interval that a run by hand covers, of which `at` is the logical date: that
    /// which had ended last.
    pub fn by_hand(&self, at: Timestamp) -> DataInterval {
        let last = match self {
            Self::CronDataInterval(cron) => cron.interval_before(at),
            Self::DeltaDataInterval(delta) => delta_of(*delta)
                .and_then(|delta| at.checked_sub(delta).ok())
                .map(|start| (start, at)),
            Self::Once | Self::Continuous | Self::CronTrigger(_) | Self::DeltaTrigger(_) => None,
        };
        last.map_or(DataInterval::exact(at), |(start, end)| DataInterval { start, end })
    }

    /// Returns the interval with this logical date.
    pub fn interval_from(&self, start: Timestamp) -> Option<DataInterval> {
        Some(DataInterval { start, end: self.end_of(start)? })
    }

    /// Returns the first interval of a range of logical dates after `last`, both ends included.
    pub fn next_between(
        &self,
        (from, to): (Timestamp, Timestamp),
        last: Option<DataInterval>,
    ) -> Option<DataInterval> {
        let within = Restriction { earliest: Some(from), latest: Some(to), catchup: true };
        // With `catchup` no clock is asked.
        self.next(last, &within, from)
    }

    /// As `next_between`, from the end of the range to its beginning: the last one before
    /// `before`.
    pub fn prev_between(
        &self,
        (from, to): (Timestamp, Timestamp),
        before: Option<Timestamp>,
    ) -> Option<DataInterval> {
        let just_after = to.checked_add(SignedDuration::from_nanos(1)).ok()?;
        let before = before.map_or(just_after, |before| before.min(just_after));
        let start = match self {
            Self::Once | Self::Continuous => return None,
            Self::CronTrigger(crons) => match crons.as_slice() {
                [one] => one.firing_before(before)?,
                many => self.firing_of_many_before(many, (from, to), before)?,
            },
            Self::CronDataInterval(cron) => cron.firing_before(before)?,
            // They are counted from the beginning of the range.
            Self::DeltaTrigger(delta) | Self::DeltaDataInterval(delta) => {
                let delta = delta_of(*delta)?;
                let span = before.duration_since(from) - SignedDuration::from_nanos(1);
                let whole = span.as_nanos().div_euclid(delta.as_nanos());
                let nanos = i64::try_from(whole.checked_mul(delta.as_nanos())?).ok()?;
                from.checked_add(SignedDuration::from_nanos(nanos)).ok()?
            }
        };
        if start < from { None } else { self.interval_from(start) }
    }

    /// Each of several crons goes on from the firing of another, which around a change of the
    /// clock is not where it would be by itself: so they are walked together.
    fn firing_of_many_before(
        &self,
        crons: &[Cron],
        range: (Timestamp, Timestamp),
        before: Timestamp,
    ) -> Option<Timestamp> {
        const WALK: SignedDuration = SignedDuration::from_hours(4);
        let earlier = before.checked_sub(WALK).ok()?;
        let begin = crons.iter().filter_map(|cron| cron.firing_before(earlier)).max();
        let begin = begin.filter(|begin| *begin >= range.0).map(DataInterval::exact);
        let first = begin.or_else(|| self.next_between(range, None));
        let next = |last: &DataInterval| self.next_between(range, Some(*last));
        let all = std::iter::successors(first, next).map(|interval| interval.start);
        all.take_while(|start| *start < before).last()
    }

    fn end_of(&self, start: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Once | Self::Continuous | Self::CronTrigger(_) | Self::DeltaTrigger(_) => {
                Some(start)
            }
            Self::CronDataInterval(cron) => cron.next_firing(start),
            Self::DeltaDataInterval(delta) => start.checked_add(delta_of(*delta)?).ok(),
        }
    }

    /// Ends an interval. Where the schedule was changed, or the clock, the start may lie before
    /// that of the last run: further on, then. (Airflow tries once and gives up.)
    fn data_interval(
        &self,
        start: Timestamp,
        last: Option<DataInterval>,
        within: &Restriction,
    ) -> Option<DataInterval> {
        let mut start = start;
        while let Some(last) = last.filter(|last| start <= last.start) {
            let next = self.end_of(start).filter(|next| *next > start);
            start = next.or_else(|| self.end_of(last.end))?;
        }
        let is_too_late = within.latest.is_some_and(|latest| start > latest);
        if is_too_late { None } else { self.interval_from(start) }
    }
}

fn once(last: Option<DataInterval>, within: &Restriction, now: Timestamp) -> Option<DataInterval> {
    let at = within.earliest.unwrap_or(now);
    let is_too_late = within.latest.is_some_and(|latest| at > latest);
    (last.is_none() && !is_too_late).then_some(DataInterval::exact(at))
}

fn continuous(
    last: Option<DataInterval>,
    within: &Restriction,
    now: Timestamp,
) -> Option<DataInterval> {
    let earliest = within.earliest.unwrap_or(now);
    let next = match last {
        None => DataInterval { start: earliest, end: earliest.max(now) },
        // The clock was set back.
        Some(last) if last.end > now => {
            let length = last.end.duration_since(last.start);
            DataInterval { start: earliest, end: earliest.checked_add(length).ok()? }
        }
        Some(last) => DataInterval { start: last.end, end: now },
    };
    within.latest.is_none_or(|latest| next.end <= latest).then_some(next)
}

fn cron_trigger(
    cron: &Cron,
    last: Option<DataInterval>,
    within: &Restriction,
    now: Timestamp,
) -> Option<DataInterval> {
    let resumed = match last {
        Some(last) => Some(cron.next_firing(last.end)?),
        None => None,
    };
    let earliest = match within.earliest {
        Some(earliest) => Some(cron.align_to_next(earliest)?),
        None => None,
    };
    let first = match (last, within.earliest) {
        (None, None) => Some(first_firing(cron, now)?),
        _ => None,
    };
    let at = if within.catchup {
        resumed.or(earliest).or(first)?
    } else {
        let present = cron.align_to_prev(now)?;
        [resumed, earliest, first].into_iter().flatten().fold(present, Timestamp::max)
    };
    within.latest.is_none_or(|latest| at <= latest).then_some(DataInterval::exact(at))
}

/// Where a DAG without a start date begins: at the firing that has just been, else at the next.
/// "Just" is a tenth of the time between the two, and no less than five minutes.
fn first_firing(cron: &Cron, now: Timestamp) -> Option<Timestamp> {
    const JUST_MIN: SignedDuration = SignedDuration::from_mins(5);
    let (past, next) = (cron.align_to_prev(now)?, cron.align_to_next(now)?);
    let just = (next.duration_since(past) / 10).max(JUST_MIN);
    Some(if now.duration_since(past) <= just { past } else { next })
}

fn delta_trigger(
    delta: SignedDuration,
    last: Option<DataInterval>,
    within: &Restriction,
    now: Timestamp,
) -> Option<DataInterval> {
    let resumed = match last {
        Some(last) => Some(last.end.checked_add(delta).ok()?),
        None => None,
    };
    let at = if within.catchup {
        resumed.or(within.earliest).unwrap_or(now)
    } else {
        // Airflow decides on a run when it has made the one before, and so keeps the distance.
        // Here it is decided when it is due: a moment late must not shift all that follow.
        let is_on_time =
            |resumed: &Timestamp| *resumed <= now && now.duration_since(*resumed) < delta;
        let present = resumed.filter(is_on_time).unwrap_or(now);
        [resumed, within.earliest].into_iter().flatten().fold(present, Timestamp::max)
    };
    within.latest.is_none_or(|latest| at <= latest).then_some(DataInterval::exact(at))
}

fn delta_of(delta: Duration) -> Option<SignedDuration> {
    SignedDuration::try_from(delta).ok().filter(SignedDuration::is_positive)
}

/// The last multiple of `delta` since 1970 that is not after `at`.
fn floor(at: Timestamp, delta: SignedDuration) -> Option<Timestamp> {
    let whole = at.as_nanosecond().div_euclid(delta.as_nanos()).checked_mul(delta.as_nanos())?;
    Timestamp::from_nanosecond(whole).ok()
}
