//! What the registry and the tracker know of a model, read off the async threads.

use std::sync::Arc;

use crate::ml::Predictor;
use crate::runtime::layout::Layout;
use crate::runtime::promotion::off_thread;
use crate::store::{Store, StoreError};
use crate::tracking::registry::ModelUri;
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

/// Finds the version that the URI names now.
pub(super) async fn resolve(store: &Store, uri: ModelUri) -> Result<ModelVersionView, Fault> {
    let store = store.clone();
    off_thread(move || registry::find(&store, &uri)).await
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
