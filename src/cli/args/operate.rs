//! What the commands take that do something to runs, one or many at once.

use clap::{Args, Subcommand};

use crate::types::DagRunState;

/// Which runs: named one by one, or by their state.
#[derive(Debug, Args)]
pub struct WhichRuns {
    /// The DAG
    pub dag_id: Option<String>,

    /// Its runs
    pub dag_run_ids: Vec<String>,

    /// The DAG, where the runs are meant by --state and --last
    #[arg(long, value_name = "DAG", conflicts_with = "dag_id")]
    pub dag: Option<String>,

    /// Runs in this state: queued, running, success, failed
    #[arg(long = "state", value_name = "STATE", conflicts_with = "dag_run_ids")]
    pub in_state: Option<DagRunState>,

    /// The newest N of them only
    #[arg(long, value_name = "N", conflicts_with = "dag_run_ids")]
    pub last: Option<u32>,
}

/// Which tasks of the runs.
#[derive(Debug, Args)]
pub struct WhichTasks {
    #[command(flatten)]
    pub runs: WhichRuns,

    /// A task, or one element of a mapped task: TASK or TASK[3]; all tasks where none is given
    #[arg(short, long = "task", value_name = "TASK")]
    pub tasks: Vec<String>,
}

/// How far a command reaches beyond what it names.
#[derive(Debug, Args)]
pub struct ReachArgs {
    /// Also the tasks upstream of them
    #[arg(long)]
    pub upstream: bool,

    /// Also the tasks downstream of them
    #[arg(long)]
    pub downstream: bool,

    /// Also runs of the DAG with an earlier logical date
    #[arg(long)]
    pub past: bool,

    /// Also runs of the DAG with a later logical date
    #[arg(long)]
    pub future: bool,

    /// List what would be touched, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// What is cleared.
#[derive(Debug, Args)]
pub struct ClearArgs {
    #[command(flatten)]
    pub reach: ReachArgs,

    /// Only what has failed
    #[arg(long)]
    pub only_failed: bool,

    /// Only what is running
    #[arg(long)]
    pub only_running: bool,

    /// Put ended runs on the last version of their DAG
    #[arg(long)]
    pub run_on_latest_version: bool,
}

/// What is written.
#[derive(Debug, Args)]
pub struct NoteArgs {
    /// What to write; empty takes the note away
    #[arg(long)]
    pub text: String,

    /// Add a line to what is there
    #[arg(long)]
    pub append: bool,
}

/// Commands about what was done to runs.
#[derive(Debug, Subcommand)]
pub enum OperationsCommand {
    /// List what was done to runs, newest first
    List {
        #[arg(long, default_value_t = 25)]
        limit: u32,
        /// Those before this one
        #[arg(long, value_name = "ID")]
        before: Option<i64>,
    },
    /// Show an operation with what it did to each run and task
    Show { operation_id: i64 },
}
