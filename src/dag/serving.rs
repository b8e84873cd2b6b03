//! `[serving]` of `dags.toml`: where the model server listens, and what it puts up with.

use std::path::PathBuf;
use std::time::Duration;

use crate::secret::Secret;

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
    /// Processes that answer, with nginx in front; none: the daemon itself listens.
    pub replicas: Option<ReplicasSpec>,
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
            replicas: None,
        }
    }
}
