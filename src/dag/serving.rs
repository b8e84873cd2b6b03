//! `[serving]` of `dags.toml`: where the model server listens, and what it puts up with.

use std::path::PathBuf;
use std::time::Duration;

use indexmap::IndexMap;

use crate::secret::Secret;
use crate::types::serving::Sticky;

mod watching;

pub use watching::{AlertSpec, DriftSpec};

/// The model server's settings.
#[derive(Debug, Clone, PartialEq)]
pub struct ServingSpec {
    /// Default `127.0.0.1:3000`.
    pub listen: String,
    /// A unix socket beside it, for its owner only; relative to the project.
    pub socket: Option<PathBuf>,
    pub tls: Option<TlsSpec>,
    /// Bytes of a body, unpacked; default 16 MiB.
    pub max_body_bytes: u64,
    /// Rows of one request; default 100,000.
    pub max_rows: usize,
    /// What `/predict` without a name answers from; default: the model promoted last.
    pub default_model: Option<String>,
    /// Columns that a model does not know are passed over, not refused.
    pub ignore_unknown: bool,
    /// Requests for predictions that are worked on at once; default 256.
    pub max_in_flight: usize,
    /// … and that wait for their turn beside; default 1,024.
    pub max_queue: usize,
    /// From the head of a request to its answer; default one minute.
    pub request_timeout: Duration,
    /// Who may ask, by name; none: everybody.
    pub api_keys: Vec<(String, Secret)>,
    /// Requests a second, of each key; none: as many as come.
    pub rate_limit: Option<u32>,
    /// Origins whose pages may ask; `*` is any.
    pub cors_origins: Vec<String>,
    /// One of so many requests is logged; 0: none is.
    pub access_log_every: u32,
    /// How the requests of a model are divided beside the percents, by its name.
    pub traffic: IndexMap<String, TrafficSpec>,
    /// What is kept of predictions; none: nothing is.
    pub log: Option<LogSpec>,
    /// Of models that say nothing of their own.
    pub drift: DriftSpec,
    /// By the model's name.
    pub drift_of: IndexMap<String, DriftSpec>,
    pub alert: AlertSpec,
    /// Processes that answer, with nginx in front; none: the daemon itself listens.
    pub replicas: Option<ReplicasSpec>,
}

impl ServingSpec {
    /// Returns how a model's drift is judged.
    pub fn drift_of(&self, model: &str) -> &DriftSpec {
        self.drift_of.get(model).unwrap_or(&self.drift)
    }
}

/// `[serving.traffic.NAME]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrafficSpec {
    /// What keeps whoever asks at one version; none: requests take turns.
    pub sticky: Option<Sticky>,
    /// A version that gets copies.
    pub shadow: Option<ShadowSpec>,
}

/// A version that gets copies of requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShadowSpec {
    pub version: VersionSpec,
    /// Of the model's requests; default 100.
    pub percent: u8,
}

/// Which version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionSpec {
    Number(u32),
    /// The one that bears it, whichever that is.
    Alias(String),
}

/// `[serving.log]`.
#[derive(Debug, Clone, PartialEq)]
pub struct LogSpec {
    /// The share of requests that is written, 0 to 1; default 1.
    pub sample: f64,
    /// Columns whose values are not written; `*` is all of them.
    pub redact: Vec<String>,
    /// How long files are kept; default 7 days.
    pub keep: Duration,
    /// Of all files together; default 256 MiB.
    pub max_bytes: u64,
}

impl Default for LogSpec {
    fn default() -> Self {
        Self {
            sample: 1.0,
            redact: Vec::new(),
            keep: Duration::from_hours(7 * 24),
            max_bytes: 256 << 20,
        }
    }
}

/// Processes that answer side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicasSpec {
    /// 1 to [`REPLICAS_MAX`].
    pub count: u32,
    /// The program in front of them; default `nginx`, looked for where programs are.
    pub nginx: PathBuf,
}

/// More of them than a large machine has cores.
pub const REPLICAS_MAX: u32 = 64;

/// A certificate and its key, PEM files, relative to the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSpec {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Default for ServingSpec {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:3000".to_owned(),
            socket: None,
            tls: None,
            max_body_bytes: 16 << 20,
            max_rows: 100_000,
            default_model: None,
            ignore_unknown: false,
            max_in_flight: 256,
            max_queue: 1024,
            request_timeout: Duration::from_mins(1),
            api_keys: Vec::new(),
            rate_limit: None,
            cors_origins: Vec::new(),
            access_log_every: 0,
            traffic: IndexMap::new(),
            log: None,
            drift: DriftSpec::default(),
            drift_of: IndexMap::new(),
            alert: AlertSpec::default(),
            replicas: None,
        }
    }
}
