//! `backup` and `restore`: without the daemon, whether it runs or not.

use std::path::Path;

use crate::cli::command::daemon;
use crate::cli::error::CliError;
use crate::cli::output::{Output, bytes};
use crate::runtime::Layout;
use crate::runtime::backup::{self, Summary};
use crate::types::{Fault, time};

/// Backs the project up.
pub fn backup(layout: &Layout, target: &Path, output: &mut Output) -> Result<u8, CliError> {
    daemon::require_project(layout)?;
    let summary = backup::backup(layout, target, time::now())?;
    output.answer(&summary, |summary| draw(summary, "backed up to", &summary.archive));
    Ok(0)
}

/// Restores a project.
pub fn restore(from: &Path, into: &Path, output: &mut Output) -> Result<u8, CliError> {
    if crate::daemon::is_running(&Layout::new(into)) {
        let text = format!("a daemon runs in `{}`", into.display());
        return Err(Fault::conflict(text).hint("restore into another folder").into());
    }
    let summary = backup::restore(from, into)?;
    output.answer(&summary, |summary| draw(summary, "restored into", into));
    Ok(0)
}

fn draw(summary: &Summary, what: &str, place: &Path) -> String {
    let Summary { files, bytes: size, left_out, .. } = summary;
    let mut text = format!("{files} files, {}, {what} {}", bytes(*size), place.display());
    for path in left_out {
        text.push_str(&format!("\n  left out: {path}"));
    }
    text
}
