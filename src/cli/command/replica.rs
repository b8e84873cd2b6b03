//! `replica`: what the daemon starts to answer predictions. It logs beside the daemon.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use crate::cli::command::daemon::told_to_stop;
use crate::cli::error::CliError;
use crate::cli::{env, logging};
use crate::dag::load_serving;
use crate::runtime::Layout;
use crate::serving::{REPLICA_SETTINGS, ReplicaParts, run_replica};
use crate::types::Fault;
use crate::types::time::SystemClock;

/// Runs a replica until it is told to end.
pub fn replica(project: &Path, replica: u32, id: &str) -> u8 {
    // An error says that it leads a session already.
    let _ = rustix::process::setsid();
    match run(project, replica, id) {
        Ok(()) => 0,
        Err(error) => {
            // The daemon keeps it in `replicas.err`.
            let _ = writeln!(std::io::stderr(), "error: {}", error.fault);
            error.exit_code()
        }
    }
}

fn run(project: &Path, replica: u32, id: &str) -> Result<(), CliError> {
    let layout = Layout::new(project);
    let _guard = logging::start(&layout, &format!("replica-{replica}"))?;
    let path = layout.serving_dir().join(REPLICA_SETTINGS);
    let text = std::fs::read_to_string(&path)
        .map_err(|source| CliError::io("read the settings of the replicas", &source))?;
    let spec = load_serving(project, &path, &text, &*env::lookup())
        .map_err(|wrong| Fault::invalid(format!("read `{}`\n\n{wrong}", path.display())))?;
    let id = id.to_owned();
    let parts = ReplicaParts { layout, replica, id, spec, clock: Arc::new(SystemClock) };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| CliError::io("start the runtime", &source))?;
    let ended = runtime.block_on(run_replica(parts, told_to_stop()));
    runtime.shutdown_background();
    Ok(ended?)
}
