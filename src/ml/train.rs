//! Training: split, cross-validate, fit, evaluate.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::ml::dataset::{Dataset, DatasetError};
use crate::ml::model::Model;

/// What to train.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainSpec {
    /// `xgboost`, `lightgbm`, `random_forest`, `logistic_regression`, `linear_regression`.
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
    /// All hyperparameters as used, defaults included, as text for the tracker.
    pub params: IndexMap<String, String>,
    /// `engine`, `engine_version` and the like.
    pub tags: IndexMap<String, String>,
    /// Further files by name: `confusion_matrix.json`, `feature_importance.json`.
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
    _dataset: &Dataset,
    _spec: &TrainSpec,
    _progress: &mut dyn FnMut(&str),
) -> Result<Trained, TrainError> {
    todo!("ml helper")
}

/// Preprocessing and estimator, fitted.
#[derive(Debug, Clone)]
pub(crate) struct Fitted {}
