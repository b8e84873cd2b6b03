//! One daemon a project: whoever holds the lock of `.dagdeck/daemon.lock`. The kernel lets it go
//! when the holder ends, however it ends; the pid in the file is only for people.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use crate::daemon::folder::io_fault;
use crate::types::{Fault, FaultKind};

/// How often and how long apart the lock is tried: whoever only looks whether it is held holds
/// it for a moment.
const TRIES: usize = 5;
const BETWEEN: Duration = Duration::from_millis(20);

/// What the daemon says that came second.
pub(crate) const TAKEN: &str = "another daemon of this project runs";

/// The lock, held until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock; refuses with `Conflict` where another process holds it.
    pub(crate) async fn take(path: &Path) -> Result<Self, Fault> {
        let fail = |error| io_fault(&format!("lock `{}`", path.display()), &error);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(path).map_err(fail)?;
        for tried in 1..=TRIES {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if tried == TRIES => return Err(taken(&mut file)),
                Err(TryLockError::WouldBlock) => tokio::time::sleep(BETWEEN).await,
                Err(TryLockError::Error(error)) => return Err(fail(error)),
            }
        }
        file.set_len(0).map_err(fail)?;
        file.rewind().map_err(fail)?;
        writeln!(file, "{}", std::process::id()).map_err(fail)?;
        Ok(Self { _file: file })
    }
}

/// Tells whether somebody holds the lock.
pub(crate) fn is_held(path: &Path) -> bool {
    File::open(path)
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn taken(file: &mut File) -> Fault {
    let mut pid = String::new();
    // A file that cannot be read only leaves the pid out.
    let _ = file.rewind().and_then(|()| file.read_to_string(&mut pid));
    let who = match pid.trim() {
        "" => String::new(),
        pid => format!(" (pid {pid})"),
    };
    Fault::new(FaultKind::Conflict, format!("{TAKEN}{who}"))
        .hint("see `dagdeck status`, or open its deck with `dagdeck`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_second_is_refused_and_told_the_pid_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("daemon.lock");
        assert!(!is_held(&path));
        let first = Lock::take(&path).await.unwrap();
        assert!(is_held(&path));
        let fault = Lock::take(&path).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Conflict);
        assert_eq!(fault.message, format!("{TAKEN} (pid {})", std::process::id()));
        drop(first);
        assert!(!is_held(&path));
        Lock::take(&path).await.unwrap();
    }
}
