//! `import mlflow`, `export mlflow` and `export onnx`: without the daemon, whether it runs or not.

use std::path::Path;

use serde_json::json;

use crate::cli::args::{ExportCommand, ImportCommand};
use crate::cli::error::CliError;
use crate::cli::output::{Output, bytes};
use crate::runtime::Layout;
use crate::store::Store;
use crate::tracking::exchange::{self, Summary};
use crate::tracking::model_folder::Registered;
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
    let store = open(layout)?;
    match command {
        ExportCommand::Mlflow { folder } => {
            let mut told = |line: &str| tracing::info!("{line}");
            let given = exchange::export(&store, &layout.artifacts_dir(), &folder, &mut told)?;
            output.answer(&given, |given| draw(given, "written to", &folder));
        }
        ExportCommand::Onnx { model, file } => {
            let found = Registered::by_uri(&store, &layout.artifacts_dir(), &model)?;
            let Registered { name, version, model } = found;
            let bytes = model.to_onnx().map_err(|why| {
                Fault::invalid(format!("write `{name}` version {version} as ONNX: {why}"))
            })?;
            write_whole(&file, &bytes)?;
            let done =
                json!({"name": name, "version": version, "file": file, "bytes": bytes.len()});
            output.answer(&done, |_| {
                format!("`{name}` version {version}, written to {}", file.display())
            });
        }
    }
    Ok(0)
}

/// Writes a file beside, then puts it in its place: who reads it has the old one or the new one.
fn write_whole(file: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let beside = file.with_added_extension("part");
    let written = std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, file));
    written.map_err(|source| {
        let _ = std::fs::remove_file(&beside);
        CliError::io(&format!("write `{}`", file.display()), &source)
    })
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
