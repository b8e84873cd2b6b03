//! Support vector machines as libsvm solves them, with probabilities.
//!
//! Every pair of classes has a machine of its own. Its margin becomes a probability by a sigmoid
//! that is fitted to margins of rows it has not learnt from (Platt, in the form of Lin, Lin and
//! Weng), and the pairs are coupled to one distribution (Wu, Lin and Weng, second method). So the
//! answer is the most probable class, which need not be the one with most pairs won.

mod kernel;
mod probability;
mod solve;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::hyperparameter::{CLASS_WEIGHT, Hyperparameter, Kind, NOT_NEGATIVE, POSITIVE, SEED};
use super::{BOTH, Estimator, Family, Labels, Outcome, Problem, Shape};
use crate::dag::spec::LearningTask;
use crate::preprocess::Layout;
use kernel::{Kernel, Rows};
use probability::{Sigmoid, couple};
use solve::{Solution, Sought, solve};

pub(super) static SVM: Family = Family {
    name: "svm",
    tasks: BOTH,
    layout: Layout::Scaled,
    engine: ("dagdeck", env!("CARGO_PKG_VERSION")),
    source: "scikit-learn `SVC(probability=True)`, `SVR`",
    importance: "none",
    hyperparameters: &[
        Hyperparameter { name: "C", aliases: &[], kind: POSITIVE, default: |_| Value::from(1.0) },
        Hyperparameter {
            name: "kernel",
            aliases: &[],
            kind: Kind::Word(&["rbf", "linear", "poly"]),
            default: |_| Value::from("rbf"),
        },
        Hyperparameter {
            name: "gamma",
            aliases: &[],
            kind: Kind::WordOrPositive(&["scale", "auto"]),
            default: |_| Value::from("scale"),
        },
        Hyperparameter {
            name: "degree",
            aliases: &[],
            kind: Kind::Integer { min: 1, max: 20 },
            default: |_| Value::from(3),
        },
        Hyperparameter {
            name: "coef0",
            aliases: &[],
            kind: NOT_NEGATIVE,
            default: |_| Value::from(0.0),
        },
        Hyperparameter {
            name: "epsilon",
            aliases: &[],
            kind: NOT_NEGATIVE,
            default: |_| Value::from(0.1),
        },
        Hyperparameter {
            name: "tol",
            aliases: &[],
            kind: POSITIVE,
            default: |_| Value::from(1e-3),
        },
        CLASS_WEIGHT,
        SEED,
    ],
    fit,
    read,
};

/// Time grows with the square of the rows: more of them are for another family.
const ROWS_MAX: usize = 50_000;

/// The machines, and the rows that they rest on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Machines {
    kernel: Kernel,
    width: usize,
    /// Row after row.
    vectors: Vec<f64>,
    machines: Vec<Machine>,
}

/// One machine: a sum of kernels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Machine {
    vectors: Vec<u32>,
    coefficients: Vec<f64>,
    bias: f64,
    /// Of a pair of classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sigmoid: Option<Sigmoid>,
}

fn fit(problem: &Problem<'_>) -> Outcome {
    let (rows, width) = (problem.matrix.len(), problem.matrix.width());
    if rows > ROWS_MAX {
        return Err(format!(
            "{rows} rows are more than {ROWS_MAX}, which is what it can learn from"
        ));
    }
    let kernel = Kernel::of(problem);
    let found = match problem.labels {
        Labels::Classes { rows, count } => pairs(problem, &kernel, rows, count),
        Labels::Numbers(targets) => vec![regression(problem, &kernel, targets)],
    };
    let mut used = vec![false; rows];
    found.iter().flat_map(|(solution, _)| &solution.terms).for_each(|(row, _)| used[*row] = true);
    let mut place = vec![0; rows];
    let mut vectors = Vec::new();
    for row in (0..rows).filter(|row| used[*row]) {
        // At most ROWS_MAX.
        place[row] = (vectors.len() / width.max(1)) as u32;
        vectors.extend_from_slice(problem.matrix.row(row));
    }
    let machines = found.into_iter().map(|(solution, sigmoid)| Machine {
        vectors: solution.terms.iter().map(|(row, _)| place[*row]).collect(),
        coefficients: solution.terms.iter().map(|(_, coefficient)| *coefficient).collect(),
        bias: solution.bias,
        sigmoid,
    });
    let fitted = Machines { kernel, width, vectors, machines: machines.collect() };
    match fitted.is_finite() {
        true => Ok(Arc::new(fitted)),
        false => Err("no finite solution".to_owned()),
    }
}

/// Returns a machine for each pair of classes, the first against the second.
fn pairs(
    problem: &Problem<'_>,
    kernel: &Kernel,
    truth: &[usize],
    count: usize,
) -> Vec<(Solution, Option<Sigmoid>)> {
    let mut found = Vec::new();
    for first in 0..count {
        for second in first + 1..count {
            let of_pair = |row: &usize| truth[*row] == first || truth[*row] == second;
            let rows: Vec<usize> = (0..truth.len()).filter(of_pair).collect();
            let signs: Vec<f64> =
                rows.iter().map(|row| if truth[*row] == first { 1.0 } else { -1.0 }).collect();
            let sigmoid = probability::of_pair(problem, kernel, &rows, &signs);
            found.push((separate(problem, kernel, &rows, &signs), Some(sigmoid)));
        }
    }
    found
}

