//! Training: split, cross-validate, fit, evaluate.
//!
//! ```text
//! rows ─split─┬─ held out ──────────────────────────► metrics
//!             └─ training ─folds─ fit, judge, k times ► cv_ metrics
//!                     └───── fit on all of them ──────► model
//! ```
//! Held-out rows are seen by nothing that is learnt, preprocessing included.

mod artifact;
mod evaluate;
mod explain;
#[cfg(test)]
mod golden;
mod slices;
mod split;
#[cfg(test)]
mod tests;

pub(crate) use explain::sample;
pub use slices::Slice;
pub use split::split;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::compare::HeldOut;
use crate::dag::spec::LearningTask;
use crate::dataset::{Dataset, DatasetError, Split};
use crate::estimator::{Family, Settings, family_for};
use crate::model::Model;
use crate::profile::Profile;

/// The file of held-out rows, which a later model is compared on.
pub const HELD_OUT: &str = "held_out.json";
/// The file of what the training part looked like.
pub const PROFILE: &str = "data_profile.json";

/// What to train.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainSpec {
    /// A family of models by name, such as `xgboost`.
    pub model: String,
    pub hyperparameters: Map<String, Value>,
    pub seed: u64,
    /// Share of rows held out, default 0.2.
    pub test_size: f64,
    /// Folds of the cross-validation on the training part, default 5.
    pub folds: usize,
}

/// What training gave.
#[derive(Debug, Clone)]
pub struct Trained {
    pub model: Model,
    /// On the held-out rows: `accuracy`, `f1_macro`, `log_loss`, `roc_auc` … or `r2`, `rmse`,
    /// `mae` …; and the cross-validation's `cv_accuracy_mean`, `cv_accuracy_std` …
    pub metrics: IndexMap<String, f64>,
    /// Metric to its value in each fold.
    pub fold_metrics: IndexMap<String, Vec<f64>>,
    /// Metric to its value after each round, of what is learnt in rounds: `test-logloss` …
    pub round_metrics: IndexMap<String, Vec<f64>>,
    /// All hyperparameters as used, defaults included, as text for the tracker.
    pub params: IndexMap<String, String>,
    /// `engine`, `engine_version` and the like.
    pub tags: IndexMap<String, String>,
    /// Further files by name: `confusion_matrix.json`, `roc_curve.json`, `slices.json`,
    /// `permutation_importance.json` …
    pub artifacts: IndexMap<String, Vec<u8>>,
    pub train_rows: usize,
    pub test_rows: usize,
}

/// Why nothing was trained.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TrainError {
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    #[error("model `{model}` is unknown (there are {})", known.join(", "))]
    UnknownModel { model: String, known: Vec<String> },
    #[error("model `{model}` does not do {task} (use one of {})", instead.join(", "))]
    WrongTask { model: String, task: &'static str, instead: Vec<String> },
    #[error("model `{model}` has no hyperparameter `{name}`{}", meant.as_ref().map(|m| format!(" (did you mean `{m}`?)")).unwrap_or_default())]
    UnknownHyperparameter { model: String, name: String, meant: Option<String> },
    #[error("hyperparameter `{name}` is {found}; expected {expected}")]
    Hyperparameter { name: String, found: String, expected: String },
    #[error("fit `{model}`: {reason}")]
    Fit { model: String, reason: String },
}

/// Trains and evaluates; `progress` is told of each stage, a line for people. The same data and
/// spec give the same model to the last bit.
pub fn train(
    dataset: &Dataset,
    spec: &TrainSpec,
    progress: &mut dyn FnMut(&str),
) -> Result<Trained, TrainError> {
    let family = family_for(&spec.model, dataset.task)?;
    let settings = Settings::resolve(family, &spec.hyperparameters, dataset.task, spec.seed)?;
    let folds = Folds::of(dataset, spec)?;
    let (train_rows, test_rows) = split(dataset, spec.seed, spec.test_size);
    progress(&format!(
        "split {} rows of `{}`: {} to learn from, {} held out",
        dataset.rows(),
        dataset.name,
        train_rows.len(),
        test_rows.len()
    ));
    let fold_metrics = cross_validate(dataset, &folds, family, &settings, spec, progress)?;
    progress(&format!("fit {} on {} rows", family.name, train_rows.len()));
    let fit = evaluate::fit(dataset, &train_rows, &test_rows, family, &settings, spec.seed)?;
    let judged = evaluate::judge(dataset, &test_rows, &fit);
    let mut metrics = judged.metrics();
    progress(&format!("held out: {}", headline(&metrics)));
    for (metric, values) in &fold_metrics {
        let (mean, deviation) = spread(values);
        metrics.insert(format!("cv_{metric}_mean"), mean);
        metrics.insert(format!("cv_{metric}_std"), deviation);
    }
    let mut artifacts = artifact::artifacts(dataset, family, &fit, &judged, &test_rows, spec.seed);
    artifact::keep(&mut artifacts, HELD_OUT, &HeldOut::of(dataset, &test_rows, spec.seed));
    let answers = Some(judged.profile(dataset.classes()));
    let profile = Profile { answers, ..Profile::of(dataset, &train_rows) };
    artifact::keep(&mut artifacts, PROFILE, &profile);
    Ok(Trained {
        metrics,
        fold_metrics,
        round_metrics: fit.estimator.rounds().into_iter().collect(),
        params: params(dataset, spec, &settings),
        tags: tags(dataset, family),
        artifacts,
        train_rows: train_rows.len(),
        test_rows: test_rows.len(),
        model: Model::new(dataset, family, fit.preprocess, fit.estimator, &test_rows),
    })
}

