//! Commands about assets.

use clap::{Subcommand, ValueEnum};
use serde_json::Value;

use crate::cli::args::value::param;

/// Commands about assets.
#[derive(Debug, Subcommand)]
pub enum AssetsCommand {
    /// List all assets
    List,
    /// Show what comes from what, of everything or around one asset, file, table, data set, DAG,
    /// model, version or endpoint
    Lineage {
        /// Its name, or its id such as `table:sqlite:/w.db/employees`
        name: Option<String>,
        /// At most so many hops upstream of it; everything where none is given
        #[arg(long, value_name = "HOPS", requires = "name")]
        up: Option<u32>,
        /// At most so many hops downstream of it; everything where none is given
        #[arg(long, value_name = "HOPS", requires = "name")]
        down: Option<u32>,
        /// Its columns and where each comes from; `NAME.COLUMN` shows one
        #[arg(long, requires = "name", conflicts_with_all = ["up", "down"])]
        columns: bool,
        /// How to draw it; `-o json` prints it for programs
        #[arg(long, value_name = "FORMAT", default_value = "tree")]
        format: LineageFormat,
    },
    /// Walk from a file, a table, a model or an endpoint both ways, run by run: what it was made
    /// of, and what was made of it
    Trace {
        /// As of `assets lineage`
        name: String,
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
    /// List what the checks that guard an asset came to, newest first
    Checks {
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
        /// Which part of the asset changed, such as 2026-03-10
        #[arg(long, value_name = "KEY")]
        partition_key: Option<String>,
    },
    /// The partitions of an asset: what last happened to each, and the runs of it
    Partitions {
        asset: String,
        #[arg(long, default_value_t = 50)]
        limit: u32,
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
