//! What starts `dagdeck attempt FOLDER` does for it, on this machine and on a node of a cluster:
//! where it complains, what it is handed, how it exited; and how whoever writes a report holds on
//! to it where the disk is full: it may be hours of work.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Child;

use crate::runtime::attempt::{AttemptFolder, AttemptReport};
use crate::runtime::executor::Handover;

/// Between two tries of a write that found the disk full, and how many there are.
const ROOM_RETRY: Duration = Duration::from_secs(1);
const ROOM_TRIES: u32 = 600;

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

/// Writes the report, as soon as there is room for it.
pub(crate) async fn keep_report(folder: &AttemptFolder, report: &AttemptReport) -> io::Result<()> {
    until_room(|| folder.write_report(report)).await
}

/// As `keep_report`, for a thread that may block.
pub(crate) fn keep_report_blocking(
    folder: &AttemptFolder,
    report: &AttemptReport,
) -> io::Result<()> {
    for _ in 1..ROOM_TRIES {
        match folder.write_report(report) {
            Err(error) if is_full(&error) => std::thread::park_timeout(ROOM_RETRY),
            written => return written,
        }
    }
    folder.write_report(report)
}

/// Writes, again and again while the disk is full.
pub(crate) async fn until_room<T>(mut write: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    for _ in 1..ROOM_TRIES {
        match write() {
            Err(error) if is_full(&error) => tokio::time::sleep(ROOM_RETRY).await,
            written => return written,
        }
    }
    write()
}

fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::StorageFull
}
