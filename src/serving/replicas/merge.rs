//! Puts together what several servers tell of the same models. Counts and rates are sums; the 99th
//! percentile is that of the slowest, which is never better than that of all requests.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::types::serving::{ReplicaView, ServedHistory, ServedVersion, ServingStatus};

/// Refusals and failures that are told.
const RECENT_ERRORS_MAX: usize = 50;

/// Adds to the view of a replica what it tells of itself.
pub(super) fn describe(view: &mut ReplicaView, told: &ServingStatus) {
    view.requests_total = told.versions.iter().map(|version| version.requests_total).sum();
    view.requests_per_sec = told.versions.iter().map(|version| version.requests_per_sec).sum();
    view.in_flight = told.in_flight;
}

/// Adds what another server tells.
pub(super) fn add(status: &mut ServingStatus, told: &ServingStatus) {
    status.in_flight += told.in_flight;
    combine(&mut status.requests_history, &told.requests_history, |a, b| a + b);
    combine(&mut status.p99_history, &told.p99_history, f64::max);
    for version in &told.versions {
        let same = |other: &&mut ServedVersion| {
            other.model == version.model && other.version == version.version
        };
        match status.versions.iter_mut().find(same) {
            Some(own) => add_version(own, version),
            None => status.versions.push(version.clone()),
        }
    }
    status.recent_errors.extend(told.recent_errors.iter().cloned());
    status.recent_errors.sort_by_key(|error| std::cmp::Reverse(error.when));
    status.recent_errors.truncate(RECENT_ERRORS_MAX);
}

fn add_version(own: &mut ServedVersion, told: &ServedVersion) {
    own.p50_ms = mean((own.p50_ms, own.requests_per_sec), (told.p50_ms, told.requests_per_sec));
    own.p99_ms = match (own.p99_ms, told.p99_ms) {
        (Some(own), Some(told)) => Some(own.max(told)),
        (own, told) => own.or(told),
    };
    own.requests_total += told.requests_total;
    own.errors_total += told.errors_total;
    own.failed_total += told.failed_total;
    own.requests_per_sec += told.requests_per_sec;
    add_history(&mut own.history, &told.history);
}

fn add_history(own: &mut ServedHistory, told: &ServedHistory) {
    combine(&mut own.requests, &told.requests, |a, b| a + b);
    combine(&mut own.p50_ms, &told.p50_ms, f64::max);
    combine(&mut own.p99_ms, &told.p99_ms, f64::max);
    combine(&mut own.refused, &told.refused, |a, b| a + b);
    combine(&mut own.failed, &told.failed, |a, b| a + b);
}

/// The mean of two medians, by the requests of each.
fn mean((a, of_a): (Option<f64>, f64), (b, of_b): (Option<f64>, f64)) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) if of_a + of_b > 0.0 => Some((a * of_a + b * of_b) / (of_a + of_b)),
        (Some(a), Some(b)) => Some(f64::midpoint(a, b)),
        (a, b) => a.or(b),
    }
}

/// Combines two series whose newest samples come last, sample by sample.
fn combine<T: Copy + Default>(own: &mut Vec<T>, told: &[T], with: impl Fn(T, T) -> T) {
    if told.len() > own.len() {
        let missing = told.len() - own.len();
        own.splice(0..0, std::iter::repeat_n(T::default(), missing));
    }
    for (own, told) in own.iter_mut().rev().zip(told.iter().rev()) {
        *own = with(*own, *told);
    }
}

/// Puts texts of Prometheus's format together, each sample with the label `replica`.
pub(super) fn metrics(texts: &[(String, String)]) -> String {
    let mut families: BTreeMap<&str, (Vec<&str>, String)> = BTreeMap::new();
    for (replica, text) in texts {
        let mut family = "";
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# ") {
                family = rest.split(' ').nth(1).unwrap_or_default();
                let (comments, _) = families.entry(family).or_default();
                if !comments.contains(&line) {
                    comments.push(line);
                }
            } else if !line.is_empty() {
                let (_, samples) = families.entry(family).or_default();
                // Writing to a string cannot fail, here and below.
                let _ = match line.split_once('{').filter(|(name, _)| !name.contains(' ')) {
                    Some((name, rest)) => writeln!(samples, "{name}{{replica=\"{replica}\",{rest}"),
                    None => match line.split_once(' ') {
                        Some((name, value)) => {
                            writeln!(samples, "{name}{{replica=\"{replica}\"}} {value}")
                        }
                        None => Ok(()),
                    },
                };
            }
        }
    }
    families.into_values().fold(String::new(), |mut all, (comments, samples)| {
        for comment in comments {
            let _ = writeln!(all, "{comment}");
        }
        all + &samples
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_combined_from_their_newest_samples_on() {
        let mut own = vec![1, 2];
        combine(&mut own, &[10, 20, 30], |a, b| a + b);
        assert_eq!(own, [10, 21, 32]);
        combine(&mut own, &[1], |a, b| a + b);
        assert_eq!(own, [10, 21, 33]);
    }

    #[test]
    fn medians_count_by_their_requests() {
        assert_eq!(mean((Some(1.0), 9.0), (Some(2.0), 1.0)), Some(1.1));
        assert_eq!(mean((Some(1.0), 0.0), (Some(2.0), 0.0)), Some(1.5));
        assert_eq!(mean((None, 0.0), (Some(2.0), 1.0)), Some(2.0));
    }

    #[test]
    fn each_family_stands_once_with_the_samples_of_all() {
        let text = "# HELP a_total Of a\n# TYPE a_total counter\na_total{model=\"x y\"} 1\n\
            # HELP b Of b\n# TYPE b gauge\nb 2\n";
        let all = metrics(&[("1".into(), text.into()), ("daemon".into(), text.into())]);
        let expected = "# HELP a_total Of a\n# TYPE a_total counter\n\
            a_total{replica=\"1\",model=\"x y\"} 1\na_total{replica=\"daemon\",model=\"x y\"} 1\n\
            # HELP b Of b\n# TYPE b gauge\nb{replica=\"1\"} 2\nb{replica=\"daemon\"} 2\n";
        assert_eq!(all, expected);
    }
}
