//! A project as one file: backed up while it runs, restored elsewhere.
//!
//! ```text
//! backup:  store snapshot (VACUUM INTO) ─► files that it refers to ─► definitions ─► manifest
//! restore: into a new folder ─► every digest ─► migrate ─► in flight: given up ─► renamed in place
//! ```
//! The snapshot comes first: what it refers to is there when it is copied, or has gone meanwhile
//! and is listed as left out. Secrets are not part of it, nor is the token of the API.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::types::{Fault, FaultKind, Timestamp};

mod archive;
mod in_flight;
mod restore;
mod snapshot;
#[cfg(test)]
mod tests;
mod write;

pub use restore::restore;
pub use write::backup;

/// The layout of an archive; another one is refused.
const FORMAT: u32 = 1;

/// Where things stand in an archive.
const MANIFEST: &str = "manifest.json";
const DATABASE: &str = "dagdeck.db";
/// What lies below the project's folder: the definitions.
const PROJECT: &str = "project/";
/// What lies below `.dagdeck`.
const STATE: &str = "state/";

/// What an archive holds; its last entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    /// Which dagdeck made it.
    pub version: String,
    /// The schema of its database.
    pub schema: i64,
    pub made_at: Timestamp,
    pub files: Vec<FileEntry>,
    /// What the snapshot refers to, or the definitions include, that could not be taken.
    pub left_out: Vec<String>,
}

/// A file of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    pub path: String,
    pub size: u64,
    pub sha256: String,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    pub archive: PathBuf,
    pub files: u64,
    pub bytes: u64,
    pub left_out: Vec<String>,
}

impl Manifest {
    fn summary(&self, archive: PathBuf) -> Summary {
        Summary {
            archive,
            files: self.files.len() as u64,
            bytes: self.files.iter().map(|file| file.size).sum(),
            left_out: self.left_out.clone(),
        }
    }
}

/// Takes what the disk said.
fn io(what: String) -> impl FnOnce(std::io::Error) -> Fault {
    move |error| Fault::unavailable(what).caused_by(Some(&error))
}

fn broken(what: String) -> Fault {
    Fault::new(FaultKind::Invalid, what).hint("the archive is damaged, or no backup: take another")
}
