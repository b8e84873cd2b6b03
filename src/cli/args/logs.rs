//! What the commands take that print logs: of tasks, and the daemon's own.

use clap::{Args, Subcommand};

use crate::cli::args::value::{age, log_level};
use crate::types::log::LogLevel;

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
