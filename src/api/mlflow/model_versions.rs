//! `model-versions/*`.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::api::control::Shared;
use crate::api::mlflow::registered_models::{fields, key_values, name, tag, tags, wanted};
use crate::api::mlflow::wire::{Asked, Page, Refusal, lacks, millis};
use crate::tracking::registry::search;
use crate::tracking::registry::version::{self, NewVersion, Version};
use crate::types::TrackingRunId;

type Answer = Result<Json<Value>, Refusal>;

/// Versions of a page.
const VERSIONS: u32 = 10_000;
const VERSIONS_MAX: u32 = 200_000;

pub(super) async fn create(State(shared): State<Shared>, asked: Asked) -> Answer {
    let text = |name: &str| asked.text(name).map(|text| text.map(str::to_owned));
    let filled = |name: &str| text(name).map(|text| text.filter(|text| !text.is_empty()));
    let new = NewVersion {
        name: name(&asked)?,
        source: asked.needed("source")?.to_owned(),
        run_id: filled("run_id")?.map(TrackingRunId::new),
        run_link: filled("run_link")?,
        description: text("description")?,
        model_id: filled("model_id")?,
        tags: tags(&asked)?,
        user_id: None,
        signature: None,
    };
    let tracker = shared.control.tracker();
    let now = tracker.now();
    answer(tracker.commit(move |tx| version::create(tx, new, now)).await?)
}

pub(super) async fn get(State(shared): State<Shared>, asked: Asked) -> Answer {
    let (name, version) = which(&asked)?;
    answer(shared.control.tracker().look(move |conn| version::of(conn, &name, version)).await?)
}

pub(super) async fn update(State(shared): State<Shared>, asked: Asked) -> Answer {
    let (name, version) = which(&asked)?;
    let description = asked.text("description")?.map(str::to_owned);
    let tracker = shared.control.tracker();
    let now = tracker.now();
    answer(
        tracker
            .commit(move |tx| version::describe(tx, (&name, version), description.as_deref(), now))
            .await?,
    )
}

pub(super) async fn delete(State(shared): State<Shared>, asked: Asked) -> Answer {
    let (name, version) = which(&asked)?;
    let tracker = shared.control.tracker();
    let (user, now) = (tracker.user(), tracker.now());
    tracker.commit(move |tx| version::delete(tx, (&name, version), &user, now)).await?;
    Ok(Json(json!({})))
}

pub(super) async fn search(State(shared): State<Shared>, asked: Asked) -> Answer {
    let page = Page::read(&asked, VERSIONS, VERSIONS_MAX)?;
    let wanted = wanted(&asked, page)?;
    let found = shared.control.tracker().look(move |conn| search::versions(conn, &wanted)).await?;
    Ok(Json(page.answer("model_versions", found.into_iter().map(model_version).collect())))
}

pub(super) async fn download_uri(State(shared): State<Shared>, asked: Asked) -> Answer {
    let (name, version) = which(&asked)?;
    let uri = shared
        .control
        .tracker()
        .look(move |conn| version::download_uri(conn, &name, version))
        .await?;
    Ok(Json(json!({"artifact_uri": uri})))
}

pub(super) async fn transition_stage(State(shared): State<Shared>, asked: Asked) -> Answer {
    let (name, version) = which(&asked)?;
    let stage = asked.needed("stage")?.to_owned();
    let archive = asked.flag("archive_existing_versions")?.unwrap_or(false);
    let tracker = shared.control.tracker();
    let now = tracker.now();
    answer(
        tracker
            .commit(move |tx| version::transition_stage(tx, (&name, version), &stage, archive, now))
            .await?,
    )
}

pub(super) async fn set_tag(State(shared): State<Shared>, asked: Asked) -> Answer {
    let ((name, version), (key, value)) = (which(&asked)?, tag(&asked)?);
    shared
        .control
        .tracker()
        .commit(move |tx| version::set_tag(tx, (&name, version), &key, &value))
        .await?;
    Ok(Json(json!({})))
}

pub(super) async fn delete_tag(State(shared): State<Shared>, asked: Asked) -> Answer {
    let ((name, version), key) = (which(&asked)?, asked.needed("key")?.to_owned());
    shared
        .control
        .tracker()
        .commit(move |tx| version::delete_tag(tx, (&name, version), &key))
        .await?;
    Ok(Json(json!({})))
}

fn which(asked: &Asked) -> Result<(String, u32), Refusal> {
    Ok((name(asked)?, version_number(asked)?))
}

/// The number of a version, a text on the wire.
pub(super) fn version_number(asked: &Asked) -> Result<u32, Refusal> {
    let given = match asked.value("version") {
        None => return Err(lacks("version")),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    given.trim().parse().map_err(|_| {
        Refusal::invalid(format!("Parameter 'version' must be an integer, got '{given}'."))
    })
}

pub(super) fn answer(version: Version) -> Answer {
    Ok(Json(json!({"model_version": model_version(version)})))
}

pub(super) fn model_version(version: Version) -> Value {
    fields([
        ("name", version.name.into()),
        ("version", version.version.to_string().into()),
        ("creation_timestamp", millis(version.creation_timestamp)),
        ("last_updated_timestamp", millis(version.last_updated_timestamp)),
        ("user_id", json!(version.user_id)),
        ("current_stage", version.current_stage.into()),
        ("description", version.description.unwrap_or_default().into()),
        ("source", version.source.into()),
        ("run_id", json!(version.run_id)),
        ("status", version.status.into()),
        ("status_message", json!(version.status_message)),
        ("run_link", version.run_link.unwrap_or_default().into()),
        ("tags", key_values(version.tags)),
        ("aliases", json!(version.aliases)),
    ])
}
