//! What a bundle says of its model, and the digests by which its files are checked.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::sha256;
use crate::tracking::model_folder::ModelFiles;
use crate::types::Fault;

/// The file's name in what is served.
pub const MANIFEST: &str = "bundle.json";
/// The model's folder beside it.
pub const MODEL: &str = "model";
/// The server's settings beside it: `[serving]`, as in `dags.toml`.
pub const SETTINGS: &str = "serving.toml";

/// The form of what is written.
const FORMAT: u32 = 1;

/// One version of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    pub model: String,
    pub version: u32,
    /// Where it stood when the bundle was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// A family of ours, or `xgboost`, `lightgbm`, `onnx`.
    pub kind: String,
    /// The version of this program.
    pub dagdeck: String,
    /// Such as `x86_64`.
    pub architecture: String,
    /// Each file of the model, below `model/`, with its SHA-256.
    pub files: BTreeMap<String, String>,
}

impl Manifest {
    pub(super) fn of(model: &str, version: u32, alias: Option<String>, taken: &ModelFiles) -> Self {
        let digest = |(path, bytes): &(String, Vec<u8>)| (path.clone(), sha256(bytes));
        Self {
            format: FORMAT,
            model: model.to_owned(),
            version,
            alias,
            kind: taken.kind.clone(),
            dagdeck: env!("CARGO_PKG_VERSION").to_owned(),
            architecture: std::env::consts::ARCH.to_owned(),
            files: taken.files.iter().map(digest).collect(),
        }
    }

    pub(super) fn text(&self) -> String {
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        format!("{text}\n")
    }

    /// Reads the manifest in a folder that is served, and says whether there is one. Blocks.
    pub fn find(folder: &Path) -> Result<Option<Self>, Fault> {
        if !folder.join(MANIFEST).exists() {
            return Ok(None);
        }
        Self::read(folder).map(Some)
    }

    /// Reads the manifest in a folder that is served. Blocks.
    pub fn read(folder: &Path) -> Result<Self, Fault> {
        let path = folder.join(MANIFEST);
        let bytes = fs::read(&path).map_err(|error| unread(&path, &error))?;
        let manifest: Self = serde_json::from_slice(&bytes).map_err(|error| {
            Fault::invalid(format!("`{}` is no manifest of a bundle", path.display()))
                .caused_by(Some(&error))
        })?;
        if manifest.format != FORMAT {
            let message = format!("`{}` has the format {}", path.display(), manifest.format);
            return Err(Fault::invalid(message)
                .hint("it was made by another version: bundle the model again"));
        }
        Ok(manifest)
    }

    /// Refuses a model with a file that is missing, changed, or of nobody. Blocks.
    pub fn check(&self, folder: &Path) -> Result<(), Fault> {
        let model = folder.join(MODEL);
        let wrong = |path: &str, what: &str| {
            Fault::conflict(format!("`{path}` of the bundle's model {what}"))
                .hint("the bundle was damaged or changed: copy it, or make it, again")
        };
        for (path, digest) in &self.files {
            crate::tracking::artifact::check_path(path)
                .map_err(|_| wrong(path, "is no path of a file"))?;
            let at = model.join(path);
            let bytes = match fs::read(&at) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Err(wrong(path, "is missing"));
                }
                Err(error) => return Err(unread(&at, &error)),
            };
            if sha256(&bytes) != *digest {
                return Err(wrong(path, "is not what was bundled: its digest differs"));
            }
        }
        Ok(())
    }
}

fn unread(path: &Path, error: &io::Error) -> Fault {
    Fault::unavailable(format!("read `{}`", path.display())).caused_by(Some(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_and_a_strange_manifest_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let files = vec![("a/model.json".to_owned(), b"{}".to_vec())];
        let taken = ModelFiles { kind: "tree".into(), signature: String::new(), files };
        let manifest = Manifest::of("iris", 3, None, &taken);
        assert_eq!(Manifest::find(dir.path()).unwrap(), None);
        fs::write(dir.path().join(MANIFEST), manifest.text()).unwrap();
        assert_eq!(Manifest::find(dir.path()).unwrap().as_ref(), Some(&manifest));
        let said = |folder: &Path| manifest.check(folder).unwrap_err().message;
        assert!(said(dir.path()).ends_with("is missing"), "{}", said(dir.path()));
        fs::create_dir_all(dir.path().join("model/a")).unwrap();
        fs::write(dir.path().join("model/a/model.json"), "{}").unwrap();
        manifest.check(dir.path()).unwrap();
        fs::write(dir.path().join("model/a/model.json"), "{ }").unwrap();
        assert!(said(dir.path()).contains("its digest differs"), "{}", said(dir.path()));
        let climbs =
            Manifest { files: [("../x".into(), String::new())].into(), ..manifest.clone() };
        assert!(climbs.check(dir.path()).unwrap_err().message.contains("no path"));
        fs::write(dir.path().join(MANIFEST), "{}").unwrap();
        assert!(Manifest::read(dir.path()).unwrap_err().message.contains("no manifest"));
        let newer = Manifest { format: 2, ..manifest };
        fs::write(dir.path().join(MANIFEST), newer.text()).unwrap();
        assert!(Manifest::read(dir.path()).unwrap_err().message.contains("format 2"));
    }
}
