//! Fitting on some rows and judging on others.

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value;

use super::{TrainError, split};
use crate::batch::most_probable;
use crate::dataset::{Dataset, Target};
use crate::estimator::{Estimator, Family, Labels, Problem, Settings};
use crate::metric;
use crate::preprocess::{Matrix, Preprocess};
use crate::profile::{self, AnswersProfile};

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
    seed: u64,
) -> Result<Fit, TrainError> {
    let failed = |reason| TrainError::Fit { model: family.name.to_owned(), reason };
    // What early stopping is judged by is not learnt from, by the preprocessing neither.
    let (rows, validation) = match settings.early_stopping() {
        Some((_, share)) => split::validation(dataset, rows, seed, share),
        None => (rows.to_vec(), Vec::new()),
    };
    let preprocess = Preprocess::fit(&dataset.features, &rows, family.layout);
    if preprocess.width() == 0 {
        return Err(failed("no column has a value to learn from".to_owned()));
    }
    let of =
        |rows: &[usize]| (preprocess.matrix(&dataset.features, rows), Answers::of(dataset, rows));
    let (matrix, answers) = of(&rows);
    let (watched_matrix, watched_answers) = of(watched);
    let (validation_matrix, validation_answers) = of(&validation);
    let weights = weights(dataset, &answers, settings)?;
    let problem = Problem {
        matrix: &matrix,
        labels: answers.labels(),
        weights: weights.as_deref(),
        settings,
        validation: (!validation.is_empty())
            .then(|| (&validation_matrix, validation_answers.labels())),
        watched: (!watched.is_empty()).then(|| (&watched_matrix, watched_answers.labels())),
    };
    let estimator = (family.fit)(&problem).map_err(failed)?;
    Ok(Fit { preprocess, estimator })
}

/// Returns how much each row counts by its class; none where all count the same.
fn weights(
    dataset: &Dataset,
    answers: &Answers,
    settings: &Settings,
) -> Result<Option<Vec<f64>>, TrainError> {
    let (Some(given), Answers::Classes { rows, count }) = (settings.class_weight(), answers) else {
        return Ok(None);
    };
    let of_class: Vec<f64> = match given.as_object() {
        Some(named) => {
            let classes = dataset.classes();
            if let Some(stranger) = named.keys().find(|name| !classes.contains(name)) {
                return Err(TrainError::Hyperparameter {
                    name: "class_weight".to_owned(),
                    found: format!("a table that names `{stranger}`"),
                    expected: format!("classes of the data set: {}", classes.join(", ")),
                });
            }
            // As in scikit-learn, who is not named counts once.
            let weight = |class: &String| named.get(class).and_then(Value::as_f64).unwrap_or(1.0);
            classes.iter().map(weight).collect()
        }
        None => {
            let mut counts = vec![0_usize; *count];
            rows.iter().for_each(|class| counts[*class] += 1);
            let even = rows.len() as f64 / *count as f64;
            counts.iter().map(|rows| even / (*rows).max(1) as f64).collect()
        }
    };
    Ok(Some(rows.iter().map(|class| of_class[*class]).collect()))
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
    judge_matrix(dataset, rows, &fit.preprocess.matrix(&dataset.features, rows), fit)
}

/// Answers the given rows by the numbers that stand for them.
pub(super) fn judge_matrix(
    dataset: &Dataset,
    rows: &[usize],
    matrix: &Matrix,
    fit: &Fit,
) -> Judged {
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
    /// Describes what was answered.
    pub(super) fn profile(&self, classes: &[String]) -> AnswersProfile {
        match self {
            Self::Classes { probabilities, .. } => AnswersProfile {
                rows: probabilities.len(),
                values: profile::categories(
                    probabilities.iter().map(|row| classes.get(most_probable(row)).cloned()),
                ),
            },
            Self::Numbers { predicted, .. } => AnswersProfile {
                rows: predicted.len(),
                values: profile::numbers(predicted.iter().copied().map(Some)),
            },
        }
    }

    /// Returns the answers at some places.
    pub(super) fn part(&self, places: &[usize]) -> Self {
        match self {
            Judged::Classes { truth, probabilities } => Judged::Classes {
                truth: places.iter().map(|place| truth[*place]).collect(),
                probabilities: places.iter().map(|place| probabilities[*place].clone()).collect(),
            },
            Judged::Numbers { truth, predicted } => Judged::Numbers {
                truth: places.iter().map(|place| truth[*place]).collect(),
                predicted: places.iter().map(|place| predicted[*place]).collect(),
            },
        }
    }

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
