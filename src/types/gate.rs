//! What the gates of a pipeline found of a model's run.

use serde::{Deserialize, Serialize};

use crate::ids::TaskId;
use crate::run::DagRunKey;

/// The judgement of one gate, as its task left it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    pub task_id: TaskId,
    pub passed: bool,
    /// In one line.
    #[serde(default)]
    pub reason: String,
    #[serde(default)]
    pub figures: Vec<GateFigure>,
}

/// One requirement, judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateFigure {
    pub metric: String,
    /// Such as `>= 0.75`.
    pub required: String,
    #[serde(default)]
    pub value: Option<f64>,
    /// `None`: it does not apply to this kind of model.
    #[serde(default)]
    pub passed: Option<bool>,
}

/// The run of a DAG that made a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    pub run: DagRunKey,
    /// Which version of the definition it ran; `None` where the run is gone.
    #[serde(default)]
    pub dag_version_number: Option<u32>,
}
