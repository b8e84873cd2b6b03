//! Least squares, plain and with the elastic net's penalty.

use std::sync::Arc;

use dagdeck_onnx::{self as onnx, Writer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::hyperparameter::{Hyperparameter, Kind, NOT_NEGATIVE, POSITIVE};
use super::{Estimator, Family, Labels, Outcome, Problem, Shape};
use crate::dag::spec::LearningTask;
use crate::preprocess::Layout;

pub(super) static LINEAR: Family = PLAIN;

const PLAIN: Family = Family {
    name: "linear_regression",
    tasks: &[LearningTask::Regression],
    layout: Layout::Scaled,
    engine: ("dagdeck", env!("CARGO_PKG_VERSION")),
    source: "scikit-learn `LinearRegression`",
    importance: "coefficient",
    hyperparameters: &[],
    fit,
    read,
};

pub(super) static ELASTIC: Family = Family {
    name: "elastic_net",
    source: "scikit-learn `ElasticNet`",
    hyperparameters: &[
        Hyperparameter {
            name: "alpha",
            aliases: &[],
            kind: NOT_NEGATIVE,
            default: |_| Value::from(1.0),
        },
        Hyperparameter {
            name: "l1_ratio",
            aliases: &[],
            kind: Kind::Number { min: 0.0, max: 1.0, closed: true },
            default: |_| Value::from(0.5),
        },
        Hyperparameter {
            name: "max_iter",
            aliases: &[],
            kind: Kind::Integer { min: 1, max: 1_000_000 },
            default: |_| Value::from(1000),
        },
        Hyperparameter {
            name: "tol",
            aliases: &[],
            kind: POSITIVE,
            default: |_| Value::from(1e-4),
        },
    ],
    fit: fit_elastic,
    ..PLAIN
};

/// A ridge too small to be seen in a coefficient. It picks the shortest solution where columns
/// depend on each other, as the indicators of a text column always do, and least squares alone
/// has none.
const RIDGE: f64 = 1e-9;

/// A change of the answers that is below this share of the targets' squares is none.
const STILL: f64 = 1e-20;

/// An intercept and a coefficient for each number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Line {
    intercept: f64,
    coefficients: Vec<f64>,
}

/// Columns and targets about their means: the intercept falls out, and no penalty touches it.
struct Centred {
    columns: Vec<Vec<f64>>,
    means: Vec<f64>,
    targets: Vec<f64>,
    mean: f64,
}

impl Centred {
    fn of(problem: &Problem<'_>) -> Result<Self, String> {
        let Labels::Numbers(targets) = problem.labels else {
            return Err("the target is not a number".to_owned());
        };
        let count = targets.len() as f64;
        let mean = targets.iter().map(|target| target / count).sum::<f64>();
        let (mut columns, mut means) = (Vec::new(), Vec::new());
        for column in 0..problem.matrix.width() {
            let mut values: Vec<f64> = problem.matrix.rows().map(|row| row[column]).collect();
            let mean = values.iter().map(|value| value / count).sum::<f64>();
            values.iter_mut().for_each(|value| *value -= mean);
            columns.push(values);
            means.push(mean);
        }
        let targets = targets.iter().map(|target| target - mean).collect();
        Ok(Self { columns, means, targets, mean })
    }

    fn line(self, coefficients: Vec<f64>) -> Outcome {
        let shift = dot(&coefficients, &self.means);
        let line = Line { intercept: self.mean - shift, coefficients };
        if line.is_finite() { Ok(Arc::new(line)) } else { Err("no finite solution".to_owned()) }
    }
}

fn fit(problem: &Problem<'_>) -> Outcome {
    let centred = Centred::of(problem)?;
    let ridge = RIDGE * centred.targets.len() as f64;
    let of = |column: &Vec<f64>, other: &Vec<f64>| dot(column, other);
    let mut gram: Vec<Vec<f64>> = Vec::with_capacity(centred.columns.len());
    for (at, column) in centred.columns.iter().enumerate() {
        let mut row: Vec<f64> = centred.columns[..=at].iter().map(|c| of(c, column)).collect();
        row[at] += ridge;
        gram.push(row);
    }
    let factor = cholesky(&gram).ok_or("no finite solution")?;
    let wanted: Vec<f64> = centred.columns.iter().map(|c| dot(c, &centred.targets)).collect();
    let mut coefficients = solve(&factor, &wanted);
    // Once more on what rounding left.
    let left: Vec<f64> = (0..gram.len())
        .map(|row| {
            let entry = |column: usize| gram[row.max(column)][row.min(column)];
            let met: f64 = coefficients.iter().enumerate().map(|(c, value)| entry(c) * value).sum();
            wanted[row] - met
        })
        .collect();
    let correction = solve(&factor, &left);
    coefficients.iter_mut().zip(correction).for_each(|(value, more)| *value += more);
    centred.line(coefficients)
}

