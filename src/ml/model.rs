//! A trained model with its preprocessing and signature, and its file format (JSON).

mod file;
mod mlflow;
mod onnx;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Predictor;
use crate::batch::{Answers, Batch, most_probable};
use crate::dag::spec::LearningTask;
use crate::dataset::Dataset;
use crate::estimator::{Estimator, Family};
use crate::preprocess::Preprocess;

/// What a model takes and gives, in MLflow's words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signature {
    pub inputs: Vec<ColumnSpec>,
    pub outputs: Vec<ColumnSpec>,
}

/// A column of a signature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnSpec {
    pub name: String,
    #[serde(rename = "type")]
    pub data_type: DataType,
    /// A value may not be missing (null).
    pub required: bool,
    /// The categories that were seen in training, of a text column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub categories: Option<Vec<String>>,
}

/// MLflow's data types, those that occur here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataType {
    Double,
    Long,
    Boolean,
    String,
    Datetime,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Prediction {
    Class {
        label: String,
        /// Class to probability, in the model's order of classes; they sum to 1.
        probabilities: IndexMap<String, f64>,
    },
    Value {
        value: f64,
    },
}

/// A row that does not fit the signature.
#[derive(Debug, Clone, PartialEq)]
pub enum InputError {
    Width {
        row: usize,
        found: usize,
        expected: usize,
        columns: Vec<String>,
    },
    MissingColumn {
        row: usize,
        column: String,
    },
    UnknownColumn {
        row: usize,
        column: String,
        meant: Option<String>,
    },
    Type {
        row: usize,
        column: String,
        found: String,
        expected: &'static str,
    },
    Null {
        row: usize,
        column: String,
    },
    NotARow {
        row: usize,
    },
    TooManyRows {
        max: usize,
    },
    /// The model of another tool, to rows that fit its signature.
    Model {
        fault: String,
    },
}

impl InputError {
    /// Says what is wrong, without the row: for those who count rows otherwise.
    pub fn what(&self) -> String {
        match self {
            Self::Width { found, expected, columns, .. } => {
                format!("{found} values where the model takes {expected} ({})", columns.join(", "))
            }
            Self::MissingColumn { column, .. } => format!("column `{column}` is missing"),
            Self::UnknownColumn { column, meant, .. } => {
                let meant = meant.as_ref().map(|meant| format!(" (did you mean `{meant}`?)"));
                format!("there is no column `{column}`{}", meant.unwrap_or_default())
            }
            Self::Type { column, found, expected, .. } => {
                format!("column `{column}`: {found} where a {expected} is expected")
            }
            Self::Null { column, .. } => {
                format!("column `{column}`: a value is required, null is not taken")
            }
            Self::NotARow { .. } => "neither a list of values nor a record of columns".to_owned(),
            Self::TooManyRows { max } => {
                format!("more rows than are taken at once (at most {max})")
            }
            Self::Model { fault } => format!("the model cannot answer: {fault}"),
        }
    }

    /// Returns the row that does not fit; none where it is about all.
    pub fn row(&self) -> Option<usize> {
        match self {
            Self::Width { row, .. }
            | Self::MissingColumn { row, .. }
            | Self::UnknownColumn { row, .. }
            | Self::Type { row, .. }
            | Self::Null { row, .. }
            | Self::NotARow { row } => Some(*row),
            Self::TooManyRows { .. } | Self::Model { .. } => None,
        }
    }

    /// Returns the column that does not fit, where it is one.
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::MissingColumn { column, .. }
            | Self::UnknownColumn { column, .. }
            | Self::Type { column, .. }
            | Self::Null { column, .. } => Some(column),
            Self::Width { .. }
            | Self::NotARow { .. }
            | Self::TooManyRows { .. }
            | Self::Model { .. } => None,
        }
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(row) = self.row() {
            // Of a cell its place comes first: row and column.
            let is_cell = matches!(self, Self::Type { .. } | Self::Null { .. });
            write!(f, "row {row}{} ", if is_cell { "," } else { ":" })?;
        }
        f.write_str(&self.what())
    }
}

impl std::error::Error for InputError {}

/// A trained model; clones share it.
#[derive(Debug, Clone)]
pub struct Model {
    fitted: Arc<Fitted>,
}

/// What a model is made of; read from a file only if the parts fit together.
#[derive(Debug)]
struct Fitted {
    family: &'static Family,
    task: LearningTask,
    signature: Signature,
    /// Empty for a regression.
    classes: Vec<String>,
    preprocess: Preprocess,
    estimator: Arc<dyn Estimator>,
    examples: Vec<(Map<String, Value>, Value)>,
}

/// How many records a model keeps to try itself on.
const EXAMPLES: usize = 5;

/// A model file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("read the model: it is not a dagdeck model file")]
    Format(#[source] serde_json::Error),
    #[error("read the model: format {found} is newer than this dagdeck knows ({known})")]
    TooNew { found: u32, known: u32 },
    #[error("read the model: its parts do not fit: {0}")]
    Estimator(String),
}

