//! A bundle: one version of a model with all that a server of it needs, in a folder that runs
//! anywhere (ADR 0069).
//!
//! ```text
//! DIR/rootfs/            what a container, a chroot or systemd's RootDirectory= sees as `/`
//!     dagdeck            this program, with the libraries that it is linked to
//!     srv/               bundle.json (digests), serving.toml, model/
//! DIR/Dockerfile compose.yaml nginx.conf kubernetes.yaml dagdeck-NAME.service README.md
//! ```
//! It is written whole or not at all: beside its place, then renamed.

mod manifest;
mod program;
mod texts;

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

pub use manifest::{MANIFEST, MODEL, Manifest, SETTINGS};

use crate::runtime::Layout;
use crate::runtime::serving_file;
use crate::store::Store;
use crate::tracking::artifact::sha256;
use crate::tracking::model_folder::{self, ModelFiles};
use crate::tracking::registry::{self, ModelUri};
use crate::types::Fault;

/// What systemd wants to find in a root of its own, and programs at times.
const EMPTY_FOLDERS: [&str; 7] = ["dev", "etc", "proc", "run", "sys", "tmp", "var/tmp"];

/// Settings of the project that mean nothing elsewhere.
const LEFT_OUT: [&str; 11] = [
    "listen",
    "socket",
    "tls_certificate",
    "tls_key",
    "default_model",
    "replicas",
    "nginx",
    "traffic",
    "log",
    "drift",
    "alert",
];

/// Replicas that the compose file and the manifest of Kubernetes begin with.
pub const REPLICAS: u32 = 2;

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Wish<'a> {
    /// `NAME@ALIAS` or `NAME/VERSION`, with or without `models:/`.
    pub model: &'a str,
    /// Absolute; it must not be there, or be empty.
    pub target: &'a Path,
    pub replicas: u32,
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Bundled {
    pub model: String,
    pub version: u32,
    pub folder: PathBuf,
    /// Of all that is in it.
    pub bytes: u64,
    /// Libraries that were put in beside the program; none: it is static.
    pub libraries: Vec<PathBuf>,
}

/// Writes a bundle. Blocks.
///
/// # Errors
///
/// `Conflict` where the folder is not empty or a file of the model is not what was registered,
/// `NotFound` where there is no such version, `Unavailable` where the disk refuses.
pub fn write(layout: &Layout, wish: &Wish<'_>) -> Result<Bundled, Fault> {
    let named = ModelUri::named(wish.model).ok_or_else(|| {
        Fault::invalid(format!("`{}` names no model", wish.model))
            .hint("write `NAME@ALIAS` or `NAME/VERSION`, such as `iris@production`")
    })?;
    let alias = match &named {
        ModelUri::Alias { alias, .. } => Some(alias.clone()),
        ModelUri::Version { .. } => None,
    };
    let store = Store::open(&layout.database())?;
    let found = registry::find(&store, &named)?;
    let (name, version) = (found.name, found.version);
    let taken = model_folder::files_of_version(&store, &layout.artifacts_dir(), &name, version)?;
    let manifest = Manifest::of(&name, version, alias, &taken);
    let parent = ready(wish.target, &manifest)?;
    let Some(parent) = parent else {
        // A task that was run again after a crash: it is all there.
        let libraries = needed()?.into_iter().map(|(_, file)| file).collect();
        let (folder, bytes) = (wish.target.to_owned(), size_of(wish.target));
        return Ok(Bundled { model: name, version, folder, bytes, libraries });
    };
    let settings = serving_file::of_project(layout.project(), &LEFT_OUT)?;
    let beside = Beside::new(&parent);
    let libraries = fill(&beside.0, &manifest, &taken, &settings, wish)
        .map_err(|error| failed(wish.target, &error))?;
    let bytes = size_of(&beside.0);
    fs::rename(&beside.0, wish.target)
        .and_then(|()| File::open(&parent)?.sync_all())
        .map_err(|error| failed(wish.target, &error))?;
    Ok(Bundled { model: name, version, folder: wish.target.to_owned(), bytes, libraries })
}

