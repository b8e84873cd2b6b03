//! `logged-models` and what lies below it.

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use crate::api::control::Shared;
use crate::api::mlflow::registered_models::{fields, key_values};
use crate::api::mlflow::wire::{Asked, Page, Refusal, lacks, millis, number};
use crate::tracking::logged_model::files::{self, FileInfo};
use crate::tracking::logged_model::search::{self, DatasetWanted, LoggedModelSearch, MetricOrder};
use crate::tracking::logged_model::{self, LoggedModel, ModelMetric, NewLoggedModel};
use crate::types::TrackingRunId;

type Answer = Result<Json<Value>, Refusal>;

/// Models of a page.
const MODELS: u32 = 100;
const MODELS_MAX: u32 = 1_000;

pub(super) async fn create(State(shared): State<Shared>, asked: Asked) -> Answer {
    let filled = |name: &str| -> Result<Option<String>, Refusal> {
        Ok(asked.text(name)?.filter(|text| !text.is_empty()).map(str::to_owned))
    };
    let new = NewLoggedModel {
        experiment_id: asked.needed("experiment_id")?.to_owned(),
        name: filled("name")?,
        model_type: filled("model_type")?,
        source_run_id: filled("source_run_id")?.map(TrackingRunId::new),
        params: asked.pairs("params")?,
        tags: asked.pairs("tags")?,
    };
    let tracker = shared.control.tracker();
    let now = tracker.now();
    answer(tracker.commit(move |tx| logged_model::create(tx, &new, now)).await?)
}

pub(super) async fn get(State(shared): State<Shared>, Path(id): Path<String>) -> Answer {
    answer(shared.control.tracker().look(move |conn| logged_model::of(conn, &id)).await?)
}

pub(super) async fn finalize(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    asked: Asked,
) -> Answer {
    let status = asked.needed("status")?;
    let status = status.strip_prefix(STATUS).unwrap_or(status);
    let status = if status == UPLOAD_FAILED { "FAILED" } else { status }.to_owned();
    let tracker = shared.control.tracker();
    let now = tracker.now();
    answer(tracker.commit(move |tx| logged_model::finalize(tx, &id, &status, now)).await?)
}

pub(super) async fn delete(State(shared): State<Shared>, Path(id): Path<String>) -> Answer {
    let tracker = shared.control.tracker();
    let now = tracker.now();
    tracker.commit(move |tx| logged_model::delete(tx, &id, now)).await?;
    Ok(Json(json!({})))
}

pub(super) async fn set_tags(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    asked: Asked,
) -> Answer {
    let tags = asked.pairs("tags")?;
    answer(shared.control.tracker().commit(move |tx| logged_model::set_tags(tx, &id, &tags)).await?)
}

pub(super) async fn delete_tag(
    State(shared): State<Shared>,
    Path((id, key)): Path<(String, String)>,
) -> Answer {
    shared.control.tracker().commit(move |tx| logged_model::delete_tag(tx, &id, &key)).await?;
    Ok(Json(json!({})))
}

pub(super) async fn log_params(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    asked: Asked,
) -> Answer {
    let params = asked.pairs("params")?;
    shared.control.tracker().commit(move |tx| logged_model::log_params(tx, &id, &params)).await?;
    Ok(Json(json!({})))
}

pub(super) async fn search(State(shared): State<Shared>, asked: Asked) -> Answer {
    let page = Page::read(&asked, MODELS, MODELS_MAX)?;
    let search = LoggedModelSearch {
        experiment_ids: asked.texts("experiment_ids")?,
        filter: asked.text("filter")?.unwrap_or_default().to_owned(),
        datasets: asked.objects("datasets")?.iter().map(dataset).collect::<Result<_, _>>()?,
        order_by: asked.objects("order_by")?.iter().map(order).collect::<Result<_, _>>()?,
        limit: page.limit,
        offset: page.offset,
    };
    let found = shared.control.tracker().look(move |conn| search::models(conn, &search)).await?;
    Ok(Json(page.answer("models", found.into_iter().map(model).collect())))
}

