//! The daemon as it stands, and the definitions in force.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// An error of `dags.toml`, with its drawing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DiagnosticView {
    pub code: String,
    pub message: String,
    pub file: String,
    pub line: usize,
    pub column: usize,
    pub help: Option<String>,
    /// The place drawn, several lines, no colours.
    pub drawing: String,
}

/// Whether what is in force is what `dags.toml` says.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DefinitionsView {
    /// Errors of the file as it is now; empty where it is in force.
    pub diagnostics: Vec<DiagnosticView>,
    /// When the version in force was loaded.
    pub loaded_at: Option<Timestamp>,
}

/// The daemon as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatusView {
    pub deck_name: String,
    pub project: String,
    pub version: String,
    pub pid: u32,
    pub started_at: Timestamp,
    /// Where the control API listens beside its socket.
    pub api_listen: Option<String>,
    pub serving_listen: Option<String>,
    /// Whom runs are told to as OpenLineage; `None`: nobody.
    #[serde(default)]
    pub openlineage: Option<OpenLineageView>,
    /// The MLflow server that gets what pipelines track; `None`: it stays here.
    #[serde(default)]
    pub mirror: Option<MirrorView>,
    /// Listeners that could not be opened, watchers that could not watch: a line each.
    pub problems: Vec<String>,
    pub slots_used: u32,
    pub slots_total: u32,
    pub runs_running: u64,
    pub runs_queued: u64,
    pub pools: Vec<PoolView>,
    pub dag_count: usize,
    pub definition_errors: usize,
    pub store_bytes: u64,
    pub memory_bytes: Option<u64>,
    /// The daemon's clock, so that a deck can show ages right.
    pub now: Timestamp,
}

/// Where events of OpenLineage go, and how far they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenLineageView {
    /// `http://HOST:PORT/api/v1/lineage` or a file; shows no secret.
    pub target: String,
    /// Taken there since the daemon began.
    pub sent: u64,
    /// Written down and still to be sent.
    pub waiting: u64,
    /// Not sent and never to be: refused there for what they are, or too many to be kept.
    pub lost: u64,
    /// Why nothing goes there now.
    pub problem: Option<String>,
}

/// The MLflow server that gets what pipelines track, and how far that is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MirrorView {
    /// `http://HOST:PORT`; shows no secret.
    pub target: String,
    /// Runs and models brought up to date since the daemon began.
    pub sent: u64,
    /// Runs and models that have changed and are still to be told.
    pub waiting: u64,
    /// Of those, what the server will not have as it is.
    pub refused: u64,
    /// Why nothing goes there now, or what the server says of one that it will not have.
    pub problem: Option<String>,
}

/// A pool and who is in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PoolView {
    pub name: String,
    pub slots: u32,
    pub running: u32,
    pub queued: u32,
}
