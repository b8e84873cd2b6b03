//! Commands about experiments.

use clap::Subcommand;

use crate::types::TrackingRunId;

/// Commands about experiments.
#[derive(Debug, Subcommand)]
pub enum ExperimentsCommand {
    /// List all experiments
    List,
    /// List an experiment's runs, newest first
    Runs {
        name: String,
        /// MLflow's filter, such as: metrics.accuracy > 0.9 and params.model = 'xgboost'
        #[arg(long, default_value = "", value_name = "FILTER")]
        filter: String,
        /// A key to order by, such as: metrics.accuracy DESC (may be given several times)
        #[arg(long, value_name = "KEY")]
        order_by: Vec<String>,
        /// Only runs that hang under no other: a search, and not its trials
        #[arg(long)]
        top: bool,
        /// Only the runs under this one
        #[arg(long, value_name = "RUN", conflicts_with = "top")]
        under: Option<TrackingRunId>,
        #[arg(long, default_value_t = 25)]
        limit: u32,
        #[arg(long, default_value_t = 0)]
        offset: u32,
    },
    /// List the trials of a search, or whatever hangs under a run, the best first
    Trials {
        run: TrackingRunId,
        /// The first so many
        #[arg(long, default_value_t = 1000)]
        limit: u32,
    },
    /// Show a run: params, metrics, tags, artifacts
    Show { run: TrackingRunId },
    /// Compare runs: metrics and params side by side, changes against the first
    Compare {
        #[arg(required = true, num_args = 2..)]
        runs: Vec<TrackingRunId>,
        /// Leave out what is the same in all of them
        #[arg(long)]
        only_differences: bool,
    },
    /// Show the values of a metric over its steps
    Metric {
        run: TrackingRunId,
        key: String,
        /// Thin a longer history to so many points that keep its shape
        #[arg(long, default_value_t = 1000)]
        max_points: u32,
    },
    /// Print an artifact that is text
    Artifact { run: TrackingRunId, path: String },
}
