//! Figures of a classification, from true classes and predicted probabilities.

use indexmap::IndexMap;

use super::curve::{calibration, precision_recall};

/// Bins that confidence is sorted into, as many as are drawn.
const CALIBRATION_BINS: usize = 10;

/// Counts true class × predicted class; the predicted class is the most probable, the first of
/// equals.
pub fn confusion_matrix(truth: &[usize], probabilities: &[Vec<f64>]) -> Vec<Vec<usize>> {
    let classes = probabilities.first().map_or(0, Vec::len);
    let mut matrix = vec![vec![0; classes]; classes];
    for (class, row) in truth.iter().zip(probabilities) {
        matrix[*class][argmax(row)] += 1;
    }
    matrix
}

/// Returns accuracy, precision, recall and the like. `roc_auc` and `pr_auc` are of the second
/// class for two classes and the mean of one-versus-rest for more; they are left out where they
/// have no meaning.
pub fn classification(truth: &[usize], probabilities: &[Vec<f64>]) -> IndexMap<String, f64> {
    let matrix = confusion_matrix(truth, probabilities);
    let classes = matrix.len();
    let support: Vec<f64> = matrix.iter().map(|row| row.iter().sum::<usize>() as f64).collect();
    let total: f64 = support.iter().sum();
    let hits: f64 = (0..classes).map(|class| matrix[class][class] as f64).sum();
    let (mut precision, mut recall, mut f1) = (Vec::new(), Vec::new(), Vec::new());
    for class in 0..classes {
        let hit = matrix[class][class] as f64;
        let predicted: f64 = matrix.iter().map(|row| row[class] as f64).sum();
        precision.push(ratio(hit, predicted));
        recall.push(ratio(hit, support[class]));
        f1.push(ratio(2.0 * hit, predicted + support[class]));
    }
    // As in scikit-learn, a class takes part if it was seen or predicted; in the balanced
    // accuracy only if it was seen.
    let present: Vec<usize> = (0..classes)
        .filter(|class| support[*class] > 0.0 || matrix.iter().any(|row| row[*class] > 0))
        .collect();
    let seen: Vec<usize> = (0..classes).filter(|class| support[*class] > 0.0).collect();
    let weighted = |figures: &[f64]| {
        let sum: f64 = figures.iter().zip(&support).map(|(figure, rows)| figure * rows).sum();
        ratio(sum, total)
    };
    let mut metrics = IndexMap::from([
        ("accuracy".to_owned(), ratio(hits, total)),
        ("balanced_accuracy".to_owned(), mean_of(&recall, &seen)),
        ("precision_macro".to_owned(), mean_of(&precision, &present)),
        ("recall_macro".to_owned(), mean_of(&recall, &present)),
        ("f1_macro".to_owned(), mean_of(&f1, &present)),
        ("precision_weighted".to_owned(), weighted(&precision)),
        ("recall_weighted".to_owned(), weighted(&recall)),
        ("f1_weighted".to_owned(), weighted(&f1)),
        ("log_loss".to_owned(), log_loss(truth, probabilities)),
        ("brier".to_owned(), brier(truth, probabilities)),
        ("calibration_error".to_owned(), calibration_error(truth, probabilities)),
    ]);
    if let Some(area) = over_classes(truth, probabilities, area_under_curve) {
        metrics.insert("roc_auc".to_owned(), area);
    }
    if let Some(area) = over_classes(truth, probabilities, average_precision) {
        metrics.insert("pr_auc".to_owned(), area);
    }
    metrics
}

