//! What an instant has: `year`, `timezone_name`, `date()` …, as pendulum names them.

use jiff::civil::Weekday;
use minijinja::{Error, ErrorKind, Value};

use super::Moment;

/// Returns an attribute.
pub(super) fn attribute(at: &Moment, name: &str) -> Option<Value> {
    let civil = at.civil();
    Some(match name {
        "year" => Value::from(civil.year()),
        "month" => Value::from(civil.month()),
        "day" => Value::from(civil.day()),
        "hour" => Value::from(civil.hour()),
        "minute" => Value::from(civil.minute()),
        "second" => Value::from(civil.second()),
        "microsecond" => Value::from(civil.subsec_nanosecond() / 1000),
        "day_of_week" => Value::from(civil.weekday().to_monday_zero_offset()),
        "day_of_year" => Value::from(civil.day_of_year()),
        "week_of_year" => Value::from(civil.date().iso_week_date().week()),
        "days_in_month" => Value::from(civil.days_in_month()),
        "quarter" => Value::from((civil.month() + 2) / 3),
        "timezone_name" | "tzinfo" | "timezone" => match at {
            Moment::Aware(zoned) => Value::from(zone_name(zoned)),
            _ => Value::from(()),
        },
        "offset" => Value::from(at.aware().ok()?.offset().seconds()),
        "int_timestamp" => Value::from(at.aware().ok()?.timestamp().as_second()),
        "float_timestamp" => Value::from(seconds(at)?),
        _ => return None,
    })
}

/// Calls a method that takes nothing.
pub(super) fn method(at: &Moment, name: &str) -> Result<Value, Error> {
    let civil = at.civil();
    let number = |weekday: Weekday| weekday.to_monday_zero_offset();
    Ok(match name {
        "date" => Value::from_object(Moment::Date(civil.date())),
        "time" => Value::from_object(Moment::Time(civil.time())),
        "naive" => Value::from_object(Moment::Naive(civil)),
        "weekday" => Value::from(number(civil.weekday())),
        "isoweekday" => Value::from(number(civil.weekday()) + 1),
        "timestamp" => Value::from(seconds(at).ok_or_else(|| super::wrong("it has no time zone"))?),
        "to_date_string" => Value::from(at.strftime("%Y-%m-%d")?),
        "to_time_string" => Value::from(at.strftime("%H:%M:%S")?),
        "to_datetime_string" => Value::from(at.strftime("%Y-%m-%d %H:%M:%S")?),
        "to_iso8601_string" => {
            let text = at.iso("T");
            Value::from(match at {
                Moment::Aware(zoned) if zone_name(zoned) == "UTC" => text.replace("+00:00", "Z"),
                _ => text,
            })
        }
        _ => return Err(Error::from(ErrorKind::UnknownMethod)),
    })
}

fn seconds(at: &Moment) -> Option<f64> {
    #[allow(clippy::cast_precision_loss, reason = "as Python's `timestamp`")]
    Some(at.aware().ok()?.timestamp().as_microsecond() as f64 / 1e6)
}

pub(super) fn zone_name(at: &jiff::Zoned) -> String {
    let zone = at.time_zone();
    zone.iana_name().map_or_else(|| at.strftime("%:z").to_string(), str::to_owned)
}
