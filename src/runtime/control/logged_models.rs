//! Logged models: listed, shown with what their `MLmodel` says, tagged, registered, deleted.

use rusqlite::Connection;

use crate::runtime::control::{ControlParts, user};
use crate::runtime::promotion::off_thread;
use crate::store::StoreError;
use crate::tracking::logged_model::search::LoggedModelSearch;
use crate::tracking::logged_model::{self, LoggedModel, files};
use crate::tracking::registry::version::{self, NewVersion};
use crate::tracking::registry::{self, record};
use crate::tracking::{artifact, experiment, model_folder, run};
use crate::types::ask::{Answer, ModelChange, Request};
use crate::types::event::Event;
use crate::types::view::LoggedModelView;
use crate::types::{Fault, Timestamp, TrackingRunId};

/// Logged models of one answer, at most.
const LOGGED_MAX: u32 = 1_000;

/// Answers what concerns logged models.
pub(super) async fn answer(parts: &ControlParts, request: Request) -> Result<Answer, Fault> {
    match request {
        Request::ListLoggedModels { experiment, run_id } => list(parts, experiment, run_id).await,
        Request::ShowLoggedModel { model_id } => {
            let model = show(parts, model_id).await?;
            Ok(Answer::LoggedModel(Box::new(model)))
        }
        Request::ChangeLoggedModel { model_id, change } => {
            let now = parts.clock.now();
            parts.store.write(move |tx| apply(tx, &model_id, &change, now)).await?;
            parts.publisher.publish(Event::TrackingChanged);
            Ok(Answer::Done)
        }
        Request::RegisterLoggedModel { name, model_id, description } => {
            register(parts, name, model_id, description).await
        }
        other => Err(Fault::invalid(format!("`{other:?}` is not answered here"))),
    }
}

/// Lists the logged models of an experiment, or of a run, the newest first.
async fn list(
    parts: &ControlParts,
    experiment: String,
    of: Option<TrackingRunId>,
) -> Result<Answer, Fault> {
    let read = move |conn: &Connection| {
        let (id, filter) = match of {
            Some(run_id) => {
                let run = run::view(conn, &run_id)?;
                (run.experiment_id, format!("source_run_id = '{run_id}'"))
            }
            None => (experiment::require(conn, &experiment)?.to_string(), String::new()),
        };
        let search = LoggedModelSearch {
            experiment_ids: vec![id],
            filter,
            limit: LOGGED_MAX,
            ..LoggedModelSearch::default()
        };
        logged_model::search::models(conn, &search)
    };
    let found = parts.read(read).await?;
    Ok(Answer::LoggedModels(found.into_iter().map(view).collect()))
}

/// Returns a logged model with what lies in its folder.
async fn show(parts: &ControlParts, model_id: String) -> Result<LoggedModelView, Fault> {
    let model = parts.read(move |conn| logged_model::of(conn, &model_id)).await?;
    let artifacts = parts.layout.artifacts_dir();
    off_thread(move || {
        let mut view = view(model);
        view.files = files::all(&artifacts, &view.artifact_uri)?;
        let described = match artifact::place(&artifacts, &view.artifact_uri) {
            Some(folder) => model_folder::describe(&folder)?,
            None => None,
        };
        if let Some(described) = described {
            view.flavors = described.flavors;
            view.signature = described.signature;
        }
        Ok(view)
    })
    .await
}

fn apply(
    tx: &Connection,
    model_id: &str,
    change: &ModelChange,
    now: Timestamp,
) -> Result<(), StoreError> {
    match change {
        ModelChange::SetTag { key, value } => {
            logged_model::set_tags(tx, model_id, &[(key.clone(), value.clone())]).map(drop)
        }
        ModelChange::DeleteTag { key } => logged_model::delete_tag(tx, model_id, key),
        ModelChange::Delete => {
            let model = logged_model::of(tx, model_id)?;
            if let Some((name, version)) = model.registrations.first() {
                let text = format!("logged model `{model_id}` is version {version} of `{name}`");
                let hint = "what is registered is kept: delete that version first";
                return Err(Fault::conflict(text).hint(hint).into());
            }
            logged_model::delete(tx, model_id, now)
        }
        ModelChange::Describe { .. }
        | ModelChange::SetStage { .. }
        | ModelChange::DeleteAlias { .. }
        | ModelChange::Rename { .. } => {
            let text = "a logged model can be tagged and deleted; all else is a registered one's";
            Err(Fault::invalid(text).into())
        }
    }
}

/// Registers a logged model as the next version.
async fn register(
    parts: &ControlParts,
    name: String,
    model_id: String,
    description: Option<String>,
) -> Result<Answer, Fault> {
    let model = show(parts, model_id).await?;
    if model.status != "READY" {
        let text = format!("logged model `{}` is {}", model.model_id, model.status);
        return Err(Fault::conflict(text).hint("its files are not all there"));
    }
    let (now, user) = (parts.clock.now(), user::name());
    let signature = model.signature.map(|said| said.to_string());
    let registered = parts.store.write(move |tx| {
        if !record::exists(tx, &name)? {
            record::create(tx, &name, None, &[], now)?;
        }
        let version = NewVersion {
            name,
            source: format!("models:/{}", model.model_id),
            description,
            user_id: Some(user),
            model_id: Some(model.model_id),
            signature,
            ..NewVersion::default()
        };
        let made = version::create(tx, version, now)?;
        registry::version_view(tx, &made.name, made.version)
    });
    let version = registered.await?;
    parts.publisher.publish(Event::TrackingChanged);
    Ok(Answer::ModelVersion(Box::new(version)))
}

fn view(model: LoggedModel) -> LoggedModelView {
    let metrics = model.metrics.into_iter().map(|metric| (metric.point.key, metric.point.value));
    LoggedModelView {
        model_id: model.model_id,
        name: model.name,
        status: model.status,
        model_type: model.model_type,
        source_run_id: model.source_run_id,
        creation_timestamp: model.creation_timestamp,
        params: model.params,
        metrics: metrics.collect(),
        tags: model.tags,
        registrations: model.registrations,
        artifact_uri: model.artifact_uri,
        flavors: Vec::new(),
        signature: None,
        files: Vec::new(),
    }
}
