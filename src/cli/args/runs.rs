//! Commands about runs, and which of them are listed.

use clap::{Args, Subcommand};

use crate::cli::args::value::age;
use crate::cli::args::{ClearArgs, NoteArgs, WhichRuns};
use crate::types::DagRunState;
use crate::types::state::DagRunType;

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