impl TrainSpec {
    fn check(&self) -> Result<(), TrainError> {
        let fault = |name: &str, found: String, expected: &str| {
            Err(TrainError::Hyperparameter {
                name: name.to_owned(),
                found,
                expected: expected.to_owned(),
            })
        };
        if !(self.test_size > 0.0 && self.test_size < 1.0) {
            return fault("test_size", self.test_size.to_string(), "a number between 0 and 1");
        }
        if self.folds < 2 {
            return fault("folds", self.folds.to_string(), "2 or more");
        }
        Ok(())
    }
}

/// The folds of the training part.
#[derive(Debug)]
pub(crate) struct Folds {
    folds: Vec<split::Parts>,
}

impl Folds {
    /// Deals out the training part as [`train`] does.
    pub(crate) fn of(dataset: &Dataset, spec: &TrainSpec) -> Result<Self, TrainError> {
        spec.check()?;
        split::check(dataset, spec.test_size, spec.folds, spec.seed)?;
        let (rows, _) = split(dataset, spec.seed, spec.test_size);
        Ok(Self { folds: split::folds(dataset, &rows, spec.seed, spec.folds) })
    }

    pub(crate) fn count(&self) -> usize {
        self.folds.len()
    }

    /// Learns from the other folds and returns the figures of this one.
    pub(crate) fn judge(
        &self,
        dataset: &Dataset,
        fold: usize,
        family: &Family,
        settings: &Settings,
        spec: &TrainSpec,
    ) -> Result<IndexMap<String, f64>, TrainError> {
        let (others, fold) = &self.folds[fold];
        let fit = evaluate::fit(dataset, others, &[], family, settings, spec.seed)?;
        Ok(evaluate::judge(dataset, fold, &fit).metrics())
    }
}

/// Returns each metric's value in each fold; a metric that has no meaning in one is left out.
fn cross_validate(
    dataset: &Dataset,
    folds: &Folds,
    family: &Family,
    settings: &Settings,
    spec: &TrainSpec,
    progress: &mut dyn FnMut(&str),
) -> Result<IndexMap<String, Vec<f64>>, TrainError> {
    let mut metrics: IndexMap<String, Vec<f64>> = IndexMap::new();
    for fold in 0..folds.count() {
        let found = folds.judge(dataset, fold, family, settings, spec)?;
        progress(&format!("fold {} of {}: {}", fold + 1, folds.count(), headline(&found)));
        for (metric, value) in found {
            metrics.entry(metric).or_default().push(value);
        }
    }
    metrics.retain(|_, values| values.len() == folds.count());
    Ok(metrics)
}

/// Returns the first two figures, for people.
fn headline(metrics: &IndexMap<String, f64>) -> String {
    let first: Vec<String> =
        metrics.iter().take(2).map(|(metric, value)| format!("{metric} {value:.4}")).collect();
    first.join(", ")
}

/// Returns mean and standard deviation.
fn spread(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    (mean, variance.sqrt())
}

fn params(dataset: &Dataset, spec: &TrainSpec, settings: &Settings) -> IndexMap<String, String> {
    let mut params = IndexMap::from([("model".to_owned(), spec.model.clone())]);
    params.extend(settings.params());
    params.insert("test_size".to_owned(), spec.test_size.to_string());
    params.insert("folds".to_owned(), spec.folds.to_string());
    let by = match &dataset.split {
        Split::Stratified => "stratified".to_owned(),
        Split::Time { column, .. } => format!("time: {column}"),
        Split::Group { column, .. } => format!("group: {column}"),
    };
    params.insert("split".to_owned(), by);
    // The seed of the split; the one given as a hyperparameter is the estimator's own.
    let seed = spec.seed.to_string();
    match params.get("seed") {
        None => params.insert("seed".to_owned(), seed),
        Some(own) if *own != seed => params.insert("split_seed".to_owned(), seed),
        Some(_) => None,
    };
    params
}

fn tags(dataset: &Dataset, family: &Family) -> IndexMap<String, String> {
    let (engine, version) = family.engine;
    let task = match dataset.task {
        LearningTask::Classification => "classification",
        LearningTask::Regression => "regression",
    };
    [
        ("engine", engine),
        ("engine_version", version),
        ("task", task),
        ("dataset", &dataset.name),
        ("dataset_digest", &dataset.digest),
        ("target", &dataset.target),
    ]
    .into_iter()
    .map(|(tag, value)| (tag.to_owned(), value.to_owned()))
    .collect()
}
