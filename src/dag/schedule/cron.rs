//! Cron expressions and when they fire: Airflow's meaning of time zones and changes of the clock.
//!
//! An expression is matched against what the clock on the wall shows.
//!
//! - With set hours (`30 2 * * *`) a match stands for one instant: of a time that is shown twice
//!   the second one, and one that is leapt over comes as much later.
//! - Where every hour fires (`*/30 * * * *`) the next firing comes as long after the last one as
//!   the wall would say if its clock were not changed: no hour is left out and none counts twice.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, civil};
use serde::{Deserialize, Serialize};

use crate::types::Timestamp;

mod fields;

use fields::Fields;

/// What the presets stand for; the spelling is Airflow's.
const PRESETS: &[(&str, &str)] = &[
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@quarterly", "0 0 1 */3 *"),
    ("@yearly", "0 0 1 1 *"),
];

/// No change of a clock is larger.
const CLOCK_CHANGE_MAX: SignedDuration = SignedDuration::from_hours(3);

/// How many matches before that a walk begins which is to meet the firings as they follow each
/// other.
const STEPS_BACK: usize = 2;

/// A cron schedule: what was written, and its parsed form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Cron {
    /// As written: `@daily`, `0 2 * * *`.
    pub text: String,
    timezone: TimeZone,
    fields: Fields,
}

/// How it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Written {
    cron: String,
    timezone: String,
}

/// A text that is no cron expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    #[error("`{0}` is not a preset")]
    UnknownPreset(String),
    #[error("a cron expression has 5 fields, this one has {0}")]
    FieldCount(usize),
    #[error("{0}")]
    Malformed(String),
    #[error("it never fires")]
    NeverFires,
}

/// Returns what a preset stands for; what is none stays as it is.
fn expression(text: &str) -> &str {
    PRESETS.iter().find(|(name, _)| *name == text).map_or(text, |(_, fields)| fields)
}

impl Cron {
    /// The presets that stand for an expression.
    pub fn presets() -> impl Iterator<Item = &'static str> {
        PRESETS.iter().map(|(name, _)| *name)
    }

    /// Parses a preset or the five fields of a cron expression, which is meant in `timezone`.
    pub fn parse(text: &str, timezone: &TimeZone) -> Result<Self, CronError> {
        let fields = expression(text);
        if fields.starts_with('@') {
            return Err(CronError::UnknownPreset(text.to_owned()));
        }
        let fields = Fields::parse(fields)?;
        // Any instant will do to find out about the 30th of February.
        if fields.next_after(civil::date(2000, 1, 1).at(0, 0, 0, 0)).is_none() {
            return Err(CronError::NeverFires);
        }
        Ok(Self { text: text.to_owned(), timezone: timezone.clone(), fields })
    }

    /// Returns the five fields, also of a preset.
    pub(super) fn expression(&self) -> &str {
        expression(&self.text)
    }

    /// Returns the name of the zone that it is meant in.
    pub(super) fn zone(&self) -> &str {
        self.timezone.iana_name().unwrap_or("UTC")
    }

    /// Returns the first firing after `after`.
    pub fn next_firing(&self, after: Timestamp) -> Option<Timestamp> {
        let shown = self.timezone.to_datetime(after);
        let next = self.fields.next_after(shown)?;
        if self.fields.covers_every_hour() {
            return after.checked_add(shown.duration_until(next)).ok();
        }
        self.instant(next)
    }

    /// Returns the last match before `before`, by the same rule. Around a change of the clock
    /// that need not be where `next_firing` comes from; `firing_before` is.
    fn prev_match(&self, before: Timestamp) -> Option<Timestamp> {
        let shown = self.timezone.to_datetime(before);
        let last = self.fields.last_before(shown)?;
        if self.fields.covers_every_hour() {
            return before.checked_sub(last.duration_until(shown)).ok();
        }
        self.instant(last)
    }

    /// Returns `at` where it fires then, else the first firing after it.
    pub(super) fn align_to_next(&self, at: Timestamp) -> Option<Timestamp> {
        let next = self.next_firing(at)?;
        let is_aligned = self.prev_match(next) == Some(at);
        Some(if is_aligned { at } else { next })
    }

    /// Returns `at` where it fires then, else the last match before it.
    pub(super) fn align_to_prev(&self, at: Timestamp) -> Option<Timestamp> {
        let prev = self.prev_match(at)?;
        let is_aligned = self.next_firing(prev) == Some(at);
        Some(if is_aligned { at } else { prev })
    }

    /// Returns the start of the last interval that has ended by `now`.
    pub(super) fn last_ended(&self, now: Timestamp) -> Option<Timestamp> {
        let last = self.prev_match(now)?;
        if self.next_firing(last)? == now { Some(last) } else { self.prev_match(last) }
    }

    /// Returns the two firings that bound the last interval that had ended by `at`.
    pub(super) fn interval_before(&self, at: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let end = self.align_to_prev(at)?;
        Some((self.prev_match(end)?, end))
    }

    /// Returns the firing that `next_firing` gives last before `before`.
    pub(super) fn firing_before(&self, before: Timestamp) -> Option<Timestamp> {
        let mut shown = self.timezone.to_datetime(before).checked_sub(CLOCK_CHANGE_MAX).ok()?;
        for _ in 0..STEPS_BACK {
            shown = self.fields.last_before(shown).unwrap_or(shown);
        }
        let mut next = self.next_firing(self.instant(shown)?);
        let mut last = None;
        while let Some(firing) = next.filter(|firing| *firing < before) {
            last = Some(firing);
            next = self.next_firing(firing);
        }
        last
    }

    fn instant(&self, shown: civil::DateTime) -> Option<Timestamp> {
        self.timezone.to_ambiguous_timestamp(shown).later().ok()
    }
}

impl TryFrom<Written> for Cron {
    type Error = CronError;

    fn try_from(written: Written) -> Result<Self, CronError> {
        let unknown = format!("`{}` is not a time zone", written.timezone);
        let timezone =
            TimeZone::get(&written.timezone).map_err(|_| CronError::Malformed(unknown))?;
        Self::parse(&written.cron, &timezone)
    }
}

impl From<Cron> for Written {
    fn from(cron: Cron) -> Self {
        let timezone = cron.timezone.iana_name().unwrap_or("UTC").to_owned();
        Self { cron: cron.text, timezone }
    }
}
