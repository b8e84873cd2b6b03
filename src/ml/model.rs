//! A trained model with its preprocessing and signature, and its file format (JSON).

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InputError {
    #[error("row {row}: {found} values where the model takes {expected} ({})", columns.join(", "))]
    Width { row: usize, found: usize, expected: usize, columns: Vec<String> },
    #[error("row {row}: column `{column}` is missing")]
    MissingColumn { row: usize, column: String },
    #[error("row {row}: there is no column `{column}`{}", meant.as_ref().map(|m| format!(" (did you mean `{m}`?)")).unwrap_or_default())]
    UnknownColumn { row: usize, column: String, meant: Option<String> },
    #[error("row {row}, column `{column}`: {found} where a {expected} is expected")]
    Type { row: usize, column: String, found: String, expected: &'static str },
    #[error("row {row}, column `{column}`: a value is required, null is not taken")]
    Null { row: usize, column: String },
    #[error("row {row}: neither a list of values nor a record of columns")]
    NotARow { row: usize },
}

/// A trained model.
#[derive(Debug, Clone)]
pub struct Model {
    pub(crate) inner: crate::ml::train::Fitted,
}

/// A model file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("read the model: it is not a dagdeck model file")]
    Format(#[source] serde_json::Error),
    #[error("read the model: format {found} is newer than this dagdeck knows ({known})")]
    TooNew { found: u32, known: u32 },
    #[error("read the model: its trees cannot be read: {0}")]
    Estimator(String),
}

impl Model {
    /// Reads a model file.
    pub fn from_bytes(_bytes: &[u8]) -> Result<Self, ModelError> {
        todo!("ml helper")
    }

    /// Writes a model file.
    pub fn to_bytes(&self) -> Vec<u8> {
        todo!("ml helper")
    }

    /// Returns what it takes and gives.
    pub fn signature(&self) -> &Signature {
        todo!("ml helper")
    }

    /// Returns the model's name, such as `xgboost`.
    pub fn kind(&self) -> &str {
        todo!("ml helper")
    }

    /// Returns a few raw records of the training data with this model's own answers to them, as
    /// found right after training: a smoke test for whoever loads it.
    pub fn examples(&self) -> &[(Map<String, Value>, Value)] {
        todo!("ml helper")
    }

    /// Answers rows: each a list in the signature's order, or a record by name. A category that
    /// was not seen in training is taken as "other", not refused.
    pub fn predict(&self, _rows: &[Value]) -> Result<Vec<Prediction>, InputError> {
        todo!("ml helper")
    }
}
