//! Two models on the same held-out rows: which is better, and whether that can be chance.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::dag::spec::LearningTask;
use crate::dataset::{Dataset, Target};
use crate::model::Prediction;
use crate::predictor::Predictor;
use crate::random::{Random, Stream};

/// Rows that are kept with a run, at most.
const ROWS_MAX: usize = 2000;
/// Resamples of the bootstrap.
const RESAMPLES: usize = 2000;
/// A slice of fewer rows says nothing of two models.
const SLICE_ROWS_MIN: usize = 20;
/// A column with more different values is not one of groups.
const SLICE_VALUES_MAX: usize = 10;

/// Held-out rows with their truth, as a run keeps them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeldOut {
    pub task: LearningTask,
    pub columns: Vec<String>,
    /// Raw values in the order of the columns.
    pub rows: Vec<Vec<Value>>,
    /// Class names or numbers.
    pub truth: Vec<Value>,
    /// How many rows were held out; the kept ones are drawn from them.
    pub of: usize,
}

/// How a model stands against another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    pub rows: usize,
    /// `accuracy` or `r2`.
    pub metric: &'static str,
    pub own: f64,
    pub other: f64,
    /// 95 % of the bootstrap's differences lie between these.
    pub interval: [f64; 2],
    /// How likely a lead as large is where neither is better.
    pub p: f64,
    /// What `p` is of.
    pub test: &'static str,
    /// Slices with both figures, the worst difference first.
    pub slices: Vec<SliceComparison>,
}

/// The rows of one value of a column.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SliceComparison {
    pub slice: String,
    pub rows: usize,
    pub own: f64,
    pub other: f64,
}

impl SliceComparison {
    /// Returns by how much it is better.
    pub fn difference(&self) -> f64 {
        self.own - self.other
    }
}

impl HeldOut {
    /// Takes rows of a data set; of many some by chance.
    pub fn of(dataset: &Dataset, rows: &[usize], seed: u64) -> Self {
        let mut random = Random::new(seed, Stream::Bootstrap);
        let kept = crate::train::sample(rows, ROWS_MAX, &mut random);
        let truth = |row: &usize| match &dataset.target_values {
            Target::Classes { classes, rows } => Value::from(classes[rows[*row]].as_str()),
            Target::Numbers(values) => Value::from(values[*row]),
        };
        let values = |row: &usize| dataset.features.iter().map(|c| c.json(*row)).collect();
        Self {
            task: dataset.task,
            columns: dataset.features.iter().map(|column| column.name.clone()).collect(),
            rows: kept.iter().map(values).collect(),
            truth: kept.iter().map(truth).collect(),
            of: rows.len(),
        }
    }

    /// Compares two models on these rows; refuses where one cannot answer them.
    pub fn compare(
        &self,
        own: &dyn Predictor,
        other: &dyn Predictor,
        seed: u64,
    ) -> Result<Comparison, String> {
        let own = self.losses(own)?;
        let other = self.losses(other)?;
        let all: Vec<usize> = (0..self.rows.len()).collect();
        if all.is_empty() {
            return Err("no rows are held out".to_owned());
        }
        let figure = |losses: &[f64], rows: &[usize]| self.figure(losses, rows);
        let mut differences = self.resample(&own, &other, seed);
        differences.sort_by(f64::total_cmp);
        let at = |share: f64| differences[(share * (RESAMPLES - 1) as f64).round() as usize];
        let (p, test) = match self.task {
            LearningTask::Classification => (mcnemar(&own, &other), "McNemar's exact test"),
            LearningTask::Regression => {
                let behind = differences.iter().filter(|difference| **difference <= 0.0).count();
                ((behind + 1) as f64 / (RESAMPLES + 1) as f64, "paired bootstrap")
            }
        };
        let mut slices: Vec<SliceComparison> = self
            .slices()
            .into_iter()
            .map(|(slice, rows)| SliceComparison {
                slice,
                own: figure(&own, &rows),
                other: figure(&other, &rows),
                rows: rows.len(),
            })
            .filter(|slice| slice.difference().is_finite())
            .collect();
        slices.sort_by(|a, b| a.difference().total_cmp(&b.difference()));
        Ok(Comparison {
            rows: all.len(),
            metric: match self.task {
                LearningTask::Classification => "accuracy",
                LearningTask::Regression => "r2",
            },
            own: figure(&own, &all),
            other: figure(&other, &all),
            interval: [at(0.025), at(0.975)],
            p,
            test,
            slices,
        })
    }

