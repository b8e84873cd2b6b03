//! The search for hyperparameters: trial after trial on the folds of the training part.
//!
//! ```text
//! trials so far ─sampler─► hyperparameters ─folds, pruned─► trial ─► trials so far
//! ```
//! A trial hangs on the seed, its number and the trials before it, and on nothing else: a search
//! that is given the trials of one that was stopped goes on as that one would have. Held-out rows
//! are seen by no trial.

mod space;
#[cfg(test)]
mod tests;
mod tpe;

use std::fmt;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::dag::spec::LearningTask;
use crate::dataset::Dataset;
use crate::estimator::{Family, Settings, family_for};
use crate::random::{Random, Stream};
use crate::train::{Folds, TrainError, TrainSpec};
use space::Space;

/// Trials by chance before what is known of them guides the next.
const STARTUP: usize = 10;
/// Complete trials that a median is taken of.
const PRUNE_AFTER: usize = 5;

/// How hyperparameters are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampler {
    /// Tree-structured Parzen estimators: more of what was good.
    Tpe,
    Random,
    /// Every combination, in order; ranges in five steps.
    Grid,
}

impl Sampler {
    /// Reads its name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Tpe, Self::Random, Self::Grid].into_iter().find(|one| one.to_string() == name)
    }
}

impl fmt::Display for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tpe => "tpe",
            Self::Random => "random",
            Self::Grid => "grid",
        })
    }
}

/// What to search, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchSpec {
    pub trials: usize,
    pub sampler: Sampler,
    /// What counts; `log_loss` of a classification and `rmse` of a regression where none is named.
    pub metric: Option<String>,
    /// Hyperparameter to its choices (a list) or its range (`low`, `high`, `log`); the family's
    /// own where it is empty.
    pub space: Map<String, Value>,
    /// Trials that are worse than the median after as many folds are given up.
    pub prune: bool,
}

/// How a trial ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrialState {
    Complete,
    Pruned,
    Failed,
}

/// A trial that is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// From 0.
    pub number: usize,
    pub state: TrialState,
    pub hyperparameters: Map<String, Value>,
    /// The metric in each fold that was learnt.
    pub values: Vec<f64>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// All metrics, each the mean over the folds that were learnt.
    pub metrics: IndexMap<String, f64>,
}

impl Trial {
    /// Returns the mean of the metric over the folds that were learnt.
    pub fn value(&self) -> Option<f64> {
        mean(&self.values)
    }
}

/// A search in progress.
#[derive(Debug)]
pub struct Search<'a> {
    dataset: &'a Dataset,
    spec: &'a TrainSpec,
    family: &'static Family,
    space: Space,
    folds: Folds,
    metric: String,
    search: &'a SearchSpec,
    trials: Vec<Trial>,
}

impl<'a> Search<'a> {
    /// Prepares a search; `trials` are those of an earlier one that was stopped.
    pub fn new(
        dataset: &'a Dataset,
        spec: &'a TrainSpec,
        search: &'a SearchSpec,
        trials: Vec<Trial>,
    ) -> Result<Self, TrainError> {
        let family = family_for(&spec.model, dataset.task)?;
        // What is given and wrong is told before the first trial.
        Settings::resolve(family, &spec.hyperparameters, dataset.task, spec.seed)?;
        let space = Space::of(family, dataset.task, &search.space, &spec.hyperparameters)?;
        let metric = search.metric.clone().unwrap_or_else(|| default_metric(dataset.task).into());
        if !known_metrics(dataset.task).contains(&metric.as_str()) {
            return Err(TrainError::Hyperparameter {
                name: "metric".to_owned(),
                found: format!("`{metric}`"),
                expected: format!("one of {}", known_metrics(dataset.task).join(", ")),
            });
        }
        let folds = Folds::of(dataset, spec)?;
        let mut trials = trials;
        trials.sort_by_key(|trial| trial.number);
        // Only trials without a gap are the same search.
        let whole = trials.iter().enumerate().take_while(|(at, trial)| *at == trial.number).count();
        trials.truncate(whole);
        Ok(Self { dataset, spec, family, space, folds, metric, search, trials })
    }

    /// Returns the metric that counts.
    pub fn metric(&self) -> &str {
        &self.metric
    }

    /// Returns how many trials there will be: of a grid no more than it has combinations.
    pub fn total(&self) -> usize {
        match self.search.sampler {
            Sampler::Grid => self.search.trials.min(self.space.combinations()),
            Sampler::Tpe | Sampler::Random => self.search.trials,
        }
    }

