//! A tar file or a folder, written and read alike; paths inside never lead out.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::runtime::backup::FileEntry;

/// Where a backup goes.
pub(super) enum Target {
    Tar(tar::Builder<File>),
    Folder(PathBuf),
}

impl Target {
    /// Makes it; what is there already is not overwritten.
    pub(super) fn make(path: &Path, is_tar: bool) -> io::Result<Self> {
        if is_tar {
            return Ok(Self::Tar(tar::Builder::new(new_file(path)?)));
        }
        DirBuilder::new().mode(0o700).create(path)?;
        Ok(Self::Folder(path.to_owned()))
    }

    /// Adds a file as long as it is now: what is appended meanwhile is not taken, and what was
    /// cut off is filled with zeros.
    pub(super) fn add(&mut self, path: &str, from: &mut File) -> io::Result<FileEntry> {
        let size = from.metadata()?.len();
        let mut source = Digesting::new(from.chain(io::repeat(0)).take(size));
        match self {
            Self::Tar(tar) => {
                let mut header = tar::Header::new_gnu();
                header.set_size(size);
                header.set_mode(0o600);
                header.set_entry_type(tar::EntryType::Regular);
                tar.append_data(&mut header, path, &mut source)?;
            }
            Self::Folder(folder) => {
                let target = folder.join(path);
                make_parents(&target)?;
                io::copy(&mut source, &mut new_file(&target)?)?;
            }
        }
        Ok(FileEntry { path: path.to_owned(), size, sha256: source.hex() })
    }

    /// Adds a text, and brings all of it to disk.
    pub(super) fn finish(self, path: &str, text: &[u8]) -> io::Result<()> {
        match self {
            Self::Tar(mut tar) => {
                let mut header = tar::Header::new_gnu();
                header.set_size(text.len() as u64);
                header.set_mode(0o600);
                tar.append_data(&mut header, path, text)?;
                tar.into_inner()?.sync_all()
            }
            Self::Folder(folder) => {
                let mut file = new_file(&folder.join(path))?;
                file.write_all(text)?;
                file.sync_all()
            }
        }
    }
}

/// Unpacks an archive into a folder that is new, and returns what it wrote. Refuses whatever is
/// not a plain file below that folder.
pub(super) fn unpack(archive: &Path, into: &Path) -> io::Result<Vec<FileEntry>> {
    let mut found = Vec::new();
    if archive.is_dir() {
        unpack_folder(archive, archive, into, &mut found)?;
        return Ok(found);
    }
    let mut tar = tar::Archive::new(File::open(archive)?);
    for entry in tar.entries()? {
        let mut entry = entry?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if entry.header().entry_type() != tar::EntryType::Regular {
            return Err(refused(&path, "it is not a plain file"));
        }
        found.push(take(&path, &mut entry, into)?);
    }
    Ok(found)
}

fn unpack_folder(
    root: &Path,
    folder: &Path,
    into: &Path,
    found: &mut Vec<FileEntry>,
) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let below = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
        let kind = entry.file_type()?;
        if kind.is_dir() {
            unpack_folder(root, &path, into, found)?;
        } else if kind.is_file() {
            found.push(take(&below, &mut File::open(&path)?, into)?);
        } else {
            return Err(refused(&below, "it is not a plain file"));
        }
    }
    Ok(())
}

fn take(path: &str, from: &mut dyn Read, into: &Path) -> io::Result<FileEntry> {
    check_path(path)?;
    let target = into.join(path);
    make_parents(&target)?;
    // A path that comes twice fails here.
    let mut file = new_file(&target)?;
    let mut source = Digesting::new(from);
    let size = io::copy(&mut source, &mut file)?;
    file.sync_all()?;
    Ok(FileEntry { path: path.to_owned(), size, sha256: source.hex() })
}

/// Refuses a path that is absolute, or leads anywhere but down.
pub(super) fn check_path(path: &str) -> io::Result<()> {
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    if path.is_empty() || path.contains('\0') || !Path::new(path).components().all(is_plain) {
        return Err(refused(path, "it leads out of the folder"));
    }
    Ok(())
}

fn refused(path: &str, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("`{path}` is not taken: {why}"))
}

pub(super) fn make_parents(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) => DirBuilder::new().recursive(true).mode(0o700).create(parent),
        None => Ok(()),
    }
}

fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Takes the digest of what is read through it.
struct Digesting<R> {
    inner: R,
    digest: Sha256,
}

impl<R: Read> Digesting<R> {
    fn new(inner: R) -> Self {
        Self { inner, digest: Sha256::new() }
    }

    fn hex(self) -> String {
        self.digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        self.digest.update(&into[..count]);
        Ok(count)
    }
}
