//! `runs/*` and `metrics/get-history`.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::api::control::Shared;
use crate::api::mlflow::wire::{
    Asked, Refusal, instant, lacks, millis, next_page, number, offset, without_empty,
};
use crate::tracking::run::record::{self, Run, RunUpdate};
use crate::tracking::run::{self, MetricPoint, NewRun};
use crate::tracking::search::{self, LifecycleStage, RunSearch};
use crate::types::{Timestamp, TrackingRunId};

type Answer = Result<Json<Value>, Refusal>;

/// MLflow's limits to a batch.
const METRICS_MAX: usize = 1_000;
const PARAMS_MAX: usize = 100;
const TAGS_MAX: usize = 100;
const ALL_MAX: usize = 1_000;

/// MLflow's limits to a text.
const KEY_LEN_MAX: usize = 250;
const PARAM_LEN_MAX: usize = 6_000;
const TAG_LEN_MAX: usize = 8_000;

/// Runs of a page.
const RUNS: u32 = 1_000;
const RUNS_MAX: i64 = 50_000;

/// Points of a page of a history.
const POINTS_MAX: i64 = 25_000;

pub(super) async fn create(State(shared): State<Shared>, asked: Asked) -> Answer {
    let tracker = shared.control.tracker();
    let tags = asked.pairs("tags")?;
    let tag = |key: &str| tags.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str());
    let named = asked.text("run_name")?.filter(|name| !name.is_empty());
    let run_name = named.or_else(|| tag("mlflow.runName")).map(str::to_owned);
    let new = NewRun {
        experiment_id: asked.text("experiment_id")?.unwrap_or("0").to_owned(),
        run_name: run_name.unwrap_or_else(run::some_name),
        user_id: asked.text("user_id")?.or(tag("mlflow.user")).unwrap_or_default().to_owned(),
        start_time: match asked.integer("start_time")? {
            Some(at) => instant("start_time", at)?,
            None => tracker.now(),
        },
        tags: tags.clone(),
        attempt_token: None,
    };
    let make = move |store: &_| {
        let made = run::create(store, new)?;
        record::get(store, &made.run_id)
    };
    let made = tracker.write(make).await?;
    Ok(Json(json!({"run": of_run(made)})))
}

pub(super) async fn get(State(shared): State<Shared>, asked: Asked) -> Answer {
    let run_id = run_id(&asked)?;
    let found = shared.control.tracker().read(move |store| record::get(store, &run_id)).await?;
    Ok(Json(json!({"run": of_run(found)})))
}

pub(super) async fn update(State(shared): State<Shared>, asked: Asked) -> Answer {
    let run_id = run_id(&asked)?;
    let end_time = asked.integer("end_time")?.filter(|at| *at > 0);
    let change = RunUpdate {
        status: asked.text("status")?.map(str::to_owned),
        end_time: end_time.map(|at| instant("end_time", at)).transpose()?,
        run_name: asked.text("run_name")?.filter(|name| !name.is_empty()).map(str::to_owned),
    };
    let tracker = shared.control.tracker();
    let run = tracker.write(move |store| record::update(store, &run_id, change)).await?;
    Ok(Json(json!({"run_info": info(&run)})))
}

pub(super) async fn delete(State(shared): State<Shared>, asked: Asked) -> Answer {
    set_lifecycle(&shared, &asked, true).await
}

pub(super) async fn restore(State(shared): State<Shared>, asked: Asked) -> Answer {
    set_lifecycle(&shared, &asked, false).await
}

async fn set_lifecycle(shared: &Shared, asked: &Asked, is_deleted: bool) -> Answer {
    let run_id = run_id(asked)?;
    let tracker = shared.control.tracker();
    let now = tracker.now();
    let set = move |store: &_| record::set_lifecycle(store, &run_id, is_deleted, now);
    tracker.write(set).await?;
    Ok(Json(json!({})))
}

pub(super) async fn log_metric(State(shared): State<Shared>, asked: Asked) -> Answer {
    let run_id = run_id(&asked)?;
    let tracker = shared.control.tracker();
    let point = point(&asked, tracker.now())?;
    let log = move |store: &_| run::log_batch(store, &run_id, vec![point], vec![], vec![]);
    tracker.write(log).await?;
    Ok(Json(json!({})))
}