/// Returns the lower triangle whose square is `matrix`, of which the lower triangle is given.
fn cholesky(matrix: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    let mut factor: Vec<Vec<f64>> = Vec::with_capacity(matrix.len());
    for (at, given) in matrix.iter().enumerate() {
        let mut row: Vec<f64> = Vec::with_capacity(at + 1);
        for (other, entry) in factor.iter().zip(given) {
            let column = row.len();
            row.push((entry - dot(&row, &other[..column])) / other[column]);
        }
        let rest = given[at] - dot(&row, &row);
        // Also what is not a number is not above 0.
        if !(rest > 0.0 && rest.is_finite()) {
            return None;
        }
        row.push(rest.sqrt());
        factor.push(row);
    }
    Some(factor)
}

fn solve(factor: &[Vec<f64>], wanted: &[f64]) -> Vec<f64> {
    let mut found = wanted.to_vec();
    for (at, row) in factor.iter().enumerate() {
        found[at] = (found[at] - dot(&row[..at], &found[..at])) / row[at];
    }
    for at in (0..factor.len()).rev() {
        found[at] /= factor[at][at];
        let value = found[at];
        found[..at].iter_mut().zip(&factor[at]).for_each(|(found, entry)| *found -= entry * value);
    }
    found
}

/// Coordinate descent on `‖y - Xw‖² / 2n + alpha (l1_ratio ‖w‖₁ + (1 - l1_ratio) ‖w‖² / 2)`
/// until the duality gap is below `tol · ‖y‖²`, as scikit-learn stops.
fn fit_elastic(problem: &Problem<'_>) -> Outcome {
    let centred = Centred::of(problem)?;
    let settings = problem.settings;
    let (alpha, share) = (settings.number("alpha"), settings.number("l1_ratio"));
    let count = centred.targets.len() as f64;
    let (lasso, ridge) = (alpha * share * count, alpha * (1.0 - share) * count);
    let squares: Vec<f64> = centred.columns.iter().map(|column| dot(column, column)).collect();
    let size = dot(&centred.targets, &centred.targets);
    let goal = settings.number("tol") * size;
    let mut coefficients = vec![0.0; squares.len()];
    let mut rest = centred.targets.clone();
    for _ in 0..settings.count("max_iter").unwrap_or(1) {
        let mut moved = 0.0_f64;
        for (at, column) in centred.columns.iter().enumerate() {
            // A constant column says nothing.
            if squares[at] == 0.0 {
                continue;
            }
            let old: f64 = coefficients[at];
            let pull = dot(column, &rest) + squares[at] * old;
            let new = pull.signum() * (pull.abs() - lasso).max(0.0) / (squares[at] + ridge);
            if new != old {
                let change = old - new;
                rest.iter_mut().zip(column).for_each(|(rest, value)| *rest += change * value);
                coefficients[at] = new;
                moved = moved.max(change * change * squares[at]);
            }
        }
        // Without the first penalty there is no dual to tell a gap by; then it goes on until
        // nothing moves.
        if moved <= STILL * size || gap(&centred, &coefficients, &rest, lasso, ridge) <= goal {
            break;
        }
    }
    centred.line(coefficients)
}

/// How far the solution can be from the best one.
fn gap(centred: &Centred, coefficients: &[f64], rest: &[f64], lasso: f64, ridge: f64) -> f64 {
    let pulls = centred.columns.iter().zip(coefficients);
    let steepest = pulls.map(|(c, value)| (dot(c, rest) - ridge * value).abs()).fold(0.0, f64::max);
    let (squares, size) = (dot(rest, rest), dot(coefficients, coefficients));
    let scale = if steepest > lasso { lasso / steepest } else { 1.0 };
    let absolute: f64 = coefficients.iter().map(|value| value.abs()).sum();
    0.5 * squares * (1.0 + scale * scale) + lasso * absolute - scale * dot(rest, &centred.targets)
        + 0.5 * ridge * (1.0 + scale * scale) * size
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
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
        out[0] = self.intercept + dot(&self.coefficients, row);
    }

    fn importance(&self) -> Vec<f64> {
        self.coefficients.iter().map(|c| c.abs()).collect()
    }

    fn onnx(&self, rows: &onnx::Value, _: usize, to: &mut Writer) -> Option<onnx::Value> {
        Some(to.line(rows, (self.coefficients.clone(), 1), vec![self.intercept]))
    }

    fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("finite numbers are JSON")
    }
}
