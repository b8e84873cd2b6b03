//! How many requests, how they ended and how long they took, over the last quarter of an hour:
//! counts in log-spaced buckets, ten seconds a slot.

use std::time::Duration;

use crate::types::serving::{SAMPLE_SECS, ServedHistory};

/// Seconds a slot covers.
const SLOT_SECS: u64 = SAMPLE_SECS as u64;
/// Slots that are kept.
const SLOTS: u64 = 90;
/// Slots that make a minute.
const MINUTE: u64 = 6;

/// Upper bound of the first bucket, and the ratio of each to the one before: 10 µs to 100 s,
/// with an error of a tenth at most.
const FIRST_MS: f64 = 0.01;
const RATIO: f64 = 1.2;
const BUCKETS: usize = 90;

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Answered,
    /// It asked for what cannot be answered (4xx).
    Refused,
    /// The server could not (5xx).
    Failed,
}

impl Ended {
    /// Returns how one ended that got no answer.
    pub(crate) fn by_status(is_server_error: bool) -> Self {
        if is_server_error { Self::Failed } else { Self::Refused }
    }
}

#[derive(Debug, Clone)]
struct Slot {
    /// Which stretch of ten seconds since the start this is.
    index: u64,
    count: u32,
    refused: u32,
    failed: u32,
    buckets: [u32; BUCKETS],
}

impl Slot {
    fn new(index: u64) -> Self {
        Self { index, count: 0, refused: 0, failed: 0, buckets: [0; BUCKETS] }
    }
}

/// Counts of the last quarter of an hour. All times are since the server's start.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ring {
    slots: Vec<Slot>,
}

impl Ring {
    /// Takes note of one request that ended at `now`.
    pub(crate) fn record(&mut self, now: Duration, took: Duration, ended: Ended) {
        let index = now.as_secs() / SLOT_SECS;
        let place = (index % SLOTS) as usize;
        while self.slots.len() <= place {
            self.slots.push(Slot::new(u64::MAX));
        }
        let slot = &mut self.slots[place];
        if slot.index != index {
            *slot = Slot::new(index);
        }
        slot.count += 1;
        slot.refused += u32::from(ended == Ended::Refused);
        slot.failed += u32::from(ended == Ended::Failed);
        slot.buckets[bucket_of(took)] += 1;
    }

    /// Requests per second over the last ten seconds.
    pub(crate) fn rate(&self, now: Duration) -> f64 {
        let index = now.as_secs() / SLOT_SECS;
        let into = now.as_secs_f64() - (index * SLOT_SECS) as f64;
        let before = index.checked_sub(1).map_or(0, |before| self.count(before));
        let share_before = 1.0 - into / SLOT_SECS as f64;
        (f64::from(self.count(index)) + f64::from(before) * share_before) / SLOT_SECS as f64
    }

    /// The q-quantile in milliseconds over the last minute.
    pub(crate) fn quantile_ms(&self, now: Duration, q: f64) -> Option<f64> {
        let index = now.as_secs() / SLOT_SECS;
        self.quantile_of(index.saturating_sub(MINUTE - 1), index, q)
    }

    /// Returns the figures of each stretch of ten seconds, newest last.
    pub(crate) fn history(&self, now: Duration) -> ServedHistory {
        let last = now.as_secs() / SLOT_SECS;
        let mut history = ServedHistory::default();
        for index in last.saturating_sub(SLOTS - 1)..=last {
            let rate = if index == last {
                self.rate(now)
            } else {
                f64::from(self.count(index)) / SLOT_SECS as f64
            };
            let slot = self.slot(index);
            history.requests.push(rate);
            history.p50_ms.push(self.quantile_of(index, index, 0.5).unwrap_or(0.0));
            history.p99_ms.push(self.quantile_of(index, index, 0.99).unwrap_or(0.0));
            history.refused.push(slot.map_or(0, |slot| slot.refused));
            history.failed.push(slot.map_or(0, |slot| slot.failed));
        }
        history
    }

    fn slot(&self, index: u64) -> Option<&Slot> {
        self.slots.get((index % SLOTS) as usize).filter(|slot| slot.index == index)
    }

    fn count(&self, index: u64) -> u32 {
        self.slot(index).map_or(0, |slot| slot.count)
    }

    fn quantile_of(&self, from: u64, to: u64, q: f64) -> Option<f64> {
        let mut buckets = [0_u64; BUCKETS];
        for slot in (from..=to).filter_map(|index| self.slot(index)) {
            for (sum, count) in buckets.iter_mut().zip(slot.buckets) {
                *sum += u64::from(count);
            }
        }
        let total: u64 = buckets.iter().sum();
        let wanted = ((total as f64 * q).ceil() as u64).max(1);
        let mut seen = 0;
        for (i, count) in buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                // The bucket's middle, on its logarithmic scale.
                return Some(FIRST_MS * RATIO.powf(i as f64 - 0.5));
            }
        }
        None
    }
}

fn bucket_of(took: Duration) -> usize {
    let ratio = (took.as_secs_f64() * 1000.0 / FIRST_MS).max(1.0);
    (ratio.log(RATIO).ceil() as usize).min(BUCKETS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn quantiles_are_within_a_tenth() {
        let mut ring = Ring::default();
        for ms in 1..=100 {
            ring.record(at(5), Duration::from_millis(ms), Ended::Answered);
        }
        for (q, expected) in [(0.5, 50.0), (0.99, 99.0)] {
            let found = ring.quantile_ms(at(6), q).unwrap();
            assert!((found / expected - 1.0).abs() < 0.1, "{q}: {found}");
        }
    }

    #[test]
    fn what_is_older_than_a_minute_does_not_count() {
        let mut ring = Ring::default();
        ring.record(at(5), Duration::from_secs(3), Ended::Answered);
        assert!(ring.quantile_ms(at(59), 0.5).is_some());
        assert_eq!(ring.quantile_ms(at(66), 0.5), None);
        assert_eq!(Ring::default().quantile_ms(at(0), 0.5), None);
    }

    #[test]
    fn the_rate_slides_over_ten_seconds() {
        let mut ring = Ring::default();
        for _ in 0..100 {
            ring.record(at(15), Duration::from_millis(1), Ended::Answered);
        }
        assert!((ring.rate(at(19)) - 10.0).abs() < 1e-9);
        assert!((ring.rate(at(25)) - 5.0).abs() < 1e-9);
        assert!(ring.rate(at(31)).abs() < 1e-9);
    }

    #[test]
    fn the_history_wraps_around_and_forgets() {
        let mut ring = Ring::default();
        ring.record(at(5), Duration::from_millis(1), Ended::Failed);
        let history = ring.history(at(5));
        assert_eq!((history.requests.len(), history.failed), (1, vec![1]));
        ring.record(at(905), Duration::from_millis(1), Ended::Refused);
        ring.record(at(906), Duration::from_millis(100), Ended::Answered);
        let history = ring.history(at(906));
        assert_eq!((history.requests.len(), history.p99_ms.len()), (90, 90));
        assert_eq!(history.requests.iter().filter(|rate| **rate > 0.0).count(), 1);
        assert_eq!((history.refused[89], history.failed.iter().sum::<u32>()), (1, 0));
        assert!(history.p50_ms[89] < history.p99_ms[89] && history.p99_ms[0] == 0.0);
    }
}
