//! `import mlflow` and `export mlflow`: without the daemon, whether it runs or not.

use std::path::Path;

use crate::cli::args::{ExportCommand, ImportCommand};
use crate::cli::error::CliError;
use crate::cli::output::{Output, bytes};
use crate::runtime::Layout;
use crate::store::Store;
use crate::tracking::exchange::{self, Summary};
use crate::types::{Fault, time};

/// Takes something over.
pub fn import(
    layout: &Layout,
    command: ImportCommand,
    output: &mut Output,
) -> Result<u8, CliError> {
    let ImportCommand::Mlflow { path, artifacts, dry_run } = command;
    let store = open(layout)?;
    let from = (path.as_path(), artifacts.as_deref());
    let mut told = |line: &str| tracing::info!("{line}");
    let taken =
        exchange::import(&store, &layout.artifacts_dir(), from, dry_run, time::now(), &mut told)?;
    let what = if dry_run { "would be taken over from" } else { "taken over from" };
    output.answer(&taken, |taken| draw(taken, what, &path));
    Ok(0)
}

/// Gives something back.
pub fn export(
    layout: &Layout,
    command: ExportCommand,
    output: &mut Output,
) -> Result<u8, CliError> {
    let ExportCommand::Mlflow { folder } = command;
    let store = open(layout)?;
    let mut told = |line: &str| tracing::info!("{line}");
    let given = exchange::export(&store, &layout.artifacts_dir(), &folder, &mut told)?;
    output.answer(&given, |given| draw(given, "written to", &folder));
    Ok(0)
}

fn open(layout: &Layout) -> Result<Store, CliError> {
    crate::daemon::prepare(layout)?;
    Ok(Store::open(&layout.database()).map_err(Fault::from)?)
}

fn draw(summary: &Summary, what: &str, place: &Path) -> String {
    let Summary { experiments, runs, metric_points, logged_models, .. } = summary;
    let mut text = format!(
        "{experiments} experiments, {runs} runs with {metric_points} points of metrics, \
         {logged_models} logged models, {} registered models with {} versions, {} files of {}, \
         {what} {}",
        summary.registered_models,
        summary.model_versions,
        summary.files,
        bytes(summary.bytes),
        place.display()
    );
    for line in &summary.left_out {
        text.push_str(&format!("\n  left out: {line}"));
    }
    text
}