pub(super) async fn log_parameter(State(shared): State<Shared>, asked: Asked) -> Answer {
    let run_id = run_id(&asked)?;
    let param = checked("param", pair(&asked)?, PARAM_LEN_MAX)?;
    let log = move |store: &_| run::log_batch(store, &run_id, vec![], vec![param], vec![]);
    shared.control.tracker().write(log).await?;
    Ok(Json(json!({})))
}

pub(super) async fn set_tag(State(shared): State<Shared>, asked: Asked) -> Answer {
    let run_id = run_id(&asked)?;
    let tag = checked("tag", pair(&asked)?, TAG_LEN_MAX)?;
    let log = move |store: &_| run::log_batch(store, &run_id, vec![], vec![], vec![tag]);
    shared.control.tracker().write(log).await?;
    Ok(Json(json!({})))
}

pub(super) async fn delete_tag(State(shared): State<Shared>, asked: Asked) -> Answer {
    let (run_id, key) = (run_id(&asked)?, asked.needed("key")?.to_owned());
    let delete = move |store: &_| record::delete_tag(store, &run_id, &key);
    shared.control.tracker().write(delete).await?;
    Ok(Json(json!({})))
}

pub(super) async fn log_batch(State(shared): State<Shared>, asked: Asked) -> Answer {
    let run_id = run_id(&asked)?;
    let tracker = shared.control.tracker();
    let now = tracker.now();
    let metrics = asked.objects("metrics")?;
    let metrics = metrics.iter().map(|one| point(one, now)).collect::<Result<Vec<_>, _>>()?;
    let all = |what, pairs: Vec<_>, max| {
        pairs.into_iter().map(|pair| checked(what, pair, max)).collect::<Result<Vec<_>, _>>()
    };
    let params = all("param", asked.pairs("params")?, PARAM_LEN_MAX)?;
    let tags = all("tag", asked.pairs("tags")?, TAG_LEN_MAX)?;
    at_most("metrics", metrics.len(), METRICS_MAX)?;
    at_most("params", params.len(), PARAMS_MAX)?;
    at_most("tags", tags.len(), TAGS_MAX)?;
    at_most("metrics, params, and tags", metrics.len() + params.len() + tags.len(), ALL_MAX)?;
    tracker.write(move |store| run::log_batch(store, &run_id, metrics, params, tags)).await?;
    Ok(Json(json!({})))
}

pub(super) async fn history(State(shared): State<Shared>, asked: Asked) -> Answer {
    let (run_id, key) = (run_id(&asked)?, asked.needed("metric_key")?.to_owned());
    let offset = offset(&asked)?;
    let limit = asked.integer("max_results")?.map(|max| max.clamp(1, POINTS_MAX));
    let read = move |store: &_| run::metric_history(store, &run_id, &key);
    let points = shared.control.tracker().read(read).await?;
    let total = points.len() as u64;
    let limit = limit.map_or(usize::MAX, |max| usize::try_from(max).unwrap_or(usize::MAX));
    let shown: Vec<Value> =
        points.iter().skip(offset as usize).take(limit).map(metric).collect();
    let next = next_page(offset, shown.len(), total);
    Ok(Json(without_empty(
        [("metrics".to_owned(), shown.into()), ("next_page_token".to_owned(), json!(next))]
            .into_iter()
            .collect(),
    )))
}

pub(super) async fn search(State(shared): State<Shared>, asked: Asked) -> Answer {
    let offset = offset(&asked)?;
    let limit = match asked.integer("max_results")? {
        None => RUNS,
        Some(max) if (1..=RUNS_MAX).contains(&max) => u32::try_from(max).unwrap_or(RUNS),
        Some(max) => {
            return Err(Refusal::invalid(format!(
                "Invalid value {max} for parameter 'max_results' supplied: it lies between 1 and \
                 {RUNS_MAX}"
            )));
        }
    };
    let search = RunSearch {
        experiment_ids: asked.texts("experiment_ids")?,
        filter: asked.text("filter")?.unwrap_or_default().to_owned(),
        order_by: asked.texts("order_by")?,
        stage: match asked.text("run_view_type")? {
            None | Some("ACTIVE_ONLY") => LifecycleStage::Active,
            Some("DELETED_ONLY") => LifecycleStage::Deleted,
            Some("ALL") => LifecycleStage::Any,
            Some(other) => {
                return Err(Refusal::invalid(format!("Invalid run_view_type: {other}")));
            }
        },
        limit,
        offset,
    };
    let tracker = shared.control.tracker();
    let (runs, total) = tracker.read(move |store| search::records(store, &search)).await?;
    let shown: Vec<Value> = runs.into_iter().map(of_run).collect();
    let next = next_page(offset, shown.len(), total);
    Ok(Json(without_empty(
        [("runs".to_owned(), shown.into()), ("next_page_token".to_owned(), json!(next))]
            .into_iter()
            .collect(),
    )))
}

