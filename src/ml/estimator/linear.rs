//! Least squares by linfa.

use std::sync::Arc;

use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_linear::LinearRegression;
use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Estimator, Family, Labels, Outcome, Problem, Shape};
use crate::dag::spec::LearningTask;
use crate::preprocess::Layout;

pub(super) static LINEAR: Family = Family {
    name: "linear_regression",
    tasks: &[LearningTask::Regression],
    layout: Layout::Scaled,
    engine: ("linfa-linear", "0.8.1"),
    importance: "coefficient",
    hyperparameters: &[],
    fit,
    read,
};

/// A ridge too small to be seen in a coefficient. It picks the shortest solution where columns
/// depend on each other, as the indicators of a text column always do, and least squares alone
/// has none.
const RIDGE: f64 = 1e-9;

/// An intercept and a coefficient for each number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Line {
    intercept: f64,
    coefficients: Vec<f64>,
}

fn fit(problem: &Problem<'_>) -> Outcome {
    let Labels::Numbers(targets) = problem.labels else {
        return Err("the target is not a number".to_owned());
    };
    let (rows, width) = (problem.matrix.len(), problem.matrix.width());
    let count = rows as f64;
    // With everything about its mean, the intercept falls out and the ridge leaves it alone.
    let mean = targets.iter().map(|target| target / count).sum::<f64>();
    let means: Vec<f64> = (0..width)
        .map(|column| problem.matrix.rows().map(|row| row[column] / count).sum())
        .collect();
    let ridge = (RIDGE * count).sqrt();
    let records = Array2::from_shape_fn((rows + width, width), |(row, column)| {
        if row < rows {
            problem.matrix.row(row)[column] - means[column]
        } else if row - rows == column {
            ridge
        } else {
            0.0
        }
    });
    let centred =
        Array1::from_shape_fn(rows + width, |row| targets.get(row).map_or(0.0, |t| t - mean));
    let fitted = LinearRegression::new()
        .with_intercept(false)
        .fit(&DatasetBase::new(records, centred))
        .map_err(|error| error.to_string())?;
    let coefficients = fitted.params().to_vec();
    let shift: f64 = coefficients.iter().zip(&means).map(|(c, mean)| c * mean).sum();
    let line = Line { intercept: mean - shift, coefficients };
    if line.is_finite() { Ok(Arc::new(line)) } else { Err("no finite solution".to_owned()) }
}

fn read(value: &Value, shape: Shape) -> Outcome {
    let line = Line::deserialize(value).map_err(|error| error.to_string())?;
    if line.coefficients.len() != shape.width || shape.outputs != 1 {
        return Err(format!("{} coefficients for {}", line.coefficients.len(), shape.width));
    }
    Ok(Arc::new(line))
}

impl Line {
    fn is_finite(&self) -> bool {
        self.intercept.is_finite() && self.coefficients.iter().all(|c| c.is_finite())
    }
}

impl Estimator for Line {
    fn predict(&self, row: &[f64], out: &mut [f64]) {
        let sum: f64 = self.coefficients.iter().zip(row).map(|(c, value)| c * value).sum();
        out[0] = self.intercept + sum;
    }

    fn importance(&self) -> Vec<f64> {
        self.coefficients.iter().map(|c| c.abs()).collect()
    }

    fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("finite numbers are JSON")
    }
}
