//! Commands about the model server.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::Value;

use crate::cli::args::value::json_value;

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

/// Writes a version with its server.
#[derive(Debug, Args)]
pub struct BundleArgs {
    /// NAME@ALIAS or NAME/VERSION, such as iris@production
    pub model: String,
    /// The folder to make; it must not be there, or be empty (`-o` names the form of the answer)
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Replicas in the compose file and the manifest of Kubernetes
    #[arg(long, value_name = "N", default_value_t = crate::runtime::bundle::REPLICAS,
          value_parser = clap::value_parser!(u32).range(1..=64))]
    pub replicas: u32,
}

/// Serves one model.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// What `bundle` wrote (its rootfs/srv), or a model's folder as MLflow writes it
    #[arg(required_unless_present = "probe")]
    pub folder: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3000")]
    pub listen: String,
    /// A unix socket beside it, for this user only
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// What the model is called, where the folder does not say
    #[arg(long)]
    pub name: Option<String>,
    /// Ask a server at ADDR whether it is ready instead; exits with 1 where it is not
    #[arg(long, value_name = "ADDR", conflicts_with_all = ["folder", "socket", "name"])]
    pub probe: Option<String>,
}

/// Has a model answer a file.
#[derive(Debug, Args)]
pub struct PredictArgs {
    /// NAME@ALIAS or NAME/VERSION, such as iris@production
    pub model: String,
    /// A file of rows: .csv, .json, .jsonl, .ndjson or .parquet
    pub file: PathBuf,
    /// Where the rows go with their answers: .csv, .jsonl or .ndjson; else to the standard output,
    /// as CSV
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
    /// Pass over rows that do not fit, and tell of each, instead of ending at the first
    #[arg(long)]
    pub skip_bad_rows: bool,
}
