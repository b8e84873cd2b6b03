//! A version's model, read from the folder of its artifacts: one that was trained here
//! (`model.json`), or one that another tool left with an `MLmodel` that describes it.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::ml::foreign::Manifest;
use crate::ml::train::PROFILE;
use crate::ml::{Foreign, Model, Predictor, Profile};
use crate::store::Store;
use crate::tracking::artifact;
use crate::tracking::registry::{self, ModelUri};
use crate::types::Fault;

/// The file of a model that was trained here.
const OWN: &str = "model.json";

/// A model's file is read whole; what is larger is refused.
const BYTES_MAX: u64 = 2 << 30;

/// A model that was found in the registry.
pub struct Registered {
    pub name: String,
    pub version: u32,
    pub model: Arc<dyn Predictor>,
}

impl Registered {
    /// Finds and reads what a URI names now: `NAME@ALIAS` or `NAME/VERSION`. Blocks.
    pub fn by_uri(store: &Store, artifacts: &Path, uri: &str) -> Result<Self, Fault> {
        let named = ModelUri::named(uri).ok_or_else(|| {
            Fault::invalid(format!("`{uri}` names no model"))
                .hint("write `NAME@ALIAS`, `NAME/VERSION`, or the same behind `models:/`")
        })?;
        let found = registry::find(store, &named)?;
        let model = of_version(store, artifacts, &found.name, found.version)?;
        Ok(Self { name: found.name, version: found.version, model })
    }
}

/// Reads the model of a registered version; `artifacts` is the project's folder of them.
/// Blocks.
pub fn of_version(
    store: &Store,
    artifacts: &Path,
    name: &str,
    version: u32,
) -> Result<Arc<dyn Predictor>, Fault> {
    let what = format!("load version {version} of `{name}`");
    let told = |fault: Fault| Fault { message: format!("{what}: {}", fault.message), ..fault };
    let (folder, source) = place(store, artifacts, name, version).map_err(told)?;
    let logged = |file: &str| digest(store, &source, file);
    read(&folder, logged).map_err(told)
}

/// Returns the folder of a version, and the URI of artifacts that names it.
fn place(
    store: &Store,
    artifacts: &Path,
    name: &str,
    version: u32,
) -> Result<(PathBuf, String), Fault> {
    let source =
        store.read_blocking(|conn| registry::version::download_uri(conn, name, version))?;
    let folder = artifact::place(artifacts, &source).ok_or_else(|| {
        Fault::invalid(format!("its source `{source}` is not an artifact of this project"))
    })?;
    Ok((folder, source))
}

/// Returns the digest of a file of a version when it was logged, where that is known.
fn digest(store: &Store, source: &str, file: &str) -> Result<Option<String>, Fault> {
    let Some(below) = artifact::below(source) else { return Ok(None) };
    let path = format!("{}/{file}", below.trim_matches('/'));
    Ok(store.read_blocking(|conn| artifact::digest(conn, &path))?)
}

/// Reads all files of a registered version, and tries its model. A file that is not what was kept
/// (by its digest) is refused. Blocks.
pub fn files_of_version(
    store: &Store,
    artifacts: &Path,
    name: &str,
    version: u32,
) -> Result<ModelFiles, Fault> {
    let (folder, source) = place(store, artifacts, name, version)?;
    let taken = take(&folder)?;
    for (path, bytes) in &taken.files {
        let kept = digest(store, &source, path)?;
        if kept.is_some_and(|kept| kept != artifact::sha256(bytes)) {
            return Err(Fault::conflict(format!(
                "`{path}` of version {version} of `{name}` is not what was kept: its digest differs"
            ))
            .hint("a file of the model was changed on disk; register it again"));
        }
    }
    Ok(taken)
}

