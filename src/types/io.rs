//! What an attempt read and wrote, and what its checks came to. Data sets go by the names that
//! OpenLineage gives them, so that what dagdeck knows and what others report is one graph.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::TaskInstanceKey;
use crate::time::Timestamp;

/// What an attempt's operator says of itself: `observed.json` beside its report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<DatasetRef>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<DatasetRef>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckResult>,
}

/// The tables of a run, as `DAG.TABLE`: between the tasks of one DAG.
pub const RUN_TABLES: &str = "dagdeck";
/// Data sets of `dags.toml`, by name.
pub const DATASETS: &str = "dataset";
/// Versions of models, as `NAME/VERSION`.
pub const MODELS: &str = "model";
/// What answers, by the model's name.
pub const ENDPOINTS: &str = "endpoint";
/// Tracked runs, by id: between a training and a registration.
pub const TRACKED: &str = "tracked";
/// Assets, by name: what an outlet tells of, wherever it lies.
pub const ASSETS: &str = "asset";

/// A data set as an attempt met it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetRef {
    /// `file`, `sqlite:/path`, `postgres://host:5432`, `s3://bucket`, or one of dagdeck's own
    /// ([`RUN_TABLES`], [`DATASETS`], [`MODELS`], [`ENDPOINTS`], [`ASSETS`]).
    pub namespace: String,
    /// A path, `database.schema.table`, `DAG.TABLE`.
    pub name: String,
    /// Of its content: SHA-256, or the store's own mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// In order, where they are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<ColumnRef>,
}

impl DatasetRef {
    /// Names a data set of which nothing else is known.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into(), ..Self::default() }
    }

    /// Says whether it goes by this name.
    pub fn is(&self, namespace: &str, name: &str) -> bool {
        self.namespace == namespace && self.name == name
    }
}

/// A column of a data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnRef {
    pub name: String,
    /// As the data set has it.
    #[serde(rename = "type")]
    pub column_type: String,
    /// The columns that its values come from, as far as the database says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<ColumnOrigin>,
}

/// Where a column comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ColumnOrigin {
    pub namespace: String,
    pub name: String,
    pub column: String,
    /// Something is made of the value; else it is taken over as it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub computed: bool,
}

/// What a failing expectation does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFail {
    /// It fails the task.
    #[default]
    Fail,
    /// It is told and kept.
    Warn,
}

/// What an expectation came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckResult {
    /// The table of the run that was asked.
    pub table: String,
    pub expect: String,
    pub passed: bool,
    /// Of the first row that failed, else of the first row.
    pub value: Value,
    /// What a reader wants to see of a failure: both sides of a comparison, or how many rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures: Option<String>,
    #[serde(default)]
    pub on_fail: OnFail,
}

/// A line of the history of data quality.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckView {
    #[serde(flatten)]
    pub task: TaskInstanceKey,
    pub try_number: u32,
    pub timestamp: Timestamp,
    #[serde(flatten)]
    pub result: CheckResult,
}
