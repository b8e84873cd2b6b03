//! What the command line takes.

mod operate;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use serde_json::{Map, Value};

use crate::cli::command::backfill::date;
use crate::client::tunnel::SshTarget;
use crate::types::backfill::{BackfillId, MAX_ACTIVE_RUNS};
use crate::types::event::Severity;
use crate::types::ids::UNMAPPED;
use crate::types::log::LogLevel;
use crate::types::state::{DagRunType, ReprocessBehavior};
use crate::types::xcom::RETURN_VALUE;
use crate::types::{DagRunState, TaskInstanceState, Timestamp, TrackingRunId};

pub use operate::{
    ClearArgs, NoteArgs, OperationsCommand, ReachArgs, TasksArgs, TasksCommand, WhichRuns,
    WhichTasks,
};

/// An operator's deck for data and ML pipelines in the terminal.
///
/// Without a command it opens the deck on the project in this folder, starting the project's
/// daemon where none runs.
#[derive(Debug, Parser)]
#[command(name = "dagdeck", version, max_term_width = 100, infer_subcommands = false)]
pub struct Cli {
    /// The folder that holds dags.toml
    #[arg(long, global = true, value_name = "DIR", default_value = ".")]
    pub project: PathBuf,

    /// How to print answers
    #[arg(short, long, global = true, value_name = "FORMAT", default_value = "table")]
    pub output: Format,

    #[command(flatten)]
    pub deck: DeckArgs,

    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options of the deck.
#[derive(Debug, Args)]
pub struct DeckArgs {
    /// Draw the deck with ASCII characters only
    #[arg(long)]
    pub ascii: bool,

    /// Open the deck without the keys that change anything
    #[arg(long)]
    pub read_only: bool,

    /// The theme: auto, dark, light, high-contrast, colour-blind, or the name of --theme-file
    #[arg(long, value_name = "NAME")]
    pub theme: Option<String>,

    /// A theme of your own
    #[arg(long, value_name = "FILE")]
    pub theme_file: Option<PathBuf>,

    /// Keys of your own
    #[arg(long, value_name = "FILE")]
    pub keymap: Option<PathBuf>,

    /// Leave the mouse to the terminal
    #[arg(long)]
    pub no_mouse: bool,

    /// Ring when this DAG fails; * stands for any part of a name; may be given several times
    #[arg(long, value_name = "DAG")]
    pub notify: Vec<String>,

    /// Begin at the list of DAGs, not where the last deck was left
    #[arg(long)]
    pub fresh: bool,

    /// Open the deck on the project of this profile of the configuration
    #[arg(long, value_name = "NAME", conflicts_with_all = ["project", "ssh"])]
    pub profile: Option<String>,

    /// Open the deck on a project of another machine, by the system's ssh
    #[arg(long, value_name = "[USER@]HOST:/PATH", conflicts_with = "project")]
    pub ssh: Option<SshTarget>,

    /// The configuration, in place of ~/.config/dagdeck/deck.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// How many colours the deck draws with [default: what COLORTERM and TERM tell]
    #[arg(long, value_name = "HOW", value_parser = ["never", "16", "256", "always"])]
    pub color: Option<String>,

    /// Frames a second at most [default: 30, 10 over SSH]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=120))]
    pub fps: Option<u16>,

    /// Ask nothing of the terminal, such as its background
    #[arg(long)]
    pub no_probe: bool,

