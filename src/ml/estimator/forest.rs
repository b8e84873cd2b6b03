//! Decision trees, random forests and extremely randomised trees, as scikit-learn grows them.
//!
//! They are grown here rather than by smartcore: its classifier tries no cut between two values
//! whose neighbouring rows are of one class, which on columns of few values misses the best
//! cuts, and its trees answer with one class instead of the shares of the leaf.

mod grow;
mod levels;
mod tree;

use std::sync::Arc;

use dagdeck_onnx::{self as onnx, Test, Trees, Writer};
use rayon::prelude::{IntoParallelIterator, ParallelIterator};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::hyperparameter::{CLASS_WEIGHT, Hyperparameter, Kind, SEED};
use super::{BOTH, Estimator, Family, Labels, Outcome, Problem, Shape};
use crate::dag::spec::LearningTask;
use crate::preprocess::Layout;
use crate::random::{Random, Stream};
use grow::{Grower, Limits};
use levels::Levels;
use tree::Tree;

pub(super) static FOREST: Family = Family {
    name: "random_forest",
    hyperparameters: &[
        N_ESTIMATORS,
        MAX_DEPTH,
        MIN_SAMPLES_SPLIT,
        MIN_SAMPLES_LEAF,
        MAX_FEATURES,
        Hyperparameter { default: |_| Value::Bool(true), ..BOOTSTRAP },
        CLASS_WEIGHT,
        SEED,
    ],
    source: "scikit-learn `RandomForestClassifier`, `RandomForestRegressor`",
    fit: |problem| {
        let settings = problem.settings;
        let trees = settings.count("n_estimators").unwrap_or(1);
        fit(problem, trees, settings.boolean("bootstrap"), false)
    },
    ..ONE
};

pub(super) static EXTRA: Family = Family {
    name: "extra_trees",
    hyperparameters: &[
        N_ESTIMATORS,
        MAX_DEPTH,
        MIN_SAMPLES_SPLIT,
        MIN_SAMPLES_LEAF,
        MAX_FEATURES,
        BOOTSTRAP,
        CLASS_WEIGHT,
        SEED,
    ],
    source: "scikit-learn `ExtraTreesClassifier`, `ExtraTreesRegressor`",
    fit: |problem| {
        let settings = problem.settings;
        let trees = settings.count("n_estimators").unwrap_or(1);
        fit(problem, trees, settings.boolean("bootstrap"), true)
    },
    ..ONE
};

pub(super) static TREE: Family = ONE;

const ONE: Family = Family {
    name: "decision_tree",
    tasks: BOTH,
    layout: Layout::Filled,
    engine: ("dagdeck", env!("CARGO_PKG_VERSION")),
    source: "scikit-learn `DecisionTreeClassifier`, `DecisionTreeRegressor`",
    importance: "impurity",
    hyperparameters: &[
        MAX_DEPTH,
        MIN_SAMPLES_SPLIT,
        MIN_SAMPLES_LEAF,
        Hyperparameter { default: |_| Value::from(1.0), ..MAX_FEATURES },
        CLASS_WEIGHT,
        SEED,
    ],
    fit: |problem| fit(problem, 1, false, false),
    read,
};

const N_ESTIMATORS: Hyperparameter = Hyperparameter {
    name: "n_estimators",
    aliases: &[],
    kind: Kind::Integer { min: 1, max: 10_000 },
    default: |_| Value::from(100),
};
const MAX_DEPTH: Hyperparameter = Hyperparameter {
    name: "max_depth",
    aliases: &[],
    kind: Kind::OptionalInteger { min: 1, max: 10_000 },
    default: |_| Value::Null,
};
const MIN_SAMPLES_SPLIT: Hyperparameter = Hyperparameter {
    name: "min_samples_split",
    aliases: &[],
    kind: Kind::Integer { min: 2, max: 1_000_000_000 },
    default: |_| Value::from(2),
};
const MIN_SAMPLES_LEAF: Hyperparameter = Hyperparameter {
    name: "min_samples_leaf",
    aliases: &[],
    kind: Kind::Integer { min: 1, max: 1_000_000_000 },
    default: |_| Value::from(1),
};
const MAX_FEATURES: Hyperparameter = Hyperparameter {
    name: "max_features",
    aliases: &[],
    kind: Kind::Share(&["sqrt", "log2"]),
    default: |task| match task {
        LearningTask::Classification => Value::from("sqrt"),
        LearningTask::Regression => Value::from(1.0),
    },
};
const BOOTSTRAP: Hyperparameter = Hyperparameter {
    name: "bootstrap",
    aliases: &[],
    kind: Kind::Boolean,
    default: |_| Value::Bool(false),
};

