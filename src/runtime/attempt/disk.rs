//! What an attempt's folder asks of the disk. The simulation puts a disk of its own in its place,
//! which fails when the dice say so.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

#[cfg(test)]
use crate::runtime::simulation::disk as simulated;

/// Makes a folder (0700) and those above it.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    #[cfg(test)]
    if let Some(disk) = simulated::in_force() {
        return disk.make_folder(path);
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// As `make_folder`; says whether the folder itself is a new one.
pub(super) fn make_new_folder(path: &Path) -> io::Result<bool> {
    #[cfg(test)]
    if let Some(disk) = simulated::in_force() {
        return disk.make_folder(path).map(|()| false);
    }
    let make = || match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        made => made.map(|()| true),
    };
    match (make(), path.parent()) {
        (Err(error), Some(above)) if error.kind() == io::ErrorKind::NotFound => {
            make_folder(above)?;
            make()
        }
        (made, _) => made,
    }
}

pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    #[cfg(test)]
    if let Some(disk) = simulated::in_force() {
        return disk.read(path);
    }
    fs::read(path)
}

/// Writes a file (0600).
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    #[cfg(test)]
    if let Some(disk) = simulated::in_force() {
        return disk.write(path, bytes);
    }
    let mut file =
        OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)
}

/// Brings a file's content to disk.
pub(super) fn sync_file(path: &Path) -> io::Result<()> {
    // What the simulation has written is on its disk.
    #[cfg(test)]
    if simulated::in_force().is_some() {
        return Ok(());
    }
    File::open(path)?.sync_all()
}

pub(super) fn remove(path: &Path) -> io::Result<()> {
    #[cfg(test)]
    if let Some(disk) = simulated::in_force() {
        return disk.remove(path);
    }
    fs::remove_file(path)
}

pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(test)]
    if let Some(disk) = simulated::in_force() {
        return disk.rename(from, to);
    }
    fs::rename(from, to)
}

/// Gives a file a second name; fails where the name is taken.
pub(super) fn link(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(test)]
    if let Some(disk) = simulated::in_force() {
        return disk.link(from, to);
    }
    fs::hard_link(from, to)
}

/// Brings the names in a folder to disk.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(test)]
    if let Some(disk) = simulated::in_force() {
        return disk.sync_folder(path);
    }
    File::open(path)?.sync_all()
}