    /// Returns the trials that are over.
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// Returns the best complete trial, of equals the first.
    pub fn best(&self) -> Option<&Trial> {
        let complete = self.trials.iter().filter(|trial| trial.state == TrialState::Complete);
        let known = complete.filter_map(|trial| Some((trial, self.loss(trial.value()?))));
        known.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(trial, _)| trial)
    }

    /// Carries out the next trial; `None` when all are over. `progress` is told of each fold.
    pub fn next_trial(&mut self, progress: &mut dyn FnMut(&str)) -> Option<&Trial> {
        let number = self.trials.len();
        if number >= self.total() {
            return None;
        }
        let mut hyperparameters = self.spec.hyperparameters.clone();
        hyperparameters.extend(self.choose(number));
        let trial = self.carry_out(number, hyperparameters, progress);
        self.trials.push(trial);
        self.trials.last()
    }

    fn choose(&self, number: usize) -> Map<String, Value> {
        // Far fewer than 2³²: the trials are bounded.
        let mut random = Random::new(self.spec.seed, Stream::Trial(number as u32));
        let known: Vec<(&Trial, f64)> = self
            .trials
            .iter()
            .filter_map(|trial| Some((trial, self.loss(trial.value()?))))
            .filter(|(_, loss)| loss.is_finite())
            .collect();
        match self.search.sampler {
            Sampler::Grid => self.space.combination(number),
            Sampler::Tpe if known.len() >= STARTUP => tpe::choose(&self.space, &known, &mut random),
            Sampler::Tpe | Sampler::Random => self.space.draw(&mut random),
        }
    }

    fn carry_out(
        &self,
        number: usize,
        hyperparameters: Map<String, Value>,
        progress: &mut dyn FnMut(&str),
    ) -> Trial {
        let mut trial = Trial {
            number,
            state: TrialState::Complete,
            hyperparameters,
            values: Vec::new(),
            fault: None,
            metrics: IndexMap::new(),
        };
        let given = &trial.hyperparameters;
        let settings = Settings::resolve(self.family, given, self.dataset.task, self.spec.seed);
        let settings = match settings {
            Ok(settings) => settings,
            Err(error) => return trial.failed(&error),
        };
        let mut sums: IndexMap<String, f64> = IndexMap::new();
        for fold in 0..self.folds.count() {
            let judged = self.folds.judge(self.dataset, fold, self.family, &settings, self.spec);
            let found = match judged {
                Ok(found) => found,
                Err(error) => return trial.failed(&error),
            };
            let Some(value) = found.get(&self.metric).copied() else {
                let fault = format!("`{}` has no meaning in fold {}", self.metric, fold + 1);
                return Trial { state: TrialState::Failed, fault: Some(fault), ..trial };
            };
            for (metric, value) in found {
                *sums.entry(metric).or_default() += value;
            }
            trial.values.push(value);
            let folds = trial.values.len();
            progress(&format!(
                "fold {folds} of {}: {} {value:.4}",
                self.folds.count(),
                self.metric
            ));
            if self.search.prune && folds < self.folds.count() && self.is_hopeless(&trial) {
                trial.state = TrialState::Pruned;
                break;
            }
        }
        let folds = trial.values.len() as f64;
        trial.metrics = sums.into_iter().map(|(metric, sum)| (metric, sum / folds)).collect();
        trial
    }

    /// Whether it is worse than the median of the complete trials after as many folds.
    fn is_hopeless(&self, trial: &Trial) -> bool {
        let folds = trial.values.len();
        let complete = self.trials.iter().filter(|other| other.state == TrialState::Complete);
        let mut others: Vec<f64> = complete
            .filter_map(|other| mean(other.values.get(..folds)?))
            .map(|value| self.loss(value))
            .collect();
        if others.len() < PRUNE_AFTER {
            return false;
        }
        others.sort_by(f64::total_cmp);
        mean(&trial.values).is_none_or(|value| self.loss(value) > others[others.len() / 2])
    }

    /// Turns a value so that less is better.
    fn loss(&self, value: f64) -> f64 {
        if LESS.contains(&self.metric.as_str()) { value } else { -value }
    }
}

impl Trial {
    fn failed(self, error: &TrainError) -> Self {
        Self { state: TrialState::Failed, fault: Some(error.to_string()), ..self }
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The metrics that are better when they are less.
const LESS: [&str; 9] = [
    "log_loss",
    "brier",
    "calibration_error",
    "rmse",
    "mae",
    "mape",
    "pinball_10",
    "pinball_50",
    "pinball_90",
];

fn known_metrics(task: LearningTask) -> &'static [&'static str] {
    match task {
        LearningTask::Classification => &[
            "accuracy",
            "balanced_accuracy",
            "precision_macro",
            "recall_macro",
            "f1_macro",
            "precision_weighted",
            "recall_weighted",
            "f1_weighted",
            "log_loss",
            "brier",
            "calibration_error",
            "roc_auc",
            "pr_auc",
        ],
        LearningTask::Regression => {
            &["r2", "rmse", "mae", "mape", "pinball_10", "pinball_50", "pinball_90"]
        }
    }
}

fn default_metric(task: LearningTask) -> &'static str {
    match task {
        LearningTask::Classification => "log_loss",
        LearningTask::Regression => "rmse",
    }
}
