//! Fitting on some rows and judging on others.

use std::sync::Arc;

use indexmap::IndexMap;

use super::TrainError;
use crate::ml::dataset::{Dataset, Target};
use crate::ml::estimator::{Estimator, Family, Labels, Problem, Settings};
use crate::ml::metric;
use crate::ml::preprocess::Preprocess;

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

/// Learns from the given rows.
pub(super) fn fit(
    dataset: &Dataset,
    rows: &[usize],
    family: &Family,
    settings: &Settings,
) -> Result<Fit, TrainError> {
    let failed = |reason| TrainError::Fit { model: family.name.to_owned(), reason };
    let preprocess = Preprocess::fit(&dataset.features, rows, family.layout);
    if preprocess.width() == 0 {
        return Err(failed("no column has a value to learn from".to_owned()));
    }
    let matrix = preprocess.matrix(&dataset.features, rows);
    let (classes, numbers);
    let labels = match &dataset.target_values {
        Target::Classes { classes: names, rows: of } => {
            classes = rows.iter().map(|row| of[*row]).collect::<Vec<_>>();
            Labels::Classes { rows: &classes, count: names.len() }
        }
        Target::Numbers(values) => {
            numbers = rows.iter().map(|row| values[*row]).collect::<Vec<_>>();
            Labels::Numbers(&numbers)
        }
    };
    let estimator = (family.fit)(&Problem { matrix: &matrix, labels, settings }).map_err(failed)?;
    Ok(Fit { preprocess, estimator })
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