/// Trees whose answers are averaged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Forest {
    trees: Vec<Tree>,
    /// The decrease of impurity by each number, over all trees.
    importance: Vec<f64>,
}

/// Grows trees, on as many threads as there are: each draws from a stream of its own, so that
/// their number does not show.
fn fit(problem: &Problem<'_>, trees: usize, bootstrap: bool, by_chance: bool) -> Outcome {
    let (rows, width) = (problem.matrix.len(), problem.matrix.width());
    if u32::try_from(rows.max(width)).is_err() {
        return Err(format!("{rows} rows of {width} numbers are too many for a forest"));
    }
    let settings = problem.settings;
    let limits = Limits {
        max_depth: settings.count("max_depth").unwrap_or(usize::MAX),
        min_samples_split: settings.count("min_samples_split").unwrap_or(2),
        min_samples_leaf: settings.count("min_samples_leaf").unwrap_or(1),
        max_features: max_features(settings.value("max_features"), width),
        by_chance,
    };
    let levels = Levels::of(problem.matrix);
    // About its mean, a target loses less to rounding when squares are subtracted.
    let mean = match problem.labels {
        Labels::Classes { .. } => 0.0,
        Labels::Numbers(values) => values.iter().map(|value| value / rows as f64).sum(),
    };
    let own = |row: usize| problem.weights.map_or(1.0, |weights| weights[row]);
    let grow = |number: usize| {
        // At most 10,000, by the range of the hyperparameter.
        let mut random = Random::new(settings.seed(), Stream::Tree(number as u32));
        let mut weights: Vec<f64> = match bootstrap {
            true => vec![0.0; rows],
            false => (0..rows).map(own).collect(),
        };
        if bootstrap {
            for _ in 0..rows {
                let row = random.below(rows);
                weights[row] += own(row);
            }
        }
        Grower::new(&levels, problem.labels, mean, limits).grow(&weights, &mut random)
    };
    let grown: Vec<(Tree, Vec<f64>)> = (0..trees).into_par_iter().map(grow).collect();
    let mut importance = vec![0.0; width];
    for (_, of_tree) in &grown {
        importance.iter_mut().zip(of_tree).for_each(|(sum, gain)| *sum += gain);
    }
    Ok(Arc::new(Forest { trees: grown.into_iter().map(|(tree, _)| tree).collect(), importance }))
}

/// Returns how many numbers a cut is chosen from.
fn max_features(setting: &Value, width: usize) -> usize {
    let width = width as f64;
    let count = match setting.as_str() {
        Some("log2") => width.log2(),
        Some(_) => width.sqrt(),
        None => setting.as_f64().unwrap_or(1.0) * width,
    };
    (count as usize).max(1)
}

fn read(value: &Value, shape: Shape) -> Outcome {
    let forest = Forest::deserialize(value).map_err(|error| error.to_string())?;
    if forest.trees.is_empty() || forest.importance.len() != shape.width {
        return Err("a forest of another shape".to_owned());
    }
    match forest.trees.iter().find_map(|tree| tree.fault(shape.width, shape.outputs)) {
        Some(fault) => Err(fault),
        None => Ok(Arc::new(forest)),
    }
}

impl Estimator for Forest {
    fn predict(&self, row: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        for tree in &self.trees {
            let outputs = out.len();
            for (out, value) in out.iter_mut().zip(tree.answer(row, outputs)) {
                *out += value;
            }
        }
        for out in out.iter_mut() {
            *out /= self.trees.len() as f64;
        }
    }

    fn importance(&self) -> Vec<f64> {
        self.importance.clone()
    }

    fn onnx(&self, rows: &onnx::Value, outputs: usize, to: &mut Writer) -> Option<onnx::Value> {
        let mut trees = Trees::new(Test::AtMost);
        self.trees.iter().for_each(|tree| tree.onnx(outputs, &mut trees));
        Some(trees.write(rows, &vec![0.0; outputs], true, to))
    }

    fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("finite numbers are JSON")
    }
}