    /// Do not mark frames for the terminal to draw them at once
    #[arg(long)]
    pub no_sync: bool,
}

/// How to print answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// For programs
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the daemon in the foreground (containers, systemd)
    Up(UpArgs),
    /// Stop the daemon; attempts under way go on
    Down,
    /// Show whether the daemon runs, and how it is
    Status,
    /// List what somebody should look at; exits with 1 where there is something
    Attention,
    /// Check dags.toml
    Check {
        /// Ask the Slurm cluster as well whether it would run the tasks that go to it
        #[arg(long)]
        slurm: bool,
    },
    /// Make a project: the sample, or an empty one
    Init {
        /// Where; this folder where none is given
        folder: Option<PathBuf>,
        /// A dags.toml that says what may stand in it, and no DAG
        #[arg(long)]
        empty: bool,
    },
    /// Show the deck's settings and where each comes from
    Config {
        /// Print an annotated example instead
        #[arg(long)]
        example: bool,
    },
    /// Print what happens in a run, or in all runs of a DAG, a line at a time
    Watch(WatchArgs),
    /// List, show, compare, pause and unpause DAGs
    #[command(subcommand)]
    Dags(DagsCommand),
    /// Run a DAG in the foreground and exit with its result
    Run(TriggerArgs),
    /// Trigger a run of a DAG
    Trigger(TriggerCommand),
    /// List, show, clear, mark, note, cancel and delete runs
    #[command(subcommand)]
    Runs(RunsCommand),
    /// Run a DAG for dates of the past
    #[command(subcommand, visible_alias = "backfills")]
    Backfill(BackfillCommand),
    /// Show the tasks of a run, list tasks across runs; clear, mark and note tasks
    Tasks(TasksArgs),
    /// Say why a DAG, a run or a task does or does not go on
    Why {
        dag_id: String,
        dag_run_id: Option<String>,
        /// TASK, or TASK[3] of a mapped one
        task: Option<String>,
    },
    /// Undo what was done to runs, while nothing has moved on since
    Undo {
        /// Which operation; the last one where none is given
        id: Option<i64>,
    },
    /// List what was done to runs; show what one operation did to each run and task
    #[command(subcommand)]
    Operations(OperationsCommand),
    /// Show the log of a task
    Logs(LogsArgs),
    /// List what happened, the newest last
    Events(EventsArgs),
    /// Show the daemon's own log
    #[command(subcommand)]
    System(SystemCommand),
    /// List, show and answer what tasks ask people
    #[command(subcommand)]
    Approvals(ApprovalsCommand),
    /// List and read what tasks handed on
    #[command(subcommand)]
    Xcom(XcomCommand),
    /// List assets, show their lineage, report changes
    #[command(subcommand)]
    Assets(AssetsCommand),
    /// List experiments and their runs
    #[command(subcommand)]
    Experiments(ExperimentsCommand),
    /// List, show, promote and roll back models
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Show the model server
    #[command(subcommand)]
    Serving(ServingCommand),
    /// List, set and delete variables
    #[command(subcommand)]
    Variables(VariablesCommand),
    /// List, set, test and delete connections
    #[command(subcommand)]
    Connections(ConnectionsCommand),
    /// List pools, set their slots, delete them
    #[command(subcommand)]
    Pools(PoolsCommand),
    /// Delete runs, logs, artifacts and events beyond what dags.toml keeps
    Prune(PruneArgs),
    /// Back the project up, running or not
    Backup {
        /// A .tar file, or a folder; it must not exist
        target: PathBuf,
    },
    /// Restore a backup into a folder without state
    Restore {
        /// What `backup` wrote
        from: PathBuf,
        /// The folder that becomes the project
        #[arg(long, value_name = "DIR")]
        into: PathBuf,
    },
    /// Start attempts and watch over them (called by the daemon)
    #[command(hide = true)]
    Worker { build: String },
    /// Run one attempt of a task (called by the worker)
    #[command(hide = true)]
    Attempt { folder: PathBuf },
    /// Run one attempt of a batch on a node (called by Slurm)
    #[command(hide = true)]
    AttemptOnNode { batch: PathBuf, index: usize, job: String, node: String },
}

/// How a graph is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// Drawn with lines
    Ascii,
    Dot,
    Mermaid,
    Json,
}

/// Options of `up`.
#[derive(Debug, Args)]
pub struct UpArgs {
    /// Where the control API listens beside its socket, such as 127.0.0.1:8080
    #[arg(long, value_name = "ADDR")]
    pub api: Option<String>,

    /// Where the model server listens, in place of what dags.toml says
    #[arg(long, value_name = "ADDR")]
    pub serving: Option<String>,