/// Finds the machine that is positive on rows of sign 1 and negative on those of sign -1.
fn separate(problem: &Problem<'_>, kernel: &Kernel, rows: &[usize], signs: &[f64]) -> Solution {
    let c = problem.settings.number("C");
    let weight = |row: &usize| c * problem.weights.map_or(1.0, |weights| weights[*row]);
    solve(Sought {
        rows: Rows::new(problem.matrix, kernel, rows),
        signs: signs.to_vec(),
        linear: vec![-1.0; rows.len()],
        limits: rows.iter().map(weight).collect(),
        tolerance: problem.settings.number("tol"),
    })
}

/// Every row is there twice: once for answers that are too low, once for those too high.
fn regression(
    problem: &Problem<'_>,
    kernel: &Kernel,
    targets: &[f64],
) -> (Solution, Option<Sigmoid>) {
    let settings = problem.settings;
    let (count, epsilon) = (targets.len(), settings.number("epsilon"));
    let rows: Vec<usize> = (0..count).collect();
    let low = targets.iter().map(|target| epsilon - target);
    let high = targets.iter().map(|target| epsilon + target);
    let sought = Sought {
        rows: Rows::new(problem.matrix, kernel, &rows),
        signs: [vec![1.0; count], vec![-1.0; count]].concat(),
        linear: low.chain(high).collect(),
        limits: vec![settings.number("C"); 2 * count],
        tolerance: settings.number("tol"),
    };
    (solve(sought), None)
}

fn read(value: &Value, shape: Shape) -> Outcome {
    let read = Machines::deserialize(value).map_err(|error| error.to_string())?;
    let machines = match shape.task {
        LearningTask::Classification => shape.outputs * (shape.outputs - 1) / 2,
        LearningTask::Regression => 1,
    };
    let count = read.vectors.len().checked_div(read.width).unwrap_or(0);
    let sound = |machine: &Machine| {
        machine.vectors.len() == machine.coefficients.len()
            && machine.vectors.iter().all(|vector| (*vector as usize) < count)
            && machine.sigmoid.is_some() == (shape.task == LearningTask::Classification)
    };
    let fits = read.width == shape.width
        && read.vectors.len() == count * read.width
        && read.machines.len() == machines
        && read.machines.iter().all(sound)
        && read.is_finite();
    if fits { Ok(Arc::new(read)) } else { Err("machines of another shape".to_owned()) }
}

impl Machines {
    fn is_finite(&self) -> bool {
        let parts = self.machines.iter().flat_map(|machine| {
            let sigmoid = machine.sigmoid.iter().flat_map(|s| [s.slope, s.shift]);
            machine.coefficients.iter().copied().chain([machine.bias]).chain(sigmoid)
        });
        self.vectors.iter().copied().chain(parts).all(f64::is_finite) && self.kernel.is_finite()
    }

    fn margins(&self, row: &[f64]) -> Vec<f64> {
        let vectors = self.vectors.chunks_exact(self.width);
        let near: Vec<f64> = vectors.map(|vector| self.kernel.of_rows(vector, row)).collect();
        let margin = |machine: &Machine| {
            let terms = machine.vectors.iter().zip(&machine.coefficients);
            let sum: f64 = terms.map(|(vector, c)| near[*vector as usize] * c).sum();
            // A row out of all bounds, by a high power.
            machine.bias + if sum.is_finite() { sum } else { 0.0 }
        };
        self.machines.iter().map(margin).collect()
    }
}

impl Estimator for Machines {
    fn predict(&self, row: &[f64], out: &mut [f64]) {
        let margins = self.margins(row);
        if out.len() == 1 {
            out[0] = margins[0];
            return;
        }
        let sigmoids = self.machines.iter().filter_map(|machine| machine.sigmoid);
        let chances = margins.iter().zip(sigmoids).map(|(margin, sigmoid)| sigmoid.of(*margin));
        couple(&chances.collect::<Vec<_>>(), out);
    }

    /// A straight machine weighs columns; of a bent one nobody says: see the permutation
    /// importance.
    fn importance(&self) -> Vec<f64> {
        let mut sums = vec![0.0; self.width];
        if self.kernel.is_linear() {
            for machine in &self.machines {
                let mut own = vec![0.0; self.width];
                for (vector, c) in machine.vectors.iter().zip(&machine.coefficients) {
                    let start = *vector as usize * self.width;
                    let values = &self.vectors[start..start + self.width];
                    own.iter_mut().zip(values).for_each(|(own, value)| *own += c * value);
                }
                sums.iter_mut().zip(own).for_each(|(sum, own)| *sum += f64::abs(own));
            }
        }
        sums
    }

    fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("finite numbers are JSON")
    }
}
