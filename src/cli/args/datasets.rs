//! Commands about data sets and what learns from them.

use clap::Subcommand;

/// Commands about data sets.
#[derive(Debug, Subcommand)]
pub enum DatasetsCommand {
    /// List the data sets of dags.toml
    List,
    /// Read a data set as training does: its columns with their types, and what is odd about it
    Show { name: String },
}
