//! What the registry and the tracker know of a model, read off the async threads.

use std::sync::Arc;

use crate::ml::Predictor;
use crate::runtime::layout::Layout;
use crate::runtime::promotion::off_thread;
use crate::store::{Store, StoreError};
use crate::tracking::{model_folder, registry};
use crate::types::Fault;
use crate::types::view::ModelVersionView;

/// Asks the tracker or the registry something.
pub(super) async fn ask<R: Send + 'static>(
    store: &Store,
    question: impl FnOnce(&Store) -> Result<R, StoreError> + Send + 'static,
) -> Result<R, Fault> {
    let store = store.clone();
    off_thread(move || question(&store).map_err(Fault::from)).await
}

/// What a model's URI names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ModelUri {
    Alias { name: String, alias: String },
    Version { name: String, version: u32 },
}

impl ModelUri {
    /// Reads `models:/NAME@ALIAS` or `models:/NAME/VERSION`.
    pub(super) fn parse(uri: &str) -> Option<Self> {
        let rest = uri.strip_prefix("models:/")?.trim_start_matches('/');
        let (name, found) = if let Some((name, alias)) = rest.rsplit_once('@') {
            (name, (!alias.is_empty()).then(|| alias.to_owned()).map(Err))
        } else {
            let (name, version) = rest.rsplit_once('/')?;
            (name, version.parse().ok().map(Ok))
        };
        let name = (!name.is_empty()).then(|| name.to_owned())?;
        Some(match found? {
            Ok(version) => Self::Version { name, version },
            Err(alias) => Self::Alias { name, alias },
        })
    }
}

/// Finds the version that the URI names now.
pub(super) async fn resolve(store: &Store, uri: ModelUri) -> Result<ModelVersionView, Fault> {
    match uri {
        ModelUri::Version { name, version } => {
            ask(store, move |store| registry::version(store, &name, version)).await
        }
        ModelUri::Alias { name, alias } => {
            let nobody = format!("no version of model `{name}` bears the alias `{alias}`");
            let found = ask(store, move |store| registry::by_alias(store, &name, &alias)).await?;
            found.ok_or_else(|| Fault::not_found(nobody))
        }
    }
}

/// Reads the model of a registered version.
pub(super) async fn load(
    store: &Store,
    layout: &Layout,
    name: &str,
    version: u32,
) -> Result<Arc<dyn Predictor>, Fault> {
    let (store, artifacts, name) = (store.clone(), layout.artifacts_dir(), name.to_owned());
    off_thread(move || model_folder::of_version(&store, &artifacts, &name, version)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_named_by_alias_or_by_version() {
        let alias = ModelUri::Alias { name: "iris".into(), alias: "production".into() };
        assert_eq!(ModelUri::parse("models:/iris@production"), Some(alias));
        let version = ModelUri::Version { name: "iris".into(), version: 3 };
        assert_eq!(ModelUri::parse("models:/iris/3"), Some(version));
        for wrong in ["iris", "models:/iris", "models:/iris@", "models:/@x", "models:/iris/three"] {
            assert_eq!(ModelUri::parse(wrong), None, "{wrong}");
        }
    }
}
