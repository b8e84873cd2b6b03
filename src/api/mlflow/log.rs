//! What runs log: metrics, params, tags, the data they learn from and the models they use and make.
//! One request is one transaction, durable when it is answered.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::api::control::Shared;
use crate::api::mlflow::check::{self, KEY_LEN_MAX, PARAM_LEN_MAX, TAG_LEN_MAX};
use crate::api::mlflow::runs::run_id;
use crate::api::mlflow::wire::{Asked, Refusal, instant, lacks};
use crate::tracking::run::MetricPoint;
use crate::tracking::run::data::{DatasetInput, ModelPoint, RunModel};
use crate::tracking::run::record::{self, Batch};

type Answer = Result<Json<Value>, Refusal>;

/// MLflow's limits to a batch.
const METRICS_MAX: usize = 1_000;
const PARAMS_TAGS_MAX: usize = 100;
const ALL_MAX: usize = 1_000;

/// MLflow's limits to what is told of data.
const DATASET_FIELDS: [(&str, usize, bool); 6] = [
    ("name", 500, true),
    ("digest", 36, true),
    ("source_type", 255, true),
    ("source", 65_535, true),
    ("schema", 1_048_575, false),
    ("profile", 16_777_215, false),
];

pub(super) async fn metric(State(shared): State<Shared>, asked: Asked) -> Answer {
    let mut batch = Batch::default();
    if asked.value("timestamp").is_none() {
        return Err(lacks("timestamp"));
    }
    put_point(&mut batch, "", &asked)?;
    log(&shared, &asked, batch).await
}

pub(super) async fn param(State(shared): State<Shared>, asked: Asked) -> Answer {
    let params = vec![param_of("", asked.pair()?)?];
    log(&shared, &asked, Batch { params, ..Batch::default() }).await
}

pub(super) async fn set_tag(State(shared): State<Shared>, asked: Asked) -> Answer {
    let tags = vec![tag_of("", asked.pair()?)?];
    log(&shared, &asked, Batch { tags, ..Batch::default() }).await
}

pub(super) async fn batch(State(shared): State<Shared>, asked: Asked) -> Answer {
    let mut batch = Batch::default();
    for (at, one) in asked.objects("metrics")?.iter().enumerate() {
        put_point(&mut batch, &format!("metrics[{at}]."), one)?;
    }
    for (at, pair) in asked.pairs("params")?.into_iter().enumerate() {
        batch.params.push(param_of(&format!("params[{at}]."), pair)?);
    }
    for (at, pair) in asked.pairs("tags")?.into_iter().enumerate() {
        batch.tags.push(tag_of(&format!("tags[{at}]."), pair)?);
    }
    let (metrics, params, tags) = (batch.metrics.len(), batch.params.len(), batch.tags.len());
    at_most("metrics", metrics, METRICS_MAX)?;
    at_most("params", params, PARAMS_TAGS_MAX)?;
    at_most("tags", tags, PARAMS_TAGS_MAX)?;
    at_most("metrics, params, and tags", metrics + params + tags, ALL_MAX)?;
    check_unique(&batch.params)?;
    log(&shared, &asked, batch).await
}

async fn log(shared: &Shared, asked: &Asked, batch: Batch) -> Answer {
    let run_id = run_id(asked)?;
    let tracker = shared.control.tracker();
    tracker.commit(move |tx| record::log(tx, &run_id, &batch)).await?;
    Ok(Json(json!({})))
}

pub(super) async fn delete_tag(State(shared): State<Shared>, asked: Asked) -> Answer {
    let (run_id, key) = (run_id(&asked)?, asked.needed("key")?.to_owned());
    let tracker = shared.control.tracker();
    tracker.commit(move |tx| record::delete_tag(tx, &run_id, &key)).await?;
    Ok(Json(json!({})))
}

pub(super) async fn inputs(State(shared): State<Shared>, asked: Asked) -> Answer {
    let run_id = run_id(&asked)?;
    let datasets = asked.objects("datasets")?;
    let datasets = datasets.into_iter().map(dataset).collect::<Result<Vec<_>, _>>()?;
    let models = models(&asked)?;
    let keep = move |tx: &_| record::log_inputs(tx, &run_id, &datasets, &models);
    shared.control.tracker().commit(move |tx| keep(tx)).await?;
    Ok(Json(json!({})))
}

