//! What a project defines, as checked: names resolve, graphs have no cycles, values have their
//! types. Built only by `check`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::deadline::DeadlineSpec;
use crate::diagnostic::Diagnostic;
use crate::flow::{Flow, GroupSpec};
use crate::graph::Graph;
use crate::limits::TaskLimits;
use crate::openlineage::OpenLineageSpec;
use crate::operator::{Operator, Placement};
use crate::params::Params;
use crate::plan::Plan;
use crate::retention::Retention;
use crate::schedule::{AssetRule, Schedule};
use crate::secret::Secret;
use crate::settings::Overlay;
use crate::slurm::{SlurmOptions, SlurmSpec};
use crate::template;
use crate::tracking::TrackingSpec;
use crate::trigger_rule::TriggerRule;
use crate::types::callback::{CallbackEvent, CallbackSpec};
use crate::types::executor::ExecutorKind;
use crate::types::{AssetName, DagId, GroupId, TaskId, Timestamp};
use crate::weight::WeightRule;

/// All definitions of one project.
#[derive(Debug, Clone)]
pub struct Deck {
    /// The folder that holds `dags.toml`; relative paths start here.
    pub project: PathBuf,
    pub name: String,
    pub timezone: jiff::tz::TimeZone,
    /// Task instances in flight at once, over all DAGs.
    pub max_active_tasks: u32,
    /// How many elements a task may be mapped over.
    pub max_map_length: usize,
    pub dags: IndexMap<DagId, Arc<Dag>>,
    pub assets: IndexMap<AssetName, AssetSpec>,
    pub asset_aliases: IndexMap<AssetName, AssetAliasSpec>,
    pub datasets: IndexMap<String, DatasetSpec>,
    pub connections: IndexMap<String, ConnectionSpec>,
    pub variables: IndexMap<String, Secret>,
    /// Always holds `default_pool` (128 slots unless the file says otherwise).
    pub pools: IndexMap<String, u32>,
    /// Pools in which a deferred task keeps its slots (`include_deferred`).
    pub pools_with_deferred: BTreeSet<String>,
    pub serving: crate::serving::ServingSpec,
    /// Where the control API listens beside its socket.
    pub api_listen: Option<String>,
    pub slurm: SlurmSpec,
    pub openlineage: OpenLineageSpec,
    pub tracking: TrackingSpec,
    pub xcom: XcomLimits,
    pub retention: Retention,
    /// What of it was set at run time.
    pub overlay: Overlay,
    /// Every file that was read: `dags.toml`, then what it includes.
    pub sources: Vec<PathBuf>,
    /// What is allowed, and probably not what was meant.
    pub warnings: Vec<Diagnostic>,
}

/// A DAG. As JSON it is what the store keeps of each version: a field that is added later needs
/// a `serde(default)`, so that what an earlier dagdeck wrote can still be read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Dag {
    pub dag_id: DagId,
    pub description: Option<String>,
    pub doc_md: Option<String>,
    pub tags: Vec<String>,
    pub owner: Option<String>,
    pub schedule: Schedule,
    #[serde(default, skip_serializing_if = "AssetRule::is_usual")]
    pub asset_rule: AssetRule,
    #[serde(with = "jiff::fmt::serde::tz::required")]
    pub timezone: jiff::tz::TimeZone,
    pub start_date: Option<Timestamp>,
    pub end_date: Option<Timestamp>,
    pub catchup: bool,
    /// Default 16, as Airflow's.
    pub max_active_runs: u32,
    /// In flight at once of one run, as in Airflow 3. Default 16, as Airflow's.
    pub max_active_tasks: u32,
    pub dagrun_timeout: Option<Duration>,
    /// After so many runs that failed one after the other it is paused; 0: never.
    pub max_consecutive_failed_dag_runs: u32,
    /// Of `on_failure` and `on_success`.
    pub callbacks: Callbacks,
    pub deadlines: Vec<DeadlineSpec>,
    /// Whether it is paused when it is first seen.
    pub is_paused_upon_creation: bool,
    pub params: Params,
    /// In the order written.
    pub tasks: IndexMap<TaskId, TaskSpec>,
    pub graph: Graph,
    /// In the order written.
    pub groups: IndexMap<GroupId, GroupSpec>,
    /// What follows from `tasks`, `groups` and `graph`.
    pub plan: Plan,
    pub fileloc: PathBuf,
    /// From 1.
    pub line: usize,
    /// A digest of the definition: the same text gives the same version.
    pub version: String,
    /// Its tables as they stand in the file, for people; kept beside the definition.
    #[serde(skip)]
    pub source: String,
}

