//! Looks at what lies in a folder.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::target::Target;

/// Deeper folders are not looked into: a link in a circle must not hold a scan.
const DEPTH_MAX: usize = 32;

/// A file as it looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Look {
    /// Nanoseconds since 1970.
    pub(super) mtime_ns: i128,
    pub(super) size: u64,
}

/// Looks at a file; `None`: there is no file of that name (any more).
pub(super) fn look(path: &Path) -> Option<Look> {
    let metadata = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    let mtime_ns = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
    Some(Look { mtime_ns, size: metadata.len() })
}

/// Returns the files that are meant, oldest first. Makes the folder where there is none.
pub(super) fn scan(target: &Target) -> io::Result<Vec<PathBuf>> {
    std::fs::create_dir_all(&target.folder)?;
    let mut found = Vec::new();
    walk(target, &target.folder, 0, &mut found)?;
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

fn walk(
    target: &Target,
    folder: &Path,
    depth: usize,
    found: &mut Vec<(Look, PathBuf)>,
) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if target.is_recursive() && depth < DEPTH_MAX && path.is_dir() {
            // A folder that went away or is closed to us hides only what is in it.
            let _ = walk(target, &path, depth + 1, found);
        } else if target.uri_of(&path).is_some()
            && let Some(look) = look(&path)
        {
            found.push((look, path));
        }
    }
    Ok(())
}
