//! Outputs of tasks, as they are kept: short ones in the store, long ones in a file beside it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::TaskInstanceKey;

/// The key of what a task returns.
pub const RETURN_VALUE: &str = "return_value";

/// A value, or where it lies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum XcomValue {
    Value(Value),
    File(XcomFile),
}

/// A value that is too long for the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct XcomFile {
    /// Below `.dagdeck`, never outside of it.
    pub path: String,
    /// Bytes.
    pub size: u64,
    pub sha256: String,
    /// How many elements it has, where it is a list or a table.
    #[serde(default)]
    pub length: Option<u64>,
    /// How many the lists and tables inside of its tables have, by dotted path. Only a report has
    /// them: for what is mapped over them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lengths: BTreeMap<String, u64>,
}

/// An output as a line of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct XcomView {
    #[serde(flatten)]
    pub task: TaskInstanceKey,
    pub key: String,
    /// Bytes of its JSON.
    pub size: u64,
    /// Where it lies, if not in the store.
    pub path: Option<String>,
    /// The value, where it is asked for or short.
    pub value: Option<Value>,
}
