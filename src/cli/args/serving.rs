//! Commands about the model server.

use clap::Subcommand;
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
