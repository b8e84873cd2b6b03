//! The five fields of a cron expression, read as croniter reads them (which Airflow asks), over
//! the time that a clock on the wall shows.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime};

use crate::schedule::cron::CronError;

/// How far apart two matches may be; what is further apart never fires. croniter's limit.
const YEARS_MAX: i16 = 50;

/// In `Fields::nth`, the bit of the last such weekday of a month; bits 1 to 5 are the first to
/// the fifth.
const LAST: u8 = 1 << 6;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// What one field may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Minute,
    Hour,
    Day,
    Month,
    Weekday,
}

/// The fields, each as a set of bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fields {
    minutes: u64,
    hours: u64,
    /// `None`: any day.
    days: Option<u64>,
    has_last_day: bool,
    months: u64,
    /// `None`: any day. Sunday is 0.
    weekdays: Option<u64>,
    /// Of each weekday, which ones of the month (`fri#2`, `l5`); all zero where none is named.
    nth: [u8; 7],
}

/// One field as read: the values, and what cannot be said by values.
#[derive(Debug, Default)]
struct Field {
    values: u64,
    is_star: bool,
    has_last_day: bool,
    nth: [u8; 7],
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day of the month",
            Self::Month => "month",
            Self::Weekday => "day of the week",
        }
    }

    const fn range(self) -> (u32, u32) {
        match self {
            Self::Minute => (0, 59),
            Self::Hour => (0, 23),
            Self::Day => (1, 31),
            Self::Month => (1, 12),
            Self::Weekday => (0, 6),
        }
    }

    const fn all(self) -> u64 {
        let (low, high) = self.range();
        ((1 << (high + 1)) - 1) & !((1 << low) - 1)
    }

    /// Reads one value: a number, or the name of a month or a weekday.
    fn value(self, text: &str) -> Result<u32, CronError> {
        let names: &[&str] = match self {
            Self::Month => &MONTHS,
            Self::Weekday => &WEEKDAYS,
            Self::Minute | Self::Hour | Self::Day => &[],
        };
        let named = names.iter().zip(self.range().0..).find(|(name, _)| **name == text);
        if let Some((_, value)) = named {
            return Ok(value);
        }
        let (low, high) = self.range();
        let number = text.parse::<u32>().ok().filter(|_| !text.starts_with('+'));
        match number {
            Some(7) if self == Self::Weekday => Ok(0),
            Some(number) if (low..=high).contains(&number) => Ok(number),
            Some(_) => Err(self.refuse(text, &format!("it goes from {low} to {high}"))),
            None => Err(self.refuse(text, "it is not understood")),
        }
    }

    fn refuse(self, text: &str, why: &str) -> CronError {
        CronError::Malformed(format!("`{text}` is no {}: {why}", self.name()))
    }
}

impl Fields {
    /// Reads five fields.
    pub(super) fn parse(text: &str) -> Result<Self, CronError> {
        let lower = text.to_lowercase();
        let texts: Vec<&str> = lower.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = texts.as_slice() else {
            return Err(CronError::FieldCount(texts.len()));
        };
        let day_field = Field::parse(Kind::Day, day)?;
        let weekday_field = Field::parse(Kind::Weekday, weekday)?;
        Ok(Self {
            minutes: Field::parse(Kind::Minute, minute)?.values,
            hours: Field::parse(Kind::Hour, hour)?.values,
            days: day_field.restricts(Kind::Day, weekday),
            has_last_day: day_field.has_last_day,
            months: Field::parse(Kind::Month, month)?.values,
            weekdays: weekday_field.restricts(Kind::Weekday, day),
            nth: weekday_field.nth,
        })
    }

    /// Says whether it fires in every hour of its days, so that it follows the hours as they
    /// pass and not the clock on the wall.
    pub(super) fn covers_every_hour(&self) -> bool {
        self.hours == Kind::Hour.all()
    }

