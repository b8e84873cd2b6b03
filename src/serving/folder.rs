//! One model in a folder, without a registry: what a bundle holds, or what MLflow's `save_model`
//! left.

use std::path::Path;
use std::sync::Arc;

use crate::ml::Predictor;
use crate::runtime::bundle::{MODEL, Manifest};
use crate::serving::source::Source;
use crate::tracking::model_folder;
use crate::types::Fault;

/// The model, with the name and the version that it is served under.
pub(crate) struct FolderModel {
    pub(crate) name: String,
    pub(crate) version: u32,
    alias: Option<String>,
    predictor: Arc<dyn Predictor>,
}

impl FolderModel {
    /// Reads a folder; the files of a bundle are checked by their digests. Blocks.
    pub(crate) fn open(folder: &Path, name: Option<String>) -> Result<Self, Fault> {
        if let Some(manifest) = Manifest::find(folder)? {
            manifest.check(folder)?;
            let predictor = model_folder::read_folder(&folder.join(MODEL))?;
            let Manifest { model, version, alias, .. } = manifest;
            return Ok(Self { name: name.unwrap_or(model), version, alias, predictor });
        }
        let own = || Some(folder.canonicalize().ok()?.file_name()?.to_string_lossy().into_owned());
        Ok(Self {
            predictor: model_folder::read_folder(folder)?,
            name: name.or_else(own).unwrap_or_else(|| "model".to_owned()),
            version: 1,
            alias: None,
        })
    }

    fn unchangeable() -> Fault {
        Fault::invalid("this server serves one model, as it was bundled")
            .hint("bundle another version, and start a server of it")
    }
}

impl Source for FolderModel {
    fn load(&self, model: &str, version: u32) -> Result<Arc<dyn Predictor>, Fault> {
        match model == self.name && version == self.version {
            true => Ok(Arc::clone(&self.predictor)),
            false => Err(Fault::not_found(format!("version {version} of `{model}` is not here"))),
        }
    }

    fn by_alias(&self, model: &str, alias: &str) -> Result<Option<u32>, Fault> {
        if model != self.name {
            return Err(Fault::not_found(format!("there is no model `{model}`")));
        }
        Ok((self.alias.as_deref() == Some(alias)).then_some(self.version))
    }

    fn kept_traffic(&self) -> Result<Vec<(String, u32, u8)>, Fault> {
        Ok(vec![(self.name.clone(), self.version, 100)])
    }

    fn keep_traffic(&self, _: &str, _: &[(u32, u8)]) -> Result<(), Fault> {
        Err(Self::unchangeable())
    }
}
