//! The program's own log: a rolling file in `.dagdeck/log/`, never the terminal; the standard
//! error of a server without a project.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};

use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;

use crate::cli::env;
use crate::cli::error::CliError;
use crate::runtime::Layout;
use crate::types::{Fault, FaultKind};

/// Days of log that are kept.
const FILES_KEPT: usize = 14;

/// Starts to log to `.dagdeck/log/<name>.<date>.log` until the guard is dropped.
pub fn start(
    layout: &Layout,
    name: &str,
) -> Result<tracing_appender::non_blocking::WorkerGuard, CliError> {
    for dir in [layout.state_dir(), layout.log_dir()] {
        // Another command may make it at the same time.
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(|source| {
            CliError::io(&format!("make the folder `{}`", dir.display()), &source)
        })?;
        // A folder that was made by hand may be open to others.
        let _ = fs::set_permissions(&dir, fs::Permissions::from_mode(0o700));
    }
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix(name)
        .filename_suffix("log")
        .max_log_files(FILES_KEPT)
        .build(layout.log_dir())
        .map_err(|error| {
            let fault = Fault::new(FaultKind::Unavailable, "failed to open the log");
            CliError::from(fault.caused_by(Some(&error)))
        })?;
    let (writer, guard) = tracing_appender::non_blocking(appender);
    let filter = EnvFilter::try_new(env::log_filter()).unwrap_or_else(|_| EnvFilter::new("info"));
    // Fails only where a logger is set already (tests): that one stays.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(false)
        .try_init();
    Ok(guard)
}

/// Logs to the standard error.
pub fn to_standard_error() {
    let filter = EnvFilter::try_new(env::log_filter()).unwrap_or_else(|_| EnvFilter::new("info"));
    // Fails only where a logger is set already (tests): that one stays.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .try_init();
}
