//! What the commands take that tell what happens.

use clap::{Args, ValueEnum};

use crate::types::event::Severity;

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