    /// Leave the terminal (how the deck starts it)
    #[arg(long, hide = true)]
    pub detached: bool,
}

/// What a trigger takes.
#[derive(Debug, Args)]
pub struct TriggerArgs {
    pub dag_id: String,

    /// A param of the run; the value is read as JSON where it parses as such, else as text;
    /// `grid.a=3` sets one key of a param that is a table
    #[arg(short, long = "param", value_name = "KEY=VALUE", value_parser = param)]
    pub params: Vec<(String, Value)>,

    /// All params at once: a table of JSON, a file that holds one, or - for standard input;
    /// --param goes over it
    #[arg(long, value_name = "FILE|-|JSON")]
    pub conf: Option<String>,

    /// The run's id; one is made where none is given
    #[arg(long, value_name = "ID")]
    pub run_id: Option<String>,

    /// The instant the run stands for, such as 2026-01-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    pub logical_date: Option<Timestamp>,

    /// A note that is kept with the run
    #[arg(long)]
    pub note: Option<String>,
}

impl TriggerArgs {
    /// Returns the params as one table, over what `--conf` gave; of two with one name the last
    /// counts.
    pub fn over(&self, mut conf: Map<String, Value>) -> Map<String, Value> {
        conf.extend(self.params.iter().cloned());
        conf
    }
}

/// Which runs are listed.
#[derive(Debug, Args)]
pub struct RunsOnlyArgs {
    /// Of DAGs whose id has this in it
    #[arg(long = "dag-like", value_name = "TEXT")]
    pub dag: Option<String>,

    /// Of this type only: manual, scheduled, backfill, asset_triggered, asset_materialization
    #[arg(long = "type", value_name = "TYPE")]
    pub run_type: Option<DagRunType>,

    /// Due in the last 1d, 12h …
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub since: Option<std::time::Duration>,

    /// With this in the id, the note, the conf or the name of who triggered it
    #[arg(long = "match", value_name = "TEXT")]
    pub words: Vec<String>,
}

/// Options of `trigger`.
#[derive(Debug, Args)]
pub struct TriggerCommand {
    #[command(flatten)]
    pub args: TriggerArgs,

    /// Check the params and say what the run would do, without making it
    #[arg(long)]
    pub dry_run: bool,
}

/// Options of `watch`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    pub dag_id: String,
    /// Which run: ends with it, and exits with its result; without it, all runs until ctrl-c
    pub dag_run_id: Option<String>,

    /// Print lines also on a terminal, in place of opening the deck there
    #[arg(long)]
    pub plain: bool,
}

/// Options of `logs`.
#[derive(Debug, Args)]
pub struct LogsArgs {
    pub dag_id: String,
    pub dag_run_id: String,
    /// TASK, or TASK[3] of a mapped one
    pub task_id: String,

    /// Which element, where the task is mapped
    #[arg(long, value_name = "N")]
    pub map_index: Option<i32>,

    /// Which try; the last one where none is given
    #[arg(long = "try", value_name = "N")]
    pub try_number: Option<u32>,

    #[command(flatten)]
    pub pick: LogPickArgs,
}

/// Which lines of a log are printed.
#[derive(Debug, Args)]
pub struct LogPickArgs {
    /// Only the last N lines
    #[arg(short = 'n', long, value_name = "N")]
    pub tail: Option<u32>,

    /// Only what is not older than this, such as 5m or 2h
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub since: Option<std::time::Duration>,

    /// Only lines that match a regular expression
    #[arg(short, long, value_name = "PATTERN")]
    pub grep: Option<String>,

    /// Only lines of this level and above: debug, info, warn, error
    #[arg(long, value_name = "LEVEL", value_parser = log_level)]
    pub level: Option<LogLevel>,

    /// Go on until it has ended
    #[arg(short, long)]
    pub follow: bool,
}

/// Options of `system log`.
#[derive(Debug, Args)]
pub struct DaemonLogArgs {
    /// Of which day, such as 2026-03-02; the last one where none is given
    #[arg(long, value_name = "DATE")]
    pub day: Option<String>,

