//! The retry policy: whether a failed try is followed by another one, and when.

use std::time::Duration;

use crate::dag::TaskSpec;
use crate::types::TryNumber;

/// No exponential wait is longer, as in Airflow.
const EXPONENTIAL_DELAY_MAX: Duration = Duration::from_hours(24);

/// Returns how long to wait after the try `try_number` of at most `max_tries` failed.
pub(super) fn delay(task: &TaskSpec, try_number: TryNumber, max_tries: TryNumber) -> Duration {
    if !task.retry_exponential_backoff {
        return task.retry_delay;
    }
    // Tries before the task was cleared do not count: `max_tries` was raised by them.
    let before_clear = max_tries.saturating_sub(task.retries.saturating_add(1));
    let failures = try_number.saturating_sub(before_clear).max(1);
    let factor = 2_u32.checked_pow(failures - 1).unwrap_or(u32::MAX);
    let cap = task.max_retry_delay.unwrap_or(EXPONENTIAL_DELAY_MAX).min(EXPONENTIAL_DELAY_MAX);
    task.retry_delay.saturating_mul(factor).min(cap)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sched::tests::world::task;

    fn exponential(delay: u64) -> TaskSpec {
        let mut spec = task("t").build();
        spec.retries = 50;
        spec.retry_delay = Duration::from_secs(delay);
        spec.retry_exponential_backoff = true;
        spec
    }

    #[test]
    fn a_plain_delay_stays_the_same() {
        let mut spec = exponential(7);
        spec.retry_exponential_backoff = false;
        assert_eq!(delay(&spec, 9, 51), Duration::from_secs(7));
    }

    #[test]
    fn an_exponential_delay_doubles_up_to_its_cap() {
        let mut spec = exponential(10);
        let secs = |spec: &TaskSpec, n| delay(spec, n, 51).as_secs();
        assert_eq!([1, 2, 3, 4].map(|n| secs(&spec, n)), [10, 20, 40, 80]);
        assert_eq!(secs(&spec, 50), 24 * 3600);
        spec.max_retry_delay = Some(Duration::from_secs(30));
        assert_eq!([1, 2, 3, 40].map(|n| secs(&spec, n)), [10, 20, 30, 30]);
    }

    #[test]
    fn a_cleared_task_waits_as_if_it_had_not_failed_before() {
        let spec = exponential(10);
        assert_eq!(delay(&spec, 4, 3 + 51).as_secs(), 10);
        assert_eq!(delay(&spec, 5, 3 + 51).as_secs(), 20);
    }
}
