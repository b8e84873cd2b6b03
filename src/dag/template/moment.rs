//! An instant, as templates see it: pendulum's `DateTime` with its zone, Python's `datetime`
//! without one, a date, a time of day.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Zoned};
use minijinja::value::{DynObject, Kwargs, Object, ObjectRepr, from_args};
use minijinja::{Error, ErrorKind, State, Value};

use crate::template::delta::Delta;
use crate::types::Timestamp;

mod field;
pub(super) mod format;
mod humans;
mod shift;

/// An instant, or a part of one.
#[derive(Debug, Clone, PartialEq)]
pub enum Moment {
    Aware(Zoned),
    Naive(DateTime),
    Date(Date),
    Time(Time),
}

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        Self::Aware(at.to_zoned(TimeZone::UTC))
    }
}

/// Makes an error of a template.
pub fn wrong(text: impl fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidOperation, text.to_string())
}

impl Moment {
    /// Reads a text as Python's `fromisoformat` does.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        if let Ok(at) = text.parse::<Timestamp>() {
            let offset = jiff::fmt::strtime::parse("%Y-%m-%dT%H:%M:%S%.f%:z", text);
            let zone = offset.ok().and_then(|parsed| parsed.offset()).map(TimeZone::fixed);
            return Ok(Self::Aware(at.to_zoned(zone.unwrap_or(TimeZone::UTC))));
        }
        text.parse().map(Self::Naive).map_err(|_| wrong(format!("`{text}` is not a time")))
    }

    /// Reads a text by Python's directives.
    pub(super) fn strptime(text: &str, directives: &str) -> Result<Self, Error> {
        let failed =
            |error: jiff::Error| wrong(format!("`{text}` is not as `{directives}`: {error}"));
        let parsed = strtime::parse(directives.replace("%f", "%.f").replace(".%.f", "%.f"), text)
            .map_err(failed)?;
        if let Ok(zoned) = parsed.to_zoned() {
            return Ok(Self::Aware(zoned));
        }
        // What is not written is 1900-01-01 00:00, as in Python.
        let date = parsed.to_date().or_else(|_| {
            Date::new(
                parsed.year().unwrap_or(1900),
                parsed.month().unwrap_or(1),
                parsed.day().unwrap_or(1),
            )
        });
        let time = parsed.to_time().unwrap_or(Time::midnight());
        date.map(|date| Self::Naive(date.to_datetime(time))).map_err(failed)
    }

    /// Moves it by a length of time, by the clock of UTC.
    pub(super) fn moved(&self, micros: i64) -> Result<Self, Error> {
        let by = SignedDuration::from_micros(micros);
        match self {
            Self::Aware(at) => at.checked_add(by).map(Self::Aware),
            Self::Naive(at) => at.checked_add(by).map(Self::Naive),
            Self::Date(on) => on.checked_add(by).map(Self::Date),
            Self::Time(at) => at.checked_add(by).map(Self::Time),
        }
        .map_err(wrong)
    }

    /// Returns how many microseconds it is after another of its kind.
    pub(super) fn micros_since(&self, from: &Self) -> Result<i64, Error> {
        let between = match (self, from) {
            (Self::Aware(to), Self::Aware(from)) => from.duration_until(to),
            (Self::Naive(to), Self::Naive(from)) => from.duration_until(*to),
            (Self::Date(to), Self::Date(from)) => from.duration_until(*to),
            _ => return Err(wrong("a time with a zone and one without cannot be compared")),
        };
        i64::try_from(between.as_micros()).map_err(wrong)
    }

    /// Formats by Python's directives.
    pub(super) fn strftime(&self, directives: &str) -> Result<String, Error> {
        let broken_down = match self {
            Self::Aware(at) => BrokenDownTime::from(at),
            Self::Naive(at) => BrokenDownTime::from(*at),
            Self::Date(on) => BrokenDownTime::from(on.to_datetime(Time::midnight())),
            Self::Time(at) => BrokenDownTime::from(Date::constant(1900, 1, 1).to_datetime(*at)),
        };
        let directives = format::from_python(directives, matches!(self, Self::Aware(_)));
        strtime::format(&directives, broken_down).map_err(wrong)
    }

    /// Writes it as Python's `isoformat` does.
    pub(super) fn iso(&self, separator: &str) -> String {
        let date = |on: Date| on.strftime("%Y-%m-%d").to_string();
        let clock = |at: Time| match at.subsec_nanosecond() / 1000 {
            0 => at.strftime("%H:%M:%S").to_string(),
            micros => format!("{}.{micros:06}", at.strftime("%H:%M:%S")),
        };
        match self {
            Self::Aware(at) => {
                let (on, time) = (date(at.date()), clock(at.time()));
                format!("{on}{separator}{time}{}", at.strftime("%:z"))
            }
            Self::Naive(at) => format!("{}{separator}{}", date(at.date()), clock(at.time())),
            Self::Date(on) => date(*on),
            Self::Time(at) => clock(*at),
        }
    }

    fn civil(&self) -> DateTime {
        match self {
            Self::Aware(at) => at.datetime(),
            Self::Naive(at) => *at,
            Self::Date(on) => on.to_datetime(Time::midnight()),
            Self::Time(at) => Date::constant(1900, 1, 1).to_datetime(*at),
        }
    }

    /// Returns the same kind with another date and time of day.
    fn with_civil(&self, civil: DateTime) -> Result<Self, Error> {
        Ok(match self {
            Self::Aware(at) => Self::Aware(civil.to_zoned(at.time_zone().clone()).map_err(wrong)?),
            Self::Naive(_) => Self::Naive(civil),
            Self::Date(_) => Self::Date(civil.date()),
            Self::Time(_) => Self::Time(civil.time()),
        })
    }

    fn aware(&self) -> Result<&Zoned, Error> {
        match self {
            Self::Aware(at) => Ok(at),
            _ => Err(wrong("it has no time zone")),
        }
    }

    fn in_zone(&self, name: &str) -> Result<Self, Error> {
        let zone = if name == "UTC" { Ok(TimeZone::UTC) } else { TimeZone::get(name) };
        let zone = zone.map_err(|_| wrong(format!("there is no time zone `{name}`")))?;
        Ok(Self::Aware(self.aware()?.with_time_zone(zone)))
    }

    fn call(&self, method: &str, args: &[Value]) -> Result<Value, Error> {
        Ok(match method {
            "strftime" | "format" => {
                let (how,): (&str,) = from_args(args)?;
                let text = if method == "strftime" {
                    self.strftime(how)?
                } else {
                    format::by_tokens(self, how)?
                };
                Value::from(text)
            }
            "isoformat" => {
                let (separator, named): (Option<&str>, Kwargs) = from_args(args)?;
                let separator = named.get::<Option<&str>>("sep")?.or(separator);
                named.assert_all_used()?;
                Value::from(self.iso(separator.unwrap_or("T")))
            }
            "in_timezone" | "in_tz" => {
                let (name,): (&str,) = from_args(args)?;
                Value::from_object(self.in_zone(name)?)
            }
            "add" | "subtract" => Value::from_object(shift::added(self, method == "add", args)?),
            "set" | "replace" => Value::from_object(shift::replaced(self, args)?),
            "start_of" | "end_of" => {
                let (unit,): (&str,) = from_args(args)?;
                Value::from_object(shift::edge(self, method == "end_of", unit)?)
            }
            "diff" => {
                let (other,): (&Value,) = from_args(args)?;
                let other = other.downcast_object_ref::<Self>();
                let other = other.ok_or_else(|| wrong("`diff` takes an instant"))?;
                let delta = Delta::between(self, other)?;
                Value::from_object(if delta.micros < 0 {
                    Delta::between(other, self)?
                } else {
                    delta
                })
            }
            "diff_for_humans" => {
                let (other,): (&Value,) = from_args(args)?;
                let other = other.downcast_object_ref::<Self>();
                let other = other.ok_or_else(|| wrong("`diff_for_humans` takes an instant"))?;
                Value::from(self.diff_for_humans(other, "before", "after")?)
            }
            _ => {
                let value = field::method(self, method)?;
                let () = from_args(args)?;
                value
            }
        })
    }

    /// Says how far it is from another, roughly.
    pub(super) fn diff_for_humans(
        &self,
        other: &Self,
        before: &str,
        after: &str,
    ) -> Result<String, Error> {
        humans::between(self, other, before, after)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso(" "))
    }
}

impl Object for Moment {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        field::attribute(self, key)
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        Self::call(self, method, args)
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        match (self.as_ref(), other.downcast_ref::<Self>()?) {
            (Self::Aware(a), Self::Aware(b)) => Some(a.cmp(b)),
            (Self::Naive(a), Self::Naive(b)) => Some(a.cmp(b)),
            (Self::Date(a), Self::Date(b)) => Some(a.cmp(b)),
            (Self::Time(a), Self::Time(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