    #[command(flatten)]
    pub pick: LogPickArgs,
}

/// Commands about the daemon itself.
#[derive(Debug, Subcommand)]
pub enum SystemCommand {
    /// Show the daemon's own log
    Log(DaemonLogArgs),
}

/// Options of `events`.
#[derive(Debug, Args)]
pub struct EventsArgs {
    /// How many lines
    #[arg(short = 'n', long, default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,

    /// Only lines of this severity and above
    #[arg(long, value_name = "SEVERITY")]
    pub severity: Option<SeverityArg>,

    /// Only lines about this DAG
    #[arg(long, value_name = "DAG")]
    pub dag: Option<String>,
}

/// How much a line of the feed matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SeverityArg {
    Info,
    Warning,
    Error,
}

impl From<SeverityArg> for Severity {
    fn from(severity: SeverityArg) -> Self {
        match severity {
            SeverityArg::Info => Self::Info,
            SeverityArg::Warning => Self::Warning,
            SeverityArg::Error => Self::Error,
        }
    }
}

/// Commands about DAGs.
#[derive(Debug, Subcommand)]
pub enum DagsCommand {
    /// Write a DAG's graph, or that of one of its runs with the states
    Graph {
        dag_id: String,
        /// The graph that this run runs, with the states of its tasks
        #[arg(long, value_name = "RUN")]
        run: Option<String>,
        #[arg(long, value_enum, default_value_t = GraphFormat::Ascii)]
        format: GraphFormat,
    },
    /// Show the states of a DAG's tasks over its last runs, newest right
    Grid {
        dag_id: String,
        #[arg(long, default_value_t = 20)]
        limit: u32,
        /// Around this run, where it is older
        #[arg(long, value_name = "RUN")]
        around: Option<String>,
    },
    /// List all DAGs
    List,
    /// Show one DAG
    Show { dag_id: String },
    /// List the versions of a DAG, newest first
    Versions {
        dag_id: String,
        #[arg(long, default_value_t = 25)]
        limit: u32,
    },
    /// Show what differs between two versions of a DAG
    Diff {
        dag_id: String,
        /// The older one; the one before TO where none is given
        from: Option<u32>,
        /// The newer one; the last one where none is given
        to: Option<u32>,
    },
    /// Stop scheduling a DAG
    Pause { dag_id: String },
    /// Go on scheduling a DAG
    Unpause { dag_id: String },
}