    /// Returns the first match in a later minute.
    pub(super) fn next_after(&self, at: DateTime) -> Option<DateTime> {
        let mut at = minute_of(at)?.checked_add(1.minute()).ok()?;
        let year_max = at.year().checked_add(YEARS_MAX)?;
        while at.year() <= year_max {
            if !has(self.months, at.month()) {
                let month = at.date().first_of_month();
                at = month.checked_add(1.month()).ok()?.at(0, 0, 0, 0);
                continue;
            }
            if self.is_day(at.date())
                && let Some(found) = self.from(at)
            {
                return Some(found);
            }
            at = at.date().tomorrow().ok()?.at(0, 0, 0, 0);
        }
        None
    }

    /// Returns the last match before an instant.
    pub(super) fn last_before(&self, at: DateTime) -> Option<DateTime> {
        let mut at = minute_of(at.checked_sub(1.nanosecond()).ok()?)?;
        let year_min = at.year().checked_sub(YEARS_MAX)?;
        while at.year() >= year_min {
            if !has(self.months, at.month()) {
                at = at.date().first_of_month().yesterday().ok()?.at(23, 59, 0, 0);
                continue;
            }
            if self.is_day(at.date())
                && let Some(found) = self.until(at)
            {
                return Some(found);
            }
            at = at.date().yesterday().ok()?.at(23, 59, 0, 0);
        }
        None
    }

    /// The first match of this day from `at` on.
    fn from(&self, at: DateTime) -> Option<DateTime> {
        let this_hour = has(self.hours, at.hour());
        let minute = || (at.minute()..=59).find(|minute| has(self.minutes, *minute));
        if let Some(minute) = this_hour.then(minute).flatten() {
            return Some(at.date().at(at.hour(), minute, 0, 0));
        }
        let hour = (at.hour() + 1..=23).find(|hour| has(self.hours, *hour))?;
        let minute = (0..=59).find(|minute| has(self.minutes, *minute))?;
        Some(at.date().at(hour, minute, 0, 0))
    }

    /// The last match of this day up to `at`.
    fn until(&self, at: DateTime) -> Option<DateTime> {
        let this_hour = has(self.hours, at.hour());
        let minute = || (0..=at.minute()).rev().find(|minute| has(self.minutes, *minute));
        if let Some(minute) = this_hour.then(minute).flatten() {
            return Some(at.date().at(at.hour(), minute, 0, 0));
        }
        let hour = (0..at.hour()).rev().find(|hour| has(self.hours, *hour))?;
        let minute = (0..=59).rev().find(|minute| has(self.minutes, *minute))?;
        Some(at.date().at(hour, minute, 0, 0))
    }

    /// Where both the day of the month and that of the week are restricted, either will do: so
    /// it has been since the first cron. A weekday with a number (`fri#2`) rules alone.
    fn is_day(&self, date: Date) -> bool {
        let weekday = date.weekday().to_sunday_zero_offset();
        if self.nth != [0; 7] {
            let wanted = self.nth[usize::from(weekday.unsigned_abs())];
            let is_last = date.day() + 7 > date.days_in_month();
            return has(u64::from(wanted), (date.day() - 1) / 7 + 1)
                || (is_last && wanted & LAST != 0);
        }
        let by_day = self.days.map(|days| {
            has(days, date.day()) || (self.has_last_day && date.day() == date.days_in_month())
        });
        let by_weekday = self.weekdays.map(|weekdays| has(weekdays, weekday));
        match (by_day, by_weekday) {
            (None, None) => true,
            (Some(fits), None) | (None, Some(fits)) => fits,
            (Some(by_day), Some(by_weekday)) => by_day || by_weekday,
        }
    }
}

impl Field {
    fn parse(kind: Kind, text: &str) -> Result<Self, CronError> {
        let mut field = Self::default();
        if text == "*" || (text == "?" && matches!(kind, Kind::Day | Kind::Weekday)) {
            field.is_star = true;
            field.values = kind.all();
            return Ok(field);
        }
        for item in text.split(',') {
            field.item(kind, item)?;
        }
        let has_nth = field.nth != [0; 7];
        let is_plain = (0..7).any(|day| has(field.values, day) && field.nth[day as usize] == 0);
        if has_nth && is_plain && field.values != kind.all() {
            return Err(kind.refuse(text, "days with and without `#` cannot be mixed"));
        }
        Ok(field)
    }

