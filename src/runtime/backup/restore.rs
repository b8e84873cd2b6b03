//! Restores a project into a folder of its own.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::runtime::backup::{
    DATABASE, FORMAT, FileEntry, MANIFEST, Manifest, PROJECT, STATE, Summary, archive, broken,
    in_flight, io,
};
use crate::runtime::layout::Layout;
use crate::store::Store;
use crate::types::{Fault, FaultKind};

/// Restores `from` into the folder `into`, which may hold files but no state and no other
/// definitions. Nothing of it is in place before all of it has been verified.
pub fn restore(from: &Path, into: &Path) -> Result<Summary, Fault> {
    if from.symlink_metadata().is_err() {
        return Err(Fault::not_found(format!("there is no backup `{}`", from.display())));
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(into)
        .map_err(io(format!("make `{}`", into.display())))?;
    let into = into.canonicalize().map_err(io(format!("open `{}`", into.display())))?;
    let layout = Layout::new(&into);
    refuse_state(&layout)?;
    let staging = Staging::make(&into)?;
    let found = archive::unpack(from, &staging.0).map_err(|error| {
        let what = format!("unpack `{}`", from.display());
        match error.kind() {
            std::io::ErrorKind::StorageFull => io(what)(error),
            _ => broken(format!("{what}: {error}")),
        }
    })?;
    let manifest = verify(&staging.0, found)?;
    let definitions = definitions(&staging.0, &manifest, &into)?;
    let state = prepare(&staging.0, &layout)?;
    put(&state, &layout, &definitions)?;
    Ok(manifest.summary(from.to_owned()))
}

fn refuse_state(layout: &Layout) -> Result<(), Fault> {
    let state = layout.state_dir();
    let is_empty = match fs::read_dir(&state) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    };
    if is_empty {
        return Ok(());
    }
    Err(Fault::conflict(format!("`{}` holds state already", state.display()))
        .hint("restore into another folder, or stop its daemon and move `.dagdeck` away"))
}

/// Where an archive is unpacked: a new folder, deleted when it is dropped.
struct Staging(PathBuf);

impl Staging {
    fn make(into: &Path) -> Result<Self, Fault> {
        let path = into.join(format!(".dagdeck-restore-{}", uuid::Uuid::new_v4().simple()));
        let what = format!("make `{}`", path.display());
        DirBuilder::new().mode(0o700).create(&path).map_err(io(what))?;
        Ok(Self(path))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What is left of it is of no use.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Holds what was unpacked against the manifest.
fn verify(staging: &Path, found: Vec<FileEntry>) -> Result<Manifest, Fault> {
    let text = fs::read(staging.join(MANIFEST))
        .map_err(|_| broken(format!("the archive has no `{MANIFEST}`")))?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|error| broken(format!("read `{MANIFEST}`: {error}")))?;
    if manifest.format != FORMAT {
        let text = format!("the archive has format {}, this one knows {FORMAT}", manifest.format);
        return Err(Fault::conflict(text).hint("restore it with the dagdeck that made it"));
    }
    let mut found: std::collections::HashMap<String, FileEntry> =
        found.into_iter().map(|file| (file.path.clone(), file)).collect();
    found.remove(MANIFEST);
    for wanted in &manifest.files {
        let is_known = wanted.path == DATABASE
            || wanted.path.starts_with(PROJECT)
            || wanted.path.starts_with(STATE);
        match found.remove(&wanted.path) {
            Some(file) if file == *wanted && is_known => {}
            Some(_) => return Err(broken(format!("`{}` is not what was backed up", wanted.path))),
            None => return Err(broken(format!("`{}` is missing in the archive", wanted.path))),
        }
    }
    match found.into_keys().next() {
        Some(path) => Err(broken(format!("`{path}` is not in the manifest"))),
        None => Ok(manifest),
    }
}

/// Returns where the definitions are to be put: (unpacked, in the project). What lies there and
/// differs is not overwritten.
fn definitions(
    staging: &Path,
    manifest: &Manifest,
    into: &Path,
) -> Result<Vec<(PathBuf, PathBuf)>, Fault> {
    let mut wanted = Vec::new();
    for file in &manifest.files {
        let Some(below) = file.path.strip_prefix(PROJECT) else { continue };
        let (unpacked, target) = (staging.join(&file.path), into.join(below));
        if leads_out(&target, into) {
            return Err(broken(format!("`{}` leads out of the folder", target.display())));
        }
        match fs::read(&target) {
            Ok(there) if fs::read(&unpacked).is_ok_and(|text| text == there) => {}
            Ok(_) => {
                let text = format!("`{}` is there and differs", target.display());
                return Err(Fault::new(FaultKind::Conflict, text)
                    .hint("move it away, or restore into another folder"));
            }
            Err(_) => wanted.push((unpacked, target)),
        }
    }
    Ok(wanted)
}

/// Says whether a link stands on the way to a file.
fn leads_out(target: &Path, into: &Path) -> bool {
    let below = target.ancestors().take_while(|path| *path != into);
    below.into_iter().any(Path::is_symlink)
}

/// Migrates the database and gives up what was in flight, before any of it is in place.
fn prepare(staging: &Path, layout: &Layout) -> Result<PathBuf, Fault> {
    let state = staging.join(STATE);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&state)
        .map_err(io(format!("make `{}`", state.display())))?;
    let database = state.join("dagdeck.db");
    fs::rename(staging.join(DATABASE), &database)
        .map_err(|_| broken(format!("`{DATABASE}` is missing in the archive")))?;
    let store = Store::open(&database)?;
    in_flight::give_up(&store, layout, &state)?;
    Ok(state)
}

fn put(state: &Path, layout: &Layout, files: &[(PathBuf, PathBuf)]) -> Result<(), Fault> {
    for (unpacked, target) in files {
        let what = format!("restore `{}`", target.display());
        archive::make_parents(target)
            .and_then(|()| fs::rename(unpacked, target))
            .map_err(io(what))?;
    }
    // The last step: with its state the project is whole.
    let what = format!("restore `{}`", layout.state_dir().display());
    fs::rename(state, layout.state_dir()).map_err(io(what))
}
