//! Where columns come from, and the chain from a file to an answer, walked both ways.

use serde::{Deserialize, Serialize};

use super::LineageKind;
use crate::asset::AssetEvent;
use crate::io::ColumnRef;
use crate::run::DagRunKey;
use crate::time::Timestamp;

/// The columns of a data set, a version of a model or an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnsView {
    /// The node, as the lineage has it.
    pub id: String,
    pub kind: LineageKind,
    pub name: String,
    /// In the order of the table.
    pub columns: Vec<ColumnTrace>,
}

/// A column with where it comes from, as far as anybody told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnTrace {
    pub name: String,
    #[serde(rename = "type")]
    pub column_type: String,
    /// Upstream, each before what it comes from itself.
    pub origins: Vec<ColumnStep>,
}

/// A column further up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnStep {
    /// How far from the column: 1 is what it is made of.
    pub depth: u32,
    /// The data set as people see it; of tables between the tasks of a run `DAG.TABLE`.
    pub dataset: String,
    pub namespace: String,
    pub name: String,
    pub column: String,
    /// Something is made of the value; else it is taken over as it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub computed: bool,
    /// The task or job that made the column before of this one.
    pub by: String,
}

/// The chain through one thing: what was made of it, and what it was made of, by the runs that
/// did so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TraceView {
    pub id: String,
    pub kind: LineageKind,
    pub name: String,
    /// What it was made of: each step before what that was made of itself.
    pub upstream: Vec<TraceStep>,
    /// What was made of it.
    pub downstream: Vec<TraceStep>,
    /// There is more than an answer holds.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_cut: bool,
}

/// A step of the chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TraceStep {
    /// How far from what was asked about: 1 is right beside it.
    pub depth: u32,
    pub kind: TraceKind,
    pub name: String,
    /// More in a line: rows, digest, how it is served.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    pub when: Option<Timestamp>,
    /// The node of the lineage, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The run, where it is one or came of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<DagRunKey>,
}

/// What a step of the chain is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TraceKind {
    /// A file, an object, a table, an asset.
    Data,
    /// A data set that a model learnt from, with its digest.
    Dataset,
    /// A change of an asset.
    Event,
    /// A run of a DAG.
    Run,
    /// A version of a model.
    Version,
    Endpoint,
}

impl TraceKind {
    /// Returns the word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Dataset => "data set",
            Self::Event => "event",
            Self::Run => "run",
            Self::Version => "version",
            Self::Endpoint => "endpoint",
        }
    }
}

/// What a tracked run learnt from, as it was then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunInput {
    /// The data set of `dags.toml`.
    pub name: String,
    /// SHA-256 of the file.
    pub digest: String,
    /// The file.
    pub source: String,
    pub rows: u64,
    pub bytes: u64,
    /// What was to be predicted.
    pub target: String,
    /// The schema, the target with it.
    pub columns: Vec<ColumnRef>,
    /// What had happened to the data: the last event of each asset that it is, and those that
    /// started the run.
    #[serde(default)]
    pub asset_events: Vec<AssetEvent>,
}
