//! Days and instants as people type them: in full, by halves, or counted from now (`now-1d`).

use jiff::civil;
use jiff::{SignedDuration, Span};

use crate::types::{Timestamp, duration};

/// Reads `now`, `today`, `yesterday` or `tomorrow`, and what is added or taken: `now-1d`,
/// `today+12h`, `now-2w3d`. `None` where it is nothing of the kind.
pub(crate) fn counted(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim().to_ascii_lowercase();
    let end = text.find(['+', '-']).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let day = |by: i64| {
        let midnight = now.strftime("%Y-%m-%dT00:00:00Z").to_string().parse::<Timestamp>().ok()?;
        midnight.checked_add(SignedDuration::from_hours(24 * by)).ok()
    };
    let start = match word.trim() {
        "now" => now,
        "today" => day(0)?,
        "yesterday" => day(-1)?,
        "tomorrow" => day(1)?,
        _ => return None,
    };
    let Some(sign) = rest.chars().next() else { return Some(start) };
    let length = SignedDuration::try_from(duration::parse(&rest[1..])?).ok()?;
    let moved = if sign == '-' { start.checked_sub(length) } else { start.checked_add(length) };
    moved.ok()
}

/// Reads a day: `2026-03-02`, or one counted from now.
pub(crate) fn day(text: &str, now: Option<Timestamp>) -> Option<String> {
    if let Some(at) = now.and_then(|now| counted(text, now)) {
        return Some(at.strftime("%Y-%m-%d").to_string());
    }
    text.trim().parse::<civil::Date>().ok().map(|date| date.to_string())
}

/// Reads an instant: RFC 3339; a day, or a day and a time, which are meant in UTC; or one counted
/// from now.
pub(crate) fn instant(text: &str, now: Option<Timestamp>) -> Option<String> {
    let text = text.trim();
    let written = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    if let Some(at) = now.and_then(|now| counted(text, now)) {
        return Some(written(at));
    }
    if text.parse::<Timestamp>().is_ok() {
        return Some(text.to_owned());
    }
    let civil = text.parse::<civil::DateTime>().ok().or_else(|| {
        let date = text.parse::<civil::Date>().ok()?;
        Some(date.at(0, 0, 0, 0))
    })?;
    Some(written(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp()))
}

/// Moves what is typed by days and months; what cannot be read starts at `now`.
pub(crate) fn moved(
    text: &str,
    (days, months): (i64, i64),
    now: Timestamp,
    has_time: bool,
) -> Option<String> {
    let span = Span::new().try_days(days).ok()?.try_months(months).ok()?;
    if has_time {
        let at = instant(text, Some(now)).and_then(|text| text.parse::<Timestamp>().ok());
        let at = at.unwrap_or(now).to_zoned(jiff::tz::TimeZone::UTC).checked_add(span).ok()?;
        return Some(at.timestamp().strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    }
    let today = now.strftime("%Y-%m-%d").to_string();
    let date = day(text, Some(now)).unwrap_or(today).parse::<civil::Date>().ok()?;
    Some(date.checked_add(span).ok()?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-03-02T09:14:22Z".parse().unwrap()
    }

    #[test]
    fn days_and_instants_are_counted_from_now_or_written_out() {
        for (text, said) in [
            ("now-1d", Some("2026-03-01")),
            ("today", Some("2026-03-02")),
            ("yesterday-1w", Some("2026-02-22")),
            ("now-2w3d", Some("2026-02-13")),
            ("tomorrow", Some("2026-03-03")),
            ("2026-01-31", Some("2026-01-31")),
            ("2026-02-31", None),
            ("now-1x", None),
            ("now-", None),
            ("now--1d", None),
            ("now-99999999999999d", None),
            ("soon", None),
        ] {
            assert_eq!(day(text, Some(now())).as_deref(), said, "{text}");
        }
        for (text, said) in [
            ("now-1h", Some("2026-03-02T08:14:22Z")),
            ("today+6h30m", Some("2026-03-02T06:30:00Z")),
            ("now-1.5h", Some("2026-03-02T07:44:22Z")),
            ("2026-03-02", Some("2026-03-02T00:00:00Z")),
            ("2026-03-02 07:00", Some("2026-03-02T07:00:00Z")),
            ("2026-03-02T07:00:00+01:00", Some("2026-03-02T07:00:00+01:00")),
            ("07:00", None),
        ] {
            assert_eq!(instant(text, Some(now())).as_deref(), said, "{text}");
        }
    }

    #[test]
    fn steps_keep_within_the_calendar() {
        let step = |text, by| moved(text, by, now(), false).unwrap();
        assert_eq!(step("2026-01-31", (0, 1)), "2026-02-28");
        assert_eq!(step("2026-03-01", (-1, 0)), "2026-02-28");
        assert_eq!(step("", (1, 0)), "2026-03-03");
        let at = moved("2026-03-02T07:00:00Z", (1, 0), now(), true);
        assert_eq!(at.as_deref(), Some("2026-03-03T07:00:00Z"));
        assert_eq!(moved("9999-12-31", (0, 99), now(), false), None);
    }
}