/// Reads what a registered version learnt from: beside its model, or, of older ones, beside its
/// folder among the files of its run. `None` where neither is. Blocks.
pub fn profile(
    store: &Store,
    artifacts: &Path,
    name: &str,
    version: u32,
) -> Result<Option<Profile>, Fault> {
    let source =
        store.read_blocking(|conn| registry::version::download_uri(conn, name, version))?;
    let Some(folder) = artifact::place(artifacts, &source) else { return Ok(None) };
    let beside = folder.parent().map(|run| run.join(PROFILE));
    let Some(path) =
        [Some(folder.join(PROFILE)), beside].into_iter().flatten().find(|p| p.is_file())
    else {
        return Ok(None);
    };
    let read = serde_json::from_slice(&file_bytes(&path)?);
    read.map(Some).map_err(|error| refused(&path, &error))
}

/// Reads the model in a folder that nothing is known of. Blocks.
pub fn read_folder(folder: &Path) -> Result<Arc<dyn Predictor>, Fault> {
    read(folder, |_| Ok(None))
}

/// Reads the model in a folder; `logged` tells the digest of a file when it was logged, where that
/// is known. Blocks.
fn read(
    folder: &Path,
    logged: impl FnOnce(&str) -> Result<Option<String>, Fault>,
) -> Result<Arc<dyn Predictor>, Fault> {
    if let Some(manifest) = manifest(folder)? {
        let file = manifest.file().map_err(|error| refused(folder, &error))?;
        artifact::check_path(file)
            .map_err(|error| Fault::invalid(format!("read `MLmodel`: {error}")))?;
        let bytes = unchanged(&folder.join(file), logged(file)?)?;
        let model = Foreign::read(&manifest, &bytes).map_err(|error| refused(folder, &error))?;
        return Ok(Arc::new(model));
    }
    let bytes = unchanged(&folder.join(OWN), logged(OWN)?)?;
    let model = Model::from_bytes(&bytes).map_err(|error| refused(folder, &error))?;
    Ok(Arc::new(model))
}

/// Reads a file that must be what was logged.
fn unchanged(path: &Path, logged: Option<String>) -> Result<Vec<u8>, Fault> {
    let bytes = file_bytes(path)?;
    match logged.is_none_or(|logged| logged == artifact::sha256(&bytes)) {
        true => Ok(bytes),
        false => Err(Fault::invalid(format!(
            "`{}` is not what was logged: its SHA-256 is another",
            path.display()
        ))
        .hint("restore it from a backup, or register the model anew")),
    }
}

/// Returns how another tool's model is described; `None`: it was trained here.
fn manifest(folder: &Path) -> Result<Option<Manifest>, Fault> {
    let Some(text) = manifest_text(folder)? else { return Ok(None) };
    let manifest = Manifest::read(&text).map_err(|error| refused(folder, &error))?;
    Ok((!manifest.is_own()).then_some(manifest))
}

fn manifest_text(folder: &Path) -> Result<Option<String>, Fault> {
    match fs::read_to_string(folder.join("MLmodel")) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(missing(&folder.join("MLmodel"), &error)),
    }
}

/// What an `MLmodel` says of its model.
pub struct Described {
    pub flavors: Vec<String>,
    /// `inputs` and `outputs`.
    pub signature: Option<Value>,
}

/// Reads what the `MLmodel` of a folder says, whether its model can be served here or not; `None`
/// where there is none. Blocks.
pub fn describe(folder: &Path) -> Result<Option<Described>, Fault> {
    let Some(text) = manifest_text(folder)? else { return Ok(None) };
    let manifest = Manifest::read(&text).map_err(|error| refused(folder, &error))?;
    let (flavors, signature) = (manifest.flavor_names(), manifest.said_signature());
    Ok(Some(Described { flavors, signature }))
}

/// The files of a model as they are to be kept, and what it is.
pub struct ModelFiles {
    /// `xgboost`, `lightgbm`, `onnx`, or a family of ours.
    pub kind: String,
    /// As JSON.
    pub signature: String,
    /// Path in the folder to its bytes.
    pub files: Vec<(String, Vec<u8>)>,
}

/// A model's folder has so many files at most.
const FILES_MAX: usize = 1_000;

/// Reads the model in a file, or in a folder of MLflow's, and tries it. Blocks.
pub fn take(path: &Path) -> Result<ModelFiles, Fault> {
    match path.is_dir() {
        true => take_folder(path),
        false => take_file(path),
    }
}

