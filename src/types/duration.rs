//! Stretches of time as people write them: `10s`, `1h30m`, `250ms`.

use std::time::Duration;

/// Reads numbers, each with a unit (`ms`, `s`, `m` or `min`, `h`, `d`, `w`), largest first or not.
/// `None` where it is none. Whatever takes a stretch of time takes it so: `dags.toml`, the command
/// line and what is typed into the deck.
pub fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let unit_end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let secs = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            "w" => 604_800.0,
            _ => return None,
        };
        total = total.checked_add(from_secs(number.parse::<f64>().ok()? * secs)?)?;
        rest = after.trim_start();
    }
    Some(total)
}

/// Writes a duration as `parse` reads it: `30m`, `1h30m`, `250ms`.
pub fn text(duration: Duration) -> String {
    let secs = duration.as_secs();
    let parts = [
        (secs / 86_400, "d"),
        (secs / 3_600 % 24, "h"),
        (secs / 60 % 60, "m"),
        (secs % 60, "s"),
        (u64::from(duration.subsec_millis()), "ms"),
    ];
    let text: String =
        parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// Takes a number of seconds; `None` where it is negative or beyond measure.
pub fn from_secs(secs: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(secs).ok()
}

/// Reads a time of the day: `14:30` or `14:30:15`. `None` where it is none.
pub fn time_of_day(text: &str) -> Option<jiff::civil::Time> {
    let mut parts = text.trim().split(':');
    let mut next = || {
        let part = parts.next()?;
        let is_plain = (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        part.parse::<i8>().ok().filter(|_| is_plain)
    };
    let (hour, minute) = (next()?, next()?);
    let second = if text.matches(':').count() > 1 { next()? } else { 0 };
    let is_over = parts.next().is_none();
    jiff::civil::Time::new(hour, minute, second, 0).ok().filter(|_| is_over)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units_add_up() {
        assert_eq!(parse("10s"), Some(Duration::from_secs(10)));
        assert_eq!(parse("1h30m"), Some(Duration::from_secs(5_400)));
        assert_eq!(parse("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(parse("1.5m"), Some(Duration::from_secs(90)));
        assert_eq!(parse("1d 2h"), Some(Duration::from_secs(93_600)));
        assert_eq!(parse(" 2w3d "), Some(Duration::from_secs(17 * 86_400)));
        assert_eq!(parse("90min"), Some(Duration::from_secs(5_400)));
    }

    #[test]
    fn a_duration_is_written_as_it_is_read() {
        for written in ["30m", "1h30m", "250ms", "2d", "1d1h1m1s1ms", "0s"] {
            assert_eq!(text(parse(written).unwrap()), written);
        }
    }

    #[test]
    fn a_time_of_the_day_has_hours_minutes_and_perhaps_seconds() {
        let read = |text: &str| time_of_day(text).map(|time| time.to_string());
        assert_eq!(read("14:30").as_deref(), Some("14:30:00"));
        assert_eq!(read(" 2:05:09 ").as_deref(), Some("02:05:09"));
        for wrong in ["", "14", "24:00", "12:60", "1:2:3:4", "a:b", "-1:00", "14:30Z", "014:30"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_has_no_unit_or_no_number_is_no_duration() {
        for text in [
            "",
            " ",
            "10",
            "s",
            "10 parsecs",
            "-5s",
            "1..5s",
            "10s5",
            ".s",
            "1e3s",
            "1h-5m",
            "1H",
            "10 s",
            "٣s",
            "1d,2h",
            "soon",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_beyond_measure_is_no_duration() {
        let digits = format!("{}s", "9".repeat(400));
        for text in ["99999999999999999999d", &digits, "18446744073709551615s1d"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
