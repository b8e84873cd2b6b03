//! What a fitted model rests on: which columns it misses most when their values are mixed up, and
//! how much each column moves its answers.

use indexmap::IndexMap;

use super::evaluate::{Fit, Judged, judge_matrix};
use crate::dag::spec::LearningTask;
use crate::dataset::Dataset;
use crate::preprocess::Matrix;
use crate::random::{Random, Stream};

/// How often each column is mixed up, as scikit-learn does by default.
const REPEATS: usize = 5;
/// Answers that are asked for all in all: of many columns fewer rows are taken.
const ANSWERS_MAX: usize = 50_000;
const ROWS_MIN: usize = 30;
/// Rows that contributions are told of, at most.
const ROWS_EXPLAINED_MAX: usize = 500;

/// The metric whose drop counts.
pub(super) fn score_name(task: LearningTask) -> &'static str {
    match task {
        LearningTask::Classification => "accuracy",
        LearningTask::Regression => "r2",
    }
}

/// Returns by how much the score drops, on average, when the values of a column are dealt out
/// anew over the rows; greatest first. A column's indicators are moved together.
pub(super) fn permutation(
    dataset: &Dataset,
    rows: &[usize],
    fit: &Fit,
    seed: u64,
) -> IndexMap<String, f64> {
    let mut random = Random::new(seed, Stream::Permutation);
    let columns = dataset.features.len().max(1);
    let most = (ANSWERS_MAX / (columns * REPEATS)).max(ROWS_MIN);
    let rows = sample(rows, most, &mut random);
    let matrix = fit.preprocess.matrix(&dataset.features, &rows);
    let name = score_name(dataset.task);
    let score = |matrix: &Matrix| -> f64 {
        let judged: Judged = judge_matrix(dataset, &rows, matrix, fit);
        judged.metrics().get(name).copied().unwrap_or(0.0)
    };
    let whole = score(&matrix);
    let mut start = 0;
    let mut drops: Vec<(String, f64)> = Vec::new();
    for (column, width) in dataset.features.iter().zip(fit.preprocess.widths()) {
        let mut sum = 0.0;
        // What is not encoded cannot be missed.
        let repeats = if width == 0 { 0 } else { REPEATS };
        for _ in 0..repeats {
            let mut order: Vec<usize> = (0..rows.len()).collect();
            random.shuffle(&mut order);
            let mut values = matrix.values().to_vec();
            for (to, from) in order.iter().enumerate() {
                let at = to * matrix.width() + start;
                values[at..at + width].copy_from_slice(&matrix.row(*from)[start..start + width]);
            }
            sum += (whole - score(&Matrix::new(values, matrix.width()))) / REPEATS as f64;
        }
        drops.push((column.name.clone(), sum));
        start += width;
    }
    drops.sort_by(|a, b| b.1.total_cmp(&a.1));
    drops.into_iter().collect()
}

/// Returns each column's share of what moves the answers (mean absolute SHAP value), greatest
/// first; `None` where the engine does not tell.
pub(super) fn contributions(
    dataset: &Dataset,
    rows: &[usize],
    fit: &Fit,
    seed: u64,
) -> Option<IndexMap<String, f64>> {
    let mut random = Random::new(seed, Stream::Permutation);
    let rows = sample(rows, ROWS_EXPLAINED_MAX, &mut random);
    let matrix = fit.preprocess.matrix(&dataset.features, &rows);
    Some(super::artifact::by_column(dataset, fit, &fit.estimator.contributions(&matrix)?))
}

/// Returns at most `most` of the rows, in their order.
pub(crate) fn sample(rows: &[usize], most: usize, random: &mut Random) -> Vec<usize> {
    let mut rows = rows.to_vec();
    if rows.len() > most {
        random.shuffle(&mut rows);
        rows.truncate(most);
        rows.sort_unstable();
    }
    rows
}