/// A task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TaskSpec {
    pub task_id: TaskId,
    pub operator: Operator,
    /// The operator's own keys as written, templates unrendered; shape checked by `operator`.
    pub args: Map<String, Value>,
    /// `depends_on` and the tasks whose `output` its templates name.
    pub upstream: Vec<TaskId>,
    pub trigger_rule: TriggerRule,
    /// How it stands among the others.
    pub flow: Flow,
    /// Tries after the first.
    pub retries: u32,
    pub retry_delay: Duration,
    /// By how much each wait is longer than the one before; 0: by nothing.
    pub retry_exponential_backoff: f64,
    pub max_retry_delay: Option<Duration>,
    /// Exit codes that no other try would mend.
    pub no_retry_exit_codes: Vec<i32>,
    pub execution_timeout: Option<Duration>,
    #[serde(default)]
    pub limits: TaskLimits,
    pub pool: String,
    pub pool_slots: u32,
    pub priority_weight: i64,
    pub weight_rule: WeightRule,
    /// With what `weight_rule` adds.
    pub priority_weight_total: i64,
    pub callbacks: Callbacks,
    pub env: IndexMap<String, String>,
    pub inlets: Vec<AssetName>,
    pub outlets: Vec<AssetName>,
    pub doc_md: Option<String>,
    /// What its job asks for, where it runs on Slurm; else it runs on the daemon's machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slurm: Option<Box<SlurmOptions>>,
    /// From 1.
    pub line: usize,
}

impl TaskSpec {
    /// Says whether anything of it is rendered: else an attempt's arguments are as written.
    pub fn has_templates(&self) -> bool {
        let in_env = self.env.values().any(|text| template::is_template(text));
        in_env || self.flow.run_if.is_some() || self.args.values().any(template::holds_template)
    }

    /// Returns where its attempts run.
    pub fn executor(&self) -> ExecutorKind {
        match self.operator.placement() {
            Placement::Daemon => ExecutorKind::Daemon,
            Placement::Process if self.slurm.is_some() => ExecutorKind::Slurm,
            Placement::Process => ExecutorKind::Local,
        }
    }
}

/// How long an output may be. Bytes of its JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct XcomLimits {
    /// A longer one lies in a file, not in the store. Default 48 KiB.
    pub inline_bytes: u64,
    /// A longer one is refused. Default 64 MiB.
    pub file_bytes: u64,
}

impl Default for XcomLimits {
    fn default() -> Self {
        Self { inline_bytes: 48 << 10, file_bytes: 64 << 20 }
    }
}

/// What is told when a task, a run or an asset has come to something.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Callbacks(pub Vec<(CallbackEvent, Vec<CallbackSpec>)>);

impl Callbacks {
    /// Returns what an event brings about.
    pub fn of(&self, event: CallbackEvent) -> &[CallbackSpec] {
        self.0.iter().find(|(of, _)| *of == event).map_or(&[], |(_, specs)| specs.as_slice())
    }
}

/// An asset.
#[derive(Debug, Clone, PartialEq)]
pub struct AssetSpec {
    pub name: AssetName,
    pub uri: AssetUri,
    pub watch: Option<WatchSpec>,
    /// What it belongs to, as Airflow's `group`.
    pub group: String,
    /// How old it may get before it is stale.
    pub freshness: Option<Duration>,
    /// Of `on_stale` and `on_fresh`.
    pub callbacks: Callbacks,
}

/// The group of assets that name none, as Airflow's.
pub const ASSET_GROUP: &str = "asset";

/// An outlet that stands for assets which the task names when it runs (Airflow's `AssetAlias`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetAliasSpec {
    pub name: AssetName,
    pub group: String,
}

/// Where an asset lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssetUri {
    /// `file:PATH`: relative to the project; may hold `*` in its last part.
    File(String),
    /// `CONNECTION:PATH`: a table of a database, or keys of a lake, may hold `*`.
    Connection { connection: String, path: String },
    /// `models:/NAME@ALIAS`.
    Model { name: String, alias: String },
    /// Any other scheme: taken as it is.
    Other(String),
}

/// How an asset is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchSpec {
    /// How often a store is listed; local folders are seen at once and scanned as often as this.
    pub every: Duration,
    /// Of each file its content is read, and what is the same is not told again.
    pub hash: bool,
}

/// A table to train on.
#[derive(Debug, Clone, PartialEq)]
pub struct DatasetSpec {
    pub name: String,
    /// `file:PATH`, relative to the project; `CONNECTION:PATH`, an object or a table.
    pub uri: AssetUri,
    pub table: TableSpec,
}

