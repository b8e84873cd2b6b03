//! Where URIs of artifacts lead, and how files come over: whole or not at all, once.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::tracking::artifact;

/// A file that came over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Copied {
    /// From the folder on.
    pub(super) path: String,
    pub(super) size: u64,
    /// `None`: it was there already.
    pub(super) sha256: Option<String>,
}

/// How much of a file is in memory at once.
const CHUNK: usize = 1 << 18;

/// Returns what `mlflow-artifacts:/…` names, below the server's folder of artifacts; `None` where
/// it is another URI, or climbs.
pub(super) fn proxied(uri: &str) -> Option<&str> {
    let rest = uri.strip_prefix("mlflow-artifacts:")?;
    // `//host:port/…` names the server that it went through.
    let below = match rest.strip_prefix("//") {
        Some(rest) => rest.split_once('/')?.1,
        None => rest,
    };
    let below = below.trim_matches('/');
    crate::tracking::artifact::check_path(below).ok()?;
    Some(below)
}

/// Returns the path that a URI of this machine names, or a plain path; `None` of another one.
pub(super) fn local(uri: &str) -> Option<PathBuf> {
    if let Some(path) = uri.strip_prefix("file://") {
        return Some(PathBuf::from(percent_decoded(path)));
    }
    if let Some(path) = uri.strip_prefix("file:") {
        return Some(PathBuf::from(percent_decoded(path)));
    }
    let is_plain = !uri.is_empty() && !uri.split('/').next().unwrap_or_default().contains(':');
    is_plain.then(|| PathBuf::from(uri))
}

/// Returns the logged model that a source `models:/m-…` names.
pub(super) fn model_id(source: &str) -> Option<String> {
    let id = source.strip_prefix("models:/")?.split('/').next()?;
    id.starts_with("m-").then(|| id.to_owned())
}

/// Lists the regular files below a folder, as paths from it on; links are not followed, and what
/// was never finished is passed over.
pub(super) fn below(folder: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(inside) = folders.pop() {
        let entries = match fs::read_dir(folder.join(&inside)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound && inside.is_empty() => break,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if artifact::is_unfinished(&name) {
                continue;
            }
            let path = if inside.is_empty() { name } else { format!("{inside}/{name}") };
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Brings one file over, unless one of its size lies there.
pub(super) fn bring(from: &Path, to: &Path, path: &str) -> io::Result<Copied> {
    let size = from.join(path).metadata()?.len();
    let target = to.join(path);
    if target.metadata().is_ok_and(|there| there.is_file() && there.len() == size) {
        return Ok(Copied { path: path.to_owned(), size, sha256: None });
    }
    let parent = target.parent().unwrap_or(to);
    DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    let temporary = parent.join(format!(".{}.tmp", uuid::Uuid::new_v4().simple()));
    let copied = copy(&from.join(path), &temporary)
        .and_then(|copied| fs::rename(&temporary, &target).map(|()| copied));
    match copied {
        Ok((size, sha256)) => {
            File::open(parent)?.sync_all()?;
            Ok(Copied { path: path.to_owned(), size, sha256: Some(sha256) })
        }
        Err(error) => {
            // What is left of it is of no use; the first error is the one that matters.
            let _ = fs::remove_file(&temporary);
            Err(error)
        }
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<(u64, String)> {
    let mut source = File::open(from)?;
    let mut target = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    let (mut size, mut digest, mut chunk) = (0, Sha256::new(), vec![0; CHUNK]);
    loop {
        let read = source.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        digest.update(&chunk[..read]);
        target.write_all(&chunk[..read])?;
        size += read as u64;
    }
    target.sync_all()?;
    Ok((size, hex(&digest.finalize())))
}

/// Returns the digest of a file that lies there.
pub(super) fn sha256(path: &Path) -> io::Result<String> {
    let (mut file, mut digest, mut chunk) = (File::open(path)?, Sha256::new(), vec![0; CHUNK]);
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            return Ok(hex(&digest.finalize()));
        }
        digest.update(&chunk[..read]);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn percent_decoded(text: &str) -> String {
    // A `+` of a path is itself, not a blank.
    let text = text.replace('+', "%2B");
    let pairs = form_urlencoded::parse(text.as_bytes());
    pairs
        .map(
            |(key, value)| {
                if value.is_empty() { key.into_owned() } else { format!("{key}={value}") }
            },
        )
        .collect()
}