    /// Returns 1 for each wrong class, or the square of what is missing to the number. Rows are
    /// sent as records: another version may take the columns in another order.
    fn losses(&self, model: &dyn Predictor) -> Result<Vec<f64>, String> {
        let known: Vec<bool> = self
            .columns
            .iter()
            .map(|name| model.signature().inputs.iter().any(|column| column.name == *name))
            .collect();
        let mut losses = Vec::with_capacity(self.rows.len());
        for (row, truth) in self.rows.iter().zip(&self.truth) {
            let cells = self.columns.iter().zip(row).zip(&known).filter(|(_, known)| **known);
            let record = cells.map(|((name, value), _)| (name.clone(), value.clone())).collect();
            let answers =
                model.predict(&[Value::Object(record)]).map_err(|error| error.to_string())?;
            losses.push(match (&answers[0], truth) {
                (Prediction::Class { label, .. }, Value::String(truth)) => {
                    f64::from(u8::from(label != truth))
                }
                (Prediction::Value { value }, truth) => match truth.as_f64() {
                    Some(truth) => (value - truth).powi(2),
                    None => return Err("it answers with numbers, and the truth is none".to_owned()),
                },
                _ => return Err("it answers with classes, and the truth is none".to_owned()),
            });
        }
        Ok(losses)
    }

    /// Returns accuracy or R² of some rows.
    fn figure(&self, losses: &[f64], rows: &[usize]) -> f64 {
        let count = rows.len() as f64;
        let lost: f64 = rows.iter().map(|row| losses[*row]).sum();
        match self.task {
            LearningTask::Classification => 1.0 - lost / count,
            LearningTask::Regression => {
                let truth = |row: &usize| self.truth[*row].as_f64().unwrap_or_default();
                let mean = rows.iter().map(|row| truth(row) / count).sum::<f64>();
                1.0 - lost / rows.iter().map(|row| (truth(row) - mean).powi(2)).sum::<f64>()
            }
        }
    }

    fn resample(&self, own: &[f64], other: &[f64], seed: u64) -> Vec<f64> {
        let mut random = Random::new(seed, Stream::Bootstrap);
        let count = self.rows.len();
        let mut drawn = vec![0; count];
        (0..RESAMPLES)
            .map(|_| {
                drawn.iter_mut().for_each(|row| *row = random.below(count));
                let difference = self.figure(own, &drawn) - self.figure(other, &drawn);
                // All of the drawn rows may have one truth.
                if difference.is_finite() { difference } else { 0.0 }
            })
            .collect()
    }

    /// Returns the rows of each value of each column of groups.
    fn slices(&self) -> Vec<(String, Vec<usize>)> {
        let mut found = Vec::new();
        for (at, column) in self.columns.iter().enumerate() {
            let mut groups: IndexMap<String, Vec<usize>> = IndexMap::new();
            for (number, row) in self.rows.iter().enumerate() {
                let value = match &row[at] {
                    Value::String(text) => text.clone(),
                    Value::Null => "(missing)".to_owned(),
                    other => other.to_string(),
                };
                groups.entry(value).or_default().push(number);
                if groups.len() > SLICE_VALUES_MAX {
                    break;
                }
            }
            if (2..=SLICE_VALUES_MAX).contains(&groups.len()) {
                let large = groups.into_iter().filter(|(_, rows)| rows.len() >= SLICE_ROWS_MIN);
                found.extend(large.map(|(value, rows)| (format!("{column}={value}"), rows)));
            }
        }
        found
    }
}