impl Model {
    /// Puts a model together; its examples are taken from `rows`.
    pub(crate) fn new(
        dataset: &Dataset,
        family: &'static Family,
        preprocess: Preprocess,
        estimator: Arc<dyn Estimator>,
        rows: &[usize],
    ) -> Self {
        let signature = signature(dataset, &preprocess);
        let fitted = Fitted {
            family,
            task: dataset.task,
            signature,
            classes: dataset.classes().to_vec(),
            preprocess,
            estimator,
            examples: Vec::new(),
        };
        // Spread over the rows, since sorted files begin with one class.
        let count = EXAMPLES.min(rows.len());
        let examples = (0..count).map(|n| rows[n * rows.len() / count]).map(|row| {
            let cells = dataset.features.iter().map(|c| (c.name.clone(), c.json(row)));
            let record: Map<String, Value> = cells.collect();
            let batch = Batch::of_json(&fitted.signature, &[Value::Object(record.clone())]);
            let batch = batch.expect("the signature was made from these rows");
            let answers = fitted.answer(&batch).predictions(&fitted.classes);
            (record, serde_json::to_value(&answers[0]).expect("a prediction is JSON"))
        });
        let examples = examples.collect();
        Self { fitted: Arc::new(Fitted { examples, ..fitted }) }
    }

    /// Reads a model file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        file::read(bytes).map(|fitted| Self { fitted: Arc::new(fitted) })
    }

    /// Writes a model file.
    pub fn to_bytes(&self) -> Vec<u8> {
        file::write(&self.fitted)
    }

    /// Writes the model as a folder that MLflow loads, by the paths in it: the model file is
    /// `model.json`. `made_at` is as MLflow writes it: `2026-01-31 12:00:00.000000`.
    pub fn to_mlflow(&self, run_id: &str, made_at: &str) -> IndexMap<String, Vec<u8>> {
        mlflow::files(&self.fitted, run_id, made_at)
    }

    /// Writes the model as an ONNX file; says why where it cannot be told in ONNX.
    ///
    /// Inputs are the raw columns by name, each `[rows, 1]` (`double`, `int64`, `bool`, `string`; NaN
    /// and the empty text are missing). Outputs are `label` and `probabilities` (`[rows, classes]`),
    /// or `value` (`[rows, 1]`).
    pub fn to_onnx(&self) -> Result<Vec<u8>, String> {
        onnx::write(&self.fitted)
    }

    /// Returns what it takes and gives.
    pub fn signature(&self) -> &Signature {
        &self.fitted.signature
    }

    /// Returns the model's name, such as `xgboost`.
    pub fn kind(&self) -> &str {
        self.fitted.family.name
    }

    /// Returns a few raw records of the data with this model's own answers to them, as
    /// found right after training: a smoke test for whoever loads it.
    pub fn examples(&self) -> &[(Map<String, Value>, Value)] {
        &self.fitted.examples
    }

    /// Answers rows: each a list in the signature's order, or a record by name. A category that
    /// was not seen in training is taken as "other", not refused. Rows count from 0 in errors.
    pub fn predict(&self, rows: &[Value]) -> Result<Vec<Prediction>, InputError> {
        Predictor::predict(self, rows)
    }

    pub(crate) fn classes(&self) -> &[String] {
        &self.fitted.classes
    }

    pub(crate) fn answer(&self, batch: &Batch) -> Answers {
        self.fitted.answer(batch)
    }
}

impl Fitted {
    fn answer(&self, batch: &Batch) -> Answers {
        let width = self.classes.len().max(1);
        let mut out = vec![0.0; batch.rows() * width];
        let mut numbers = Vec::with_capacity(self.preprocess.width());
        for (row, out) in out.chunks_exact_mut(width).enumerate() {
            numbers.clear();
            self.preprocess.encode(batch.row(row), &mut numbers);
            self.estimator.predict(&numbers, out);
        }
        Answers::new(width, out)
    }
}

/// Makes an answer of the probabilities of the classes; of a value, where there are none.
pub(crate) fn prediction(classes: &[String], numbers: &[f64]) -> Prediction {
    if classes.is_empty() {
        return Prediction::Value { value: numbers[0] };
    }
    Prediction::Class {
        label: classes[most_probable(numbers)].clone(),
        probabilities: classes.iter().cloned().zip(numbers.iter().copied()).collect(),
    }
}

fn signature(dataset: &Dataset, preprocess: &Preprocess) -> Signature {
    let inputs =
        dataset.features.iter().zip(preprocess.categories()).map(|(column, seen)| ColumnSpec {
            name: column.name.clone(),
            data_type: column.data_type(),
            required: column.missing() == 0,
            categories: seen.map(<[String]>::to_vec),
        });
    let output = ColumnSpec {
        name: dataset.target.clone(),
        data_type: match dataset.task {
            LearningTask::Classification => DataType::String,
            LearningTask::Regression => DataType::Double,
        },
        required: true,
        categories: match dataset.task {
            LearningTask::Classification => Some(dataset.classes().to_vec()),
            LearningTask::Regression => None,
        },
    };
    Signature { inputs: inputs.collect(), outputs: vec![output] }
}