/// Commands about runs.
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// List runs, newest first
    List {
        /// Of this DAG only
        dag_id: Option<String>,
        /// In this state only: queued, running, success, failed
        #[arg(long)]
        state: Option<DagRunState>,
        #[command(flatten)]
        only: RunsOnlyArgs,
        #[arg(long, default_value_t = 25)]
        limit: u32,
        #[arg(long, default_value_t = 0)]
        offset: u32,
    },
    /// Show one run with its tasks
    Show { dag_id: String, dag_run_id: String },
    /// End runs as failed and kill their tasks
    Cancel {
        #[command(flatten)]
        runs: WhichRuns,
        /// List what would be touched, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Let all tasks of runs run again
    Clear {
        #[command(flatten)]
        runs: WhichRuns,
        #[command(flatten)]
        clear: ClearArgs,
    },
    /// Set how runs ended, success or failed, or queue ended ones again
    Mark {
        /// success, failed or queued
        state: DagRunState,
        #[command(flatten)]
        runs: WhichRuns,
        /// List what would be touched, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Write a note on runs
    Note {
        #[command(flatten)]
        runs: WhichRuns,
        #[command(flatten)]
        note: NoteArgs,
    },
    /// Delete runs with their logs and outputs; not those that are running
    Delete {
        #[command(flatten)]
        runs: WhichRuns,
        /// List what would be deleted, and change nothing
        #[arg(long)]
        dry_run: bool,
        /// Really do it: it cannot be undone
        #[arg(long)]
        yes: bool,
    },
    /// Show what was told to the outside of a run and its tasks
    Callbacks { dag_id: String, dag_run_id: String },
}

/// Commands about what people are asked.
#[derive(Debug, Subcommand)]
pub enum ApprovalsCommand {
    /// List what waits for an answer, newest first
    List {
        /// Of this DAG only
        dag_id: Option<String>,
        /// Also what was answered, or is asked no more
        #[arg(long)]
        all: bool,
        #[arg(long, default_value_t = 25)]
        limit: u32,
    },
    /// Show the last question of a task, and its answer
    Show {
        dag_id: String,
        dag_run_id: String,
        task_id: String,
        /// Which element, where the task is mapped
        #[arg(long, value_name = "N")]
        map_index: Option<i32>,
    },
    /// Answer a question; that can be done once
    Answer(AnswerArgs),
}

/// What an answer takes.
#[derive(Debug, Args)]
pub struct AnswerArgs {
    pub dag_id: String,
    pub dag_run_id: String,
    pub task_id: String,

    /// What is chosen; several times where several may be
    #[arg(long, value_name = "CHOICE", required = true)]
    pub choose: Vec<String>,

    /// A field of the form; the value is read as JSON where it parses as such, else as text
    #[arg(short, long = "param", value_name = "KEY=VALUE", value_parser = param)]
    pub params: Vec<(String, Value)>,

    /// Which element, where the task is mapped
    #[arg(long, value_name = "N")]
    pub map_index: Option<i32>,
}

/// Commands about backfills.
#[derive(Debug, Subcommand)]
pub enum BackfillCommand {
    /// Begin a backfill
    Create(BackfillArgs),
    /// List backfills, newest first
    List {
        /// Of this DAG only
        dag_id: Option<String>,
        #[arg(long, default_value_t = 25)]
        limit: u32,
        #[arg(long, default_value_t = 0)]
        offset: u32,
    },
    /// Show a backfill with its dates, the last one first
    Show {
        backfill_id: BackfillId,
        #[arg(long, default_value_t = 25)]
        limit: u32,
        #[arg(long, default_value_t = 0)]
        offset: u32,
    },
    /// Make and begin no more of its runs; those that run go on
    Pause { backfill_id: BackfillId },
    /// Go on
    Unpause { backfill_id: BackfillId },
    /// End it; runs that wait have failed, those that run go on
    Cancel { backfill_id: BackfillId },
}

/// What a backfill takes.
#[derive(Debug, Args)]
pub struct BackfillArgs {
    pub dag_id: String,

    /// The first logical date, such as 2026-01-01 (midnight in UTC) or 2026-01-01T06:00:00Z
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub from_date: Timestamp,

    /// The last logical date, inclusive
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub to_date: Timestamp,

    /// Which dates that have a run are run again: none, failed, completed
    #[arg(long, visible_alias = "reprocess-behavior", default_value = "none")]
    pub reprocess: ReprocessBehavior,

    /// The newest date first
    #[arg(long)]
    pub run_backwards: bool,

    /// How many of its runs run at once
    #[arg(long, value_name = "N", default_value_t = MAX_ACTIVE_RUNS, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub max_active_runs: u32,

    /// The conf of its runs, as a JSON object
    #[arg(long, visible_alias = "dag-run-conf", value_name = "JSON", value_parser = json_object)]
    pub run_conf: Option<JsonObject>,

    /// A param of its runs; the value is read as JSON where it parses as such, else as text
    #[arg(short, long = "param", value_name = "KEY=VALUE", value_parser = param)]
    pub params: Vec<(String, Value)>,

    /// Show what would be done with each date, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// A JSON object given as one argument.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonObject(pub Map<String, Value>);

impl BackfillArgs {
    /// Returns the conf, single params over the whole; `None` where neither is given.
    pub fn conf(&self) -> Option<Map<String, Value>> {
        if self.run_conf.is_none() && self.params.is_empty() {
            return None;
        }
        let mut conf = self.run_conf.clone().map(|JsonObject(conf)| conf).unwrap_or_default();
        conf.extend(self.params.iter().cloned());
        Some(conf)
    }
}

/// Commands about outputs of tasks.
#[derive(Debug, Subcommand)]
pub enum XcomCommand {
    /// List the outputs of a run, or of one of its tasks
    List { dag_id: String, dag_run_id: String, task_id: Option<String> },
    /// Print one output
    Get {
        dag_id: String,
        dag_run_id: String,
        task_id: String,
        /// Which output; what the task returned where none is given
        #[arg(default_value = RETURN_VALUE)]
        key: String,
        /// Of which element of a mapped task
        #[arg(long, value_name = "N", default_value_t = UNMAPPED, allow_negative_numbers = true)]
        map_index: i32,
    },
}

/// Which task instances are meant.
#[derive(Debug, Args)]
pub struct TaskListArgs {
    /// In this state only, such as failed, running, up_for_retry
    #[arg(long, value_parser = task_state)]
    pub state: Option<TaskInstanceState>,
    /// Of this DAG only
    #[arg(long, value_name = "DAG")]
    pub dag: Option<String>,
    /// Of this task only; needs --dag
    #[arg(long, value_name = "TASK", requires = "dag")]
    pub task: Option<String>,
    /// In this pool only
    #[arg(long)]
    pub pool: Option<String>,
    /// Of this operator only
    #[arg(long)]
    pub operator: Option<String>,
    #[arg(long, default_value_t = 25)]
    pub limit: u32,
    /// Go on where a page ended (its `next`)
    #[arg(long, value_name = "NEXT")]
    pub before: Option<i64>,
}

/// Commands about variables.
#[derive(Debug, Subcommand)]
pub enum VariablesCommand {
    /// List all variables and where each comes from
    List,
    /// Show one
    Get { key: String },
    /// Set one; a secret is given as '${env:NAME}' or '${file:path}'
    Set {
        key: String,
        value: String,
        #[arg(long)]
        description: Option<String>,
    },
    /// Delete one that was set at run time
    Delete { key: String },
    /// Write those that were set at run time to a JSON file (`-`: standard output)
    Export { file: PathBuf },
    /// Set all that a JSON file holds, or none (`-`: standard input)
    Import { file: PathBuf },
}

/// Commands about connections.
#[derive(Debug, Subcommand)]
pub enum ConnectionsCommand {
    /// List all connections and where each comes from
    List,
    /// Show one
    Get { conn_id: String },
    /// Set one; secrets are given as '${env:NAME}' or '${file:path}'
    Set {
        conn_id: String,
        /// Such as sqlite:data/w.db, file:data/lake, log:, http://127.0.0.1:9000/hook
        url: String,
        /// A further key, as in dags.toml
        #[arg(long = "option", value_name = "KEY=VALUE", value_parser = text_pair)]
        options: Vec<(String, String)>,
        #[arg(long)]
        description: Option<String>,
    },
    /// Delete one that was set at run time
    Delete { conn_id: String },
    /// Try whether it can be used; exits with 1 where it cannot
    Test { conn_id: String },
    /// Write those that were set at run time to a JSON file (`-`: standard output)
    Export { file: PathBuf },
    /// Set all that a JSON file holds, or none (`-`: standard input)
    Import { file: PathBuf },
}

/// Commands about pools.
#[derive(Debug, Subcommand)]
pub enum PoolsCommand {
    /// List all pools, what is in them, and where each comes from
    List,
    /// Show one
    Get { pool: String },
    /// Set a pool's slots: of a new one, or in place of what dags.toml says
    Set {
        pool: String,
        slots: u32,
        #[arg(long)]
        description: Option<String>,
    },
    /// Delete one that was set at run time; one of dags.toml goes back to its slots there
    Delete { pool: String },
    /// Write those that were set at run time to a JSON file (`-`: standard output)
    Export { file: PathBuf },
    /// Set all that a JSON file holds, or none (`-`: standard input)
    Import { file: PathBuf },
}

/// Options of `prune`.
#[derive(Debug, Args)]
pub struct PruneArgs {
    /// Say what would go, and delete nothing
    #[arg(long)]
    pub dry_run: bool,
    /// In place of every limit of dags.toml: what is older than this, such as 90d
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub older_than: Option<std::time::Duration>,
    /// Only runs and logs of this DAG
    #[arg(long, value_name = "DAG")]
    pub dag: Option<String>,
}

/// Commands about assets.
#[derive(Debug, Subcommand)]
pub enum AssetsCommand {
    /// List all assets
    List,
    /// Show what comes from what, of everything or around one asset
    Lineage {
        asset: Option<String>,
        /// At most so many hops upstream of the asset; everything where none is given
        #[arg(long, value_name = "HOPS", requires = "asset")]
        up: Option<u32>,
        /// At most so many hops downstream of the asset; everything where none is given
        #[arg(long, value_name = "HOPS", requires = "asset")]
        down: Option<u32>,
        /// How to draw it; `-o json` prints it for programs
        #[arg(long, value_name = "FORMAT", default_value = "tree")]
        format: LineageFormat,
    },
    /// Say why an asset is old: the way from the root cause down to it
    Why { asset: String },
    /// List everything that is made of an asset, the nearest first
    Impact { asset: String },
    /// List an asset's events with the runs that they started, newest first
    Events {
        asset: String,
        #[arg(long, default_value_t = 25)]
        limit: u32,
    },
    /// Report that an asset has changed
    Emit {
        asset: String,
        /// A detail of the change; read as JSON where it parses as such, else as text
        #[arg(short, long = "extra", value_name = "KEY=VALUE", value_parser = param)]
        extra: Vec<(String, Value)>,
    },
}

/// How to draw the lineage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LineageFormat {
    /// A tree, from what nothing comes before
    Tree,
    /// A flowchart for Markdown pages
    Mermaid,
    /// A graph for Graphviz
    Dot,
}

/// Commands about experiments.
#[derive(Debug, Subcommand)]
pub enum ExperimentsCommand {
    /// List all experiments
    List,
    /// List an experiment's runs, newest first
    Runs {
        name: String,
        /// MLflow's filter, such as: metrics.accuracy > 0.9 and params.model = 'xgboost'
        #[arg(long, default_value = "", value_name = "FILTER")]
        filter: String,
        /// A key to order by, such as: metrics.accuracy DESC (may be given several times)
        #[arg(long, value_name = "KEY")]
        order_by: Vec<String>,
        #[arg(long, default_value_t = 25)]
        limit: u32,
        #[arg(long, default_value_t = 0)]
        offset: u32,
    },
    /// Show a run: params, metrics, tags, artifacts
    Show { run: TrackingRunId },
    /// Compare runs: metrics and params side by side, changes against the first
    Compare {
        #[arg(required = true, num_args = 2..)]
        runs: Vec<TrackingRunId>,
        /// Leave out what is the same in all of them
        #[arg(long)]
        only_differences: bool,
    },
    /// Show the values of a metric over its steps
    Metric {
        run: TrackingRunId,
        key: String,
        /// Thin a longer history to so many points that keep its shape
        #[arg(long, default_value_t = 1000)]
        max_points: u32,
    },
    /// Print an artifact that is text
    Artifact { run: TrackingRunId, path: String },
}

/// Commands about models.
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// List all registered models
    List,
    /// Show a model with its versions and the history of its aliases
    Show { name: String },
    /// Point an alias at a version
    Promote {
        name: String,
        version: u32,
        #[arg(long, default_value = "production")]
        alias: String,
        /// Why, for the history; needed where a gate found the version wanting
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Show what would change, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Compare two versions: metrics, params, data, code, size
    Compare {
        name: String,
        from: u32,
        to: u32,
        /// Leave out what is the same in both
        #[arg(long)]
        only_different: bool,
    },
    /// Point an alias back to where it stood before
    Rollback {
        name: String,
        #[arg(long, default_value = "production")]
        alias: String,
        /// Why, for the history
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Show what would change, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
}

/// Commands about the model server.
#[derive(Debug, Subcommand)]
pub enum ServingCommand {
    /// Show which versions are served, and how they do
    Status,
    /// Ask a served model: a real request, counted as a client's
    Predict {
        /// Rows as JSON: [[5.1, 3.5, 1.4, 0.2]], one row, or records
        #[arg(value_parser = json_value)]
        rows: Value,
        /// Without it the default model answers
        #[arg(long)]
        model: Option<String>,
        /// Without it the traffic decides
        #[arg(long, requires = "model")]
        version: Option<u32>,
    },
}

fn json_value(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("`{text}` is no JSON: {error}"))
}

fn json_object(text: &str) -> Result<JsonObject, String> {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(JsonObject(object)),
        Ok(_) => Err(format!("`{text}` is no JSON object")),
        Err(error) => Err(format!("`{text}` is no JSON: {error}")),
    }
}

