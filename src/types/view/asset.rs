//! Assets in the list, and what comes from what.

use serde::{Deserialize, Serialize};

use crate::asset::AssetEvent;
use crate::freshness::{Freshness, Producer};
use crate::ids::{AssetName, DagId, TaskId};
use crate::io::CheckView;
use crate::state::DagRunState;
use crate::time::Timestamp;

/// An asset as a line of the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AssetView {
    pub name: AssetName,
    pub uri: String,
    pub watch: bool,
    pub producing_tasks: Vec<(DagId, TaskId)>,
    pub consuming_tasks: Vec<(DagId, TaskId)>,
    /// DAGs that its events start.
    pub scheduled_dags: Vec<DagId>,
    pub last_event: Option<AssetEvent>,
    pub event_count: u64,
    #[serde(default)]
    pub freshness: Freshness,
    /// The DAGs of `producing_tasks`.
    #[serde(default)]
    pub producers: Vec<Producer>,
    /// What the checks that guard it came to when they last ran.
    #[serde(default)]
    pub checks: Vec<CheckView>,
    /// What it belongs to (Airflow's `group`).
    #[serde(default)]
    pub group: String,
    /// How old it may get, in seconds.
    #[serde(default)]
    pub freshness_limit: Option<f64>,
    /// How many partitions have events.
    #[serde(default)]
    pub partitions: u64,
}

/// What stands where in the lineage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineageKind {
    Asset,
    Dag,
    Model,
    Endpoint,
    /// A file of this machine.
    File,
    /// An object of a bucket.
    Object,
    /// A table of a database.
    Table,
    /// A data set of `dags.toml`, that models learn from.
    Dataset,
    /// A version of a model.
    Version,
    /// A job elsewhere, which told of itself.
    Job,
}

impl LineageKind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Asset,
        Self::Dag,
        Self::Model,
        Self::Endpoint,
        Self::File,
        Self::Object,
        Self::Table,
        Self::Dataset,
        Self::Version,
        Self::Job,
    ];

    /// Returns the word for it, with which ids begin.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asset => "asset",
            Self::Dag => "dag",
            Self::Model => "model",
            Self::Endpoint => "endpoint",
            Self::File => "file",
            Self::Object => "object",
            Self::Table => "table",
            Self::Dataset => "dataset",
            Self::Version => "version",
            Self::Job => "job",
        }
    }

    /// Returns the id of a node.
    pub fn id(self, name: &str) -> String {
        format!("{}:{name}", self.as_str())
    }
}

/// A node of the lineage; `id` is unique, such as `asset:lake_readings` or `dag:etl_example`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LineageNode {
    pub id: String,
    pub kind: LineageKind,
    pub name: String,
    /// When it last changed or ran.
    pub last: Option<Timestamp>,
    /// The last run's state, of a DAG.
    pub state: Option<DagRunState>,
    /// Of an asset.
    #[serde(default)]
    pub freshness: Option<Freshness>,
    /// Of a DAG.
    #[serde(default)]
    pub is_paused: bool,
    /// How far from what was asked about: below zero upstream.
    #[serde(default)]
    pub hop: i32,
    /// How many nodes right before and right after it are not in the answer.
    #[serde(default)]
    pub hidden: (u32, u32),
    /// The names that OpenLineage has for the data: of an asset that is a pattern, of those of
    /// its parts that were seen last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub datasets: Vec<DatasetName>,
    /// More in a few words: `@production, serves 90 %`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// What a data set goes by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DatasetName {
    pub namespace: String,
    pub name: String,
}

/// How it is known that data flows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkStanding {
    /// Definitions say so, and attempts did so.
    Both,
    /// Definitions say so; no attempt ever did, though its task tells what it reads and writes.
    Declared,
    /// Definitions say so; what its task reads and writes nobody sees.
    Untold,
    /// Attempts did so; no definition says it.
    Seen,
    /// It needs no saying: a schedule, an alias of a model, the file of a data set.
    #[default]
    Known,
}

impl LinkStanding {
    /// Returns what there is to say of it; nothing where all is well.
    pub const fn words(self) -> Option<&'static str> {
        match self {
            Self::Both | Self::Untold | Self::Known => None,
            Self::Declared => Some("declared, never seen"),
            Self::Seen => Some("seen, not declared"),
        }
    }
}

/// Data flows from one node to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineageEdge {
    pub from: String,
    pub to: String,
    #[serde(default)]
    pub standing: LinkStanding,
    /// When an attempt last did so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
    /// The tasks that do so, or who told of it: the first few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
}

/// What came from what; data flows along the edges.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LineageView {
    pub nodes: Vec<LineageNode>,
    pub edges: Vec<LineageEdge>,
    /// How many nodes there are in all, also beyond what was asked for.
    #[serde(default)]
    pub total: usize,
    /// The id of what was asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub focus: Option<String>,
}
