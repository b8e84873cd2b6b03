//! What the commands take that run the daemon and keep its house.

use clap::Args;

use crate::cli::args::value::age;

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
    /// Only experiments and their runs that were deleted, all of them or those older than the age
    #[arg(long, conflicts_with = "dag")]
    pub deleted: bool,
}
