//! Reads the content of files, for assets that ask for its hash: beside the loop, so that a large
//! file holds up nothing but its own event.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tokio::task::JoinSet;

use super::scan::{Look, Seen, see};

/// Files that are read at once: they share a disk.
const AT_ONCE_MAX: usize = 2;

const PIECE_LEN: usize = 256 << 10;

/// Files whose content is being read, or will be.
#[derive(Debug, Default)]
pub(super) struct Digests {
    /// Each once, with the name it had before: as many as there are files that have come.
    waiting: BTreeMap<PathBuf, Option<PathBuf>>,
    reading: BTreeSet<PathBuf>,
    tasks: JoinSet<Digested>,
}

/// A file that was read.
#[derive(Debug)]
pub(super) struct Digested {
    pub(super) path: PathBuf,
    pub(super) moved_from: Option<PathBuf>,
    /// `None`: it changed meanwhile, or is gone.
    pub(super) content: Option<Content>,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    /// Nobody asked.
    NotRead,
    /// It is there, and may not be read.
    Unreadable,
    Sha256(String),
}

impl Digests {
    pub(super) fn add(&mut self, path: PathBuf, moved_from: Option<PathBuf>) {
        let before = self.waiting.entry(path).or_default();
        *before = moved_from.or(before.take());
        self.begin();
    }

    /// Waits for a file to have been read; for ever, where there is none.
    pub(super) async fn next(&mut self) -> Digested {
        loop {
            match self.tasks.join_next().await {
                Some(Ok(done)) => {
                    self.reading.remove(&done.path);
                    self.begin();
                    return done;
                }
                Some(Err(error)) => tracing::error!(%error, "a file was read to no end"),
                None => std::future::pending().await,
            }
        }
    }

    /// A file that came again while it is read waits for that.
    fn begin(&mut self) {
        while self.tasks.len() < AT_ONCE_MAX {
            let next = self.waiting.keys().find(|path| !self.reading.contains(*path));
            let Some(path) = next.cloned() else { return };
            let moved_from = self.waiting.remove(&path).flatten();
            self.reading.insert(path.clone());
            self.tasks.spawn_blocking(move || {
                let content = read(&path);
                Digested { path, moved_from, content }
            });
        }
    }
}

fn read(path: &Path) -> Option<Content> {
    let look = look(path)?;
    let content = match sha256(path) {
        Ok(digest) => Content::Sha256(digest),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "a file cannot be hashed");
            Content::Unreadable
        }
    };
    (self::look(path) == Some(look)).then_some(content)
}

fn look(path: &Path) -> Option<Look> {
    match see(path) {
        Seen::File(look) => Some(look),
        Seen::Nothing | Seen::Unclear => None,
    }
}

fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; PIECE_LEN];
    loop {
        match file.read(&mut piece)? {
            0 => break,
            read => hash.update(&piece[..read]),
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
