//! What operators set at run time, beside `dags.toml`: variables, connections, pools. Secrets are
//! given as `${env:NAME}` or `${file:path}`; what they stand for is never kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    pub key: String,
    pub value: String,
    #[serde(default)]
    pub description: Option<String>,
}

/// A connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    pub conn_id: String,
    pub url: String,
    /// Further keys, as in `dags.toml`.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    #[serde(default)]
    pub description: Option<String>,
}

/// A pool, or other slots for a pool of `dags.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    pub pool: String,
    /// 0 holds all its tasks back.
    pub slots: u32,
    #[serde(default)]
    pub description: Option<String>,
}

/// All that is set at run time, each by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    pub variables: Vec<Variable>,
    pub connections: Vec<Connection>,
    pub pools: Vec<Pool>,
}

/// Where a definition comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    #[serde(rename = "dags.toml")]
    DagsToml,
    #[serde(rename = "run time")]
    RunTime,
}

impl Origin {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DagsToml => "dags.toml",
            Self::RunTime => "run time",
        }
    }
}

/// A variable as it is shown: secrets masked, references as they were written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariableView {
    pub key: String,
    pub value: String,
    pub description: Option<String>,
    pub origin: Origin,
    /// Why it is not in force.
    pub problem: Option<String>,
}

/// A connection as it is shown: secrets masked, references as they were written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionView {
    pub conn_id: String,
    /// `sqlite`, `folder`, `log`, `webhook`.
    pub conn_type: String,
    pub url: String,
    pub options: BTreeMap<String, String>,
    pub description: Option<String>,
    pub origin: Origin,
    /// Why it is not in force.
    pub problem: Option<String>,
}

/// A pool with what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotPoolView {
    pub pool: String,
    pub slots: u32,
    pub running_slots: u32,
    pub queued_slots: u32,
    pub open_slots: u32,
    pub description: Option<String>,
    pub origin: Origin,
    /// What `dags.toml` says, where the run time says otherwise.
    pub declared_slots: Option<u32>,
}

/// What a test of a connection found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionTest {
    pub conn_id: String,
    pub ok: bool,
    pub message: String,
}
