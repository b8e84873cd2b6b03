//! Logistic regression by linfa, multinomial for more than two classes.
//!
//! It finds scikit-learn's solution for `C` up to some 100. With hardly any penalty, on classes
//! that can be told apart, linfa's multinomial loss loses precision and stops earlier.

use std::sync::Arc;

use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_logistic::{LogisticRegression, MultiLogisticRegression};
use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::hyperparameter::{Hyperparameter, Kind};
use super::{Estimator, Family, Labels, Outcome, Problem, Shape};
use crate::dag::spec::LearningTask;
use crate::preprocess::Layout;

pub(super) static LOGISTIC: Family = Family {
    name: "logistic_regression",
    tasks: &[LearningTask::Classification],
    layout: Layout::Scaled,
    engine: ("linfa-logistic", "0.8.1"),
    importance: "coefficient",
    hyperparameters: &[
        Hyperparameter {
            name: "C",
            aliases: &[],
            kind: Kind::Number { min: 0.0, max: 1e6, closed: false },
            default: |_| Value::from(1.0),
        },
        Hyperparameter {
            name: "max_iter",
            aliases: &[],
            kind: Kind::Integer { min: 1, max: 100_000 },
            default: |_| Value::from(100),
        },
        Hyperparameter {
            name: "tol",
            aliases: &[],
            kind: Kind::Number { min: 0.0, max: 1.0, closed: false },
            default: |_| Value::from(1e-4),
        },
    ],
    fit,
    read,
};

/// For each class an intercept and a coefficient for each number; probabilities are the softmax.
/// Of two classes the first has zeros.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Logits {
    intercepts: Vec<f64>,
    coefficients: Vec<Vec<f64>>,
}

fn fit(problem: &Problem<'_>) -> Outcome {
    let Labels::Classes { rows, count } = problem.labels else {
        return Err("the target is not a class".to_owned());
    };
    let (length, width) = (problem.matrix.len(), problem.matrix.width());
    let records = Array2::from_shape_vec((length, width), problem.matrix.values().to_vec())
        .map_err(|error| error.to_string())?;
    let data = DatasetBase::new(records, Array1::from(rows.to_vec()));
    // scikit-learn weighs the loss by C where linfa weighs the penalty by alpha: C = 1 / alpha.
    let (alpha, tolerance) = (1.0 / problem.settings.number("C"), problem.settings.number("tol"));
    let iterations = problem.settings.count("max_iter").unwrap_or(1) as u64;
    let logits = if count == 2 {
        let fitted = LogisticRegression::default()
            .alpha(alpha)
            .gradient_tolerance(tolerance)
            .max_iterations(iterations)
            .fit(&data)
            .map_err(|error| error.to_string())?;
        // linfa gives the logit of the class it calls positive: the one with more rows.
        let sign = if fitted.labels().pos.class == 1 { 1.0 } else { -1.0 };
        Logits {
            intercepts: vec![0.0, sign * fitted.intercept()],
            coefficients: vec![
                vec![0.0; width],
                fitted.params().iter().map(|param| sign * param).collect(),
            ],
        }
    } else {
        let fitted = MultiLogisticRegression::default()
            .alpha(alpha)
            .gradient_tolerance(tolerance)
            .max_iterations(iterations)
            .fit(&data)
            .map_err(|error| error.to_string())?;
        Logits {
            intercepts: fitted.intercept().to_vec(),
            coefficients: fitted.params().columns().into_iter().map(|c| c.to_vec()).collect(),
        }
    };
    if logits.is_finite() { Ok(Arc::new(logits)) } else { Err("no finite solution".to_owned()) }
}

fn read(value: &Value, shape: Shape) -> Outcome {
    let logits = Logits::deserialize(value).map_err(|error| error.to_string())?;
    let fits = logits.intercepts.len() == shape.outputs
        && logits.coefficients.len() == shape.outputs
        && logits.coefficients.iter().all(|c| c.len() == shape.width);
    if fits { Ok(Arc::new(logits)) } else { Err("coefficients of another shape".to_owned()) }
}

impl Logits {
    fn is_finite(&self) -> bool {
        let mut all = self.intercepts.iter().chain(self.coefficients.iter().flatten());
        all.all(|number| number.is_finite())
    }
}

impl Estimator for Logits {
    fn predict(&self, row: &[f64], out: &mut [f64]) {
        for (class, out) in out.iter_mut().enumerate() {
            let terms = self.coefficients[class].iter().zip(row);
            *out = self.intercepts[class] + terms.map(|(c, value)| c * value).sum::<f64>();
        }
        let greatest = out.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut sum = 0.0;
        for out in out.iter_mut() {
            *out = (*out - greatest).exp();
            sum += *out;
        }
        for out in out.iter_mut() {
            *out /= sum;
        }
    }

    fn importance(&self) -> Vec<f64> {
        let width = self.coefficients.first().map_or(0, Vec::len);
        (0..width).map(|column| self.coefficients.iter().map(|c| c[column].abs()).sum()).collect()
    }

    fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("finite numbers are JSON")
    }
}
