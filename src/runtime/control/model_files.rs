//! Registers models that lie in files: those that other tools left.
//!
//! ```text
//! read, tried ─► a logged model, PENDING ─► its folder written ─► READY, and a version: one commit
//! ```
//! What a kill leaves between is a logged model without an end, as an upload that breaks off leaves
//! one too.

use std::path::Path;

use crate::runtime::control::{ControlParts, user};
use crate::runtime::promotion::off_thread;
use crate::tracking::artifact;
use crate::tracking::logged_model::{self, NewLoggedModel};
use crate::tracking::model_folder::{self, ModelFiles};
use crate::tracking::registry::version::{self, NewVersion};
use crate::tracking::registry::{self, record};
use crate::types::Fault;
use crate::types::ask::Answer;
use crate::types::event::Event;

/// MLflow's experiment of what belongs to none.
const DEFAULT_EXPERIMENT: &str = "0";

/// Registers the model in a file or a folder.
pub(super) async fn register(
    parts: &ControlParts,
    name: String,
    path: String,
    description: Option<String>,
) -> Result<Answer, Fault> {
    let read = {
        let path = path.clone();
        off_thread(move || model_folder::take(Path::new(&path))).await?
    };
    let now = parts.clock.now();
    let new = NewLoggedModel {
        experiment_id: DEFAULT_EXPERIMENT.to_owned(),
        name: None,
        model_type: Some(read.kind.to_owned()),
        source_run_id: None,
        params: Vec::new(),
        tags: vec![("dagdeck.file".to_owned(), path)],
    };
    let logged = parts.store.write(move |tx| logged_model::create(tx, &new, now)).await?;
    let ModelFiles { files, signature, .. } = read;
    let artifacts = parts.layout.artifacts_dir();
    let uri = logged.artifact_uri.clone();
    let written = off_thread(move || {
        let folder = artifact::place(&artifacts, &uri)
            .ok_or_else(|| Fault::invalid(format!("`{uri}` is not a place of this project")))?;
        files.iter().try_for_each(|(path, bytes)| {
            artifact::write(&folder, path, bytes).map_err(|error| {
                Fault::unavailable(format!("keep the model's `{path}`")).caused_by(Some(&error))
            })
        })
    });
    let (ends_well, id) = (written.await, logged.model_id);
    let user = user::name();
    let registered = parts.store.write(move |tx| {
        if let Err(fault) = ends_well {
            logged_model::finalize(tx, &id, "FAILED", now)?;
            return Ok(Err(fault));
        }
        logged_model::finalize(tx, &id, "READY", now)?;
        if !record::exists(tx, &name)? {
            record::create(tx, &name, None, &[], now)?;
        }
        let version = NewVersion {
            name,
            source: format!("models:/{id}"),
            description,
            user_id: Some(user),
            model_id: Some(id),
            signature: Some(signature),
            ..NewVersion::default()
        };
        let made = version::create(tx, version, now)?;
        registry::version_view(tx, &made.name, made.version).map(Ok)
    });
    let view = registered.await??;
    parts.publisher.publish(Event::TrackingChanged);
    Ok(Answer::ModelVersion(Box::new(view)))
}
