//! The families of models behind one trait.
//!
//! A [`Family`] is a name of [`TrainSpec::model`](crate::train::TrainSpec): which
//! hyperparameters it takes, how it likes its numbers, how it is fitted and read back. A fitted
//! [`Estimator`] maps a row of numbers to probabilities or to a value. It never fails: shapes
//! were checked when it was fitted or read.

mod boosted;
mod forest;
mod hyperparameter;
mod linear;
mod logistic;
#[cfg(test)]
mod tests;

pub(crate) use hyperparameter::{Settings, nearest};

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::dag::spec::LearningTask;
use crate::preprocess::{Layout, Matrix};
use crate::train::TrainError;
use hyperparameter::Hyperparameter;

/// A fitted model of numbers, shared by threads.
pub(crate) trait Estimator: fmt::Debug + Send + Sync {
    /// Writes the probability of each class, or the value, for a row of numbers.
    fn predict(&self, row: &[f64], out: &mut [f64]);

    /// Returns how much each number of a row matters; not negative, of any scale.
    fn importance(&self) -> Vec<f64>;

    /// Returns how it got better, where it was learnt round by round: a metric's name, as the
    /// engine calls it, and its value after each round. What was read back has none.
    fn rounds(&self) -> Vec<(String, Vec<f64>)> {
        Vec::new()
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
    pub(crate) settings: &'a Settings,
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
    /// What [`Estimator::importance`] is made of.
    pub(crate) importance: &'static str,
    pub(crate) hyperparameters: &'static [Hyperparameter],
    pub(crate) fit: fn(&Problem<'_>) -> Outcome,
    pub(crate) read: fn(&Value, Shape) -> Outcome,
}

static FAMILIES: [&Family; 5] =
    [&boosted::XGBOOST, &boosted::LIGHTGBM, &forest::FOREST, &logistic::LOGISTIC, &linear::LINEAR];

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
