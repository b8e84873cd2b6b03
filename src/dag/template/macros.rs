//! `macros.…`: Airflow's functions for templates.
//!
//! What gives something else each time (`random`, `uuid`, `time`) is refused: a template is
//! rendered again where a launch is made good after a crash, and must give the same.

use std::fmt;
use std::sync::Arc;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use minijinja::value::{Object, ObjectRepr, Serde, from_args};
use minijinja::{Error, ErrorKind, State, Value};

use crate::template::arguments::Arguments;
use crate::template::delta::Delta;
use crate::template::moment::{Moment, wrong};
use crate::types::Timestamp;

/// What `macros` has.
pub const MACROS: &[&str] =
    &["datetime", "datetime_diff_for_humans", "ds_add", "ds_format", "json", "timedelta"];

/// What Airflow's has and this one refuses, and why.
pub const REFUSED: &[(&str, &str)] = &[
    ("random", "it would give something else each time; hand a seed in as a param"),
    ("uuid", "it would give something else each time; `run_id` and `ti` name an attempt"),
    (
        "time",
        "it would give something else each time; `dag_run.start_date` says when the run began",
    ),
    ("ds_format_locale", "dates are written in English; `macros.ds_format` does that"),
    ("yaml", "write JSON: `macros.json.loads`"),
    ("dateutil", "`macros.datetime.fromisoformat` and `.add(months=1)` do that"),
];

/// `macros`; `now` is when the attempt is prepared.
#[derive(Debug)]
pub struct Macros {
    pub now: Timestamp,
}

impl Object for Macros {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let now = self.now;
        if let Some((name, reason)) = REFUSED.iter().find(|(name, _)| *name == key) {
            return Some(Value::from(refusal(name, reason)));
        }
        Some(match key {
            "ds_add" => Value::from_function(ds_add),
            "ds_format" => Value::from_function(ds_format),
            "timedelta" => Value::from_object(TimedeltaClass),
            "datetime" => Value::from_object(DatetimeClass { now }),
            "datetime_diff_for_humans" => {
                Value::from_function(move |at: &Value, since: Option<&Value>| {
                    for_humans(at, since, now)
                })
            }
            "json" => Value::from_object(JsonModule),
            _ => return None,
        })
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn call_method(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        if let Some((name, reason)) = REFUSED.iter().find(|(name, _)| *name == method) {
            return Err(refusal(name, reason));
        }
        match self.get_value_by_str(method) {
            Some(function) => function.call(state, args),
            None => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<macros>")
    }
}

fn refusal(name: &str, reason: &str) -> Error {
    wrong(format!("`macros.{name}` is refused: {reason}"))
}

fn ds_add(ds: &str, days: i64) -> Result<String, Error> {
    let date: Date =
        ds.parse().map_err(|_| wrong(format!("`{ds}` is not a date like `2026-01-31`")))?;
    let days = jiff::Span::new().try_days(days).map_err(wrong)?;
    let moved = date.checked_add(days).map_err(wrong)?;
    Ok(moved.strftime("%Y-%m-%d").to_string())
}

fn ds_format(ds: &str, from: &str, to: &str) -> Result<String, Error> {
    Moment::strptime(ds, from)?.strftime(to)
}

fn for_humans(at: &Value, since: Option<&Value>, now: Timestamp) -> Result<String, Error> {
    let moment = |value: &Value| {
        value.downcast_object_ref::<Moment>().cloned().ok_or_else(|| wrong("it is not an instant"))
    };
    let at = moment(at)?;
    match since.filter(|since| !since.is_none()) {
        Some(since) => at.diff_for_humans(&moment(since)?, "before", "after"),
        None => {
            let text = at.diff_for_humans(&Moment::from(now), "ago", "from now")?;
            Ok(match text.strip_suffix(" from now") {
                Some(distance) => format!("in {distance}"),
                None => text,
            })
        }
    }
}

/// `timedelta`.
#[derive(Debug)]
struct TimedeltaClass;

impl Object for TimedeltaClass {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        Delta::from_arguments(args).map(Value::from_object)
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<class 'datetime.timedelta'>")
    }
}

/// `datetime`.
#[derive(Debug)]
struct DatetimeClass {
    now: Timestamp,
}

impl Object for DatetimeClass {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        const PARTS: &[&str] = &["year", "month", "day", "hour", "minute", "second", "microsecond"];
        let args = Arguments::read("datetime", PARTS, args)?;
        let missing = || wrong("`datetime` needs a year, a month and a day");
        let year = args.get::<i16>("year")?.ok_or_else(missing)?;
        let month = args.get::<i8>("month")?.ok_or_else(missing)?;
        let day = args.get::<i8>("day")?.ok_or_else(missing)?;
        let clock = |name| args.get::<i8>(name).map(Option::unwrap_or_default);
        let (hour, minute, second) = (clock("hour")?, clock("minute")?, clock("second")?);
        let nanos = args.get::<i32>("microsecond")?.unwrap_or(0).saturating_mul(1000);
        DateTime::new(year, month, day, hour, minute, second, nanos)
            .map(|at| Value::from_object(Moment::Naive(at)))
            .map_err(wrong)
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let moment = match method {
            "strptime" => {
                let (text, directives): (&str, &str) = from_args(args)?;
                Moment::strptime(text, directives)?
            }
            "fromisoformat" => {
                let (text,): (&str,) = from_args(args)?;
                Moment::parse(text)?
            }
            "fromtimestamp" | "utcfromtimestamp" => {
                let (seconds,): (f64,) = from_args(args)?;
                let at = Timestamp::UNIX_EPOCH
                    .checked_add(jiff::SignedDuration::try_from_secs_f64(seconds).map_err(wrong)?);
                Moment::Naive(at.map_err(wrong)?.to_zoned(TimeZone::UTC).datetime())
            }
            "now" | "utcnow" | "today" => {
                let () = from_args(args)?;
                Moment::Naive(self.now.to_zoned(TimeZone::UTC).datetime())
            }
            _ => return Err(Error::from(ErrorKind::UnknownMethod)),
        };
        Ok(Value::from_object(moment))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<class 'datetime.datetime'>")
    }
}

/// `json`.
#[derive(Debug)]
struct JsonModule;

impl Object for JsonModule {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        match method {
            "dumps" => {
                let (value,): (&Value,) = from_args(args)?;
                json_text(value).map(Value::from)
            }
            "loads" => {
                let (text,): (&str,) = from_args(args)?;
                let value: serde_json::Value = serde_json::from_str(text)
                    .map_err(|error| wrong(format!("no JSON: {error}")))?;
                Ok(Value::from(Serde(value)))
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<module 'json'>")
    }
}

/// Writes JSON with blanks where Python writes them.
pub(super) fn json_text(value: &Value) -> Result<String, Error> {
    let value = serde_json::to_value(value).map_err(wrong)?;
    let mut out = String::new();
    write_json(&value, &mut out);
    Ok(out)
}

fn write_json(value: &serde_json::Value, out: &mut String) {
    let separate = |out: &mut String, at: usize| {
        if at > 0 {
            out.push_str(", ");
        }
    };
    match value {
        serde_json::Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                separate(out, at);
                write_json(item, out);
            }
            out.push(']');
        }
        serde_json::Value::Object(items) => {
            out.push('{');
            for (at, (key, item)) in items.iter().enumerate() {
                separate(out, at);
                out.push_str(&serde_json::Value::from(key.as_str()).to_string());
                out.push_str(": ");
                write_json(item, out);
            }
            out.push('}');
        }
        plain => out.push_str(&plain.to_string()),
    }
}
