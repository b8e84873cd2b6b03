//! The families of models behind one trait.
//!
//! A [`Family`] is a name of [`TrainSpec::model`](crate::train::TrainSpec): which
//! hyperparameters it takes, how it likes its numbers, how it is fitted and read back. A fitted
//! [`Estimator`] maps a row of numbers to probabilities or to a value. It never fails: shapes
//! were checked when it was fitted or read.

mod boosted;
mod descent;
mod forest;
mod hyperparameter;
mod linear;
mod logistic;
mod naive_bayes;
mod neighbors;
pub mod reference;
mod svm;
#[cfg(test)]
mod tests;

pub(crate) use hyperparameter::{Hyperparameter, Settings, is_whole, nearest};

use std::fmt;
use std::sync::Arc;

use dagdeck_onnx::{self as onnx, Writer};
use serde_json::Value;

use crate::dag::spec::LearningTask;
use crate::preprocess::{Layout, Matrix};
use crate::train::TrainError;

/// A fitted model of numbers, shared by threads.
pub(crate) trait Estimator: fmt::Debug + Send + Sync {
    /// Writes the probability of each class, or the value, for a row of numbers.
    fn predict(&self, row: &[f64], out: &mut [f64]);

    /// Returns how much each number of a row matters; not negative, of any scale.
    fn importance(&self) -> Vec<f64>;

    /// Returns how much each number moves the answers to the rows (mean absolute SHAP value), where
    /// the engine tells.
    fn contributions(&self, _rows: &Matrix) -> Option<Vec<f64>> {
        None
    }

    /// Returns how it got better, where it was learnt round by round: a metric's name, as the
    /// engine calls it, and its value after each round. What was read back has none.
    fn rounds(&self) -> Vec<(String, Vec<f64>)> {
        Vec::new()
    }

    /// Adds what makes answers of rows of numbers (`f64`): the probability of each class, or the
    /// value, as `f64`, rows by `outputs`. `None`: ONNX has no operators for it.
    fn onnx(&self, _rows: &onnx::Value, _outputs: usize, _to: &mut Writer) -> Option<onnx::Value> {
        None
    }

    /// Returns what [`Family::read`] reads.
    fn to_json(&self) -> Value;
}

/// A fitted model, or why there is none.
pub(crate) type Outcome = Result<Arc<dyn Estimator>, String>;

/// What to learn from: a matrix and its answers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Problem<'a> {
    pub(crate) matrix: &'a Matrix,
    pub(crate) labels: Labels<'a>,
    /// How much each row counts; all the same where there are none.
    pub(crate) weights: Option<&'a [f64]>,
    pub(crate) settings: &'a Settings,
    /// Rows of the training part that are not learnt from: they say when to stop early.
    pub(crate) validation: Option<(&'a Matrix, Labels<'a>)>,
    /// Held-out rows that are judged after each round, and never learnt from.
    pub(crate) watched: Option<(&'a Matrix, Labels<'a>)>,
}

/// The answers to learn.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Labels<'a> {
    /// Classes by number, each below `count`.
    Classes {
        rows: &'a [usize],
        count: usize,
    },
    Numbers(&'a [f64]),
}

impl Labels<'_> {
    /// Returns how many numbers an estimator answers with.
    pub(crate) fn outputs(&self) -> usize {
        match self {
            Labels::Classes { count, .. } => *count,
            Labels::Numbers(_) => 1,
        }
    }
}

/// The numbers that go in and out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) task: LearningTask,
    pub(crate) width: usize,
    pub(crate) outputs: usize,
}

/// A family of models.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) tasks: &'static [LearningTask],
    pub(crate) layout: Layout,
    /// The library that does the work, and its version.
    pub(crate) engine: (&'static str, &'static str),
    /// Whose hyperparameters, defaults and results it has.
    pub(crate) source: &'static str,
    /// What [`Estimator::importance`] is made of.
    pub(crate) importance: &'static str,
    pub(crate) hyperparameters: &'static [Hyperparameter],
    pub(crate) fit: fn(&Problem<'_>) -> Outcome,
    pub(crate) read: fn(&Value, Shape) -> Outcome,
}

static FAMILIES: [&Family; 11] = [
    &boosted::XGBOOST,
    &boosted::LIGHTGBM,
    &forest::FOREST,
    &forest::EXTRA,
    &forest::TREE,
    &logistic::LOGISTIC,
    &linear::LINEAR,
    &linear::ELASTIC,
    &svm::SVM,
    &naive_bayes::NAIVE_BAYES,
    &neighbors::K_NEIGHBORS,
];

const BOTH: &[LearningTask] = &[LearningTask::Classification, LearningTask::Regression];

/// Returns the family of a name.
pub(crate) fn family(model: &str) -> Option<&'static Family> {
    FAMILIES.iter().copied().find(|family| family.name == model)
}

/// Returns the family of a name if it does the task.
pub(crate) fn family_for(model: &str, task: LearningTask) -> Result<&'static Family, TrainError> {
    let Some(found) = family(model) else {
        return Err(TrainError::UnknownModel {
            model: model.to_owned(),
            known: FAMILIES.iter().map(|family| family.name.to_owned()).collect(),
        });
    };
    if found.tasks.contains(&task) {
        return Ok(found);
    }
    let able = FAMILIES.iter().filter(|family| family.tasks.contains(&task));
    Err(TrainError::WrongTask {
        model: model.to_owned(),
        task: match task {
            LearningTask::Classification => "classification",
            LearningTask::Regression => "regression",
        },
        instead: able.map(|family| family.name.to_owned()).collect(),
    })
}

/// Makes probabilities of logits; returns the logarithm of the sum of their exponentials.
fn softmax(logits: &mut [f64]) -> f64 {
    let greatest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for logit in logits.iter_mut() {
        *logit = (*logit - greatest).exp();
        sum += *logit;
    }
    logits.iter_mut().for_each(|logit| *logit /= sum);
    greatest + sum.ln()
}
