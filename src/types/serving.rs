//! What the model server is told and what it tells.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::time::Timestamp;

mod traffic;

pub use traffic::{
    ArmView, PredictionLogView, RolloutState, RolloutView, RolloutWish, ShadowView, Sticky,
    TrafficChange, TrafficView, VerdictView,
};

/// One loaded version and its share of the traffic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServedVersion {
    pub model: String,
    pub version: u32,
    /// Percent of this model's requests, 0 to 100.
    pub weight: u8,
    pub loaded_at: Timestamp,
    pub requests_total: u64,
    pub errors_total: u64,
    /// Answered in the last ten seconds, per second.
    pub requests_per_sec: f64,
    /// Milliseconds over the last minute; `None` where nothing was asked.
    pub p50_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    /// Of `errors_total`, what the server could not do (5xx); the others asked wrongly (4xx).
    #[serde(default)]
    pub failed_total: u64,
    #[serde(default)]
    pub history: ServedHistory,
    /// A body that it answers: a list with one raw row.
    #[serde(default)]
    pub example: Option<Value>,
    /// How far what it is asked lies from what it learnt from; `None` where nobody can say.
    #[serde(default)]
    pub drift: Option<ServedDrift>,
}

/// Drift in short.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServedDrift {
    /// In the window.
    pub rows: u64,
    /// The column that has drifted most by its population stability index; `None`: none has, or
    /// too few rows came to say.
    pub column: Option<String>,
    /// Its index; 0 where none has drifted, `None` where too few rows came to say.
    pub psi: Option<f64>,
    /// Columns over their limits.
    pub in_trouble: usize,
}

/// A version over the last minutes: [`SAMPLE_SECS`] a sample, newest last, all of one length.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ServedHistory {
    /// Per second.
    pub requests: Vec<f64>,
    /// In milliseconds; 0 where nothing was asked.
    pub p50_ms: Vec<f64>,
    pub p99_ms: Vec<f64>,
    /// Requests refused (4xx) and failed (5xx), counted.
    pub refused: Vec<u32>,
    pub failed: Vec<u32>,
}

/// Seconds that a sample of a history stands for.
pub const SAMPLE_SECS: u32 = 10;

/// The model server as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServingStatus {
    /// Where it listens; `None` where it does not (see `problem`).
    pub listen: Option<String>,
    pub problem: Option<String>,
    /// What `/predict` without a name answers from.
    pub default_model: Option<String>,
    /// A body that `/predict` answers: a list with one raw row of the default model's data.
    #[serde(default)]
    pub example: Option<Value>,
    pub versions: Vec<ServedVersion>,
    pub in_flight: u64,
    /// Requests per second of the last minutes, ten seconds a sample, newest last.
    pub requests_history: Vec<f64>,
    /// 99th percentile in milliseconds, the same samples; 0 where nothing was asked.
    pub p99_history: Vec<f64>,
    /// The latest refusals and failures, newest first, without payloads.
    pub recent_errors: Vec<ServingError>,
    /// Of each model that is served.
    #[serde(default)]
    pub traffic: Vec<TrafficView>,
    /// `None` where no predictions are kept.
    #[serde(default)]
    pub prediction_log: Option<PredictionLogView>,
    /// Processes that answer, where `[serving] replicas` wants them; else none.
    #[serde(default)]
    pub replicas: Vec<ReplicaView>,
}

/// A process that answers beside others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplicaView {
    /// From 1.
    pub replica: u32,
    pub state: ReplicaState,
    /// `None` between two processes.
    pub pid: Option<u32>,
    pub since: Option<Timestamp>,
    /// Processes that died in its place since the daemon started.
    pub deaths: u32,
    pub requests_total: u64,
    /// Over the last ten seconds.
    pub requests_per_sec: f64,
    pub in_flight: u64,
    pub memory_bytes: Option<u64>,
    /// What went wrong last.
    pub problem: Option<String>,
}

/// How a replica is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplicaState {
    /// It loads what is served.
    Starting,
    /// Requests go to it.
    Ready,
    /// It died; another one is started after a while.
    Waiting,
}

impl ReplicaState {
    /// As it is shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Waiting => "waiting",
        }
    }
}

impl ServingStatus {
    /// Returns what is told of a model's traffic.
    pub fn traffic_of(&self, model: &str) -> Option<&TrafficView> {
        self.traffic.iter().find(|traffic| traffic.model == model)
    }

    /// Returns a command line that asks the default model, as it can be pasted into a shell.
    pub fn example_command(&self) -> Option<String> {
        let (listen, example) = self.listen.as_ref().zip(self.example.as_ref())?;
        let body = example.to_string().replace('\'', r"'\''");
        Some(format!("curl -X POST {listen}/predict -d '{body}'"))
    }
}

/// What the model server answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PredictionView {
    /// Of HTTP.
    pub status: u16,
    /// Who answered.
    pub model: Option<String>,
    pub version: Option<u32>,
    /// Milliseconds, without the way to the server.
    pub took_ms: f64,
    /// `X-Request-Id`: by it `/outcomes` joins what came of it.
    #[serde(default)]
    pub request_id: Option<String>,
    /// The answers, a row each; or what was wrong with the rows.
    pub body: Value,
}

/// A request that was refused or failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServingError {
    pub when: Timestamp,
    pub status: u16,
    pub model: Option<String>,
    pub version: Option<u32>,
    pub message: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_example_is_safe_in_a_shell_and_needs_a_listener() {
        let mut status = ServingStatus {
            listen: None,
            problem: None,
            default_model: Some("names".into()),
            example: Some(json!([["O'Hara", 3]])),
            versions: Vec::new(),
            in_flight: 0,
            requests_history: Vec::new(),
            p99_history: Vec::new(),
            recent_errors: Vec::new(),
            traffic: Vec::new(),
            prediction_log: None,
            replicas: Vec::new(),
        };
        assert_eq!(status.example_command(), None);
        status.listen = Some("127.0.0.1:3000".into());
        assert_eq!(
            status.example_command().as_deref(),
            Some(r#"curl -X POST 127.0.0.1:3000/predict -d '[["O'\''Hara",3]]'"#)
        );
    }
}
