//! "3 days before": how far apart two instants are, roughly, as pendulum words it.

use jiff::{SpanRound, Unit};
use minijinja::Error;

use super::{Moment, wrong};

/// Words the distance from `other` to `at`.
pub(super) fn between(
    at: &Moment,
    other: &Moment,
    before: &str,
    after: &str,
) -> Result<String, Error> {
    let micros = at.micros_since(other)?;
    let (early, late) =
        if micros < 0 { (at.civil(), other.civil()) } else { (other.civil(), at.civil()) };
    let span = early
        .until((Unit::Year, late))
        .and_then(|span| span.round(SpanRound::new().largest(Unit::Year).relative(early)))
        .map_err(wrong)?;
    // A week has its own word, and so has more than half of the next unit, at the upper end.
    let (weeks, days) = (span.get_days() / 7, span.get_days() % 7);
    let (years, months) = (i32::from(span.get_years()), span.get_months());
    let (count, unit) = if years > 0 {
        (years + i32::from(months > 6), "year")
    } else if months == 11 && weeks * 7 + days > 15 {
        (1, "year")
    } else if months > 0 {
        (months + i32::from(weeks * 7 + days >= 27), "month")
    } else if weeks > 0 {
        (weeks + i32::from(days > 3), "week")
    } else if days > 0 {
        (days + i32::from(span.get_hours() >= 22), "day")
    } else if span.get_hours() > 0 {
        (span.get_hours(), "hour")
    } else if span.get_minutes() > 0 {
        (i32::try_from(span.get_minutes()).unwrap_or(0), "minute")
    } else if (1..=10).contains(&span.get_seconds()) {
        return Ok(format!("a few seconds {}", if micros < 0 { before } else { after }));
    } else {
        (i32::try_from(span.get_seconds()).unwrap_or(0), "second")
    };
    let plural = if count == 1 { "" } else { "s" };
    Ok(format!("{count} {unit}{plural} {}", if micros < 0 { before } else { after }))
}
