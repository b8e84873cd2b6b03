//! Gradient boosted trees, under the names of XGBoost and of LightGBM.
//!
//! Under XGBoost's hessboost grows them; under LightGBM's they grow leaf by leaf by an engine of
//! our own ([`leafwise`]). Neither is the library of that name, and the `engine` says so. All are
//! kept as XGBoost's JSON, so that XGBoost itself can read them, and answered by hessboost.

mod leafwise;
mod lightgbm;
mod onnx;
mod xgboost;

pub(super) use lightgbm::LIGHTGBM;
pub(super) use xgboost::XGBOOST;

use std::num::NonZeroUsize;
use std::sync::Arc;

use dagdeck_onnx::{Value as Node, Writer};
use hessboost::config::{TrainingParams, TrainingParamsBuilder};
use hessboost::data::DMatrix;
use hessboost::model::{BoostedModel, ImportanceType, Iterations, ModelFormat};
use hessboost::objective::{Multiclass, Objective, RegLoss};
use hessboost::training::{EvalHistory, Trainer};
use serde_json::Value;

use super::hyperparameter::{Hyperparameter, Kind, SHARE};
use super::{Estimator, Labels, Outcome, Problem, Shape};
use crate::dag::spec::LearningTask;
use crate::preprocess::Matrix;

/// Matrices up to this many numbers are learnt on one thread: starting more takes longer.
const SMALL: usize = 200_000;

const EARLY_STOPPING_ROUNDS: Hyperparameter = Hyperparameter {
    name: "early_stopping_rounds",
    aliases: &["early_stopping_round", "n_iter_no_change"],
    kind: Kind::OptionalInteger { min: 1, max: 10_000 },
    default: |_| Value::Null,
};
/// Of the training part, what early stopping is judged by; learnt from where there is none.
const VALIDATION_FRACTION: Hyperparameter = Hyperparameter {
    name: "validation_fraction",
    aliases: &[],
    kind: SHARE,
    default: |_| Value::from(0.1),
};

/// Boosted trees.
#[derive(Debug)]
struct Boosted {
    model: BoostedModel,
    task: LearningTask,
    rounds: Vec<(String, Vec<f64>)>,
}

fn task(labels: Labels<'_>) -> LearningTask {
    match labels {
        Labels::Classes { .. } => LearningTask::Classification,
        Labels::Numbers(_) => LearningTask::Regression,
    }
}

/// Adds objective, threads and seed to the parameters, and trains.
fn fit(
    problem: &Problem<'_>,
    params: TrainingParamsBuilder,
    rounds: usize,
) -> Result<Boosted, String> {
    let objective = match problem.labels {
        Labels::Classes { count: 2, .. } => Objective::BinaryLogistic(RegLoss::default()),
        Labels::Classes { count, .. } => {
            Objective::Softprob(Multiclass::new(count).map_err(|e| e.to_string())?)
        }
        Labels::Numbers(_) => Objective::SquaredError(RegLoss::default()),
    };
    let params = params.objective(objective).seed(problem.settings.seed());
    let small = problem.matrix.values().len() <= SMALL;
    let params = if small { params.nthread(1) } else { params.global_pool() };
    let params: TrainingParams = params.build().map_err(|error| error.to_string())?;
    let patience =
        problem.settings.early_stopping().and_then(|(rounds, _)| NonZeroUsize::new(rounds));
    let trained = labelled(problem.matrix, problem.labels).and_then(|matrix| {
        let matrix = match problem.weights {
            None => matrix,
            Some(weights) => {
                matrix.with_weights(&weights.iter().map(|w| *w as f32).collect::<Vec<_>>())?
            }
        };
        let watched = problem.watched.map(|(of, labels)| labelled(of, labels)).transpose()?;
        let validation = problem.validation.map(|(of, labels)| labelled(of, labels)).transpose()?;
        let mut trainer = Trainer::new(&params, &matrix, rounds);
        if let Some(watched) = &watched {
            trainer = trainer.eval(&matrix, "train").eval(watched, "test");
        }
        // The engine stops by what is told last: never by the rows that are held out.
        if let (Some(validation), Some(patience)) = (&validation, patience) {
            trainer = trainer.eval(validation, "validation").early_stopping_rounds(patience);
        }
        let trained = trainer.train()?;
        let model = match trained.model.best_iteration() {
            Some(best) => trained.model.slice(..=best, 1)?,
            None => trained.model,
        };
        Ok((model, by_metric(&trained.history)))
    });
    let (model, rounds) = trained.map_err(|error| error.to_string())?;
    Ok(Boosted { model, task: task(problem.labels), rounds })
}

