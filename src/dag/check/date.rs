//! Dates: `start_date`, `end_date`.

use jiff::civil;
use jiff::tz::TimeZone;
use toml::value::{Date, Datetime, Offset, Time};

use crate::check::Context;
use crate::check::fields::Fields;
use crate::file::{Node, Written};
use crate::types::Timestamp;

/// Reads a date or a time, which without an offset is meant in `timezone`.
pub(super) fn date(
    context: Context<'_>,
    fields: &mut Fields<'_>,
    key: &'static str,
    timezone: &TimeZone,
) -> Option<Timestamp> {
    let node = fields.node(key)?;
    let found = match &node.value {
        Written::Datetime(written) => from_toml(*written, timezone),
        Written::Text(text) => from_text(text, timezone),
        Written::Integer(_)
        | Written::Float(_)
        | Written::Bool(_)
        | Written::List(_)
        | Written::Table(_) => {
            fields.wrong_type(key, node, "a date");
            return None;
        }
    };
    if found.is_none() {
        refuse_date(context, key, fields.what(), node);
    }
    found
}

fn refuse_date(context: Context<'_>, key: &str, what: &str, node: &Node) {
    let help = "write `2026-01-31`, `2026-01-31T06:00:00` or `2026-01-31T06:00:00Z`".to_owned();
    context.report.error(node.span, "bad-date", format!("`{key}` of {what} is no date"), help);
}

fn from_text(text: &str, timezone: &TimeZone) -> Option<Timestamp> {
    text.parse::<Timestamp>().ok().or_else(|| {
        let civil: civil::DateTime = text.parse().ok()?;
        in_zone(civil, timezone)
    })
}

fn from_toml(written: Datetime, timezone: &TimeZone) -> Option<Timestamp> {
    let Date { year, month, day } = written.date?;
    let date = civil::Date::new(
        i16::try_from(year).ok()?,
        i8::try_from(month).ok()?,
        i8::try_from(day).ok()?,
    )
    .ok()?;
    let at = date.to_datetime(written.time.map_or(Some(civil::Time::midnight()), clock_time)?);
    match written.offset {
        None => in_zone(at, timezone),
        Some(Offset::Z) => in_zone(at, &TimeZone::UTC),
        Some(Offset::Custom { minutes }) => {
            let offset = jiff::tz::Offset::from_seconds(i32::from(minutes) * 60).ok()?;
            offset.to_timestamp(at).ok()
        }
    }
}

fn clock_time(time: Time) -> Option<civil::Time> {
    civil::Time::new(
        i8::try_from(time.hour).ok()?,
        i8::try_from(time.minute).ok()?,
        i8::try_from(time.second.unwrap_or(0).min(59)).ok()?,
        i32::try_from(time.nanosecond.unwrap_or(0)).ok()?,
    )
    .ok()
}

fn in_zone(at: civil::DateTime, timezone: &TimeZone) -> Option<Timestamp> {
    timezone.to_ambiguous_zoned(at).compatible().ok().map(|zoned| zoned.timestamp())
}
