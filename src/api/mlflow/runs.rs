//! `runs/*` but what they log: made, changed, deleted, restored, found.

use axum::extract::State;
use axum::{Extension, Json};
use serde_json::{Value, json};

use crate::api::control::Shared;
use crate::api::mlflow::wire::{
    Asked, Page, Refusal, instant, lacks, millis, pairs, stage, without_empty,
};
use crate::api::mlflow::{check, metrics};
use crate::runtime::Pass;
use crate::tracking::run::record::{self, RUN_NAME, Run, RunUpdate};
use crate::tracking::run::{self, NewRun, attempt};
use crate::tracking::search::{self, Wanted};
use crate::types::TrackingRunId;

type Answer = Result<Json<Value>, Refusal>;

/// Runs of a page.
const PAGE: u32 = 1_000;
const PAGE_MAX: u32 = 50_000;

/// The states of MLflow's runs, by their numbers.
const STATUSES: [&str; 5] = ["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"];

pub(super) async fn create(
    State(shared): State<Shared>,
    by: Option<Extension<Pass>>,
    asked: Asked,
) -> Answer {
    let tracker = shared.control.tracker();
    let tags = asked.pairs("tags")?;
    let named = asked.text("run_name")?.filter(|name| !name.is_empty());
    let tagged = tags.iter().find(|(key, _)| key == RUN_NAME).map(|(_, name)| name.as_str());
    if let (Some(named), Some(tagged)) = (named, tagged)
        && named != tagged
    {
        return Err(Refusal::invalid(format!(
            "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different \
             values (run_name='{named}', mlflow.runName='{tagged}')."
        )));
    }
    let experiment_id = asked.text("experiment_id")?.filter(|id| !id.is_empty());
    let new = NewRun {
        experiment_id: experiment_id.unwrap_or("0").to_owned(),
        run_name: named.or(tagged).map_or_else(run::some_name, str::to_owned),
        user_id: asked.text("user_id")?.unwrap_or_default().to_owned(),
        start_time: instant("start_time", asked.integer("start_time")?.unwrap_or(0))?,
        tags,
        attempt_token: None,
    };
    let maker = by.map(|Extension(pass)| (pass.key, pass.token));
    let now = tracker.now();
    let made = tracker
        .commit(move |tx| {
            let made = record::create(tx, &new)?;
            let Some((key, token)) = &maker else { return Ok(made) };
            attempt::claim(tx, &made, key, token, now)?;
            record::of(tx, &made.run_id)
        })
        .await?;
    Ok(Json(json!({"run": of_run(&made)})))
}

pub(super) async fn get(State(shared): State<Shared>, asked: Asked) -> Answer {
    let run_id = run_id(&asked)?;
    let found = shared.control.tracker().look(move |conn| record::of(conn, &run_id)).await?;
    Ok(Json(json!({"run": of_run(&found)})))
}

pub(super) async fn update(State(shared): State<Shared>, asked: Asked) -> Answer {
    let run_id = run_id(&asked)?;
    let end_time = asked.integer("end_time")?;
    let change = RunUpdate {
        status: status(&asked).map(str::to_owned),
        end_time: end_time.map(|at| instant("end_time", at)).transpose()?,
        run_name: asked.text("run_name")?.filter(|name| !name.is_empty()).map(str::to_owned),
    };
    let tracker = shared.control.tracker();
    let run = tracker.commit(move |tx| record::update(tx, &run_id, &change)).await?;
    Ok(Json(json!({"run_info": info(&run)})))
}

/// A client sends the word, or its number. One that nobody knows is passed over, as protobuf does.
fn status(asked: &Asked) -> Option<&'static str> {
    match asked.value("status")? {
        Value::String(word) => STATUSES.into_iter().find(|status| status == word),
        number => STATUSES.get(usize::try_from(number.as_u64()?).ok()?.checked_sub(1)?).copied(),
    }
}

pub(super) async fn delete(State(shared): State<Shared>, asked: Asked) -> Answer {
    let run_id = run_id(&asked)?;
    let tracker = shared.control.tracker();
    let now = tracker.now();
    tracker.commit(move |tx| record::delete(tx, &run_id, now)).await?;
    Ok(Json(json!({})))
}

pub(super) async fn restore(State(shared): State<Shared>, asked: Asked) -> Answer {
    let run_id = run_id(&asked)?;
    shared.control.tracker().commit(move |tx| record::restore(tx, &run_id)).await?;
    Ok(Json(json!({})))
}

pub(super) async fn search(State(shared): State<Shared>, asked: Asked) -> Answer {
    let page = Page::read(&asked, PAGE, PAGE_MAX)?;
    let wanted = Wanted {
        filter: asked.text("filter")?.unwrap_or_default().to_owned(),
        order_by: asked.texts("order_by")?,
        stage: stage(&asked, "run_view_type")?,
        limit: page.limit,
        offset: page.offset,
    };
    let experiments = asked.texts("experiment_ids")?;
    if let Some(odd) = experiments.iter().find(|id| id.parse::<i64>().is_err()) {
        return Err(Refusal::invalid(format!(
            "Invalid experiment ID '{odd}'. Experiment ID must be a valid integer."
        )));
    }
    let tracker = shared.control.tracker();
    let runs = tracker.read(move |store| search::records(store, &experiments, &wanted)).await?;
    Ok(Json(page.answer("runs", runs.iter().map(of_run).collect())))
}

/// `run_uuid` is what it was called once.
pub(super) fn run_id(asked: &Asked) -> Result<TrackingRunId, Refusal> {
    let id = match asked.text("run_id")? {
        Some(id) if !id.is_empty() => Some(id),
        _ => asked.text("run_uuid")?.filter(|id| !id.is_empty()),
    };
    let id = id.ok_or_else(|| lacks("run_id"))?;
    check::run_id(id)?;
    Ok(TrackingRunId::new(id))
}

fn of_run(run: &Run) -> Value {
    let metrics: Vec<Value> = run.metrics.iter().map(metrics::point).collect();
    let object = |fields: Vec<(&str, Value)>| {
        without_empty(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    };
    let used = run.model_inputs.iter().map(|model| json!({"model_id": model.model_id}));
    let made = run.model_outputs.iter();
    let made = made.map(|model| json!({"model_id": model.model_id, "step": model.step}));
    json!({
        "info": info(run),
        "data": object(vec![
            ("metrics", metrics.into()),
            ("params", pairs(&run.params)),
            ("tags", pairs(&run.tags)),
        ]),
        "inputs": object(vec![
            ("dataset_inputs", run.datasets.clone().into()),
            ("model_inputs", used.collect::<Vec<_>>().into()),
        ]),
        "outputs": object(vec![("model_outputs", made.collect::<Vec<_>>().into())]),
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