    fn item(&mut self, kind: Kind, item: &str) -> Result<(), CronError> {
        if item == "*" {
            self.is_star = true;
            self.values |= kind.all();
            return Ok(());
        }
        if kind == Kind::Day && item == "l" {
            self.has_last_day = true;
            return Ok(());
        }
        if kind == Kind::Weekday
            && let Some((days, nth)) = nth(item)
        {
            let bit = match nth {
                None => LAST,
                Some(nth @ 1..=5) => 1 << nth,
                Some(_) => return Err(kind.refuse(item, "after `#` stands 1 to 5")),
            };
            let days = span(kind, days)?;
            self.values |= days;
            for (day, wanted) in self.nth.iter_mut().enumerate() {
                *wanted |= if days & (1 << day) == 0 { 0 } else { bit };
            }
            return Ok(());
        }
        self.values |= span(kind, item)?;
        Ok(())
    }

    /// What the field restricts the days to. One that names every day restricts nothing, but
    /// only where the other one has a star: so croniter has it.
    fn restricts(&self, kind: Kind, other: &str) -> Option<u64> {
        let names_all = self.values == kind.all() && !self.has_last_day;
        let is_open = self.is_star || (names_all && other.contains('*'));
        (!is_open).then_some(self.values)
    }
}

/// Splits `fri#2` and `l5`; `None` for the number is the last one.
fn nth(item: &str) -> Option<(&str, Option<u32>)> {
    if let Some((days, nth)) = item.split_once('#') {
        return Some((days, Some(nth.parse().unwrap_or(0))));
    }
    let day = item.strip_prefix('l')?;
    day.parse::<u32>().is_ok().then_some((day, None))
}

/// Reads `a`, `a-b`, `a-b/n`, `a/n` or `*/n`.
fn span(kind: Kind, item: &str) -> Result<u64, CronError> {
    let (low, high) = kind.range();
    let (range, step) = match item.split_once('/') {
        None => (item, 1),
        Some((range, step)) => match step.parse::<u32>() {
            Ok(step) if step > 0 => (range, step),
            _ => return Err(kind.refuse(item, "after `/` stands a number from 1 on")),
        },
    };
    let has_step = range.len() != item.len();
    if range == "*" {
        return Ok(values((low..=high).step_by(step as usize)));
    }
    match range.split_once('-') {
        None => {
            let from = kind.value(range)?;
            let until = if has_step { high } else { from };
            Ok(values((from..=until).step_by(step as usize)))
        }
        Some((from, until)) => {
            let until = if kind == Kind::Day && until == "l" { "31" } else { until };
            let (from, until) = (kind.value(from)?, kind.value(until)?);
            Ok(match from.cmp(&until) {
                std::cmp::Ordering::Less => values((from..=until).step_by(step as usize)),
                // From a value to itself is once around.
                std::cmp::Ordering::Equal => values((low..=high).step_by(step as usize)),
                std::cmp::Ordering::Greater => around(kind, from, until, step),
            })
        }
    }
}

/// `sat-tue`, `22-4/2`: up to the end of the field, and on from its beginning with the same
/// steps.
fn around(kind: Kind, from: u32, until: u32, step: u32) -> u64 {
    let (low, high) = kind.range();
    let before = (from..=high).step_by(step as usize);
    let last = from + (high - from) / step * step;
    // How many at the end the steps have passed over.
    let passed = high - last;
    let position = last - low;
    let skip = if position + step > high - low + 1 && passed < step { step - passed } else { 0 };
    values(before) | values((low + skip..=until).step_by(step as usize))
}

fn values(values: impl Iterator<Item = u32>) -> u64 {
    values.fold(0, |set, value| set | 1 << value)
}

fn has(set: u64, value: i8) -> bool {
    set & (1_u64 << value.unsigned_abs()) != 0
}

/// Cuts off seconds.
fn minute_of(at: DateTime) -> Option<DateTime> {
    at.with().second(0).subsec_nanosecond(0).build().ok()
}