pub(super) async fn artifacts(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    asked: Asked,
) -> Answer {
    let below = asked.text("artifact_directory_path")?.unwrap_or_default().to_owned();
    let tracker = shared.control.tracker();
    let folder = tracker.artifacts_dir();
    let (uri, found) = tracker
        .look(move |conn| {
            let uri = logged_model::of(conn, &id)?.artifact_uri;
            let files = files::list(&folder, &uri, &below)?;
            Ok((uri, files))
        })
        .await?;
    let file = |file: FileInfo| {
        let is_dir = file.size.is_none();
        fields([
            ("path", file.path.into()),
            ("is_dir", is_dir.into()),
            ("file_size", json!(file.size)),
        ])
    };
    let found: Vec<Value> = found.into_iter().map(file).collect();
    Ok(Json(fields([("root_uri", uri.into()), ("files", found.into())])))
}

fn dataset(asked: &Asked) -> Result<DatasetWanted, Refusal> {
    let digest = asked.text("dataset_digest")?.filter(|digest| !digest.is_empty());
    Ok(DatasetWanted {
        name: asked.needed("dataset_name")?.to_owned(),
        digest: digest.map(str::to_owned),
    })
}

fn order(asked: &Asked) -> Result<MetricOrder, Refusal> {
    let dataset = match asked.text("dataset_name")? {
        Some(name) if !name.is_empty() => Some(dataset(asked)?),
        _ => None,
    };
    Ok(MetricOrder {
        field_name: asked.text("field_name")?.ok_or_else(|| lacks("field_name"))?.to_owned(),
        is_descending: !asked.flag("ascending")?.unwrap_or(true),
        dataset,
    })
}

/// What a status begins with on the wire.
const STATUS: &str = "LOGGED_MODEL_";

/// What `FAILED` is on the wire.
const UPLOAD_FAILED: &str = "UPLOAD_FAILED";

fn answer(found: LoggedModel) -> Answer {
    Ok(Json(json!({"model": model(found)})))
}

fn model(model: LoggedModel) -> Value {
    let registered =
        |(name, version): (String, u32)| json!({"name": name, "version": version.to_string()});
    let registrations: Vec<Value> = model.registrations.into_iter().map(registered).collect();
    let metrics: Vec<Value> = model.metrics.iter().map(|m| metric(&model.model_id, m)).collect();
    let status = if model.status == "FAILED" { UPLOAD_FAILED } else { &model.status };
    let info = fields([
        ("model_id", model.model_id.into()),
        ("experiment_id", model.experiment_id.into()),
        ("name", model.name.into()),
        ("creation_timestamp_ms", millis(model.creation_timestamp)),
        ("last_updated_timestamp_ms", millis(model.last_updated_timestamp)),
        ("artifact_uri", model.artifact_uri.into()),
        ("status", format!("{STATUS}{status}").into()),
        ("status_message", json!(model.status_message)),
        ("model_type", json!(model.model_type)),
        ("source_run_id", json!(model.source_run_id)),
        ("tags", key_values(model.tags)),
        ("registrations", registrations.into()),
    ]);
    let data = fields([("params", key_values(model.params)), ("metrics", metrics.into())]);
    json!({"info": info, "data": data})
}

fn metric(model_id: &str, metric: &ModelMetric) -> Value {
    let (name, digest) = metric.dataset.clone().unzip();
    fields([
        ("key", metric.point.key.as_str().into()),
        ("value", number(metric.point.value)),
        ("timestamp", millis(metric.point.timestamp)),
        ("step", metric.point.step.into()),
        ("dataset_name", json!(name)),
        ("dataset_digest", json!(digest)),
        ("model_id", model_id.into()),
        ("run_id", json!(metric.run_id)),
    ])
}
