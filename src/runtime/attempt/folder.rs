//! Reads and writes the files of an attempt's folder. What replaces a file is written beside it,
//! then renamed: a reader sees the old or the new, never a part.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::runtime::attempt::{AttemptReport, Claim, Order, disk};
use crate::types::LaunchToken;
use crate::types::progress::Progress;

/// Bytes of a claim, at least: no worker's own is longer.
const CLAIM_LEN: usize = 512;

/// How far the attempt says it is.
pub(crate) const PROGRESS: &str = "progress.json";

/// The folder of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptFolder {
    path: PathBuf,
}

impl AttemptFolder {
    /// Names the folder; it need not exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the folder (0700) and writes the order (0600). What an attempt with another token
    /// left is removed; the claim and the report of this token stay.
    pub fn begin(&self, order: &Order) -> io::Result<()> {
        if disk::make_new_folder(&self.path)? {
            // Nothing was left here, and nobody reads it yet.
            return write(&self.path.join("order.json"), order);
        }
        if self.read::<Claim>("attempt.pid").is_some_and(|claim| claim.token != order.token) {
            disk::remove(&self.path.join("attempt.pid"))?;
        }
        if self.read::<AttemptReport>("report.json").is_some_and(|r| r.token != order.token) {
            disk::remove(&self.path.join("report.json"))?;
        }
        keep_lightly(&self.path, "order.json", order)
    }

    /// Makes the folder and those above it, where they are missing.
    pub fn make(&self) -> io::Result<()> {
        disk::make_folder(&self.path)
    }

    /// Returns the order, where it can be read.
    pub fn order(&self) -> io::Result<Order> {
        let bytes = disk::read(&self.path.join("order.json"))?;
        Ok(serde_json::from_slice(&bytes)?)
    }

    /// Claims the token for a process. `false`: another process has claimed it, and this one
    /// must not run it.
    pub fn claim(&self, claim: &Claim) -> io::Result<bool> {
        let temporary = self.path.join(format!("attempt.pid.{}", claim.pid));
        write(&temporary, claim)?;
        // A link, unlike a rename, fails where the name is taken.
        let linked = disk::link(&temporary, &self.path.join("attempt.pid"));
        disk::remove(&temporary)?;
        match linked {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Claims the token so that nobody begins with it any more, not even after a loss of power.
    pub fn fence(&self, claim: &Claim) -> io::Result<bool> {
        let is_ours = self.claim(claim)?;
        disk::sync_file(&self.path.join("attempt.pid"))?;
        disk::sync_folder(&self.path)?;
        Ok(is_ours)
    }

    /// Says which process a worker has started, in the place of its own claim: by one write into
    /// the same file, for a new one would cost more than the whole rest of a claim.
    pub fn claim_for(&self, claim: &Claim) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(claim)?;
        // Blanks cover what is longer of the claim before.
        bytes.resize(bytes.len().max(CLAIM_LEN), b' ');
        let file = OpenOptions::new().write(true).open(self.path.join("attempt.pid"))?;
        file.write_all_at(&bytes, 0)
    }

    /// Returns who claimed the token.
    pub fn claimed(&self, token: &LaunchToken) -> Option<Claim> {
        let read = || self.read::<Claim>("attempt.pid");
        // It may have been read while it was written.
        read().or_else(read).filter(|claim| claim.token == *token)
    }

    /// Writes the report.
    pub fn write_report(&self, report: &AttemptReport) -> io::Result<()> {
        keep_lightly(&self.path, "report.json", report)
    }

    /// Returns the report of the token, where there is one.
    pub fn report(&self, token: &LaunchToken) -> Option<AttemptReport> {
        self.read::<AttemptReport>("report.json").filter(|report| report.token == *token)
    }

    /// Returns how far it says it is.
    pub fn progress(&self) -> Option<Progress> {
        self.read(PROGRESS)
    }

    /// A file that is missing or broken says nothing: a crash may have left it so.
    fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_slice(&disk::read(&self.path.join(name)).ok()?).ok()
    }
}

