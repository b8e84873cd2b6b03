//! Backs a project up, whether its daemon runs or not.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::dag::check;
use crate::runtime::backup::archive::Target;
use crate::runtime::backup::snapshot::Snapshot;
use crate::runtime::backup::{
    DATABASE, FORMAT, FileEntry, MANIFEST, Manifest, PROJECT, STATE, Summary, io,
};
use crate::runtime::layout::Layout;
use crate::types::{Fault, FaultKind, Timestamp};

/// Writes a backup to `target`: a tar file where its name ends so, else a folder; it must not
/// exist. It has its name only when it is whole.
pub fn backup(layout: &Layout, target: &Path, now: Timestamp) -> Result<Summary, Fault> {
    if target.symlink_metadata().is_ok() {
        let text = format!("`{}` exists already", target.display());
        return Err(Fault::new(FaultKind::Exists, text).hint("give a backup a name of its own"));
    }
    let is_tar = target.extension().is_some_and(|ending| ending == "tar");
    if !is_tar
        && let Some(ending) = target.extension().and_then(|ending| ending.to_str())
        && ["zst", "gz", "xz", "tgz", "zip"].contains(&ending)
    {
        let text = format!("write `{}`: backups are not compressed", target.display());
        return Err(Fault::invalid(text).hint("write a .tar, and compress that"));
    }
    if !layout.database().exists() {
        let project = layout.project().display();
        return Err(Fault::not_found(format!("the project `{project}` has no store yet"))
            .hint("its daemon makes one at its first start"));
    }
    let snapshot = Snapshot::take(layout)?;
    let part = part_of(target);
    let written = write(layout, &snapshot, &part, is_tar, now).and_then(|manifest| {
        let what = format!("name the backup `{}`", target.display());
        fs::rename(&part, target).map_err(io(what))?;
        Ok(manifest.summary(target.to_owned()))
    });
    if written.is_err() {
        // What is left of it is of no use; the first error is the one that matters.
        let _ = if is_tar { fs::remove_file(&part) } else { fs::remove_dir_all(&part) };
    }
    written
}

/// What it is called until it is whole.
fn part_of(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    target.with_file_name(name)
}

fn write(
    layout: &Layout,
    snapshot: &Snapshot,
    part: &Path,
    is_tar: bool,
    now: Timestamp,
) -> Result<Manifest, Fault> {
    let failed = || io(format!("write the backup `{}`", part.display()));
    let mut writing = Writing {
        target: Target::make(part, is_tar).map_err(failed())?,
        files: Vec::new(),
        left_out: Vec::new(),
    };
    writing.add(DATABASE, snapshot.path())?;
    for folder in snapshot.folders(layout)? {
        writing.add_folder(&folder, layout)?;
    }
    let taken: std::collections::HashSet<String> =
        writing.files.iter().map(|file| file.path.clone()).collect();
    for artifact in snapshot.artifacts(layout)? {
        match inside(STATE, &artifact, &layout.state_dir()) {
            Some(path) if taken.contains(&path) => {}
            // Of no run, as a logged model's.
            Some(path) => writing.add(&path, &artifact)?,
            None => writing.left_out.push(artifact.display().to_string()),
        }
    }
    for source in check::sources(layout.project()) {
        match inside(PROJECT, &source, layout.project()) {
            Some(path) => writing.add(&path, &source)?,
            None => writing.left_out.push(source.display().to_string()),
        }
    }
    let manifest = Manifest {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        schema: snapshot.schema()?,
        made_at: now,
        files: writing.files,
        left_out: writing.left_out,
    };
    let text = serde_json::to_vec_pretty(&manifest).map_err(|error| Fault::internal(&error))?;
    writing.target.finish(MANIFEST, &text).map_err(failed())?;
    Ok(manifest)
}

/// Returns what a file below `root` is called inside.
fn inside(top: &str, file: &Path, root: &Path) -> Option<String> {
    let below = file.strip_prefix(root).ok()?.to_str()?;
    let path = format!("{top}{below}");
    crate::runtime::backup::archive::check_path(&path).ok().map(|()| path)
}

struct Writing {
    target: Target,
    files: Vec<FileEntry>,
    left_out: Vec<String>,
}

impl Writing {
    /// Adds a file; one that has gone is left out.
    fn add(&mut self, path: &str, file: &Path) -> Result<(), Fault> {
        let mut source = match File::open(file) {
            Ok(source) => source,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                self.left_out.push(file.display().to_string());
                return Ok(());
            }
            Err(error) => return Err(io(format!("read `{}`", file.display()))(error)),
        };
        let added = self.target.add(path, &mut source);
        self.files.push(added.map_err(io(format!("back up `{}`", file.display())))?);
        Ok(())
    }

    /// Adds what is below a folder, but for links and files that are only being written.
    fn add_folder(&mut self, folder: &Path, layout: &Layout) -> Result<(), Fault> {
        let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
        let mut entries: Vec<_> = entries.flatten().collect();
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let (path, Ok(kind)) = (entry.path(), entry.file_type()) else { continue };
            let is_unfinished = path.extension().is_some_and(|ending| ending == "tmp");
            if kind.is_dir() {
                self.add_folder(&path, layout)?;
            } else if kind.is_file() && !is_unfinished {
                match inside(STATE, &path, &layout.state_dir()) {
                    Some(inside) => self.add(&inside, &path)?,
                    None => self.left_out.push(path.display().to_string()),
                }
            }
        }
        Ok(())
    }
}