fn argmax(row: &[f64]) -> usize {
    let mut best = 0;
    for (index, value) in row.iter().enumerate() {
        if *value > row[best] {
            best = index;
        }
    }
    best
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

fn mean_of(values: &[f64], indices: &[usize]) -> f64 {
    ratio(indices.iter().map(|index| values[*index]).sum(), indices.len() as f64)
}

/// Mean negative log of the probability given to the true class, kept off 0 by the machine's
/// epsilon as in scikit-learn.
fn log_loss(truth: &[usize], probabilities: &[Vec<f64>]) -> f64 {
    let sum: f64 = truth
        .iter()
        .zip(probabilities)
        .map(|(class, row)| -row[*class].clamp(f64::EPSILON, 1.0).ln())
        .sum();
    ratio(sum, truth.len() as f64)
}

/// Mean square of what is missing to the truth; of two classes it is counted once, as
/// scikit-learn has it, and lies between 0 and 1.
fn brier(truth: &[usize], probabilities: &[Vec<f64>]) -> f64 {
    let of_row = |(class, row): (&usize, &Vec<f64>)| -> f64 {
        let miss = |at: usize| row[at] - f64::from(u8::from(at == *class));
        match row.len() {
            2 => miss(1).powi(2),
            classes => (0..classes).map(|at| miss(at).powi(2)).sum(),
        }
    };
    ratio(truth.iter().zip(probabilities).map(of_row).sum(), truth.len() as f64)
}

/// How far confidence and accuracy of the chosen class lie apart, over bins of confidence.
fn calibration_error(truth: &[usize], probabilities: &[Vec<f64>]) -> f64 {
    let chosen = probabilities.iter().map(|row| argmax(row));
    let (scores, hits): (Vec<f64>, Vec<bool>) = chosen
        .zip(truth.iter().zip(probabilities))
        .map(|(chosen, (class, row))| (row[chosen], chosen == *class))
        .unzip();
    let bins = calibration(&scores, &hits, CALIBRATION_BINS);
    let apart = bins
        .iter()
        .map(|bin| bin.count as f64 * (bin.mean_predicted - bin.fraction_of_positives).abs());
    ratio(apart.sum(), truth.len() as f64)
}

/// Returns the figure of the second of two classes, of more classes the mean of each against
/// the others.
fn over_classes(
    truth: &[usize],
    probabilities: &[Vec<f64>],
    figure: fn(&[f64], &[bool]) -> Option<f64>,
) -> Option<f64> {
    let of = |class: usize| {
        let scores: Vec<f64> = probabilities.iter().map(|row| row[class]).collect();
        let positive: Vec<bool> = truth.iter().map(|found| *found == class).collect();
        figure(&scores, &positive)
    };
    match probabilities.first()?.len() {
        2 => of(1),
        classes => {
            let figures: Option<Vec<f64>> = (0..classes).map(of).collect();
            figures.map(|figures| figures.iter().sum::<f64>() / classes as f64)
        }
    }
}

/// The mean precision at each step of the recall, as the threshold falls. `None` without any
/// positive.
pub fn average_precision(scores: &[f64], positive: &[bool]) -> Option<f64> {
    let curve = precision_recall(scores, positive);
    let mut before = 0.0;
    let area = curve.iter().map(|(recall, precision)| {
        let step = recall - before;
        before = *recall;
        step * precision
    });
    (!curve.is_empty()).then(|| area.sum())
}

/// The share of (positive, negative) pairs in the right order, ties counting half: the rank sum
/// of Mann and Whitney. `None` without both kinds.
pub fn area_under_curve(scores: &[f64], positive: &[bool]) -> Option<f64> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    let positives = positive.iter().filter(|positive| **positive).count() as f64;
    let negatives = scores.len() as f64 - positives;
    if positives == 0.0 || negatives == 0.0 {
        return None;
    }
    let (mut rank_sum, mut start) = (0.0, 0);
    while start < order.len() {
        let tied = order[start..]
            .iter()
            .take_while(|index| scores[**index] == scores[order[start]])
            .count();
        // Ranks count from 1; ties share their mean rank.
        let rank = start as f64 + (tied as f64 + 1.0) / 2.0;
        let hits = order[start..start + tied].iter().filter(|index| positive[**index]).count();
        rank_sum += rank * hits as f64;
        start += tied;
    }
    Some((rank_sum - positives * (positives + 1.0) / 2.0) / (positives * negatives))
}
