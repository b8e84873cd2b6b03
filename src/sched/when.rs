//! Small arithmetic of instants and durations, without overflow.

use std::time::Duration;

use crate::types::Timestamp;

/// Returns the instant `wait` after `at`, or the last one there is.
pub(super) fn after(at: Timestamp, wait: Duration) -> Timestamp {
    at.checked_add(wait).unwrap_or(Timestamp::MAX)
}

/// Writes an instant as Airflow's run ids have it: `2026-01-01T00:00:00+00:00`, with six digits
/// of a second's fraction where there is one.
pub(super) fn iso(at: Timestamp) -> String {
    let whole = at.strftime("%Y-%m-%dT%H:%M:%S");
    match at.subsec_microsecond() {
        0 => format!("{whole}+00:00"),
        micros => format!("{whole}.{micros:06}+00:00"),
    }
}

/// Writes a duration for people: `250ms`, `10s`, `1m 30s`, `2h`.
pub(super) fn humane(duration: Duration) -> String {
    let secs = duration.as_secs();
    if secs == 0 {
        return format!("{}ms", duration.as_millis());
    }
    let parts = [(secs / 3600, "h"), (secs / 60 % 60, "m"), (secs % 60, "s")];
    let parts: Vec<String> =
        parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_of_run_ids_are_written_as_python_writes_them() {
        let at = |text: &str| iso(text.parse().unwrap());
        assert_eq!(at("2026-01-01T00:00:00Z"), "2026-01-01T00:00:00+00:00");
        assert_eq!(at("2026-01-01T00:00:00.5Z"), "2026-01-01T00:00:00.500000+00:00");
        assert_eq!(at("2026-01-01T00:00:00.001002Z"), "2026-01-01T00:00:00.001002+00:00");
    }

    #[test]
    fn durations_read_as_people_say_them() {
        assert_eq!(humane(Duration::from_millis(250)), "250ms");
        assert_eq!(humane(Duration::from_secs(90)), "1m 30s");
        assert_eq!(humane(Duration::from_secs(7200)), "2h");
    }

    #[test]
    fn the_end_of_time_is_not_overrun() {
        assert_eq!(after(Timestamp::MAX, Duration::from_secs(1)), Timestamp::MAX);
        assert_eq!(after(Timestamp::MIN, Duration::MAX), Timestamp::MAX);
    }
}
