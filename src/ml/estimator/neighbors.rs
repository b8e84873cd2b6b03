//! The nearest rows of the training part answer; the model keeps them all.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::hyperparameter::{Hyperparameter, Kind};
use super::{BOTH, Estimator, Family, Labels, Outcome, Problem, Shape};
use crate::preprocess::Layout;

pub(super) static K_NEIGHBORS: Family = Family {
    name: "k_neighbors",
    tasks: BOTH,
    layout: Layout::Scaled,
    engine: ("dagdeck", env!("CARGO_PKG_VERSION")),
    source: "scikit-learn `KNeighborsClassifier`, `KNeighborsRegressor`",
    importance: "none",
    hyperparameters: &[
        Hyperparameter {
            name: "n_neighbors",
            aliases: &[],
            kind: Kind::Integer { min: 1, max: 100_000 },
            default: |_| Value::from(5),
        },
        Hyperparameter {
            name: "weights",
            aliases: &[],
            kind: Kind::Word(&["uniform", "distance"]),
            default: |_| Value::from("uniform"),
        },
        Hyperparameter {
            name: "p",
            aliases: &[],
            kind: Kind::Number { min: 1.0, max: 100.0, closed: true },
            default: |_| Value::from(2.0),
        },
    ],
    fit,
    read,
};

/// A model that keeps more numbers than this is too large to be served.
const NUMBERS_MAX: usize = 20_000_000;

/// Distances that differ by less than this share differ by rounding.
const TIE: f64 = 1e-12;

/// The rows of the training part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Neighbors {
    count: usize,
    by_distance: bool,
    /// The power in the distance: 1 along the axes, 2 straight.
    power: f64,
    width: usize,
    /// Row after row.
    values: Vec<f64>,
    /// Of each row its class by number, or its target.
    answers: Vec<f64>,
}

fn fit(problem: &Problem<'_>) -> Outcome {
    let settings = problem.settings;
    let (rows, width) = (problem.matrix.len(), problem.matrix.width());
    if rows.saturating_mul(width) > NUMBERS_MAX {
        return Err(format!(
            "it keeps all rows, and {rows} of {width} numbers are more than {NUMBERS_MAX}"
        ));
    }
    let count = settings.count("n_neighbors").unwrap_or(1);
    if count > rows {
        return Err(format!("`n_neighbors` is {count}, and there are {rows} rows to learn from"));
    }
    Ok(Arc::new(Neighbors {
        count,
        by_distance: settings.word("weights") == Some("distance"),
        power: settings.number("p"),
        width,
        values: problem.matrix.values().to_vec(),
        answers: match problem.labels {
            Labels::Classes { rows, .. } => rows.iter().map(|class| *class as f64).collect(),
            Labels::Numbers(values) => values.to_vec(),
        },
    }))
}

fn read(value: &Value, shape: Shape) -> Outcome {
    let read = Neighbors::deserialize(value).map_err(|error| error.to_string())?;
    let classes = shape.outputs;
    let known = |answer: &f64| classes < 2 || (0.0..classes as f64).contains(answer);
    let fits = read.width == shape.width
        && read.values.len() == read.answers.len().saturating_mul(read.width)
        && (1..=read.answers.len()).contains(&read.count)
        && read.power >= 1.0
        && read.values.iter().chain(&read.answers).all(|value| value.is_finite())
        && read.answers.iter().all(known);
    if fits { Ok(Arc::new(read)) } else { Err("rows of another shape".to_owned()) }
}

impl Neighbors {
    /// Returns a distance that is only good to compare: the root is not taken.
    fn distance(&self, row: &[f64], other: &[f64]) -> f64 {
        let differences = row.iter().zip(other).map(|(a, b)| (a - b).abs());
        match self.power {
            1.0 => differences.sum(),
            2.0 => differences.map(|difference| difference * difference).sum(),
            power => differences.map(|difference| difference.powf(power)).sum(),
        }
    }
}

impl Estimator for Neighbors {
    fn predict(&self, row: &[f64], out: &mut [f64]) {
        let rows = self.values.chunks_exact(self.width);
        let distances: Vec<f64> = rows.map(|other| self.distance(row, other)).collect();
        let mut order = distances.clone();
        let (nearer, last, _) = order.select_nth_unstable_by(self.count - 1, f64::total_cmp);
        // Rows that are as far as the last neighbour share its place: which of them stands first
        // in the table must not count.
        let bounds = (*last * (1.0 - TIE), *last * (1.0 + TIE));
        let inner = nearer.iter().filter(|distance| **distance < bounds.0).count();
        let is_tied = |distance: f64| distance >= bounds.0 && distance <= bounds.1;
        let tied = distances.iter().filter(|distance| is_tied(**distance)).count();
        let place = (self.count - inner) as f64 / tied.max(1) as f64;
        let same = distances.contains(&0.0);
        let weight = |distance: f64| {
            let place = match (distance < bounds.0, is_tied(distance)) {
                (true, _) => 1.0,
                (false, true) => place,
                (false, false) => return 0.0,
            };
            match (self.by_distance, same) {
                (false, _) => place,
                // Rows that are the same have all the say.
                (true, true) => place * f64::from(u8::from(distance == 0.0)),
                (true, false) => place * distance.powf(-1.0 / self.power),
            }
        };
        let total: f64 = distances.iter().map(|distance| weight(*distance)).sum();
        // Nobody is near a row that is out of all bounds: then each row says the same.
        let share = |distance: f64| match total > 0.0 && total.is_finite() {
            true => weight(distance) / total,
            false => 1.0 / distances.len() as f64,
        };
        out.fill(0.0);
        let classes = out.len();
        for (distance, answer) in distances.iter().zip(&self.answers) {
            match classes {
                1 => out[0] += share(*distance) * answer,
                // Checked to be a class when it was read.
                _ => out[*answer as usize] += share(*distance),
            }
        }
    }

    /// Nobody says which columns mattered: see the permutation importance.
    fn importance(&self) -> Vec<f64> {
        vec![0.0; self.width]
    }

    fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("finite numbers are JSON")
    }
}
