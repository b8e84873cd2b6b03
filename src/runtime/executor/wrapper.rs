//! What starts `dagdeck attempt FOLDER` does for it, on this machine and on a node of a cluster:
//! where it complains, what it is handed, how it exited.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use tokio::io::AsyncWriteExt;
use tokio::process::Child;

use crate::runtime::executor::Handover;

/// Where an attempt's process says what is not of its task.
pub(crate) fn log_path(folder: &Path) -> PathBuf {
    folder.join("wrapper.log")
}

/// Opens it at its end.
pub(crate) fn log(folder: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(log_path(folder))
}

/// Writes the handover to the process's standard input and closes it. An attempt that gets less
/// than all of it refuses to run, so a failure shows as an exit without a report, too.
pub(crate) async fn hand_over(child: &mut Child, handover: &Handover) -> io::Result<()> {
    let Some(mut stdin) = child.stdin.take() else { return Ok(()) };
    let text = serde_json::to_vec(handover).unwrap_or_default();
    let written = stdin.write_all(&text).await;
    let _ = stdin.shutdown().await;
    written
}

/// Says how it exited.
pub(crate) fn how(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("signal {signal}"),
        (None, Some(code)) => format!("exit code {code}"),
        (None, None) => "unknown".to_owned(),
    }
}
