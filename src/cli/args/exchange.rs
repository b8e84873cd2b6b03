//! What is taken over from other programs, and given back.

use std::path::PathBuf;

use clap::Subcommand;

/// What is taken over.
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Experiments, runs, logged and registered models of MLflow, with their files; again, it goes
    /// on where it was
    Mlflow {
        /// A folder `mlruns`, or a server's `mlflow.db`
        path: PathBuf,
        /// Where the server kept its files; `mlartifacts` beside the database where none is given
        #[arg(long, value_name = "DIR")]
        artifacts: Option<PathBuf>,
        /// Read and count all of it, and take nothing over
        #[arg(long)]
        dry_run: bool,
    },
}

/// What is given back.
#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// Experiments, runs, logged and registered models as a folder `mlruns`, with their files
    Mlflow {
        /// A folder that is not there yet, or is empty
        folder: PathBuf,
    },
    /// A model that was trained here as an ONNX file, its preprocessing included
    Onnx {
        /// NAME@ALIAS or NAME/VERSION, such as iris@production
        model: String,
        /// A file that is replaced where it is there
        file: PathBuf,
    },
}
