//! Experiments, tracked runs and models as they are shown.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::RunInput;
use crate::gate::{Gate, Origin};
use crate::ids::{DagId, TrackingRunId};
use crate::time::Timestamp;

/// An experiment as a line of the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExperimentView {
    pub experiment_id: String,
    pub name: String,
    pub run_count: u64,
    pub last_update_time: Option<Timestamp>,
}

/// A tracked run with its latest figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrackingRunView {
    pub run_id: TrackingRunId,
    pub run_name: String,
    pub experiment_id: String,
    /// `RUNNING`, `SCHEDULED`, `FINISHED`, `FAILED` or `KILLED`.
    pub status: String,
    pub start_time: Timestamp,
    pub end_time: Option<Timestamp>,
    pub params: Vec<(String, String)>,
    #[serde(with = "crate::figure::pairs")]
    pub metrics: Vec<(String, f64)>,
    pub tags: Vec<(String, String)>,
    pub artifact_uri: String,
    /// Paths of its artifacts with their sizes in bytes.
    pub artifacts: Vec<(String, u64)>,
    /// The runs that hang under it, where any do or are to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nested: Option<NestedRuns>,
}

/// The runs under a run in figures: the trials of a search, or whatever a program nested.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct NestedRuns {
    pub runs: u64,
    pub running: u64,
    /// `FAILED` or `KILLED`.
    pub failed: u64,
    /// Trials that were given up before they were whole.
    pub pruned: u64,
    /// How many there are to be, where a search said so.
    pub planned: Option<u64>,
    /// The metric that they are judged by, as they have it.
    pub metric: Option<String>,
    /// The best finite value of it so far, and the run that has it.
    pub best: Option<(f64, TrackingRunId)>,
}

/// The runs under a run, as trials of one search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialsView {
    /// The run that they hang under, with what is known of all of them.
    pub run: TrackingRunView,
    /// In the order of their numbers; the first ones, where there are more than were asked for.
    pub trials: Vec<TrialView>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialView {
    /// From 1, as they were begun.
    pub number: u64,
    pub run_id: TrackingRunId,
    pub run_name: String,
    /// MLflow's.
    pub status: String,
    /// Given up before it was whole.
    pub is_pruned: bool,
    /// Of the metric that they are judged by, where it is finite.
    pub value: Option<f64>,
    pub start_time: Timestamp,
    pub end_time: Option<Timestamp>,
    pub params: Vec<(String, String)>,
}

/// A metric over its steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricHistoryView {
    pub run_id: TrackingRunId,
    pub key: String,
    /// In the order of their steps.
    pub points: Vec<MetricPointView>,
    /// How many there are; more than `points` where these were thinned.
    pub total: u64,
}

/// A value of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MetricPointView {
    pub step: i64,
    pub timestamp: Timestamp,
    #[serde(with = "crate::figure::single")]
    pub value: f64,
}

/// The beginning of an artifact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArtifactView {
    pub path: String,
    /// Of all of it, in bytes.
    pub size: u64,
    /// `None` where it is no text.
    pub text: Option<String>,
}

/// A model that was logged, registered or not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoggedModelView {
    pub model_id: String,
    pub name: String,
    /// `PENDING`, `READY` or `FAILED`.
    pub status: String,
    pub model_type: Option<String>,
    pub source_run_id: Option<TrackingRunId>,
    pub creation_timestamp: Timestamp,
    pub params: Vec<(String, String)>,
    #[serde(with = "crate::figure::pairs")]
    pub metrics: Vec<(String, f64)>,
    pub tags: Vec<(String, String)>,
    /// (registered model, version) that it is.
    pub registrations: Vec<(String, u32)>,
    pub artifact_uri: String,
    /// How it can be loaded, as its `MLmodel` says; of one that is shown alone.
    #[serde(default)]
    pub flavors: Vec<String>,
    /// As its `MLmodel` says: `inputs` and `outputs`.
    #[serde(default)]
    pub signature: Option<Value>,
    /// Its files, from its own folder on, with their sizes in bytes.
    #[serde(default)]
    pub files: Vec<(String, u64)>,
}

/// A registered model as a line of the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelView {
    pub name: String,
    pub creation_timestamp: Timestamp,
    pub last_updated_timestamp: Timestamp,
    /// (alias, version).
    pub aliases: Vec<(String, u32)>,
    pub latest_version: Option<u32>,
    pub version_count: u64,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub tags: Vec<(String, String)>,
}

/// A version of a registered model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelVersionView {
    pub name: String,
    pub version: u32,
    pub aliases: Vec<String>,
    pub run_id: Option<TrackingRunId>,
    pub creation_timestamp: Timestamp,
    pub source: String,
    #[serde(with = "crate::figure::pairs")]
    pub metrics: Vec<(String, f64)>,
    pub params: Vec<(String, String)>,
    /// Of its run.
    pub tags: Vec<(String, String)>,
    /// The model's signature, as MLflow writes it: `inputs` and `outputs`.
    pub signature: Option<Value>,
    /// Of the model's file.
    #[serde(default)]
    pub size_bytes: Option<u64>,
    /// The run of a DAG that made it, where one did.
    #[serde(default)]
    pub origin: Option<Origin>,
    /// Percent of the requests that it answers at the model's endpoint now.
    #[serde(default)]
    pub serves: Option<u8>,
    /// What its tracked run learnt from.
    #[serde(default)]
    pub inputs: Vec<RunInput>,
    /// What that run's gates found of it.
    #[serde(default)]
    pub gates: Vec<Gate>,
    #[serde(default)]
    pub description: Option<String>,
    /// MLflow's label: `None`, `Staging`, `Production` or `Archived`.
    #[serde(default = "no_stage")]
    pub stage: String,
    /// Of the version itself.
    #[serde(default)]
    pub version_tags: Vec<(String, String)>,
    /// Who registered it.
    #[serde(default)]
    pub user: Option<String>,
    /// The logged model that it is.
    #[serde(default)]
    pub model_id: Option<String>,
}

fn no_stage() -> String {
    "None".to_owned()
}

impl ModelVersionView {
    /// Says whether a gate found it wanting.
    pub fn fails_a_gate(&self) -> bool {
        self.gates.iter().any(|gate| !gate.passed)
    }
}

/// A model with its versions, newest first, and the history of its aliases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelDetailView {
    pub model: ModelView,
    pub versions: Vec<ModelVersionView>,
    pub history: Vec<AliasMove>,
}

/// One move of an alias.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AliasMove {
    pub id: i64,
    pub name: String,
    pub alias: String,
    pub from_version: Option<u32>,
    /// `None`: the alias was taken away.
    pub to_version: Option<u32>,
    pub when: Timestamp,
    pub user: String,
    /// `promote`, `rollback` or `delete`.
    pub action: String,
    /// Why, in the words of who moved it.
    #[serde(default)]
    pub reason: Option<String>,
}

/// What a promote or a rollback would change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AliasPlan {
    pub name: String,
    pub alias: String,
    pub from: Option<ModelVersionView>,
    pub to: ModelVersionView,
    /// (metric, before, after), those that either has.
    #[serde(with = "crate::figure::before_after")]
    pub metrics: Vec<(String, Option<f64>, Option<f64>)>,
    /// (param, before, after), only those that differ.
    pub params: Vec<(String, Option<String>, Option<String>)>,
    /// What it sets off: DAGs that the asset event starts.
    pub starts_dags: Vec<DagId>,
    /// What becomes of the requests, a line each.
    #[serde(default)]
    pub traffic: Vec<String>,
}
