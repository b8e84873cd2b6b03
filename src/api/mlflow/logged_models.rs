//! `logged-models` and what lies below it.

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use crate::api::control::Shared;
use crate::api::mlflow::registered_models::{fields, key_values, listed};
use crate::api::mlflow::wire::{Asked, Refusal, lacks, millis, number, offset};
use crate::tracking::logged_model::search::{self, DatasetWanted, LoggedModelSearch, MetricOrder};
use crate::tracking::logged_model::{self, LoggedModel, ModelMetric, NewLoggedModel};
use crate::types::TrackingRunId;

type Answer = Result<Json<Value>, Refusal>;

/// Models of a page.
const MODELS: i64 = 100;
const MODELS_MAX: i64 = 1_000;

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
    answer(tracker.write(move |store| logged_model::create(store, new, now)).await?)
}

pub(super) async fn get(State(shared): State<Shared>, Path(id): Path<String>) -> Answer {
    answer(shared.control.tracker().read(move |store| logged_model::get(store, &id)).await?)
}

pub(super) async fn finalize(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    asked: Asked,
) -> Answer {
    let status = asked.needed("status")?;
    let status = status.strip_prefix(STATUS).unwrap_or(status).to_owned();
    let tracker = shared.control.tracker();
    let now = tracker.now();
    answer(tracker.write(move |store| logged_model::finalize(store, &id, &status, now)).await?)
}

pub(super) async fn delete(State(shared): State<Shared>, Path(id): Path<String>) -> Answer {
    let tracker = shared.control.tracker();
    let now = tracker.now();
    tracker.write(move |store| logged_model::delete(store, &id, now)).await?;
    Ok(Json(json!({})))
}

pub(super) async fn set_tags(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    asked: Asked,
) -> Answer {
    let tags = asked.pairs("tags")?;
    let set = move |store: &_| logged_model::set_tags(store, &id, tags);
    answer(shared.control.tracker().write(set).await?)
}

pub(super) async fn delete_tag(
    State(shared): State<Shared>,
    Path((id, key)): Path<(String, String)>,
) -> Answer {
    let delete = move |store: &_| logged_model::delete_tag(store, &id, &key);
    shared.control.tracker().write(delete).await?;
    Ok(Json(json!({})))
}

pub(super) async fn log_params(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    asked: Asked,
) -> Answer {
    let params = asked.pairs("params")?;
    let log = move |store: &_| logged_model::log_params(store, &id, params);
    shared.control.tracker().write(log).await?;
    Ok(Json(json!({})))
}

pub(super) async fn search(State(shared): State<Shared>, asked: Asked) -> Answer {
    let limit = asked.integer("max_results")?.unwrap_or(MODELS);
    if !(1..=MODELS_MAX).contains(&limit) {
        return Err(Refusal::invalid(format!(
            "Invalid value {limit} for parameter 'max_results' supplied: it lies between 1 and \
             {MODELS_MAX}"
        )));
    }
    let search = LoggedModelSearch {
        experiment_ids: asked.texts("experiment_ids")?,
        filter: asked.text("filter")?.unwrap_or_default().to_owned(),
        datasets: asked.objects("datasets")?.iter().map(dataset).collect::<Result<_, _>>()?,
        order_by: asked.objects("order_by")?.iter().map(order).collect::<Result<_, _>>()?,
        limit: u32::try_from(limit).unwrap_or(u32::MAX),
        offset: offset(&asked)?,
    };
    let page = (search.offset, search.limit);
    let find = move |store: &_| search::models(store, &search);
    let found = shared.control.tracker().read(find).await?;
    Ok(Json(listed("models", page, found, model)))
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

fn answer(found: LoggedModel) -> Answer {
    Ok(Json(json!({"model": model(found)})))
}

fn model(model: LoggedModel) -> Value {
    let registered =
        |(name, version): (String, u32)| json!({"name": name, "version": version.to_string()});
    let registrations: Vec<Value> = model.registrations.into_iter().map(registered).collect();
    let metrics: Vec<Value> = model.metrics.iter().map(|m| metric(&model.model_id, m)).collect();
    let info = fields([
        ("model_id", model.model_id.into()),
        ("experiment_id", model.experiment_id.into()),
        ("name", model.name.into()),
        ("creation_timestamp_ms", millis(model.creation_timestamp)),
        ("last_updated_timestamp_ms", millis(model.last_updated_timestamp)),
        ("artifact_uri", model.artifact_uri.into()),
        ("status", format!("{STATUS}{}", model.status).into()),
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
