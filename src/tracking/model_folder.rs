//! A version's model, read from the folder of its artifacts: one that was trained here
//! (`model.json`), or one that another tool left with an `MLmodel` that describes it.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::ml::foreign::Manifest;
use crate::ml::{Foreign, Model, Predictor};
use crate::store::Store;
use crate::tracking::{artifact, registry};
use crate::types::Fault;

/// A model's file is read whole; what is larger is refused.
const BYTES_MAX: u64 = 2 << 30;

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
    let (folder, _) = place(store, artifacts, name, version).map_err(told)?;
    read(&folder).map_err(told)
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
    let below = artifact::below(&source).unwrap_or_default().trim_matches('/');
    for (path, bytes) in &taken.files {
        let at = format!("{below}/{path}");
        let kept = store.read_blocking(|conn| artifact::digest(conn, &at))?;
        if kept.is_some_and(|kept| kept != sha256(bytes)) {
            return Err(Fault::conflict(format!(
                "`{path}` of version {version} of `{name}` is not what was kept: its digest differs"
            ))
            .hint("a file of the model was changed on disk; register it again"));
        }
    }
    Ok(taken)
}

/// Returns a digest in hex.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads the model in a folder. Blocks.
pub fn read(folder: &Path) -> Result<Arc<dyn Predictor>, Fault> {
    if let Some(manifest) = manifest(folder)? {
        let file = manifest.file().map_err(|error| refused(folder, &error))?;
        artifact::check_path(file)
            .map_err(|error| Fault::invalid(format!("read `MLmodel`: {error}")))?;
        let bytes = file_bytes(&folder.join(file))?;
        let model = Foreign::read(&manifest, &bytes).map_err(|error| refused(folder, &error))?;
        return Ok(Arc::new(model));
    }
    let bytes = file_bytes(&folder.join("model.json"))?;
    let model = Model::from_bytes(&bytes).map_err(|error| refused(folder, &error))?;
    Ok(Arc::new(model))
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
    let model = read(folder)?;
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
    fn what_cannot_be_read_is_told_with_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let fault = || read(dir.path()).err().unwrap();
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