/// Returns the folder that the bundle goes into; `None` where this very bundle is there already.
fn ready(target: &Path, manifest: &Manifest) -> Result<Option<PathBuf>, Fault> {
    let parent = target
        .parent()
        .ok_or_else(|| Fault::invalid(format!("`{}` is no folder to make", target.display())))?;
    match fs::read_dir(target) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                if Manifest::read(&target.join("rootfs/srv")).is_ok_and(|there| there == *manifest)
                {
                    return Ok(None);
                }
                let message = format!("`{}` is not empty", target.display());
                return Err(Fault::conflict(message)
                    .hint("a bundle is written into a new folder: name another, or remove it"));
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(parent).map_err(|error| failed(target, &error))?;
        }
        Err(error) => return Err(failed(target, &error)),
    }
    Ok(Some(parent.to_owned()))
}

fn fill(
    folder: &Path,
    manifest: &Manifest,
    taken: &ModelFiles,
    settings: &str,
    wish: &Wish<'_>,
) -> io::Result<Vec<PathBuf>> {
    let root = folder.join("rootfs");
    make(&root)?;
    for empty in EMPTY_FOLDERS {
        make(&root.join(empty))?;
    }
    let served = root.join("srv");
    make(&served.join(MODEL))?;
    for (path, bytes) in &taken.files {
        put(&served.join(MODEL).join(path), bytes, 0o644)?;
    }
    put(&served.join(MANIFEST), manifest.text().as_bytes(), 0o644)?;
    put(&served.join(SETTINGS), settings.as_bytes(), 0o644)?;
    copy(&program::own(), &root.join("dagdeck"), 0o755)?;
    let mut libraries = Vec::new();
    for (place, file) in program::needed()? {
        let inside = place.strip_prefix("/").unwrap_or(&place);
        copy(&file, &root.join(inside), 0o755)?;
        libraries.push(place);
    }
    for (name, text) in texts::all(manifest, wish.replicas, &libraries) {
        put(&folder.join(name), text.as_bytes(), 0o644)?;
    }
    Ok(libraries)
}

fn needed() -> Result<Vec<(PathBuf, PathBuf)>, Fault> {
    program::needed().map_err(|error| {
        Fault::unavailable("find the libraries of this program").caused_by(Some(&error))
    })
}

/// A folder beside the bundle's place, which goes where it is not renamed.
struct Beside(PathBuf);

impl Beside {
    fn new(parent: &Path) -> Self {
        let name = format!(".bundle.{}.tmp", uuid::Uuid::new_v4().simple());
        Self(parent.join(OsString::from(name)))
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // Renamed, it is not there any more.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Containers and systemd run it as another user than its maker: all may read it.
fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o755).create(folder)
}

fn put(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = create(path, mode)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn copy(from: &Path, to: &Path, mode: u32) -> io::Result<()> {
    let mut file = create(to, mode)?;
    io::copy(&mut File::open(from)?, &mut file)?;
    file.sync_all()
}

fn create(path: &Path, mode: u32) -> io::Result<File> {
    if let Some(parent) = path.parent() {
        make(parent)?;
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    // Whatever the umask takes away.
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    Ok(file)
}

fn size_of(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => size_of(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}

fn failed(target: &Path, error: &io::Error) -> Fault {
    Fault::unavailable(format!("write the bundle `{}`", target.display())).caused_by(Some(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::FaultKind;

    fn manifest() -> Manifest {
        let files = vec![("model.json".to_owned(), b"{}".to_vec())];
        let taken = ModelFiles { kind: "tree".into(), signature: "{}".into(), files };
        Manifest::of("iris", 3, Some("production".into()), &taken)
    }

    #[test]
    fn a_folder_with_something_in_it_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("bundle");
        assert_eq!(ready(&target, &manifest()).unwrap().as_deref(), Some(dir.path()));
        fs::create_dir(&target).unwrap();
        assert!(ready(&target, &manifest()).unwrap().is_some(), "an empty one will do");
        fs::write(target.join("mine"), "x").unwrap();
        let fault = ready(&target, &manifest()).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Conflict);
        assert!(fault.message.ends_with("is not empty"), "{fault}");
        fs::write(dir.path().join("file"), "x").unwrap();
        assert!(ready(&dir.path().join("file"), &manifest()).is_err());
    }

    #[test]
    fn what_fails_midway_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let beside = Beside::new(dir.path());
        make(&beside.0.join("rootfs")).unwrap();
        put(&beside.0.join("rootfs/a"), b"x", 0o644).unwrap();
        assert!(put(&beside.0.join("rootfs/a"), b"y", 0o644).is_err(), "it is there");
        drop(beside);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
