//! Where is searched: for each hyperparameter its choices or its range.

use serde_json::{Map, Value, json};

use crate::dag::spec::LearningTask;
use crate::estimator::{Family, Hyperparameter, is_whole, nearest};
use crate::random::Random;
use crate::train::TrainError;

/// Steps that a grid takes a range in.
const GRID_STEPS: usize = 5;

/// The hyperparameters that are searched, in the order of their names' first mention.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Space {
    pub(super) dimensions: Vec<Dimension>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Dimension {
    pub(super) name: String,
    pub(super) range: Range,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Range {
    Choices(Vec<Value>),
    Number { low: f64, high: f64, log: bool, whole: bool },
}

impl Range {
    /// Returns the value at a place from 0 to 1.
    pub(super) fn at(&self, place: f64) -> Value {
        match self {
            Self::Choices(choices) => {
                let index = (place * choices.len() as f64) as usize;
                choices[index.min(choices.len() - 1)].clone()
            }
            Self::Number { low, high, log, whole } => {
                // Each whole number has as much room as the others.
                let (low, high) = match whole {
                    true => (low - 0.5, high + 0.5),
                    false => (*low, *high),
                };
                let value = match log {
                    true => (low.ln() + place * (high.ln() - low.ln())).exp(),
                    false => low + place * (high - low),
                };
                match whole {
                    true => json!(value.round().clamp(low + 0.5, high - 0.5) as i64),
                    false => json!(value.clamp(low, high)),
                }
            }
        }
    }

    /// Returns the place of a value; `None` if it is none of this range.
    pub(super) fn place(&self, value: &Value) -> Option<f64> {
        match self {
            Self::Choices(choices) => {
                let index = choices.iter().position(|choice| choice == value)?;
                Some((index as f64 + 0.5) / choices.len() as f64)
            }
            Self::Number { low, high, log, whole } => {
                let (low, high) = match whole {
                    true => (low - 0.5, high + 0.5),
                    false => (*low, *high),
                };
                let value = value.as_f64()?;
                let place = match log {
                    true => (value.ln() - low.ln()) / (high.ln() - low.ln()),
                    false => (value - low) / (high - low),
                };
                place.is_finite().then(|| place.clamp(0.0, 1.0))
            }
        }
    }

    /// Returns the values that a grid takes.
    fn steps(&self) -> Vec<Value> {
        match self {
            Self::Choices(choices) => choices.clone(),
            Self::Number { .. } => {
                let step = |n: usize| self.at(n as f64 / (GRID_STEPS - 1) as f64);
                let mut steps: Vec<Value> = (0..GRID_STEPS).map(step).collect();
                steps.dedup();
                steps
            }
        }
    }
}

impl Space {
    /// Reads what is given, or takes the family's own without what is fixed already.
    pub(super) fn of(
        family: &Family,
        task: LearningTask,
        given: &Map<String, Value>,
        fixed: &Map<String, Value>,
    ) -> Result<Self, TrainError> {
        let known = family.of_task(task);
        let own = default_space(family.name);
        let taken = if given.is_empty() { &own } else { given };
        let mut dimensions: Vec<Dimension> = Vec::new();
        for (name, range) in taken {
            let Some(hyperparameter) = known.iter().find(|known| known.is_called(name)) else {
                return Err(TrainError::UnknownHyperparameter {
                    model: family.name.to_owned(),
                    name: name.clone(),
                    meant: nearest(name, known.iter().map(|known| known.name)),
                });
            };
            let is_fixed = fixed.keys().any(|other| hyperparameter.is_called(other));
            if is_fixed && given.is_empty() {
                continue;
            }
            let range =
                read(hyperparameter, range).map_err(|found| TrainError::Hyperparameter {
                    name: format!("search.{name}"),
                    found,
                    expected: "a list of values, or `low`, `high` and `log`".to_owned(),
                })?;
            if is_fixed || dimensions.iter().any(|d| hyperparameter.is_called(&d.name)) {
                return Err(TrainError::Hyperparameter {
                    name: format!("search.{name}"),
                    found: "given twice".to_owned(),
                    expected: "it to be searched or fixed, once".to_owned(),
                });
            }
            dimensions.push(Dimension { name: name.clone(), range });
        }
        if dimensions.is_empty() {
            return Err(TrainError::Hyperparameter {
                name: "search".to_owned(),
                found: "empty".to_owned(),
                expected: format!("hyperparameters of `{}` to search", family.name),
            });
        }
        Ok(Self { dimensions })
    }

    /// Draws each by chance.
    pub(super) fn draw(&self, random: &mut Random) -> Map<String, Value> {
        let draw = |d: &Dimension| (d.name.clone(), d.range.at(random.unit()));
        self.dimensions.iter().map(draw).collect()
    }

    /// Returns how many combinations a grid has.
    pub(super) fn combinations(&self) -> usize {
        let counts = self.dimensions.iter().map(|dimension| dimension.range.steps().len());
        counts.fold(1, usize::saturating_mul)
    }

    /// Returns a combination; the last hyperparameter changes fastest.
    pub(super) fn combination(&self, number: usize) -> Map<String, Value> {
        let mut rest = number;
        let mut chosen = Vec::new();
        for dimension in self.dimensions.iter().rev() {
            let steps = dimension.range.steps();
            chosen.push((dimension.name.clone(), steps[rest % steps.len()].clone()));
            rest /= steps.len();
        }
        chosen.into_iter().rev().collect()
    }
}

/// Returns a range whose ends the hyperparameter takes, or what is wrong with it.
fn read(hyperparameter: &Hyperparameter, given: &Value) -> Result<Range, String> {
    let taken = |value: &Value| match hyperparameter.fault(value) {
        Some(found) => Err(format!("{found}, where it takes {}", hyperparameter.expected())),
        None => Ok(()),
    };
    match given {
        Value::Array(choices) if !choices.is_empty() => {
            choices.iter().try_for_each(taken)?;
            Ok(Range::Choices(choices.clone()))
        }
        Value::Object(range) => {
            if let Some(other) =
                range.keys().find(|key| !["low", "high", "log"].contains(&key.as_str()))
            {
                return Err(format!("a table with `{other}`"));
            }
            let (Some(low), Some(high)) = (range.get("low"), range.get("high")) else {
                return Err(given.to_string());
            };
            taken(low)?;
            taken(high)?;
            let log = match range.get("log") {
                None => false,
                Some(log) => log.as_bool().ok_or_else(|| format!("`log` of {log}"))?,
            };
            match (low.as_f64(), high.as_f64()) {
                (Some(low), Some(high)) if low < high && (low > 0.0 || !log) => {
                    let whole = is_whole(hyperparameter);
                    Ok(Range::Number { low, high, log, whole })
                }
                _ => Err(format!("{low} to {high}")),
            }
        }
        other => Err(other.to_string()),
    }
}

/// What is searched where nobody says, by the advice of each library's guide.
fn default_space(family: &str) -> Map<String, Value> {
    let range = |low: f64, high: f64| json!({ "low": low, "high": high });
    let log = |low: f64, high: f64| json!({ "low": low, "high": high, "log": true });
    let trees = [
        ("max_depth", range(2.0, 20.0)),
        ("min_samples_leaf", log(1.0, 20.0)),
        ("max_features", range(0.2, 1.0)),
    ];
    let space: Vec<(&str, Value)> = match family {
        "xgboost" => vec![
            ("learning_rate", log(0.01, 0.3)),
            ("max_depth", range(2.0, 10.0)),
            ("min_child_weight", log(0.5, 10.0)),
            ("subsample", range(0.5, 1.0)),
            ("colsample_bytree", range(0.5, 1.0)),
            ("reg_lambda", log(0.01, 10.0)),
        ],
        "lightgbm" => vec![
            ("learning_rate", log(0.01, 0.3)),
            ("num_leaves", log(4.0, 128.0)),
            ("min_child_samples", log(5.0, 100.0)),
            ("subsample", range(0.5, 1.0)),
            ("colsample_bytree", range(0.5, 1.0)),
            ("reg_lambda", log(0.001, 10.0)),
        ],
        "random_forest" | "extra_trees" | "decision_tree" => trees.into(),
        "logistic_regression" => vec![("C", log(0.001, 100.0))],
        "elastic_net" => vec![("alpha", log(0.0001, 10.0)), ("l1_ratio", range(0.0, 1.0))],
        "svm" => vec![("C", log(0.01, 100.0)), ("gamma", log(0.0001, 1.0))],
        "naive_bayes" => vec![("var_smoothing", log(1e-12, 0.1))],
        "k_neighbors" => vec![
            ("n_neighbors", range(1.0, 30.0)),
            ("weights", json!(["uniform", "distance"])),
            ("p", json!([1, 2])),
        ],
        _ => Vec::new(),
    };
    space.into_iter().map(|(name, range)| (name.to_owned(), range)).collect()
}
