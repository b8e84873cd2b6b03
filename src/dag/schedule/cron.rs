//! Cron expressions and the data intervals between their firings.

use jiff::ToSpan;

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
/// expressions need more than two; eight years hold two leap days, also around 2100.
const LOOK_BACK_HOURS: [i32; 5] = [2, 50, 24 * 32, 24 * 367, 24 * 366 * 8];

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
        let crontab = cronexpr::parse_crontab(&format!("{fields} {timezone}"))
            .map_err(|error| CronError::Malformed(reason(&error)))?;
        // Any instant will do to find out about the 30th of February.
        if crontab.find_next(Timestamp::UNIX_EPOCH).is_err() {
            return Err(CronError::NeverFires);
        }
        Ok(Self { text: text.to_owned(), crontab })
    }

    /// Returns the first firing after `after`.
    pub fn next_firing(&self, after: Timestamp) -> Option<Timestamp> {
        self.crontab.find_next(after).ok().map(|zoned| zoned.timestamp())
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

/// Takes the last line of the library's drawing, which holds the reason.
fn reason(error: &cronexpr::Error) -> String {
    let text = error.to_string();
    text.lines().last().unwrap_or_default().trim_start_matches([' ', '^']).trim().to_owned()
}
