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
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineageKind {
    Asset,
    Dag,
    Model,
    Endpoint,
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
}

/// What came from what: `edges` are (from, to) node ids, data flows along them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LineageView {
    pub nodes: Vec<LineageNode>,
    pub edges: Vec<(String, String)>,
    /// How many nodes there are in all, also beyond what was asked for.
    #[serde(default)]
    pub total: usize,
}
