//! An attempt as a folder: the order before it, the claim while it runs, the report after it.
//!
//! ```text
//! order.json    what to run                         written before the launch
//! attempt.pid   who runs it: the claim of a token   written by the worker or the attempt's process
//! task.log      what it says
//! wrapper.log   what its process says outside of the task: panics, refusals
//! report.json   how it ended                        written to a temporary file, then renamed
//! ```
//! A token is claimed once, for good: whoever finds it claimed does not run it again.
//!
//! Nothing here waits for the disk. What a process wrote outlives every process; only a machine
//! that loses its power loses files, and then the boot is another one: an attempt that was decided
//! in an earlier boot and has no report that can be read is lost, whether or not there is a claim
//! (ADR 0038).

use std::collections::BTreeMap;
use std::path::PathBuf;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::connection::OpenConnection;
use crate::dag::limits::TaskLimits;
use crate::dag::slurm::SlurmOptions;
use crate::dag::spec::{TableSpec, XcomLimits};
use crate::runtime::executor::process_table::Process;
use crate::sched::Outcome;
use crate::types::asset::AssetEvent;
use crate::types::{AssetName, AttemptKey, LaunchToken, Timestamp};

pub(crate) mod disk;
pub mod folder;

pub use folder::AttemptFolder;

/// `order.json`: what to run. Holds no secrets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    pub key: AttemptKey,
    pub token: LaunchToken,
    /// The operator's name.
    pub operator: String,
    /// Its arguments, rendered.
    pub args: Map<String, Value>,
    /// Of the task, in the order written, rendered; names of secrets only.
    pub env: IndexMap<String, String>,
    /// The project's folder; relative paths start here.
    pub project: PathBuf,
    /// This attempt's folder.
    pub folder: PathBuf,
    /// The run's folder, shared by its tasks.
    pub run_folder: PathBuf,
    /// Seconds.
    pub execution_timeout_secs: Option<f64>,
    pub inlets: Vec<AssetName>,
    pub outlets: Vec<AssetName>,
    /// The data set that the arguments name, of `dataset.*` and `ml.*` operators.
    pub dataset: Option<DatasetOrder>,
    /// Where each connection that the arguments name leads, without its secrets.
    pub connections: Vec<String>,
    pub triggering_asset_events: Vec<AssetEvent>,
    /// Who runs it, for the tracker.
    pub user: String,
    /// What its job asks for, where it runs on Slurm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slurm: Option<SlurmOptions>,
    /// How long its outputs may be.
    #[serde(default)]
    pub xcom: XcomLimits,
    /// What it may use of the machine.
    #[serde(default)]
    pub limits: TaskLimits,
    /// What a Python function may ask for: Airflow's context variables.
    #[serde(default)]
    pub context: Option<Map<String, Value>>,
    /// How often a run of `ml.train` looks at the machine, in seconds; `None`: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_metrics_secs: Option<f64>,
}

/// A data set, resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatasetOrder {
    pub name: String,
    /// Absolute.
    /// Empty where it lies at a connection.
    pub path: PathBuf,
    /// `CONNECTION:PATH`, where it is no file of the project's.
    #[serde(default)]
    pub uri: Option<String>,
    #[serde(flatten)]
    pub table: TableSpec,
    /// The assets that the file is.
    #[serde(default)]
    pub assets: Vec<AssetName>,
}

/// What an attempt's process is handed on its standard input (one JSON document): never on disk.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Private {
    pub connections: BTreeMap<String, OpenConnection>,
    /// Further environment variables with their values.
    pub env: BTreeMap<String, String>,
    /// Texts to be masked (`***`) in everything that is written.
    pub mask: Vec<String>,
}

/// `report.json`: how the attempt ended. Written to a temporary file, then renamed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptReport {
    pub token: LaunchToken,
    pub finished_at: Timestamp,
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// `attempt.pid`: which process runs the attempt. Process ids come again; together with the
/// boot and the start time they name one process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub token: LaunchToken,
    pub pid: u32,
    /// Clock ticks since the boot, as `/proc/PID/stat` has them.
    pub start_time: u64,
    pub boot_id: String,
    /// Who writes the report, where that is not the process itself: a worker. While it is the
    /// same as the process, the worker has claimed the token and not said yet what it started.
    #[serde(default)]
    pub worker: Option<ClaimWorker>,
    /// The pipes of its output and its errors, by the numbers that the kernel gives them.
    #[serde(default)]
    pub pipes: Option<[u64; 2]>,
}

impl Claim {
    /// The process that it names.
    pub(crate) const fn process(&self) -> Process {
        Process { pid: self.pid, start_time: self.start_time }
    }
}

/// The worker behind a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimWorker {
    pub pid: u32,
    pub start_time: u64,
}

impl ClaimWorker {
    /// The worker's process.
    pub(crate) const fn process(self) -> Process {
        Process { pid: self.pid, start_time: self.start_time }
    }
}
