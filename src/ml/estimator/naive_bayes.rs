//! Gaussian naive Bayes: within a class every number is normal, and on its own.

use std::f64::consts::TAU;
use std::sync::Arc;

use dagdeck_onnx::{self as onnx, Writer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::hyperparameter::{CLASS_WEIGHT, Hyperparameter, Kind};
use super::{Estimator, Family, Labels, Outcome, Problem, Shape, softmax};
use crate::dag::spec::LearningTask;
use crate::preprocess::Layout;

pub(super) static NAIVE_BAYES: Family = Family {
    name: "naive_bayes",
    tasks: &[LearningTask::Classification],
    layout: Layout::Filled,
    engine: ("dagdeck", env!("CARGO_PKG_VERSION")),
    source: "scikit-learn `GaussianNB`",
    importance: "variance_between_classes",
    hyperparameters: &[
        Hyperparameter {
            name: "var_smoothing",
            aliases: &[],
            kind: Kind::Number { min: 0.0, max: 1.0, closed: false },
            default: |_| Value::from(1e-9),
        },
        CLASS_WEIGHT,
    ],
    fit,
    read,
};

/// What a class is like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Class {
    prior: f64,
    means: Vec<f64>,
    variances: Vec<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct NaiveBayes {
    classes: Vec<Class>,
}

fn fit(problem: &Problem<'_>) -> Outcome {
    let Labels::Classes { rows: truth, count } = problem.labels else {
        return Err("the target is not a class".to_owned());
    };
    let weight = |row: usize| problem.weights.map_or(1.0, |weights| weights[row]);
    let width = problem.matrix.width();
    let all = moments(problem, width, |_| 1.0).1;
    let widest = all.into_iter().fold(0.0, f64::max);
    // Where no column varies at all, any width will do.
    let least = problem.settings.number("var_smoothing") * if widest > 0.0 { widest } else { 1.0 };
    let total: f64 = (0..truth.len()).map(weight).sum();
    let classes = (0..count).map(|class| {
        let of = |row: usize| if truth[row] == class { weight(row) } else { 0.0 };
        let (means, mut variances) = moments(problem, width, of);
        variances.iter_mut().for_each(|variance| *variance += least);
        let prior = (0..truth.len()).map(of).sum::<f64>() / total;
        Class { prior, means, variances }
    });
    let fitted = NaiveBayes { classes: classes.collect() };
    if fitted.fault(width, count) {
        return Err("a class has no rows to learn from".to_owned());
    }
    Ok(Arc::new(fitted))
}

/// Returns mean and variance of each column over weighted rows.
fn moments(
    problem: &Problem<'_>,
    width: usize,
    weight: impl Fn(usize) -> f64,
) -> (Vec<f64>, Vec<f64>) {
    let total: f64 = (0..problem.matrix.len()).map(&weight).sum();
    let mut means = vec![0.0; width];
    for (number, row) in problem.matrix.rows().enumerate() {
        let share = weight(number) / total;
        means.iter_mut().zip(row).for_each(|(mean, value)| *mean += share * value);
    }
    let mut variances = vec![0.0; width];
    for (number, row) in problem.matrix.rows().enumerate() {
        let share = weight(number) / total;
        for ((variance, mean), value) in variances.iter_mut().zip(&means).zip(row) {
            *variance += share * (value - mean).powi(2);
        }
    }
    (means, variances)
}

fn read(value: &Value, shape: Shape) -> Outcome {
    let read = NaiveBayes::deserialize(value).map_err(|error| error.to_string())?;
    match read.fault(shape.width, shape.outputs) {
        true => Err("classes of another shape".to_owned()),
        false => Ok(Arc::new(read)),
    }
}

impl NaiveBayes {
    fn fault(&self, width: usize, count: usize) -> bool {
        let sound = |class: &Class| {
            class.means.len() == width
                && class.variances.len() == width
                && class.prior > 0.0
                && class.means.iter().all(|mean| mean.is_finite())
                && class.variances.iter().all(|variance| variance.is_finite() && *variance > 0.0)
        };
        self.classes.len() != count || !self.classes.iter().all(sound)
    }
}

impl Estimator for NaiveBayes {
    fn predict(&self, row: &[f64], out: &mut [f64]) {
        for (out, class) in out.iter_mut().zip(&self.classes) {
            let terms = row.iter().zip(class.means.iter().zip(&class.variances));
            let sum: f64 = terms
                .map(|(value, (mean, variance))| {
                    (TAU * variance).ln() + (value - mean).powi(2) / variance
                })
                .sum();
            *out = class.prior.ln() - 0.5 * sum;
        }
        softmax(out);
    }

    fn importance(&self) -> Vec<f64> {
        let width = self.classes.first().map_or(0, |class| class.means.len());
        let between = |column: usize| {
            let sum = |of: &dyn Fn(&Class) -> f64| -> f64 {
                self.classes.iter().map(|class| class.prior * of(class)).sum()
            };
            let mean = sum(&|class| class.means[column]);
            let within = sum(&|class| class.variances[column]);
            sum(&|class| (class.means[column] - mean).powi(2)) / within
        };
        (0..width).map(between).collect()
    }

    fn onnx(&self, rows: &onnx::Value, _: usize, to: &mut Writer) -> Option<onnx::Value> {
        let scores = self.classes.iter().map(|class| {
            let width = class.means.len();
            let means = to.doubles(&[1, width], class.means.clone());
            let apart = to.node(("", "Sub"), &[rows, &means], Vec::new());
            let squares = to.node(("", "Mul"), &[&apart, &apart], Vec::new());
            let weights = class.variances.iter().map(|variance| -0.5 / variance).collect();
            let spread: f64 = class.variances.iter().map(|variance| (TAU * variance).ln()).sum();
            to.line(&squares, (weights, 1), vec![class.prior.ln() - 0.5 * spread])
        });
        let scores: Vec<onnx::Value> = scores.collect();
        let scores: Vec<&onnx::Value> = scores.iter().collect();
        let scores = to.node(("", "Concat"), &scores, vec![onnx::Attribute::int("axis", 1)]);
        Some(to.softmax(&scores))
    }

    fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("finite numbers are JSON")
    }
}
