//! Commands about the model server.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::Value;

use crate::cli::args::value::json_value;
use crate::types::serving::{RolloutWish, Sticky};

/// Commands about the model server.
#[derive(Debug, Subcommand)]
pub enum ServingCommand {
    /// Show which versions are served, and how they do
    Status,
    #[command(flatten)]
    Traffic(TrafficCommand),
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

/// Commands about who answers a model's requests.
#[derive(Debug, Subcommand)]
pub enum TrafficCommand {
    /// Divide a model's requests among its versions; those not in memory are loaded first
    Traffic {
        model: String,
        /// VERSION=PERCENT each, together 100, such as 1=90 2=10
        #[arg(value_parser = weight, value_name = "VERSION=PERCENT")]
        weights: Vec<(u32, u8)>,
        /// Keep whoever asks at one version: header:NAME, api_key, or none
        #[arg(long, value_parser = sticky, value_name = "WHAT")]
        sticky: Option<StickyArg>,
    },
    /// Give a version copies of a model's requests: its answers are compared and never returned
    Shadow {
        model: String,
        #[arg(required_unless_present = "off")]
        version: Option<u32>,
        /// Of the requests
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u8).range(1..=100))]
        percent: u8,
        /// No version gets copies any more
        #[arg(long, conflicts_with = "version")]
        off: bool,
    },
    /// Show a rollout, or steer it
    Rollout {
        model: String,
        /// What becomes of it; without, it is shown
        #[arg(value_enum)]
        wish: Option<RolloutArg>,
    },
    /// Show what later truth says of a model's versions
    Outcomes { model: String },
}

/// What becomes of a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum RolloutArg {
    /// It stays at its step
    Pause,
    /// The step goes on with the time that it had left
    Resume,
    /// The next step begins now, whatever the figures say
    Advance,
    /// The traffic goes back to where it was
    Abort,
}

impl From<RolloutArg> for RolloutWish {
    fn from(arg: RolloutArg) -> Self {
        match arg {
            RolloutArg::Pause => Self::Pause,
            RolloutArg::Resume => Self::Resume,
            RolloutArg::Advance => Self::Advance,
            RolloutArg::Abort => Self::Abort,
        }
    }
}

/// What requests are to stick to; `None`: to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StickyArg(pub Option<Sticky>);

fn sticky(text: &str) -> Result<StickyArg, String> {
    match text {
        "none" => Ok(StickyArg(None)),
        text => text.parse().map(|sticky| StickyArg(Some(sticky))),
    }
}

fn weight(text: &str) -> Result<(u32, u8), String> {
    let read = text.split_once('=').and_then(|(version, percent)| {
        let percent = percent.strip_suffix('%').unwrap_or(percent);
        Some((version.parse().ok()?, percent.parse().ok().filter(|percent| *percent <= 100)?))
    });
    read.ok_or_else(|| format!("`{text}` is not VERSION=PERCENT, such as 2=10"))
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
