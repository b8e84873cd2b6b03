//! Commands about models.

use std::path::PathBuf;

use clap::Subcommand;

use crate::types::TrackingRunId;

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
    /// Register the model in a file (XGBoost, LightGBM, ONNX) or in a folder of MLflow's
    Register {
        name: String,
        /// On the daemon's machine
        path: PathBuf,
        #[arg(long)]
        description: Option<String>,
    },
    /// Describe a model, or one of its versions
    Describe {
        name: String,
        text: String,
        /// The version that is described
        #[arg(long)]
        version: Option<u32>,
    },
    /// Put a tag on a model, or on one of its versions
    Tag {
        name: String,
        key: String,
        value: String,
        #[arg(long)]
        version: Option<u32>,
    },
    /// Take a tag off
    Untag {
        name: String,
        key: String,
        #[arg(long)]
        version: Option<u32>,
    },
    /// Put a version into MLflow's stage: None, Staging, Production, Archived; no alias moves
    Stage {
        name: String,
        version: u32,
        stage: String,
        /// Archive the versions that are in the stage
        #[arg(long)]
        archive: bool,
    },
    /// Take an alias away
    Unalias { name: String, alias: String },
    /// Give a model another name; not one that serves
    Rename { name: String, new_name: String },
    /// Delete a model, or one of its versions; not one that serves or is in production
    Delete {
        name: String,
        #[arg(long)]
        version: Option<u32>,
        /// Really do it: it cannot be undone
        #[arg(long)]
        yes: bool,
    },
    /// List the logged models of an experiment, or of a run
    Logged {
        #[arg(required_unless_present = "run")]
        experiment: Option<String>,
        /// Only those that this run made
        #[arg(long, value_name = "RUN", conflicts_with = "experiment")]
        run: Option<TrackingRunId>,
    },
    /// One logged model: show, register, tag, delete it
    #[command(subcommand)]
    LoggedModel(LoggedModelCommand),
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

/// Commands about one logged model, by its id: m-0123456789abcdef0123456789abcdef.
#[derive(Debug, Subcommand)]
pub enum LoggedModelCommand {
    /// Show how it can be loaded, its signature, figures, tags and files
    Show { model_id: String },
    /// Register it as the next version of a model
    Register {
        model_id: String,
        name: String,
        #[arg(long)]
        description: Option<String>,
    },
    /// Put a tag on it
    Tag { model_id: String, key: String, value: String },
    /// Take a tag off
    Untag { model_id: String, key: String },
    /// Delete it; not one that is registered
    Delete {
        model_id: String,
        /// Really do it
        #[arg(long)]
        yes: bool,
    },
}