/// Names each metric as XGBoost's callbacks do: `test-logloss`.
fn by_metric(history: &EvalHistory) -> Vec<(String, Vec<f64>)> {
    let mut all: Vec<(String, Vec<f64>)> = Vec::new();
    for round in history.rounds() {
        for (at, (dataset, metric, score)) in round.scores().enumerate() {
            if all.len() <= at {
                all.push((format!("{dataset}-{metric}"), Vec::with_capacity(history.len())));
            }
            all[at].1.push(score);
        }
    }
    all
}

fn labelled(matrix: &Matrix, labels: Labels<'_>) -> hessboost::error::Result<DMatrix> {
    let labels: Vec<f32> = match labels {
        Labels::Classes { rows, .. } => rows.iter().map(|class| *class as f32).collect(),
        Labels::Numbers(values) => values.iter().map(|value| *value as f32).collect(),
    };
    let values = matrix.values().iter().map(|value| *value as f32).collect();
    DMatrix::from_dense_vec(values, matrix.len(), matrix.width())?.with_labels(&labels)
}

fn decode(document: &Value) -> Result<BoostedModel, String> {
    BoostedModel::decode(document.to_string(), ModelFormat::XgboostJson)
        .map_err(|error| error.to_string())
}

/// Reads XGBoost's JSON.
fn read(value: &Value, shape: Shape) -> Outcome {
    let model = decode(value)?;
    let outputs = match (shape.task, shape.outputs) {
        (LearningTask::Classification, 2) => 1,
        (_, outputs) => outputs,
    };
    if model.n_features() != shape.width || model.prediction_width() != outputs {
        return Err(format!(
            "they take {} numbers and give {}, where {} and {outputs} are needed",
            model.n_features(),
            model.prediction_width(),
            shape.width
        ));
    }
    Ok(Arc::new(Boosted { model, task: shape.task, rounds: Vec::new() }))
}

impl Estimator for Boosted {
    fn predict(&self, row: &[f64], out: &mut [f64]) {
        // NaN is a missing value and stays; infinity is refused by the engine.
        let number = |value: &f64| (*value as f32).clamp(f32::MIN, f32::MAX);
        let row: Vec<f32> = row.iter().map(number).collect();
        let mut found = vec![0.0_f32; self.model.prediction_width()];
        self.model
            .predict_row_into(&row, Iterations::Best, &mut found)
            .expect("widths were checked and no number is infinite");
        match (self.task, found.as_slice()) {
            (LearningTask::Regression, _) => out[0] = f64::from(found[0]),
            (LearningTask::Classification, [positive]) => {
                out[1] = f64::from(*positive);
                out[0] = 1.0 - out[1];
            }
            (LearningTask::Classification, all) => {
                // As `f32` they sum to 1 only within its precision.
                let sum: f64 = all.iter().copied().map(f64::from).sum();
                for (out, probability) in out.iter_mut().zip(all) {
                    *out = f64::from(*probability) / sum;
                }
            }
        }
    }

    fn importance(&self) -> Vec<f64> {
        let mut gains = vec![0.0; self.model.n_features()];
        for (feature, gain) in self.model.feature_importance(ImportanceType::TotalGain) {
            gains[feature] = gain.max(0.0);
        }
        gains
    }

    fn contributions(&self, rows: &Matrix) -> Option<Vec<f64>> {
        let values = rows.values().iter().map(|value| (*value as f32).clamp(f32::MIN, f32::MAX));
        let data = DMatrix::from_dense_vec(values.collect(), rows.len(), rows.width()).ok()?;
        let told = self.model.predict_contribs(&data, Iterations::Best).ok()?;
        let mut sums = vec![0.0; rows.width()];
        // Of each row and output one number a column, then the bias.
        for of_output in told.as_slice().chunks_exact(rows.width() + 1) {
            sums.iter_mut().zip(of_output).for_each(|(sum, value)| *sum += f64::from(value.abs()));
        }
        Some(sums)
    }

    fn rounds(&self) -> Vec<(String, Vec<f64>)> {
        self.rounds.clone()
    }

    fn onnx(&self, rows: &Node, outputs: usize, to: &mut Writer) -> Option<Node> {
        onnx::write(&self.to_json(), rows, outputs, to)
    }

    fn to_json(&self) -> Value {
        let bytes = self.model.encode(ModelFormat::XgboostJson);
        let bytes = bytes.expect("trees with one value a leaf are within XGBoost's format");
        serde_json::from_slice(&bytes).expect("XGBoost's format is JSON")
    }
}
