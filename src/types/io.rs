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

/// A data set as an attempt met it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetRef {
    /// `file`, `sqlite:/path`, `postgres://host:5432`, `dagdeck` for tables of a run.
    pub namespace: String,
    /// A path, `database.schema.table`, `DAG.TABLE`.
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// In order, where they are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<ColumnRef>,
}

/// A column of a data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnRef {
    pub name: String,
    /// As the data set has it.
    #[serde(rename = "type")]
    pub column_type: String,
    /// The columns whose values it takes over as they are, as far as the database says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<ColumnOrigin>,
}

/// Where a column comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnOrigin {
    pub namespace: String,
    pub name: String,
    pub column: String,
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
