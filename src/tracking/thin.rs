//! Fewer points of a metric for a chart, of the same shape: of each stretch its least and its
//! greatest value.

use crate::tracking::run::MetricPoint;

/// Returns at most `max` of the points (at least two), the first and the last among them. A value
/// that is no number stays where its stretch has one, so that a loss that blew up is seen.
pub fn thin(points: Vec<MetricPoint>, max: usize) -> Vec<MetricPoint> {
    let max = max.max(2);
    if points.len() <= max {
        return points;
    }
    let last = points.len() - 1;
    let stretches = ((max - 2) / 2).max(1);
    let mut kept = vec![0];
    if max > 3 {
        for stretch in 0..stretches {
            // The inner points, shared out evenly.
            let from = 1 + stretch * (last - 1) / stretches;
            let to = 1 + (stretch + 1) * (last - 1) / stretches;
            kept.extend(extremes(&points, from..to));
        }
    }
    kept.push(last);
    kept.dedup();
    let mut kept = kept.into_iter().peekable();
    let is_kept = |(at, point): (usize, MetricPoint)| {
        kept.next_if(|next| *next == at).is_some().then_some(point)
    };
    points.into_iter().enumerate().filter_map(is_kept).collect()
}

/// Returns the places of the least and the greatest value, in order.
fn extremes(points: &[MetricPoint], range: std::ops::Range<usize>) -> Vec<usize> {
    let value = |at: &usize| points[*at].value;
    if let Some(odd) = range.clone().find(|at| !value(at).is_finite()) {
        return vec![odd];
    }
    let by_value = |a: &usize, b: &usize| value(a).total_cmp(&value(b));
    let mut found: Vec<usize> = range.clone().min_by(by_value).into_iter().collect();
    found.extend(range.max_by(by_value));
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sample::at;

    fn points(values: impl IntoIterator<Item = f64>) -> Vec<MetricPoint> {
        let point = |(step, value)| MetricPoint { key: "m".into(), value, timestamp: at(0), step };
        (0..).zip(values).map(point).collect()
    }

    #[test]
    fn a_short_history_stays_as_it_is() {
        let all = points([3.0, 1.0, 2.0]);
        assert_eq!(thin(all.clone(), 3), all);
        assert!(thin(Vec::new(), 10).is_empty());
    }

    #[test]
    fn a_long_one_keeps_its_ends_its_peaks_and_what_is_no_number() {
        let mut values: Vec<f64> = (0..10_000).map(|n| f64::from(n % 7)).collect();
        values[4321] = 99.0;
        values[7000] = -50.0;
        values[8000] = f64::NAN;
        let all = points(values);
        for max in [2, 3, 4, 5, 100, 501] {
            let few = thin(all.clone(), max);
            assert!(few.len() <= max && few.len() >= 2, "{max}: {}", few.len());
            assert_eq!((few[0].step, few[few.len() - 1].step), (0, 9999));
            assert!(few.windows(2).all(|pair| pair[0].step < pair[1].step));
        }
        let few = thin(all, 200);
        for step in [4321, 7000, 8000] {
            assert!(few.iter().any(|point| point.step == step), "{step}");
        }
    }
}
