//! What the command line takes: the commands, each with a file below this one for its arguments.

mod approvals;
mod assets;
mod backfill;
mod daemon;
mod dags;
mod datasets;
mod deck;
mod exchange;
mod executors;
mod experiments;
mod logs;
mod models;
mod operate;
mod runs;
mod serving;
mod settings;
mod tasks;
mod trigger;
mod value;
mod watch;
mod xcom;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

pub use approvals::{AnswerArgs, ApprovalsCommand};
pub use assets::{AssetsCommand, LineageFormat};
pub use backfill::{BackfillArgs, BackfillCommand};
pub use daemon::{PruneArgs, UpArgs};
pub use dags::{DagsCommand, GraphFormat};
pub use datasets::DatasetsCommand;
pub use deck::DeckArgs;
pub use exchange::{ExportCommand, ImportCommand};
pub use executors::{ExecutorsCommand, RestartableExecutor};
pub use experiments::ExperimentsCommand;
pub use logs::{DaemonLogArgs, LogPickArgs, LogsArgs, SystemCommand};
pub use models::{LoggedModelCommand, ModelsCommand};
pub use operate::{ClearArgs, NoteArgs, OperationsCommand, ReachArgs, WhichRuns, WhichTasks};
pub use runs::{RunsCommand, RunsOnlyArgs};
pub use serving::{BundleArgs, PredictArgs, ServeArgs, ServingCommand, TrafficCommand};
pub use settings::{ConnectionsCommand, PoolsCommand, VariablesCommand};
pub use tasks::{TaskListArgs, TasksArgs, TasksCommand};
pub use trigger::{TriggerArgs, TriggerCommand};
pub use value::JsonObject;
pub use watch::{EventsArgs, SeverityArg, WatchArgs};
pub use xcom::XcomCommand;

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
    /// Show where attempts run: this machine and, where tasks go there, Slurm
    Executors {
        #[command(subcommand)]
        command: Option<ExecutorsCommand>,
    },
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
    /// Take over what another program kept, such as MLflow
    #[command(subcommand)]
    Import(ImportCommand),
    /// Give back what is kept here in another program's form
    #[command(subcommand)]
    Export(ExportCommand),
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
    /// List data sets, show their columns as training reads them
    #[command(subcommand, visible_alias = "dataset")]
    Datasets(DatasetsCommand),
    /// List what `ml.train` can train, or one with its hyperparameters
    Estimators { name: Option<String> },
    /// List experiments and their runs
    #[command(subcommand)]
    Experiments(ExperimentsCommand),
    /// List, show, promote and roll back models
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Have a model answer all rows of a file (CSV, JSON lines or Parquet)
    Predict(PredictArgs),
    /// Show the model server, and steer its traffic
    #[command(subcommand)]
    Serving(ServingCommand),
    /// Write a model with its server into a folder that runs anywhere
    Bundle(BundleArgs),
    /// Serve one model from a folder, without a project (what a bundle runs)
    Serve(ServeArgs),
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
    /// Answer as one of the model server's replicas (called by the daemon)
    #[command(hide = true)]
    Replica { replica: u32, fingerprint: String, id: String },
    /// Run one attempt of a task (called by the worker)
    #[command(hide = true)]
    Attempt { folder: PathBuf },
    /// Run one attempt of a batch on a node (called by Slurm)
    #[command(hide = true)]
    AttemptOnNode { batch: PathBuf, index: usize, job: String, node: String },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
