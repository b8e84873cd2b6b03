//! A length of time, as templates see it: Python's `timedelta`, and pendulum's `Interval` where
//! it came from two instants.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use minijinja::value::{DynObject, Object, ObjectRepr, from_args};
use minijinja::{Error, ErrorKind, State, Value};

use crate::template::arguments::Arguments;
use crate::template::moment::Moment;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// What a length of time is made of, in the order of Python's arguments.
const UNITS: &[&str] =
    &["days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks"];

/// A length of time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Delta {
    pub(super) micros: i64,
    /// From where to where, where that is known.
    ends: Option<(Moment, Moment)>,
}

impl Delta {
    pub(super) const fn of(micros: i64) -> Self {
        Self { micros, ends: None }
    }

    /// Returns how long it is from one instant to another.
    pub(super) fn between(from: &Moment, to: &Moment) -> Result<Self, Error> {
        let micros = to.micros_since(from)?;
        Ok(Self { micros, ends: Some((from.clone(), to.clone())) })
    }

    /// Takes the arguments of `timedelta(days, seconds, microseconds, …)`.
    pub(super) fn from_arguments(args: &[Value]) -> Result<Self, Error> {
        let args = Arguments::read("timedelta", UNITS, args)?;
        let mut micros = 0.0;
        for name in UNITS {
            micros += args.get::<f64>(name)?.unwrap_or(0.0) * unit(name);
        }
        whole(micros).map(Self::of)
    }

    pub(super) fn times(&self, factor: f64) -> Result<Self, Error> {
        #[allow(clippy::cast_precision_loss, reason = "exact up to 285 years")]
        let micros = self.micros as f64 * factor;
        whole(micros).map(Self::of)
    }

    /// Returns the whole of it in seconds.
    pub(super) fn seconds(&self) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "as Python's `total_seconds`")]
        let micros = self.micros as f64;
        micros / 1e6
    }
}

fn unit(name: &str) -> f64 {
    match name {
        "weeks" => 7.0 * 86_400e6,
        "days" => 86_400e6,
        "hours" => 3_600e6,
        "minutes" => 60e6,
        "seconds" => 1e6,
        "milliseconds" => 1e3,
        _ => 1.0,
    }
}

fn whole(micros: f64) -> Result<i64, Error> {
    if micros.abs() < 9e18 {
        #[allow(clippy::cast_possible_truncation, reason = "checked above")]
        Ok(micros.round_ties_even() as i64)
    } else {
        Err(Error::new(ErrorKind::InvalidOperation, "a length of time that is out of range"))
    }
}

impl fmt::Display for Delta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((from, to)) = &self.ends {
            return write!(f, "<Interval [{from} -> {to}]>");
        }
        let (days, rest) = (self.micros.div_euclid(DAY), self.micros.rem_euclid(DAY));
        match days {
            0 => {}
            1 | -1 => write!(f, "{days} day, ")?,
            _ => write!(f, "{days} days, ")?,
        }
        let seconds = rest / SECOND;
        write!(f, "{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)?;
        match rest % SECOND {
            0 => Ok(()),
            micros => write!(f, ".{micros:06}"),
        }
    }
}

impl Object for Delta {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let rest = self.micros.rem_euclid(DAY);
        Some(match key {
            "days" => Value::from(self.micros.div_euclid(DAY)),
            "seconds" => Value::from(rest / SECOND),
            "microseconds" => Value::from(rest % SECOND),
            "start" | "end" => {
                let (from, to) = self.ends.as_ref()?;
                Value::from_object(if key == "start" { from } else { to }.clone())
            }
            _ => return None,
        })
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn is_true(self: &Arc<Self>) -> bool {
        self.micros != 0
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let in_whole = |size: i64| Value::from(self.micros / (size * SECOND));
        let value = match method {
            "total_seconds" | "total_minutes" | "total_hours" | "total_days" => {
                Value::from(self.seconds() / (unit(&method[6..]) / 1e6))
            }
            "in_seconds" => in_whole(1),
            "in_minutes" => in_whole(60),
            "in_hours" => in_whole(3600),
            "in_days" => in_whole(86_400),
            "in_weeks" => in_whole(7 * 86_400),
            _ => return Err(Error::from(ErrorKind::UnknownMethod)),
        };
        let () = from_args(args)?;
        Ok(value)
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        other.downcast_ref::<Self>().map(|other| self.micros.cmp(&other.micros))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
