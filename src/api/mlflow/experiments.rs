//! `experiments/*`.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::api::control::Shared;
use crate::api::mlflow::check;
use crate::api::mlflow::wire::{Asked, Code, Page, Refusal, millis, pairs, stage, without_empty};
use crate::tracking::experiment::record::{self, Experiment};
use crate::tracking::search::{self, Wanted};

type Answer = Result<Json<Value>, Refusal>;

/// Experiments of a page.
const PAGE: u32 = 1_000;
const PAGE_MAX: u32 = 50_000;

pub(super) async fn create(State(shared): State<Shared>, asked: Asked) -> Answer {
    let name = asked.needed("name")?.to_owned();
    check::experiment_name(&name)?;
    let location = asked.text("artifact_location")?.filter(|location| !location.is_empty());
    let location = location.map(str::to_owned);
    let tags = asked.pairs("tags")?;
    tags.iter().try_for_each(check::experiment_tag)?;
    let tracker = shared.control.tracker();
    let now = tracker.now();
    let id = tracker
        .commit(move |tx| record::create(tx, &name, location.as_deref(), &tags, now))
        .await?;
    Ok(Json(json!({"experiment_id": id})))
}

pub(super) async fn get(State(shared): State<Shared>, asked: Asked) -> Answer {
    let id = asked.needed("experiment_id")?.to_owned();
    let found = shared.control.tracker().look(move |conn| record::get(conn, &id)).await?;
    Ok(Json(json!({"experiment": experiment(found)})))
}

pub(super) async fn get_by_name(State(shared): State<Shared>, asked: Asked) -> Answer {
    let name = asked.needed("experiment_name")?.to_owned();
    let wanted = name.clone();
    let tracker = shared.control.tracker();
    match tracker.look(move |conn| record::by_name(conn, &wanted)).await? {
        Some(found) => Ok(Json(json!({"experiment": experiment(found)}))),
        None => {
            let text = format!("Could not find experiment with name '{name}'");
            Err(Refusal::new(Code::ResourceDoesNotExist, text))
        }
    }
}

pub(super) async fn search(State(shared): State<Shared>, asked: Asked) -> Answer {
    let page = Page::read(&asked, PAGE, PAGE_MAX)?;
    let wanted = Wanted {
        filter: asked.text("filter")?.unwrap_or_default().to_owned(),
        order_by: asked.texts("order_by")?,
        stage: stage(&asked, "view_type")?,
        limit: page.limit,
        offset: page.offset,
    };
    let tracker = shared.control.tracker();
    let found = tracker.read(move |store| search::experiments(store, &wanted)).await?;
    let shown = found.into_iter().map(experiment).collect();
    Ok(Json(page.answer("experiments", shown)))
}

pub(super) async fn update(State(shared): State<Shared>, asked: Asked) -> Answer {
    let id = asked.needed("experiment_id")?.to_owned();
    let name = asked.needed("new_name")?.to_owned();
    check::experiment_name(&name)?;
    let tracker = shared.control.tracker();
    let now = tracker.now();
    tracker.commit(move |tx| record::rename(tx, &id, &name, now)).await?;
    Ok(Json(json!({})))
}

pub(super) async fn delete(State(shared): State<Shared>, asked: Asked) -> Answer {
    let id = asked.needed("experiment_id")?.to_owned();
    let tracker = shared.control.tracker();
    let now = tracker.now();
    tracker.commit(move |tx| record::delete(tx, &id, now)).await?;
    Ok(Json(json!({})))
}

pub(super) async fn restore(State(shared): State<Shared>, asked: Asked) -> Answer {
    let id = asked.needed("experiment_id")?.to_owned();
    let tracker = shared.control.tracker();
    let now = tracker.now();
    tracker.commit(move |tx| record::restore(tx, &id, now)).await?;
    Ok(Json(json!({})))
}

pub(super) async fn set_tag(State(shared): State<Shared>, asked: Asked) -> Answer {
    let id = asked.needed("experiment_id")?.to_owned();
    let tag = asked.pair()?;
    check::experiment_tag(&tag)?;
    let tracker = shared.control.tracker();
    tracker.commit(move |tx| record::set_tag(tx, &id, &tag.0, &tag.1)).await?;
    Ok(Json(json!({})))
}

pub(super) async fn delete_tag(State(shared): State<Shared>, asked: Asked) -> Answer {
    let (id, key) = (asked.needed("experiment_id")?.to_owned(), asked.needed("key")?.to_owned());
    shared.control.tracker().commit(move |tx| record::delete_tag(tx, &id, &key)).await?;
    Ok(Json(json!({})))
}

fn experiment(of: Experiment) -> Value {
    let fields = [
        ("experiment_id", of.experiment_id.into()),
        ("name", of.name.into()),
        ("artifact_location", of.artifact_location.into()),
        ("lifecycle_stage", of.lifecycle_stage.into()),
        ("creation_time", of.creation_time.map_or(Value::Null, millis)),
        ("last_update_time", of.last_update_time.map_or(Value::Null, millis)),
        ("tags", pairs(&of.tags)),
    ];
    without_empty(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}
