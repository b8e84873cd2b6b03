//! Fitting on some rows and judging on others.

use std::sync::Arc;

use indexmap::IndexMap;

use super::TrainError;
use crate::dataset::{Dataset, Target};
use crate::estimator::{Estimator, Family, Labels, Problem, Settings};
use crate::metric;
use crate::preprocess::Preprocess;

/// Preprocessing and estimator, fitted on the same rows.
#[derive(Debug, Clone)]
pub(super) struct Fit {
    pub(super) preprocess: Preprocess,
    pub(super) estimator: Arc<dyn Estimator>,
}

/// Answers to held-out rows, beside the truth.
#[derive(Debug)]
pub(super) enum Judged {
    Classes { truth: Vec<usize>, probabilities: Vec<Vec<f64>> },
    Numbers { truth: Vec<f64>, predicted: Vec<f64> },
}

/// Learns from the given rows; the `watched` ones, if any, are judged on the way.
pub(super) fn fit(
    dataset: &Dataset,
    rows: &[usize],
    watched: &[usize],
    family: &Family,
    settings: &Settings,
) -> Result<Fit, TrainError> {
    let failed = |reason| TrainError::Fit { model: family.name.to_owned(), reason };
    let preprocess = Preprocess::fit(&dataset.features, rows, family.layout);
    if preprocess.width() == 0 {
        return Err(failed("no column has a value to learn from".to_owned()));
    }
    let matrix = preprocess.matrix(&dataset.features, rows);
    let watched_matrix = preprocess.matrix(&dataset.features, watched);
    let (answers, watched_answers) = (Answers::of(dataset, rows), Answers::of(dataset, watched));
    let problem = Problem {
        matrix: &matrix,
        labels: answers.labels(),
        settings,
        watched: (!watched.is_empty()).then(|| (&watched_matrix, watched_answers.labels())),
    };
    let estimator = (family.fit)(&problem).map_err(failed)?;
    Ok(Fit { preprocess, estimator })
}

/// The answers of some rows.
enum Answers {
    Classes { rows: Vec<usize>, count: usize },
    Numbers(Vec<f64>),
}

impl Answers {
    fn of(dataset: &Dataset, rows: &[usize]) -> Self {
        match &dataset.target_values {
            Target::Classes { classes, rows: of } => Self::Classes {
                rows: rows.iter().map(|row| of[*row]).collect(),
                count: classes.len(),
            },
            Target::Numbers(values) => Self::Numbers(rows.iter().map(|row| values[*row]).collect()),
        }
    }

    fn labels(&self) -> Labels<'_> {
        match self {
            Self::Classes { rows, count } => Labels::Classes { rows, count: *count },
            Self::Numbers(values) => Labels::Numbers(values),
        }
    }
}

/// Answers the given rows.
pub(super) fn judge(dataset: &Dataset, rows: &[usize], fit: &Fit) -> Judged {
    let matrix = fit.preprocess.matrix(&dataset.features, rows);
    let answer = |row: &[f64], outputs: usize| {
        let mut out = vec![0.0; outputs];
        fit.estimator.predict(row, &mut out);
        out
    };
    match &dataset.target_values {
        Target::Classes { classes, rows: of } => Judged::Classes {
            truth: rows.iter().map(|row| of[*row]).collect(),
            probabilities: matrix.rows().map(|row| answer(row, classes.len())).collect(),
        },
        Target::Numbers(values) => Judged::Numbers {
            truth: rows.iter().map(|row| values[*row]).collect(),
            predicted: matrix.rows().map(|row| answer(row, 1)[0]).collect(),
        },
    }
}

impl Judged {
    /// Returns the figures.
    pub(super) fn metrics(&self) -> IndexMap<String, f64> {
        match self {
            Judged::Classes { truth, probabilities } => {
                metric::classification(truth, probabilities)
            }
            Judged::Numbers { truth, predicted } => metric::regression(truth, predicted),
        }
    }
}
