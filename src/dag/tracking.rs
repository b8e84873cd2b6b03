//! `[tracking]` of `dags.toml`: the server of MLflow's that gets what pipelines track, how often a run
//! looks at the machine, and how much one artifact may weigh. Judged once, so that the check and
//! whoever acts on it mean the same.

use std::time::Duration;

use crate::secret::Secret;

/// As MLflow's client has it.
pub const SYSTEM_METRICS_INTERVAL: Duration = Duration::from_secs(10);

/// How long a server may take to answer a call, as MLflow's client has it.
pub const TIMEOUT: Duration = Duration::from_secs(120);

/// What one artifact may weigh that a client sends: more than models weigh, less than a disk.
pub const ARTIFACT_MAX_BYTES: u64 = 100 << 30;

/// What `[tracking]` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackingSpec {
    /// Who gets what pipelines track; `None`: it stays here.
    pub server: Option<TrackingServer>,
    /// How often a run of `ml.train` looks at the machine; `None`: never.
    pub system_metrics: Option<Duration>,
    pub artifact_max_bytes: u64,
}

impl Default for TrackingSpec {
    fn default() -> Self {
        Self {
            server: None,
            system_metrics: Some(SYSTEM_METRICS_INTERVAL),
            artifact_max_bytes: ARTIFACT_MAX_BYTES,
        }
    }
}

/// A server that speaks MLflow's REST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackingServer {
    /// `http://HOST[:PORT][/PATH]`, without a slash at its end.
    pub uri: String,
    pub login: Option<Login>,
    pub timeout: Duration,
}

/// With what a server is asked, as MLflow's client does it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// `Authorization: Bearer …`
    Token(Secret),
    /// `Authorization: Basic …`
    Password { username: Secret, password: Secret },
}

impl Login {
    /// Returns what no log may show.
    pub fn secrets(&self) -> Vec<String> {
        match self {
            Self::Token(token) => vec![token.reveal().to_owned()],
            Self::Password { password, .. } => vec![password.reveal().to_owned()],
        }
    }
}