/// How a table is read to be learnt from.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TableSpec {
    pub task: LearningTask,
    pub target: String,
    /// Columns to leave out.
    #[serde(default)]
    pub ignore: Vec<String>,
    /// What columns are, where it is not to be inferred.
    #[serde(default)]
    pub types: IndexMap<String, ColumnKind>,
    /// Which rows are held out.
    #[serde(default)]
    pub split: SplitSpec,
}

impl TableSpec {
    /// Everything is inferred, and rows are held out by chance.
    pub fn new(task: LearningTask, target: &str) -> Self {
        let (ignore, types) = (Vec::new(), IndexMap::new());
        Self { task, target: target.to_owned(), ignore, types, split: SplitSpec::default() }
    }
}

/// What a column of a data set is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    Number,
    Boolean,
    /// One of some words.
    Category,
    /// Words in sentences.
    Text,
    /// A day, or a day and a time.
    Date,
}

impl ColumnKind {
    /// All, in the order in which they are told.
    pub const ALL: [(&'static str, Self); 5] = [
        ("number", Self::Number),
        ("boolean", Self::Boolean),
        ("category", Self::Category),
        ("text", Self::Text),
        ("date", Self::Date),
    ];
}

/// How rows are held out and dealt into folds.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum SplitSpec {
    /// By chance, of each class as much.
    #[default]
    Stratified,
    /// What is last by a column is held out; folds learn from what was before them.
    Time { column: String },
    /// Rows of one value of a column stay together.
    Group { column: String },
}

/// What is to be learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LearningTask {
    Classification,
    Regression,
}

/// A system outside.
#[derive(Debug, Clone)]
pub struct ConnectionSpec {
    pub name: String,
    pub url: Secret,
    pub kind: ConnectionKind,
    /// Further keys (`endpoint`, `access_key_id` …).
    pub options: IndexMap<String, Secret>,
}

/// What a connection's URL leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionKind {
    /// `sqlite:PATH`
    Sqlite,
    /// `postgres://USER@HOST:PORT/DATABASE`
    Postgres,
    /// `file:FOLDER`
    Folder,
    /// `s3://BUCKET[/PREFIX]`
    Bucket,
    /// `log:`: messages go to the event feed and the daemon's log.
    Log,
    /// `http://…` or `https://…`: messages are posted as JSON.
    Webhook,
    /// `redis://…`: streams, whose entries are asset events.
    Redis,
    /// `nats://…`: subjects, whose messages are asset events.
    Nats,
    /// `mqtt://…`: topics, whose messages are asset events.
    Mqtt,
    /// `smtp://…` or `smtps://…`: messages are sent as mail.
    Smtp,
}

impl ConnectionKind {
    /// The databases: what is said of one holds for the others.
    pub const DATABASES: &[Self] = &[Self::Sqlite, Self::Postgres];

    /// The places for messages to people.
    pub const MESSAGES: &[Self] = &[Self::Log, Self::Webhook, Self::Smtp];

    /// Tells by its scheme what a URL leads to.
    pub fn of_url(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once(':').unwrap_or_default();
        let kind = match scheme {
            "sqlite" => Self::Sqlite,
            "postgres" | "postgresql" if rest.starts_with("//") => Self::Postgres,
            "file" => Self::Folder,
            "log" => return Some(Self::Log),
            "s3" if rest.starts_with("//") => Self::Bucket,
            "http" | "https" if rest.starts_with("//") => Self::Webhook,
            "redis" if rest.starts_with("//") => Self::Redis,
            "nats" if rest.starts_with("//") => Self::Nats,
            "mqtt" if rest.starts_with("//") => Self::Mqtt,
            "smtp" | "smtps" if rest.starts_with("//") => Self::Smtp,
            _ => return None,
        };
        Some(kind).filter(|_| !rest.trim_matches('/').is_empty())
    }

    /// Says whether it holds objects.
    pub const fn is_lake(self) -> bool {
        matches!(self, Self::Folder | Self::Bucket)
    }

    /// Returns the word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Folder => "folder",
            Self::Bucket => "s3",
            Self::Log => "log",
            Self::Webhook => "webhook",
            Self::Redis => "redis",
            Self::Nats => "nats",
            Self::Mqtt => "mqtt",
            Self::Smtp => "smtp",
        }
    }

    /// Says whether messages are followed there.
    pub const fn is_queue(self) -> bool {
        matches!(self, Self::Redis | Self::Nats | Self::Mqtt)
    }
}

impl AssetUri {
    /// Returns the URI as written.
    pub fn as_text(&self) -> String {
        match self {
            Self::File(path) => format!("file:{path}"),
            Self::Connection { connection, path } => format!("{connection}:{path}"),
            Self::Model { name, alias } => format!("models:/{name}@{alias}"),
            Self::Other(uri) => uri.clone(),
        }
    }
}
