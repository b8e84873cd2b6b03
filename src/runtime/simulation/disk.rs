//! The disk of the simulation: files in memory that outlive the daemon, and writes that fail while
//! the disk is full.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::dice::Dice;

/// The percentage of writes that fail while the disk is full.
const FAILS: u64 = 40;

/// The disk.
pub(crate) struct Disk(Mutex<Files>);

struct Files {
    files: BTreeMap<PathBuf, Vec<u8>>,
    is_full: bool,
    dice: Dice,
}

/// Returns the disk of the simulation that this thread runs.
pub(crate) fn in_force() -> Option<Arc<Disk>> {
    super::world().map(|world| world.disk.clone())
}

impl Disk {
    pub(super) fn new(dice: Dice) -> Self {
        Self(Mutex::new(Files { files: BTreeMap::new(), is_full: false, dice }))
    }

    pub(super) fn fill(&self, is_full: bool) {
        self.lock().is_full = is_full;
    }

    pub(crate) fn make_folder(&self, _: &Path) -> io::Result<()> {
        self.lock().room()
    }

    pub(crate) fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.lock().files.get(path).cloned().ok_or_else(missing)
    }

    pub(crate) fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut files = self.lock();
        files.room()?;
        files.files.insert(path.to_owned(), bytes.to_owned());
        Ok(())
    }

    pub(crate) fn remove(&self, path: &Path) -> io::Result<()> {
        self.lock().files.remove(path).map(drop).ok_or_else(missing)
    }

    pub(crate) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut files = self.lock();
        let bytes = files.files.remove(from).ok_or_else(missing)?;
        files.files.insert(to.to_owned(), bytes);
        Ok(())
    }

    pub(crate) fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut files = self.lock();
        if files.files.contains_key(to) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        files.room()?;
        let bytes = files.files.get(from).cloned().ok_or_else(missing)?;
        files.files.insert(to.to_owned(), bytes);
        Ok(())
    }

    pub(crate) fn sync_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Files> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Files {
    fn room(&mut self) -> io::Result<()> {
        if self.is_full && self.dice.chance(FAILS) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

fn missing() -> io::Error {
    io::ErrorKind::NotFound.into()
}
