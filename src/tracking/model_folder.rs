//! A version's model, read from the folder of its artifacts: one that was trained here
//! (`model.json`), or one that another tool left with an `MLmodel` that describes it.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::ml::foreign::Manifest;
use crate::ml::{Foreign, Model, Predictor};
use crate::store::Store;
use crate::tracking::{artifact, registry};
use crate::types::Fault;

/// A model's file is read whole; what is larger is refused.
const BYTES_MAX: u64 = 2 << 30;

/// Reads the model of a registered version; `state_dir` is the folder `.dagdeck`. Blocks.
pub fn of_version(
    store: &Store,
    state_dir: &Path,
    name: &str,
    version: u32,
) -> Result<Arc<dyn Predictor>, Fault> {
    let what = format!("load version {version} of `{name}`");
    registry::version(store, name, version)?;
    // The source may name a logged model, or a run.
    let uri = store.read_blocking(|conn| registry::version::download_uri(conn, name, version))?;
    let folder = folder_of(state_dir, &uri).ok_or_else(|| {
        Fault::invalid(format!("{what}: its source `{uri}` is not an artifact of this project"))
    })?;
    read(&folder).map_err(|fault| Fault { message: format!("{what}: {}", fault.message), ..fault })
}

/// Returns where `mlflow-artifacts:/<experiment_id>/<run_id>/artifacts/model` lies; `None` where
/// the source is not of that form, or climbs out.
fn folder_of(state_dir: &Path, source: &str) -> Option<PathBuf> {
    let below = Path::new(source.strip_prefix("mlflow-artifacts:/")?.trim_start_matches('/'));
    let is_plain = below.components().all(|part| matches!(part, Component::Normal(_)));
    is_plain.then(|| state_dir.join("artifacts").join(below))
}

/// Reads the model in a folder. Blocks.
fn read(folder: &Path) -> Result<Arc<dyn Predictor>, Fault> {
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
    let text = match fs::read_to_string(folder.join("MLmodel")) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(missing(&folder.join("MLmodel"), &error)),
    };
    let manifest = Manifest::read(&text).map_err(|error| refused(folder, &error))?;
    Ok((!manifest.is_own()).then_some(manifest))
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
    fn a_source_leads_into_the_artifacts_and_not_out_of_them() {
        let state = Path::new("/p/.dagdeck");
        let folder = folder_of(state, "mlflow-artifacts:/1/ab/artifacts/model");
        assert_eq!(folder.unwrap(), Path::new("/p/.dagdeck/artifacts/1/ab/artifacts/model"));
        for source in ["s3://x", "mlflow-artifacts:/../../etc", "mlflow-artifacts:/1/../../x"] {
            assert_eq!(folder_of(state, source), None, "{source}");
        }
    }

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
