//! Commands about models.

use clap::Subcommand;

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
