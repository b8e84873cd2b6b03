//! Instants made of others: `add`, `set`, `start_of` …, as pendulum has them.

use jiff::civil::{Date, DateTime, Time};
use jiff::{Span, ToSpan};
use minijinja::value::{Kwargs, from_args};
use minijinja::{Error, Value};

use super::{Moment, wrong};

/// `add(days=1, …)`, `subtract(…)`.
pub(super) fn added(at: &Moment, forward: bool, args: &[Value]) -> Result<Moment, Error> {
    let (named,): (Kwargs,) = from_args(args)?;
    let number = |name| named.get::<Option<i64>>(name).map(Option::unwrap_or_default);
    let (years, months, weeks, days) =
        (number("years")?, number("months")?, number("weeks")?, number("days")?);
    let (hours, minutes, seconds) = (number("hours")?, number("minutes")?, number("seconds")?);
    let micros = number("microseconds")?;
    named.assert_all_used()?;
    let span = Span::new()
        .try_years(years)
        .and_then(|span| span.try_months(months))
        .and_then(|span| span.try_weeks(weeks))
        .and_then(|span| span.try_days(days))
        .and_then(|span| span.try_hours(hours))
        .and_then(|span| span.try_minutes(minutes))
        .and_then(|span| span.try_seconds(seconds))
        .and_then(|span| span.try_microseconds(micros))
        .map_err(wrong)?;
    let span = if forward { span } else { span.negate() };
    match at {
        Moment::Aware(at) => at.checked_add(span).map(Moment::Aware),
        Moment::Naive(at) => at.checked_add(span).map(Moment::Naive),
        Moment::Date(on) => on.checked_add(span).map(Moment::Date),
        Moment::Time(at) => at.checked_add(span).map(Moment::Time),
    }
    .map_err(wrong)
}

/// `set(hour=3, …)`, `replace(…)`; `replace(tzinfo=none)` takes the zone away.
pub(super) fn replaced(at: &Moment, args: &[Value]) -> Result<Moment, Error> {
    let (named,): (Kwargs,) = from_args(args)?;
    let civil = at.civil();
    let small = |name, own: i8| Ok::<_, Error>(named.get::<Option<i8>>(name)?.unwrap_or(own));
    let date = Date::new(
        named.get::<Option<i16>>("year")?.unwrap_or(civil.year()),
        small("month", civil.month())?,
        small("day", civil.day())?,
    )
    .map_err(wrong)?;
    let micros = named.get::<Option<i32>>("microsecond")?;
    let time = Time::new(
        small("hour", civil.hour())?,
        small("minute", civil.minute())?,
        small("second", civil.second())?,
        micros.map_or(civil.subsec_nanosecond(), |micros| micros.saturating_mul(1000)),
    )
    .map_err(wrong)?;
    let without_zone = named.has("tzinfo");
    if without_zone && !named.get::<Value>("tzinfo")?.is_none() {
        return Err(wrong("`tzinfo` can only be `none` here; `in_timezone` changes the zone"));
    }
    named.assert_all_used()?;
    let civil = date.to_datetime(time);
    if without_zone { Ok(Moment::Naive(civil)) } else { at.with_civil(civil) }
}

/// `start_of('month')`, `end_of('week')`.
pub(super) fn edge(at: &Moment, is_end: bool, unit: &str) -> Result<Moment, Error> {
    let civil = at.civil();
    let first = |month: i8| Date::new(civil.year(), month, 1).map_err(wrong);
    let midnight = |on: Date| on.to_datetime(Time::midnight());
    let day = civil.date();
    let clock = |minute, second| {
        let time = Time::new(civil.hour(), minute, second, 0).map_err(wrong)?;
        Ok::<_, Error>(day.to_datetime(time))
    };
    let (start, length): (DateTime, Span) = match unit {
        "second" => (clock(civil.minute(), civil.second())?, 1.second()),
        "minute" => (clock(civil.minute(), 0)?, 1.minute()),
        "hour" => (clock(0, 0)?, 1.hour()),
        "day" => (midnight(day), 1.day()),
        "week" => {
            let back = i64::from(day.weekday().to_monday_zero_offset());
            (midnight(day.checked_sub(back.days()).map_err(wrong)?), 7.days())
        }
        "month" => (midnight(first(civil.month())?), 1.month()),
        "year" => (midnight(first(1)?), 1.year()),
        _ => {
            let units = "`second`, `minute`, `hour`, `day`, `week`, `month`, `year`";
            return Err(wrong(format!("there is no unit `{unit}`; units: {units}")));
        }
    };
    if !is_end {
        return at.with_civil(start);
    }
    let end = start.checked_add(length).and_then(|end| end.checked_sub(1.microsecond()));
    at.with_civil(end.map_err(wrong)?)
}
