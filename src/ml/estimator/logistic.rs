//! Logistic regression, multinomial for more than two classes.

use std::sync::Arc;

use dagdeck_onnx::{self as onnx, Writer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::descent::minimize;
use super::hyperparameter::{CLASS_WEIGHT, Hyperparameter, Kind};
use super::{Estimator, Family, Labels, Outcome, Problem, Shape, softmax};
use crate::dag::spec::LearningTask;
use crate::preprocess::Layout;

pub(super) static LOGISTIC: Family = Family {
    name: "logistic_regression",
    tasks: &[LearningTask::Classification],
    layout: Layout::Scaled,
    engine: ("dagdeck", env!("CARGO_PKG_VERSION")),
    source: "scikit-learn `LogisticRegression`",
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
        CLASS_WEIGHT,
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
    let Labels::Classes { rows: truth, count } = problem.labels else {
        return Err("the target is not a class".to_owned());
    };
    let width = problem.matrix.width();
    let settings = problem.settings;
    // Of two classes one logit tells all.
    let first = usize::from(count == 2);
    let loss = Loss {
        problem,
        truth,
        count,
        first,
        total: problem.weights.map_or(truth.len() as f64, |weights| weights.iter().sum()),
        c: settings.number("C"),
    };
    let start = vec![0.0; (count - first) * (width + 1)];
    let iterations = settings.count("max_iter").unwrap_or(1);
    let found = minimize(start, settings.number("tol"), iterations, &mut |at, slopes| {
        loss.evaluate(at, slopes)
    });
    let mut logits =
        Logits { intercepts: vec![0.0; first], coefficients: vec![vec![0.0; width]; first] };
    for of_class in found.chunks_exact(width + 1) {
        logits.intercepts.push(of_class[width]);
        logits.coefficients.push(of_class[..width].to_vec());
    }
    if logits.is_finite() { Ok(Arc::new(logits)) } else { Err("no finite solution".to_owned()) }
}

/// The mean loss and the penalty, as scikit-learn weighs them: what is sought is the intercept
/// (last) and the coefficients of each class from `first` on.
struct Loss<'a> {
    problem: &'a Problem<'a>,
    truth: &'a [usize],
    count: usize,
    first: usize,
    total: f64,
    c: f64,
}

impl Loss<'_> {
    fn evaluate(&self, at: &[f64], slopes: &mut [f64]) -> f64 {
        let size = self.problem.matrix.width() + 1;
        slopes.fill(0.0);
        let (mut sum, mut chances) = (0.0, vec![0.0; self.count]);
        for (number, (row, truth)) in self.problem.matrix.rows().zip(self.truth).enumerate() {
            let weight = self.problem.weights.map_or(1.0, |weights| weights[number]) / self.total;
            chances.fill(0.0);
            for (chance, own) in chances[self.first..].iter_mut().zip(at.chunks_exact(size)) {
                *chance = own[size - 1] + row.iter().zip(own).map(|(x, c)| x * c).sum::<f64>();
            }
            let logit = chances[*truth];
            sum += weight * (softmax(&mut chances) - logit);
            chances[*truth] -= 1.0;
            for (chance, own) in chances[self.first..].iter().zip(slopes.chunks_exact_mut(size)) {
                let slope = weight * chance;
                own.iter_mut().zip(row).for_each(|(own, x)| *own += slope * x);
                own[size - 1] += slope;
            }
        }
        let penalty = 1.0 / (self.c * self.total);
        for (own, slopes) in at.chunks_exact(size).zip(slopes.chunks_exact_mut(size)) {
            for (value, slope) in own[..size - 1].iter().zip(slopes) {
                sum += 0.5 * penalty * value * value;
                *slope += penalty * value;
            }
        }
        sum
    }
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
        softmax(out);
    }

    fn importance(&self) -> Vec<f64> {
        let width = self.coefficients.first().map_or(0, Vec::len);
        (0..width).map(|column| self.coefficients.iter().map(|c| c[column].abs()).sum()).collect()
    }

    fn onnx(&self, rows: &onnx::Value, outputs: usize, to: &mut Writer) -> Option<onnx::Value> {
        let width = self.coefficients.first().map_or(0, Vec::len);
        let weights = (0..width).flat_map(|at| self.coefficients.iter().map(move |c| c[at]));
        let logits = to.line(rows, (weights.collect(), outputs), self.intercepts.clone());
        Some(to.softmax(&logits))
    }

    fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("finite numbers are JSON")
    }
}