/// Writes a file (0600) into a folder; durable when it returns.
pub(crate) fn keep(folder: &Path, name: &str, content: &impl Serialize) -> io::Result<()> {
    let temporary = folder.join(format!("{name}.tmp"));
    write(&temporary, content)?;
    disk::sync_file(&temporary)?;
    disk::rename(&temporary, &folder.join(name))?;
    disk::sync_folder(folder)
}

/// As `keep`, without waiting for the disk: it outlives every process, and a loss of power is
/// seen by the boot.
pub(crate) fn keep_lightly(folder: &Path, name: &str, content: &impl Serialize) -> io::Result<()> {
    let temporary = folder.join(format!("{name}.tmp"));
    write(&temporary, content)?;
    disk::rename(&temporary, &folder.join(name))
}

fn write(path: &Path, content: &impl Serialize) -> io::Result<()> {
    disk::write(path, &serde_json::to_vec(content)?)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use serde_json::json;

    use super::*;
    use crate::sched::Outcome;
    use crate::types::time;

    fn order(token: &str, folder: &Path) -> Order {
        Order { token: token.into(), ..crate::runtime::act::tests::order(folder) }
    }

    fn claim(token: &str, pid: u32) -> Claim {
        Claim {
            token: token.into(),
            pid,
            start_time: 1,
            boot_id: "b".into(),
            worker: None,
            pipes: None,
        }
    }

    fn report(token: &str) -> AttemptReport {
        AttemptReport {
            token: token.into(),
            finished_at: time::now(),
            outcome: Outcome::output(json!({"rows": 3})),
        }
    }

    #[test]
    fn a_token_is_claimed_once() {
        let dir = tempfile::tempdir().unwrap();
        let folder = AttemptFolder::new(dir.path().join("a/1"));
        folder.begin(&order("one", folder.path())).unwrap();
        assert!(folder.claim(&claim("one", 10)).unwrap());
        assert!(!folder.claim(&claim("one", 11)).unwrap());
        assert_eq!(folder.claimed(&"one".into()).unwrap().pid, 10);
        assert_eq!(folder.claimed(&"two".into()), None);
        folder.claim_for(&Claim { pipes: Some([7, 8]), ..claim("one", 12_345) }).unwrap();
        folder.claim_for(&claim("one", 3)).unwrap();
        assert_eq!(folder.claimed(&"one".into()), Some(claim("one", 3)));
    }

    #[test]
    fn ordering_again_keeps_what_this_token_left_and_removes_what_another_left() {
        let dir = tempfile::tempdir().unwrap();
        let folder = AttemptFolder::new(dir.path());
        folder.begin(&order("one", folder.path())).unwrap();
        folder.claim(&claim("one", 10)).unwrap();
        folder.write_report(&report("one")).unwrap();

        folder.begin(&order("one", folder.path())).unwrap();
        assert_eq!(folder.report(&"one".into()).unwrap().outcome, report("one").outcome);
        assert!(folder.claimed(&"one".into()).is_some());

        folder.begin(&order("two", folder.path())).unwrap();
        assert_eq!(folder.report(&"one".into()), None);
        assert!(folder.claim(&claim("two", 11)).unwrap());
    }

    #[test]
    fn folders_are_0700_and_files_0600() {
        let dir = tempfile::tempdir().unwrap();
        let folder = AttemptFolder::new(dir.path().join("run/task"));
        folder.begin(&order("one", folder.path())).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir.path().join("run")), 0o700);
        assert_eq!(mode(folder.path()), 0o700);
        assert_eq!(mode(&folder.path().join("order.json")), 0o600);
        assert_eq!(folder.order().unwrap(), order("one", folder.path()));
    }

    #[test]
    fn a_broken_report_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let folder = AttemptFolder::new(dir.path());
        fs::write(dir.path().join("report.json"), b"{\"token\":").unwrap();
        assert_eq!(folder.report(&"one".into()), None);
    }
}