fn age(text: &str) -> Result<std::time::Duration, String> {
    crate::dag::duration::parse(text)
        .ok_or_else(|| format!("`{text}` is no age: write 90d, 12h or 30m"))
}

fn log_level(text: &str) -> Result<LogLevel, String> {
    LogLevel::named(text)
        .ok_or_else(|| format!("`{text}` is no level: write debug, info, warn or error"))
}

fn task_state(text: &str) -> Result<TaskInstanceState, String> {
    serde_json::from_value(Value::String(text.to_owned()))
        .map_err(|_| format!("`{text}` is no state of a task, such as failed or up_for_retry"))
}

fn text_pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("`{text}` is not of the form KEY=VALUE")),
    }
}

fn param(text: &str) -> Result<(String, Value), String> {
    let Some((key, value)) = text.split_once('=') else {
        return Err(format!("`{text}` has no `=`: write KEY=VALUE"));
    };
    if key.is_empty() {
        return Err(format!("`{text}` has no key: write KEY=VALUE"));
    }
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    Ok((key.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn param_values_are_json_where_they_parse_else_text() {
        assert_eq!(param("n=3"), Ok(("n".into(), json!(3))));
        assert_eq!(param("d=iris"), Ok(("d".into(), json!("iris"))));
        assert_eq!(param("h={\"a\":1}"), Ok(("h".into(), json!({"a": 1}))));
        assert_eq!(param("e=a=b"), Ok(("e".into(), json!("a=b"))));
        assert!(param("novalue").unwrap_err().contains("KEY=VALUE"));
        assert!(param("=x").unwrap_err().contains("no key"));
    }

    #[test]
    fn single_params_of_a_backfill_go_over_its_conf() {
        let args = |more: &[&str]| {
            let given = ["dagdeck", "backfill", "create", "d", "--from-date", "2026-01-01"];
            let to = ["--to-date", "2026-01-02"];
            let cli = Cli::try_parse_from(given.iter().chain(&to).chain(more));
            match cli.map(|cli| cli.command) {
                Ok(Some(Command::Backfill(BackfillCommand::Create(args)))) => Ok(args),
                Ok(other) => panic!("{other:?}"),
                Err(error) => Err(error.to_string()),
            }
        };
        assert_eq!(args(&[]).unwrap().conf(), None);
        let conf = args(&["--run-conf", r#"{"a": 1, "b": 2}"#, "-p", "b=3"]).unwrap().conf();
        assert_eq!(conf.map(Value::Object), Some(json!({"a": 1, "b": 3})));
        assert!(args(&["--run-conf", "[1]"]).unwrap_err().contains("no JSON object"));
        assert!(args(&["--reprocess", "some"]).unwrap_err().contains("some"));
        assert!(args(&["--max-active-runs", "0"]).unwrap_err().contains("1..=10000"));
    }

    #[test]
    fn the_last_of_two_params_counts() {
        let cli = Cli::try_parse_from(["dagdeck", "trigger", "d", "-p", "a=1", "-p", "a=2"]);
        let Some(Command::Trigger(TriggerCommand { args, .. })) = cli.unwrap().command else {
            panic!("a trigger")
        };
        assert_eq!(Value::Object(args.over(Map::new())), json!({"a": 2}));
    }
}