pub(super) async fn outputs(State(shared): State<Shared>, asked: Asked) -> Answer {
    let run_id = run_id(&asked)?;
    let models = models(&asked)?;
    if models.is_empty() {
        return Err(lacks("models"));
    }
    let tracker = shared.control.tracker();
    tracker.commit(move |tx| record::log_outputs(tx, &run_id, &models)).await?;
    Ok(Json(json!({})))
}

fn models(asked: &Asked) -> Result<Vec<RunModel>, Refusal> {
    let model = |one: &Asked| {
        let step = one.integer("step")?.unwrap_or(0);
        Ok(RunModel { model_id: one.needed("model_id")?.to_owned(), step })
    };
    asked.objects("models")?.iter().map(model).collect()
}

fn dataset(asked: Asked) -> Result<DatasetInput, Refusal> {
    let of = asked.object("dataset")?;
    let of = of.ok_or_else(|| Refusal::invalid("Dataset cannot be None"))?;
    for (name, len_max, is_needed) in DATASET_FIELDS {
        match of.text(name)? {
            Some(text) => check::length(name, len_max, text)?,
            None if is_needed => {
                return Err(Refusal::invalid(format!("Dataset {name} cannot be None")));
            }
            None => {}
        }
    }
    for (key, value) in asked.pairs("tags")? {
        check::length("key", 255, &key)?;
        check::length("value", 500, &value)?;
    }
    let named = |name: &str| Ok::<_, Refusal>(of.text(name)?.unwrap_or_default().to_owned());
    Ok(DatasetInput { name: named("name")?, digest: named("digest")?, input: asked.into_value() })
}

fn put_point(batch: &mut Batch, path: &str, asked: &Asked) -> Result<(), Refusal> {
    let key = asked.needed("key")?.to_owned();
    check::key(&format!("{path}name"), &key)?;
    let value = asked.number("value")?.ok_or_else(|| lacks(&format!("{path}value")))?;
    let timestamp = asked.integer("timestamp")?.unwrap_or(0);
    if timestamp < 0 {
        return Err(Refusal::invalid(format!(
            "Invalid value {timestamp} for parameter '{path}timestamp' supplied: metric '{key}' \
             (value={value:?}). Timestamp must be a nonnegative long (64-bit integer) "
        )));
    }
    check::length("Metric name", KEY_LEN_MAX, &key)?;
    let step = asked.integer("step")?.unwrap_or(0);
    let point = MetricPoint { timestamp: instant("timestamp", timestamp)?, key, value, step };
    let text = |name: &str| {
        let found = asked.text(name)?.filter(|text| !text.is_empty());
        Ok::<_, Refusal>(found.map(str::to_owned))
    };
    if let Some(model_id) = text("model_id")? {
        batch.model_metrics.push(ModelPoint {
            model_id,
            dataset_name: text("dataset_name")?,
            dataset_digest: text("dataset_digest")?,
            point: point.clone(),
        });
    }
    batch.metrics.push(point);
    Ok(())
}

/// Params and tags that are too long are cut, as MLflow does.
fn param_of(path: &str, (key, value): (String, String)) -> Result<(String, String), Refusal> {
    check::key(&format!("{path}key"), &key)?;
    check::length("Param key", KEY_LEN_MAX, &key)?;
    Ok((key, check::cut(value, PARAM_LEN_MAX)))
}

fn tag_of(path: &str, (key, value): (String, String)) -> Result<(String, String), Refusal> {
    check::key(&format!("{path}key"), &key)?;
    check::length(&format!("{path}key"), KEY_LEN_MAX, &key)?;
    Ok((key, check::cut(value, TAG_LEN_MAX)))
}

fn at_most(what: &str, len: usize, max: usize) -> Result<(), Refusal> {
    match len > max {
        false => Ok(()),
        true => Err(Refusal::invalid(format!(
            "A batch logging request can contain at most {max} {what}. Got {len} {what}. Please \
             split up {what} across multiple requests and try again."
        ))),
    }
}

fn check_unique(params: &[(String, String)]) -> Result<(), Refusal> {
    let mut keys = std::collections::HashSet::new();
    let twice: Vec<String> = params
        .iter()
        .filter(|(key, _)| !keys.insert(key))
        .map(|(key, _)| format!("'{key}'"))
        .collect();
    if twice.is_empty() {
        return Ok(());
    }
    Err(Refusal::invalid(format!(
        "Duplicate parameter keys have been submitted: [{}]. Please ensure the request contains \
         only one param value per param key.",
        twice.join(", ")
    )))
}