fn take_folder(folder: &Path) -> Result<ModelFiles, Fault> {
    let model = read_folder(folder)?;
    let mut files = Vec::new();
    copy(folder, "", &mut files)?;
    described(&*model, files)
}

/// Reads all files below a folder; what is neither a file nor a folder is passed over.
fn copy(folder: &Path, below: &str, files: &mut Vec<(String, Vec<u8>)>) -> Result<(), Fault> {
    let entries = fs::read_dir(folder).map_err(|error| missing(folder, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| missing(folder, &error))?;
        let kind = entry.file_type().map_err(|error| missing(&entry.path(), &error))?;
        let path = format!("{below}{}", entry.file_name().to_string_lossy());
        if kind.is_dir() {
            copy(&entry.path(), &format!("{path}/"), files)?;
        } else if kind.is_file() {
            files.push((path, file_bytes(&entry.path())?));
        }
        let bytes: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
        if files.len() > FILES_MAX || bytes as u64 > BYTES_MAX {
            let what = "a model's folder has 1,000 files and 2 GiB at most";
            return Err(Fault::invalid(format!("`{}`: {what}", folder.display())));
        }
    }
    Ok(())
}

fn take_file(path: &Path) -> Result<ModelFiles, Fault> {
    let bytes = file_bytes(path)?;
    let model = Foreign::read_bare(&bytes, None).map_err(|error| refused(path, &error))?;
    let manifest = model.manifest().into_bytes();
    let files = vec![(model.file_name().to_owned(), bytes), ("MLmodel".to_owned(), manifest)];
    described(&model, files)
}

fn described(model: &dyn Predictor, files: Vec<(String, Vec<u8>)>) -> Result<ModelFiles, Fault> {
    let signature = serde_json::to_string(model.signature());
    let signature = signature.map_err(|error| Fault::internal(&error))?;
    Ok(ModelFiles { kind: model.kind().to_owned(), signature, files })
}

fn file_bytes(path: &Path) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(BYTES_MAX + 1).read_to_end(&mut bytes));
    read.map_err(|error| missing(path, &error))?;
    match bytes.len() as u64 > BYTES_MAX {
        true => {
            Err(Fault::invalid(format!("`{}` is larger than {BYTES_MAX} bytes", path.display())))
        }
        false => Ok(bytes),
    }
}

fn missing(path: &Path, error: &io::Error) -> Fault {
    Fault::unavailable(format!("read `{}`", path.display())).caused_by(Some(error))
}

fn refused(folder: &Path, error: &(dyn Error + 'static)) -> Fault {
    Fault::invalid(format!("the model in `{}` cannot be used", folder.display()))
        .caused_by(Some(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_what_was_logged_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(OWN), "{}").unwrap();
        let told = |logged: &str| {
            let read = read(dir.path(), |file| {
                assert_eq!(file, OWN);
                Ok(Some(logged.to_owned()))
            });
            read.err().unwrap().message
        };
        assert!(told(&artifact::sha256(b"{ }")).ends_with("its SHA-256 is another"));
        assert!(told(&artifact::sha256(b"{}")).ends_with("cannot be used"));
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let fault = || read_folder(dir.path()).err().unwrap();
        assert!(fault().message.contains("model.json"), "{:?}", fault());
        fs::write(dir.path().join("MLmodel"), "flavors: {sklearn: {data: m.pkl}}").unwrap();
        assert!(fault().causes[0].contains("mlflow.onnx.log_model"), "{:?}", fault());
        fs::write(dir.path().join("MLmodel"), "flavors: {onnx: {data: ../../x}}").unwrap();
        assert!(fault().message.contains("`.` or `..`"), "{:?}", fault());
        fs::write(dir.path().join("MLmodel"), "flavors: {onnx: {data: x.onnx}}").unwrap();
        assert!(fault().message.contains("x.onnx"), "{:?}", fault());
        fs::write(dir.path().join("x.onnx"), "no graph").unwrap();
        assert!(fault().causes[0].contains("ONNX"), "{:?}", fault());
    }
}