/// Of the rows that only one of two gets right: how likely it is that the first gets as many or
/// more, where a coin decides each.
fn mcnemar(own: &[f64], other: &[f64]) -> f64 {
    let count = |wins: fn(f64, f64) -> bool| {
        own.iter().zip(other).filter(|(own, other)| wins(**own, **other)).count()
    };
    let (won, lost) = (count(|own, other| own < other), count(|own, other| own > other));
    let all = won + lost;
    // By logarithms: 2^-2000 is none of a float's.
    let mut choose = 0.0;
    let half = -(all as f64) * std::f64::consts::LN_2;
    let mut sum = 0.0;
    for wins in 0..=all {
        if wins >= won {
            sum += f64::exp(choose + half);
        }
        choose += ((all - wins) as f64).ln() - ((wins + 1) as f64).ln();
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::Model;
    use crate::sample::{full, housing, quick, titanic};
    use crate::train::{TrainSpec, split, train};

    fn model(dataset: &Dataset, spec: &TrainSpec) -> Model {
        train(dataset, spec, &mut |_| {}).unwrap().model
    }

    #[test]
    fn mcnemars_test_is_the_binomial_one() {
        // By scipy: binomtest(8, 10, 0.5, alternative="greater").pvalue.
        let own = [vec![0.0; 8], vec![1.0; 2], vec![0.0; 5]].concat();
        let other = [vec![1.0; 8], vec![0.0; 2], vec![0.0; 5]].concat();
        assert!((mcnemar(&own, &other) - 0.0546875).abs() < 1e-12);
        assert_eq!(mcnemar(&own, &own), 1.0);
        let far = mcnemar(&vec![0.0; 2000], &vec![1.0; 2000]);
        assert!(far < 1e-100);
    }

    #[test]
    fn a_model_is_not_better_than_itself_and_better_than_one_that_knows_little() {
        for (dataset, good, poor) in [
            (titanic(), full("xgboost"), with(&json!({ "max_depth": 1, "max_features": 0.1 }))),
            (housing(), full("xgboost"), with(&json!({ "max_depth": 1 }))),
        ] {
            let (_, test) = split(&dataset, 42, 0.2);
            let held_out = HeldOut::of(&dataset, &test, 42);
            let text = serde_json::to_string(&held_out).unwrap();
            assert_eq!(serde_json::from_str::<HeldOut>(&text).unwrap(), held_out);
            let (good, poor) = (model(&dataset, &good), model(&dataset, &poor));
            let same = held_out.compare(&good, &good, 1).unwrap();
            assert_eq!((same.own, same.interval), (same.other, [0.0, 0.0]));
            assert_eq!(same.p, 1.0);
            let better = held_out.compare(&good, &poor, 1).unwrap();
            assert!(better.own > better.other && better.p < 0.05, "{better:?}");
            assert!(better.interval[0] <= better.own - better.other);
            assert!(better.interval[1] >= better.own - better.other);
            let worse = held_out.compare(&poor, &good, 1).unwrap();
            assert!(worse.p > 0.95, "{worse:?}");
            assert!(!worse.slices.is_empty());
        }
    }

    #[test]
    fn a_lead_by_a_row_is_taken_for_noise() {
        let dataset = titanic();
        let (_, test) = split(&dataset, 42, 0.2);
        let held_out = HeldOut::of(&dataset, &test, 42);
        let one = model(&dataset, &full("xgboost"));
        let other = model(&dataset, &full("lightgbm"));
        let compared = held_out.compare(&one, &other, 1).unwrap();
        assert!(compared.p > 0.05, "{compared:?}");
    }

    #[test]
    fn a_model_that_cannot_answer_is_refused() {
        let (dataset, other) = (titanic(), housing());
        let (_, test) = split(&dataset, 42, 0.2);
        let held_out = HeldOut::of(&dataset, &test, 42);
        let own = model(&dataset, &quick("naive_bayes"));
        let stranger = model(&other, &quick("linear_regression"));
        let error = held_out.compare(&own, &stranger, 1).unwrap_err();
        assert!(error.contains("column `age`: the string `adult`"), "{error}");
    }

    fn with(given: &Value) -> TrainSpec {
        let hyperparameters = given.as_object().unwrap().clone();
        TrainSpec { hyperparameters, ..quick("decision_tree") }
    }
}
