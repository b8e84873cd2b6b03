//! Dates: what counts as one, and what a model learns of it.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

/// Seconds in a day.
const DAY: f64 = 86_400.0;
/// What a date is made of for a model.
pub(crate) const PARTS: [&str; 6] = ["year", "month", "day", "weekday", "hour", "days"];

/// Reads a day or a day and a time, as ISO 8601 writes them; without an offset it is taken as UTC.
/// Returns seconds since 1970.
pub(crate) fn parse(text: &str) -> Option<f64> {
    // Shorter texts are none, and a number of eight figures is one of those.
    if text.len() < 10 || !text.is_ascii() || text.as_bytes()[4] != b'-' {
        return None;
    }
    let stamp = match text.parse::<DateTime>() {
        Ok(civil) => Offset::UTC.to_timestamp(civil).ok()?,
        Err(_) => text.parse::<Timestamp>().ok()?,
    };
    Some(stamp.as_nanosecond() as f64 / 1e9)
}

/// Writes what [`parse`] reads.
pub(crate) fn write(seconds: f64) -> String {
    // Whole seconds of any date fit; what a model is asked comes from `parse`.
    Timestamp::from_second(seconds.floor() as i64).map_or_else(|_| String::new(), |t| t.to_string())
}

/// Returns the parts of a date, in the order of [`PARTS`].
pub(crate) fn parts(seconds: f64) -> [f64; 6] {
    let stamp = Timestamp::from_second(seconds.floor() as i64).unwrap_or(Timestamp::UNIX_EPOCH);
    let date = stamp.to_zoned(TimeZone::UTC).datetime();
    [
        f64::from(date.year()),
        f64::from(date.month()),
        f64::from(date.day()),
        f64::from(date.weekday().to_monday_one_offset()),
        f64::from(date.hour()) + f64::from(date.minute()) / 60.0,
        seconds / DAY,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_are_read_and_other_texts_are_not() {
        assert_eq!(parse("1970-01-02"), Some(DAY));
        assert_eq!(parse("1970-01-01T00:00:01Z"), Some(1.0));
        assert_eq!(parse("1970-01-01 01:00:00+01:00"), Some(0.0));
        for other in ["", "2024", "20240102", "2024-13-01", "2024-02-30", "02/01/2024", "now"] {
            assert_eq!(parse(other), None, "{other}");
        }
        assert_eq!(parse(&write(1_700_000_000.0)), Some(1_700_000_000.0));
    }

    #[test]
    fn a_date_has_calendar_parts() {
        let seconds = parse("2024-02-29T12:30:00").unwrap();
        assert_eq!(parts(seconds)[..5], [2024.0, 2.0, 29.0, 4.0, 12.5]);
    }
}
