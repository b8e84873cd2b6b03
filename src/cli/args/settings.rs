//! Commands about what is set at run time: variables, connections, pools.

use std::path::PathBuf;

use clap::Subcommand;

use crate::cli::args::value::text_pair;

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
