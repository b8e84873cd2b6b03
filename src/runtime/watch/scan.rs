//! Looks at what lies in a folder.

use std::fmt;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::target::Target;
use crate::types::Timestamp;

/// Deeper folders are not looked into: a link in a circle must not hold a scan.
const DEPTH_MAX: usize = 32;

/// A file as it looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Look {
    /// Nanoseconds since 1970.
    pub(super) mtime_ns: i128,
    pub(super) size: u64,
}

impl Look {
    /// Says how long ago it was last written; nothing where that is yet to come.
    pub(super) fn age(self, now: Timestamp) -> Duration {
        u64::try_from(now.as_nanosecond() - self.mtime_ns)
            .map_or(Duration::ZERO, Duration::from_nanos)
    }
}

impl fmt::Display for Look {
    /// As the version of what a watcher has told: `SIZE:MTIME`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.size, self.mtime_ns)
    }
}

/// What there is under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    File(Look),
    Nothing,
    /// No file, or nobody may look.
    Unclear,
}

/// Looks under a name.
pub(super) fn see(path: &Path) -> Seen {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Seen::File(Look {
            mtime_ns: i128::from(metadata.mtime()) * 1_000_000_000
                + i128::from(metadata.mtime_nsec()),
            size: metadata.len(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Seen::Nothing,
        Ok(_) | Err(_) => Seen::Unclear,
    }
}

/// What a scan found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The files that are meant, oldest first.
    pub(super) files: Vec<(Look, PathBuf)>,
    /// All was looked at: what is not among them is not there.
    pub(super) is_whole: bool,
    /// The file system that the folder is on.
    pub(super) device: u64,
}

/// Looks at all that is meant. Makes the folder where there is none.
pub(super) fn scan(target: &Target) -> io::Result<Found> {
    std::fs::create_dir_all(&target.folder)?;
    let device = std::fs::metadata(&target.folder)?.dev();
    let mut found = Found { files: Vec::new(), is_whole: true, device };
    walk(target, &target.folder, 0, &mut found)?;
    found.files.sort();
    Ok(found)
}

fn walk(target: &Target, folder: &Path, depth: usize, found: &mut Found) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if target.is_recursive() && depth < DEPTH_MAX && path.is_dir() {
            // A folder that went away or is closed to us hides only what is in it.
            let walked = walk(target, &path, depth + 1, found);
            found.is_whole &= walked.is_ok();
        } else if target.uri_of(&path).is_some()
            && let Seen::File(look) = see(&path)
        {
            found.files.push((look, path));
        }
    }
    Ok(())
}
