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
    /// Show how far what a served model is asked, and answers, lies from its training data
    Drift {
        /// NAME or NAME/VERSION, such as iris/3; without it all that is served
        model: Option<String>,
        /// Show how the values are spread, in training and now
        #[arg(long)]
        bins: bool,
    },
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
