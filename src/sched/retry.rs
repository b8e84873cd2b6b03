//! The retry policy: whether a failed try is followed by another one, and when.

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::dag::TaskSpec;
use crate::types::ids::UNMAPPED;
use crate::types::{TaskInstanceKey, Timestamp, TryNumber};

/// No exponential wait is longer, as in Airflow.
const EXPONENTIAL_DELAY_MAX: Duration = Duration::from_hours(24);

/// Returns how long to wait after the try `try_number` of at most `max_tries` failed.
///
/// With backoff, as in Airflow: the delay times the factor for each failure before, in whole
/// seconds and at least one, and up to as much again by a hash of the task instance, so that what
/// failed together does not come back together.
pub(super) fn delay(
    task: &TaskSpec,
    key: &TaskInstanceKey,
    logical_date: Option<Timestamp>,
    try_number: TryNumber,
    max_tries: TryNumber,
) -> Duration {
    let factor = task.retry_exponential_backoff;
    // A wait that does not grow is no backoff to Airflow: it is neither spread nor capped.
    if factor <= 0.0 || (factor - 1.0).abs() < f64::EPSILON {
        return task.retry_delay;
    }
    // Tries before the task was cleared do not count: `max_tries` was raised by them.
    let before_clear = max_tries.saturating_sub(task.retries.saturating_add(1));
    let failures = try_number.saturating_sub(before_clear).max(1);
    let grown = task.retry_delay.as_secs_f64() * factor.powf(f64::from(failures - 1));
    let longest = EXPONENTIAL_DELAY_MAX.as_secs_f64();
    let least = Duration::from_secs_f64(grown.ceil().clamp(1.0, longest)).as_secs();
    let spread = hash(key, logical_date, try_number) % least;
    let delay = Duration::from_secs(least + spread).min(EXPONENTIAL_DELAY_MAX);
    task.max_retry_delay.map_or(delay, |cap| delay.min(cap))
}

/// A number that the same try of the same task instance always gets.
fn hash(key: &TaskInstanceKey, logical_date: Option<Timestamp>, try_number: TryNumber) -> u64 {
    let date = logical_date.map(|date| date.to_string()).unwrap_or_default();
    let mut text = format!("{}#{}#{date}#{try_number}", key.dag_id, key.task_id);
    if key.map_index != UNMAPPED {
        text.push_str(&format!("#{}", key.map_index));
    }
    let digest = Sha256::digest(text);
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::world::task;

    fn exponential(delay: u64, factor: f64) -> TaskSpec {
        let mut spec = task("t").build();
        spec.retries = 50;
        spec.retry_delay = Duration::from_secs(delay);
        spec.retry_exponential_backoff = factor;
        spec
    }

    fn key(task_id: &str, map_index: i32) -> TaskInstanceKey {
        TaskInstanceKey {
            dag_id: "d".into(),
            dag_run_id: "r".into(),
            task_id: task_id.into(),
            map_index,
        }
    }

    fn secs(spec: &TaskSpec, try_number: TryNumber, max_tries: TryNumber) -> u64 {
        delay(spec, &key("t", UNMAPPED), None, try_number, max_tries).as_secs()
    }

    #[test]
    fn a_plain_delay_stays_the_same() {
        for factor in [0.0, 1.0] {
            let mut spec = exponential(7, factor);
            spec.max_retry_delay = Some(Duration::from_secs(3));
            assert_eq!(secs(&spec, 9, 51), 7, "Airflow caps what grows only");
        }
    }

    #[test]
    fn an_exponential_delay_lies_between_its_growth_and_twice_that() {
        for (factor, least) in [(2.0, [10, 20, 40, 80]), (3.0, [10, 30, 90, 270])] {
            let spec = exponential(10, factor);
            for (n, least) in (1..).zip(least) {
                let found = secs(&spec, n, 51);
                assert!((least..2 * least).contains(&found), "{found} after failure {n}");
            }
        }
        assert_eq!(secs(&exponential(10, 2.0), 50, 51), 24 * 3600);
        assert_eq!(secs(&exponential(10, 1e3), 50, 51), 24 * 3600);
    }

    #[test]
    fn a_delay_of_nothing_and_one_that_shrinks_wait_a_second_at_least() {
        assert_eq!(secs(&exponential(0, 2.0), 9, 51), 1);
        assert_eq!(secs(&exponential(10, 0.1), 9, 51), 1);
    }

    #[test]
    fn a_cap_is_kept_with_the_spread() {
        let mut spec = exponential(10, 2.0);
        spec.max_retry_delay = Some(Duration::from_secs(30));
        let found = [1, 2, 3, 40].map(|n| secs(&spec, n, 51));
        assert!(found.iter().all(|secs| (10..=30).contains(secs)), "{found:?}");
        assert_eq!(found[2..], [30, 30]);
    }

    #[test]
    fn a_cleared_task_waits_as_if_it_had_not_failed_before() {
        let spec = exponential(10, 2.0);
        assert!((10..20).contains(&secs(&spec, 4, 3 + 51)));
        assert!((20..40).contains(&secs(&spec, 5, 3 + 51)));
    }

    #[test]
    fn the_spread_is_the_same_each_time_and_another_for_each_task_instance() {
        let spec = exponential(100_000, 2.0);
        let mut wide = spec.clone();
        wide.retry_delay = Duration::from_secs(10_000);
        let of = |task_id: &str, map_index, date: Option<&str>| {
            let date = date.map(|date| date.parse().unwrap());
            delay(&wide, &key(task_id, map_index), date, 1, 51)
        };
        let all = [
            of("t", UNMAPPED, None),
            of("t", 0, None),
            of("t", 1, None),
            of("u", UNMAPPED, None),
            of("t", UNMAPPED, Some("2026-01-01T00:00:00Z")),
        ];
        assert!(all.iter().enumerate().all(|(n, one)| !all[n + 1..].contains(one)), "{all:?}");
        assert_eq!(of("t", 1, None), all[2]);
        assert_eq!(delay(&spec, &key("t", 0), None, 1, 51), EXPONENTIAL_DELAY_MAX);
    }
}
