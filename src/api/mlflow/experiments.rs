//! `experiments/*`.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::api::control::Shared;
use crate::api::mlflow::wire::{Asked, Code, Refusal, millis, without_empty};
use crate::tracking::experiment::record::{self, Experiment};

type Answer = Result<Json<Value>, Refusal>;

pub(super) async fn create(State(shared): State<Shared>, asked: Asked) -> Answer {
    let name = asked.needed("name")?.to_owned();
    let location = asked.text("artifact_location")?.map(str::to_owned);
    let tags = asked.pairs("tags")?;
    let tracker = shared.control.tracker();
    let now = tracker.now();
    let make = move |store: &_| record::create(store, &name, location.as_deref(), &tags, now);
    let id = tracker.write(make).await?;
    Ok(Json(json!({"experiment_id": id})))
}

pub(super) async fn get(State(shared): State<Shared>, asked: Asked) -> Answer {
    let id = asked.needed("experiment_id")?.to_owned();
    let found = shared.control.tracker().read(move |store| record::get(store, &id)).await?;
    Ok(Json(json!({"experiment": experiment(found)})))
}

pub(super) async fn get_by_name(State(shared): State<Shared>, asked: Asked) -> Answer {
    let name = asked.needed("experiment_name")?.to_owned();
    let wanted = name.clone();
    let tracker = shared.control.tracker();
    match tracker.read(move |store| record::by_name(store, &wanted)).await? {
        Some(found) => Ok(Json(json!({"experiment": experiment(found)}))),
        None => {
            let text = format!("Could not find experiment with name '{name}'");
            Err(Refusal::new(Code::ResourceDoesNotExist, text))
        }
    }
}

pub(super) async fn update(State(shared): State<Shared>, asked: Asked) -> Answer {
    let id = asked.needed("experiment_id")?.to_owned();
    let name = asked.needed("new_name")?.to_owned();
    let tracker = shared.control.tracker();
    let now = tracker.now();
    tracker.write(move |store| record::rename(store, &id, &name, now)).await?;
    Ok(Json(json!({})))
}

pub(super) async fn delete(State(shared): State<Shared>, asked: Asked) -> Answer {
    let id = asked.needed("experiment_id")?.to_owned();
    let tracker = shared.control.tracker();
    let now = tracker.now();
    tracker.write(move |store| record::delete(store, &id, now)).await?;
    Ok(Json(json!({})))
}

pub(super) async fn restore(State(shared): State<Shared>, asked: Asked) -> Answer {
    let id = asked.needed("experiment_id")?.to_owned();
    let tracker = shared.control.tracker();
    let now = tracker.now();
    tracker.write(move |store| record::restore(store, &id, now)).await?;
    Ok(Json(json!({})))
}

pub(super) async fn set_tag(State(shared): State<Shared>, asked: Asked) -> Answer {
    let id = asked.needed("experiment_id")?.to_owned();
    let key = asked.needed("key")?.to_owned();
    let value = asked.text("value")?.unwrap_or_default().to_owned();
    let tracker = shared.control.tracker();
    tracker.write(move |store| record::set_tag(store, &id, &key, &value)).await?;
    Ok(Json(json!({})))
}

pub(super) async fn delete_tag(State(shared): State<Shared>, asked: Asked) -> Answer {
    let (id, key) = (asked.needed("experiment_id")?.to_owned(), asked.needed("key")?.to_owned());
    let tracker = shared.control.tracker();
    tracker.write(move |store| record::delete_tag(store, &id, &key)).await?;
    Ok(Json(json!({})))
}

fn experiment(of: Experiment) -> Value {
    let tags: Vec<Value> =
        of.tags.into_iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
    let fields = [
        ("experiment_id", of.experiment_id.into()),
        ("name", of.name.into()),
        ("artifact_location", of.artifact_location.into()),
        ("lifecycle_stage", of.lifecycle_stage.into()),
        ("creation_time", of.creation_time.map_or(Value::Null, millis)),
        ("last_update_time", of.last_update_time.map_or(Value::Null, millis)),
        ("tags", tags.into()),
    ];
    without_empty(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}
