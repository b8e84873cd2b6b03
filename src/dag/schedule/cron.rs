//! Cron expressions and the data intervals between their firings.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};
use serde::{Deserialize, Serialize};

use crate::dag::schedule::{Cron, DataInterval};
use crate::types::Timestamp;

/// What the presets stand for; the spelling is Airflow's.
const PRESETS: &[(&str, &str)] = &[
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@quarterly", "0 0 1 */3 *"),
    ("@yearly", "0 0 1 1 *"),
];

/// How far back the firing before an instant is looked for, in hours, one after the other. Few
/// expressions need more than two; a leap day that is a Monday comes every 28 or 40 years.
const LOOK_BACK_HOURS: [i32; 6] = [2, 50, 24 * 32, 24 * 367, 24 * 366 * 8, 24 * 366 * 41];

/// The library looks four years ahead at a time.
const LOOK_AHEAD_YEARS: i64 = 4;
const LOOK_AHEAD_TIMES: usize = 11;

/// The library panics where it looks beyond the year 9999.
const YEAR_MAX: i16 = 9_990;

/// No change of a clock is larger.
const CLOCK_CHANGE_MAX: SignedDuration = SignedDuration::from_hours(3);

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

impl Cron {
    /// The presets that may stand for an expression.
    pub fn presets() -> impl Iterator<Item = &'static str> {
        PRESETS.iter().map(|(name, _)| *name)
    }

    /// Parses a preset or the five fields of a cron expression, which is meant in `timezone`
    /// (an IANA name).
    pub fn parse(text: &str, timezone: &str) -> Result<Self, CronError> {
        let fields = match PRESETS.iter().find(|(name, _)| *name == text) {
            Some((_, fields)) => fields,
            None if text.starts_with('@') => {
                return Err(CronError::UnknownPreset(text.to_owned()));
            }
            None => text,
        };
        let count = fields.split_whitespace().count();
        if count != 5 {
            return Err(CronError::FieldCount(count));
        }
        // At `30 2 * * *` there is one run a day, also on the days when the clock leaps over 2:30
        // or shows it twice; `0 * * * *` follows the hours as they pass. Airflow does the same.
        let is_at_set_hours =
            fields.split_whitespace().nth(1).is_some_and(|hour| !hour.starts_with('*'));
        let malformed = CronError::Malformed;
        let zone = TimeZone::get(timezone)
            .map_err(|_| malformed(format!("`{timezone}` is not a time zone")))?;
        let parsed_in = if is_at_set_hours { "UTC" } else { timezone };
        let crontab = cronexpr::parse_crontab(&format!("{fields} {parsed_in}"))
            .map_err(|error| malformed(reason(&error)))?;
        let cron = Self {
            text: text.to_owned(),
            timezone: timezone.to_owned(),
            crontab,
            set_hours_in: is_at_set_hours.then_some(zone),
        };
        // Any instant will do to find out about the 30th of February.
        match cron.next_firing(Timestamp::UNIX_EPOCH) {
            Some(_) => Ok(cron),
            None => Err(CronError::NeverFires),
        }
    }

    /// Returns the first firing after `after`.
    pub fn next_firing(&self, after: Timestamp) -> Option<Timestamp> {
        let Some(zone) = &self.set_hours_in else { return self.next_match(after) };
        // What the clock on the wall shows, as if it were UTC, from before any change of it.
        let shown = zone.to_datetime(after).to_zoned(TimeZone::UTC).ok()?.timestamp();
        let mut shown = shown.checked_sub(CLOCK_CHANGE_MAX).ok()?;
        let mut first: Option<Timestamp> = None;
        loop {
            let Some(next) = self.next_match(shown) else { return first };
            shown = next;
            // A time that is leapt over comes as much later; of one shown twice the first counts.
            let shown_there = TimeZone::UTC.to_datetime(next);
            let firing = zone.to_ambiguous_zoned(shown_there).compatible().ok()?.timestamp();
            match first {
                // Later ones on the wall may be earlier in truth, but not by more than a change.
                Some(found) if firing.duration_since(found) >= CLOCK_CHANGE_MAX => return first,
                Some(found) if firing > after => first = Some(found.min(firing)),
                None if firing > after => first = Some(firing),
                Some(_) | None => {}
            }
        }
    }

    fn next_match(&self, after: Timestamp) -> Option<Timestamp> {
        let mut from = after.to_zoned(TimeZone::UTC);
        for _ in 0..LOOK_AHEAD_TIMES {
            if from.year() > YEAR_MAX {
                return None;
            }
            if let Ok(found) = self.crontab.find_next(from.timestamp()) {
                return Some(found.timestamp());
            }
            from = from.checked_add(LOOK_AHEAD_YEARS.years()).ok()?;
        }
        None
    }

    /// Returns the first interval whose end is after `after` and whose start is not before
    /// `not_before` (Airflow's meaning: a run covers the interval that has just ended, and is
    /// due at its end).
    pub fn next_interval(
        &self,
        after: Timestamp,
        not_before: Option<Timestamp>,
    ) -> Option<DataInterval> {
        let start = match not_before {
            Some(first) => {
                self.last_firing(after).filter(|start| *start >= first).or_else(|| {
                    // A firing at `first` itself counts.
                    self.next_firing(first.checked_sub(1.nanosecond()).ok()?)
                })?
            }
            None => self.last_firing(after).or_else(|| self.next_firing(after))?,
        };
        Some(DataInterval { start, end: self.next_firing(start)? })
    }

    /// Returns the last firing at or before `until`.
    fn last_firing(&self, until: Timestamp) -> Option<Timestamp> {
        LOOK_BACK_HOURS.iter().find_map(|hours| {
            let from = until.checked_sub(hours.hours()).ok()?;
            let mut last = None;
            let mut next = self.next_firing(from);
            while let Some(firing) = next.filter(|firing| *firing <= until) {
                last = Some(firing);
                next = self.next_firing(firing);
            }
            last
        })
    }
}

/// A schedule as it is kept: parsed anew where it is read.
#[derive(Serialize, Deserialize)]
pub(super) struct Written {
    text: String,
    timezone: String,
}

impl From<Cron> for Written {
    fn from(cron: Cron) -> Self {
        Self { text: cron.text, timezone: cron.timezone }
    }
}

impl TryFrom<Written> for Cron {
    type Error = CronError;

    fn try_from(written: Written) -> Result<Self, CronError> {
        Self::parse(&written.text, &written.timezone)
    }
}

/// Takes the last line of the library's drawing, which holds the reason.
fn reason(error: &cronexpr::Error) -> String {
    let text = error.to_string();
    text.lines().last().unwrap_or_default().trim_start_matches([' ', '^']).trim().to_owned()
}
