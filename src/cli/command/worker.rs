//! `worker`: what the daemon starts to run attempts. It logs beside the daemon.

use std::io::Write;
use std::path::Path;

use crate::cli::error::CliError;
use crate::cli::logging;
use crate::runtime::Layout;
use crate::runtime::worker::worker_main;

/// Runs the worker of a build until it is not needed any more.
pub fn worker(project: &Path, build: &str) -> u8 {
    match run(project, build) {
        Ok(()) => 0,
        Err(error) => {
            // The daemon keeps it in `worker.err`.
            let _ = writeln!(std::io::stderr(), "error: {}", error.fault);
            error.exit_code()
        }
    }
}

fn run(project: &Path, build: &str) -> Result<(), CliError> {
    let layout = Layout::new(project);
    let _guard = logging::start(&layout, "worker")?;
    worker_main(&layout, build).map_err(|source| CliError::io("run the worker", &source))
}