/// `run_uuid` is what it was called once.
fn run_id(asked: &Asked) -> Result<TrackingRunId, Refusal> {
    let id = match asked.text("run_id")? {
        Some(id) if !id.is_empty() => Some(id),
        _ => asked.text("run_uuid")?.filter(|id| !id.is_empty()),
    };
    id.map(TrackingRunId::new).ok_or_else(|| lacks("run_id"))
}

fn pair(asked: &Asked) -> Result<(String, String), Refusal> {
    let value = asked.text("value")?.unwrap_or_default();
    Ok((asked.needed("key")?.to_owned(), value.to_owned()))
}

fn point(asked: &Asked, now: Timestamp) -> Result<MetricPoint, Refusal> {
    let key = asked.needed("key")?.to_owned();
    check_key("metric", &key)?;
    Ok(MetricPoint {
        value: asked.number("value")?.ok_or_else(|| lacks("value"))?,
        timestamp: match asked.integer("timestamp")? {
            Some(at) => instant("timestamp", at)?,
            None => now,
        },
        step: asked.integer("step")?.unwrap_or(0),
        key,
    })
}

fn checked(
    what: &str,
    (key, value): (String, String),
    len_max: usize,
) -> Result<(String, String), Refusal> {
    check_key(what, &key)?;
    let len = value.chars().count();
    if len > len_max {
        return Err(Refusal::invalid(format!(
            "{what} '{key}' has a value of {len} characters; {len_max} at most"
        )));
    }
    Ok((key, value))
}

/// A key may be the name of a file, as MLflow has it.
fn check_key(what: &str, key: &str) -> Result<(), Refusal> {
    let is_taken = |c: char| c.is_alphanumeric() || "_-. :/".contains(c);
    let climbs = key.starts_with('/') || key.split('/').any(|part| part == ".." || part == ".");
    if key.chars().count() > KEY_LEN_MAX || !key.chars().all(is_taken) || climbs {
        return Err(Refusal::invalid(format!(
            "Invalid {what} name: '{key}'. Names may only contain alphanumerics, underscores (_), \
             dashes (-), periods (.), spaces ( ), colons (:) and slashes (/), {KEY_LEN_MAX} \
             characters at most."
        )));
    }
    Ok(())
}

fn at_most(what: &str, len: usize, max: usize) -> Result<(), Refusal> {
    match len > max {
        false => Ok(()),
        true => Err(Refusal::invalid(format!(
            "A batch logging request can contain at most {max} {what}. Got {len} {what}."
        ))),
    }
}

fn of_run(run: Run) -> Value {
    let pairs = |all: &[(String, String)]| {
        let pair = |(key, value): &(String, String)| json!({"key": key, "value": value});
        Value::Array(all.iter().map(pair).collect())
    };
    let metrics: Vec<Value> = run.metrics.iter().map(metric).collect();
    let data = [
        ("metrics".to_owned(), metrics.into()),
        ("params".to_owned(), pairs(&run.params)),
        ("tags".to_owned(), pairs(&run.tags)),
    ];
    json!({
        "info": info(&run),
        "data": without_empty(data.into_iter().collect()),
        "inputs": {},
        "outputs": {},
    })
}

fn info(run: &Run) -> Value {
    let fields = [
        ("run_id", json!(run.run_id)),
        ("run_uuid", json!(run.run_id)),
        ("run_name", json!(run.run_name)),
        ("experiment_id", json!(run.experiment_id)),
        ("user_id", json!(run.user_id)),
        ("status", json!(run.status)),
        ("start_time", millis(run.start_time)),
        ("end_time", run.end_time.map_or(Value::Null, millis)),
        ("artifact_uri", json!(run.artifact_uri)),
        ("lifecycle_stage", json!(run.lifecycle_stage)),
    ];
    without_empty(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn metric(point: &MetricPoint) -> Value {
    json!({
        "key": point.key,
        "value": number(point.value),
        "timestamp": millis(point.timestamp),
        "step": point.step,
    })
}
