//! When a DAG runs: `schedule`, `timezone` and the dates between which.

use jiff::civil;
use jiff::tz::TimeZone;
use toml::value::{Date, Datetime, Offset, Time};

use crate::dag::check::Context;
use crate::dag::check::fields::{Fields, Text};
use crate::dag::file::{Node, Written};
use crate::dag::schedule::{AssetExpression, AssetRef, Cron, CronError, Schedule};
use crate::dag::suggest;
use crate::types::Timestamp;

const SCHEDULE_HELP: &str = "write `schedule = \"@daily\"`, `schedule = \"0 2 * * *\"` or \
                             `schedule = { assets = \"a & b\" }`; leave it out for runs by hand";

/// Reads a `timezone`; an unknown one gives UTC.
pub(super) fn timezone(
    context: Context<'_>,
    fields: &mut Fields<'_>,
    default: &TimeZone,
) -> TimeZone {
    let Some(at) = fields.text("timezone") else { return default.clone() };
    TimeZone::get(at.text).unwrap_or_else(|_| {
        let names: Vec<String> =
            jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
        let help = suggest::closest(at.text, names.iter().map(String::as_str)).map_or_else(
            || "use a name of the IANA database, such as `Europe/Berlin`".to_owned(),
            |meant| format!("did you mean `{meant}`?"),
        );
        let message = format!("there is no time zone `{}`", at.text);
        context.report.error(at.span, "bad-timezone", message, help);
        TimeZone::UTC
    })
}

/// Reads `schedule`; absent means by hand.
pub(super) fn schedule(
    context: Context<'_>,
    fields: &mut Fields<'_>,
    timezone: &TimeZone,
) -> Schedule {
    let Some(entry) = fields.entry("schedule") else { return Schedule::Manual };
    match &entry.node.value {
        Written::Text(text) => cron(context, Text { text, span: entry.node.span }, timezone),
        Written::Table(table) => {
            let what = format!("`schedule` of {}", fields.what());
            let mut inner = Fields::new(context.report, what, table, entry.key);
            let (by_time, by_assets) = (inner.text("cron"), inner.text("assets"));
            let found = match (by_time, by_assets) {
                (Some(at), None) => cron(context, at, timezone),
                (None, Some(at)) => assets(context, at),
                _ => {
                    let message = format!("{} needs one of `cron` and `assets`", inner.what());
                    let help = SCHEDULE_HELP.to_owned();
                    context.report.error(entry.node.span, "bad-schedule", message, help);
                    Schedule::Manual
                }
            };
            inner.finish();
            found
        }
        Written::Integer(_)
        | Written::Float(_)
        | Written::Bool(_)
        | Written::Datetime(_)
        | Written::List(_) => {
            fields.wrong_type("schedule", &entry.node, "text or a table");
            Schedule::Manual
        }
    }
}

fn cron(context: Context<'_>, at: Text<'_>, timezone: &TimeZone) -> Schedule {
    let error = match Cron::parse(at.text, timezone.iana_name().unwrap_or("UTC")) {
        Ok(cron) => return Schedule::Cron(cron),
        Err(error) => error,
    };
    let help = match &error {
        CronError::UnknownPreset(text) => suggest::hint(text, "presets", Cron::presets()),
        CronError::FieldCount(_) | CronError::Malformed(_) | CronError::NeverFires => {
            "five fields: minute, hour, day of the month, month, day of the week".to_owned()
        }
    };
    let message = format!("`{}` is no schedule: {error}", at.text);
    context.report.error(at.span, "bad-cron", message, help);
    Schedule::Manual
}

fn assets(context: Context<'_>, at: Text<'_>) -> Schedule {
    let expression = match AssetExpression::parse(at.text) {
        Ok(expression) => expression,
        Err(error) => {
            let part = at.text.get(error.start..error.end).unwrap_or_default();
            let span = context.report.within(at.span, part);
            let message = format!("`{}` is no expression of assets: {error}", at.text);
            let help = "write `a`, `a & b` or `a & (b | c)`".to_owned();
            context.report.error(span, "bad-schedule", message, help);
            return Schedule::Manual;
        }
    };
    for leaf in expression.leaves() {
        if let AssetRef::Name(name) = leaf {
            let span = context.report.within(at.span, name.as_str());
            context.names.asset(context.report, Text { text: name.as_str(), span });
        }
    }
    Schedule::Assets(expression)
}

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
