//! Curves of a classification, for one class against the others.

/// Returns the curve of false against true positive rates as the threshold falls, from (0, 0) to
/// (1, 1), in at most `max` points. Empty without both kinds.
pub fn roc_curve(scores: &[f64], positive: &[bool], max: usize) -> Vec<(f64, f64)> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    let positives = positive.iter().filter(|positive| **positive).count();
    let negatives = scores.len() - positives;
    if positives == 0 || negatives == 0 {
        return Vec::new();
    }
    let (mut hits, mut alarms) = (0_usize, 0_usize);
    let mut curve = vec![(0, 0)];
    for (at, row) in order.iter().enumerate() {
        hits += usize::from(positive[*row]);
        alarms += usize::from(!positive[*row]);
        let is_tied = order.get(at + 1).is_some_and(|next| scores[*next] == scores[*row]);
        // As scikit-learn, only corners: a point on the line between two others says nothing.
        if !is_tied {
            while let [.., (x0, y0), (x1, y1)] = curve.as_slice()
                && (x1 - x0) * (hits - y1) == (alarms - x1) * (y1 - y0)
            {
                curve.pop();
            }
            curve.push((alarms, hits));
        }
    }
    let last = curve.len() - 1;
    let step = last.div_ceil(max.max(2) - 1).max(1);
    let kept = curve.iter().enumerate().filter(|(at, _)| at % step == 0 || *at == last);
    kept.map(|(_, (x, y))| (*x as f64 / negatives as f64, *y as f64 / positives as f64)).collect()
}

/// Returns (recall, precision) at each different score, the greatest first. Empty without any
/// positive.
pub(super) fn precision_recall(scores: &[f64], positive: &[bool]) -> Vec<(f64, f64)> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    let positives = positive.iter().filter(|positive| **positive).count() as f64;
    if positives == 0.0 {
        return Vec::new();
    }
    let (mut hits, mut curve) = (0.0, Vec::new());
    for (at, row) in order.iter().enumerate() {
        hits += f64::from(u8::from(positive[*row]));
        if order.get(at + 1).is_none_or(|next| scores[*next] != scores[*row]) {
            curve.push((hits / positives, hits / (at + 1) as f64));
        }
    }
    curve
}

/// Returns the curve of precision over recall in at most `max` points, from recall 0 on.
pub fn precision_recall_curve(scores: &[f64], positive: &[bool], max: usize) -> Vec<(f64, f64)> {
    let mut curve = precision_recall(scores, positive);
    if let Some((_, precision)) = curve.first().copied() {
        curve.insert(0, (0.0, precision));
    }
    let last = curve.len().saturating_sub(1);
    let step = last.div_ceil(max.max(2) - 1).max(1);
    let kept = curve.iter().enumerate().filter(|(at, _)| at % step == 0 || *at == last);
    kept.map(|(_, point)| *point).collect()
}

/// Rows of like probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CalibrationBin {
    pub mean_predicted: f64,
    pub fraction_of_positives: f64,
    pub count: usize,
}

/// Sorts rows into `bins` of equal width by their probability; those without rows are left out.
pub fn calibration(scores: &[f64], positive: &[bool], bins: usize) -> Vec<CalibrationBin> {
    let mut sums = vec![(0.0, 0_usize, 0_usize); bins];
    for (score, is_positive) in scores.iter().zip(positive) {
        let bin = ((score * bins as f64) as usize).min(bins - 1);
        sums[bin].0 += score;
        sums[bin].1 += usize::from(*is_positive);
        sums[bin].2 += 1;
    }
    let filled = sums.into_iter().filter(|(_, _, count)| *count > 0);
    filled
        .map(|(sum, hits, count)| CalibrationBin {
            mean_predicted: sum / count as f64,
            fraction_of_positives: hits as f64 / count as f64,
            count,
        })
        .collect()
}
