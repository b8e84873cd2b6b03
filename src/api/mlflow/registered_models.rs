//! `registered-models/*`.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::api::control::Shared;
use crate::api::mlflow::model_versions::{self, version_number};
use crate::api::mlflow::wire::{Asked, Page, Refusal, millis, without_empty};
use crate::tracking::registry::record::{self, RegisteredModel};
use crate::tracking::registry::{search, version};
use crate::tracking::search::{LifecycleStage, Wanted};

type Answer = Result<Json<Value>, Refusal>;

/// Models of a page.
const MODELS: u32 = 100;
const MODELS_MAX: u32 = 1_000;

/// MLflow's limits to a tag of a model or a version.
const KEY_LEN_MAX: usize = 250;
const VALUE_LEN_MAX: usize = 100_000;

pub(super) async fn create(State(shared): State<Shared>, asked: Asked) -> Answer {
    let name = name(&asked)?;
    let description = asked.text("description")?.map(str::to_owned);
    let tags = tags(&asked)?;
    let tracker = shared.control.tracker();
    let now = tracker.now();
    answer(
        tracker
            .commit(move |tx| record::create(tx, &name, description.as_deref(), &tags, now))
            .await?,
    )
}

pub(super) async fn get(State(shared): State<Shared>, asked: Asked) -> Answer {
    let name = name(&asked)?;
    answer(shared.control.tracker().look(move |conn| record::of(conn, &name)).await?)
}

pub(super) async fn update(State(shared): State<Shared>, asked: Asked) -> Answer {
    let name = name(&asked)?;
    let description = asked.text("description")?.map(str::to_owned);
    let tracker = shared.control.tracker();
    let now = tracker.now();
    answer(
        tracker.commit(move |tx| record::describe(tx, &name, description.as_deref(), now)).await?,
    )
}

pub(super) async fn rename(State(shared): State<Shared>, asked: Asked) -> Answer {
    let (name, new_name) = (name(&asked)?, asked.needed("new_name")?.to_owned());
    let tracker = shared.control.tracker();
    let now = tracker.now();
    answer(tracker.commit(move |tx| record::rename(tx, &name, &new_name, now)).await?)
}

pub(super) async fn delete(State(shared): State<Shared>, asked: Asked) -> Answer {
    let name = name(&asked)?;
    shared.control.tracker().commit(move |tx| record::delete(tx, &name)).await?;
    Ok(Json(json!({})))
}

pub(super) async fn search(State(shared): State<Shared>, asked: Asked) -> Answer {
    let page = Page::read(&asked, MODELS, MODELS_MAX)?;
    let wanted = wanted(&asked, page)?;
    let found = shared.control.tracker().look(move |conn| search::models(conn, &wanted)).await?;
    Ok(Json(page.answer("registered_models", found.into_iter().map(registered_model).collect())))
}

pub(super) async fn latest_versions(State(shared): State<Shared>, asked: Asked) -> Answer {
    let (name, stages) = (name(&asked)?, asked.texts("stages")?);
    let versions =
        shared.control.tracker().look(move |conn| version::latest_in(conn, &name, &stages)).await?;
    let versions: Vec<Value> = versions.into_iter().map(model_versions::model_version).collect();
    Ok(Json(fields([("model_versions", versions.into())])))
}

pub(super) async fn set_tag(State(shared): State<Shared>, asked: Asked) -> Answer {
    let (name, (key, value)) = (name(&asked)?, tag(&asked)?);
    shared.control.tracker().commit(move |tx| record::set_tag(tx, &name, &key, &value)).await?;
    Ok(Json(json!({})))
}

pub(super) async fn delete_tag(State(shared): State<Shared>, asked: Asked) -> Answer {
    let (name, key) = (name(&asked)?, asked.needed("key")?.to_owned());
    shared.control.tracker().commit(move |tx| record::delete_tag(tx, &name, &key)).await?;
    Ok(Json(json!({})))
}

/// Points an alias at a version: a promotion like any other.
pub(super) async fn set_alias(State(shared): State<Shared>, asked: Asked) -> Answer {
    let (name, alias) = (name(&asked)?, alias(&asked)?);
    let version = version_number(&asked)?;
    shared.control.tracker().promote(name, alias, version).await?;
    Ok(Json(json!({})))
}

pub(super) async fn delete_alias(State(shared): State<Shared>, asked: Asked) -> Answer {
    let (name, alias) = (name(&asked)?, alias(&asked)?);
    let tracker = shared.control.tracker();
    let (user, now) = (tracker.user(), tracker.now());
    tracker.commit(move |tx| version::delete_alias(tx, (&name, &alias), &user, now)).await?;
    Ok(Json(json!({})))
}

pub(super) async fn by_alias(State(shared): State<Shared>, asked: Asked) -> Answer {
    let (name, alias) = (name(&asked)?, alias(&asked)?);
    model_versions::answer(
        shared.control.tracker().look(move |conn| version::by_alias(conn, &name, &alias)).await?,
    )
}

pub(super) fn name(asked: &Asked) -> Result<String, Refusal> {
    asked.needed("name").map(str::to_owned)
}

/// An alias as MLflow takes it: words that cannot be taken for a version.
fn alias(asked: &Asked) -> Result<String, Refusal> {
    let alias = asked.needed("alias")?;
    let is_plain = alias.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if !is_plain {
        return Err(Refusal::invalid(format!(
            "Invalid alias name: '{alias}'. Names may only contain alphanumerics, underscores \
             (_), and dashes (-)."
        )));
    }
    if alias.eq_ignore_ascii_case("latest") {
        return Err(Refusal::invalid("'latest' alias name (case insensitive) is reserved."));
    }
    let digits = alias.strip_prefix(['v', 'V']).unwrap_or_default();
    if !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()) {
        return Err(Refusal::invalid(format!("Version alias name '{alias}' is reserved.")));
    }
    Ok(alias.to_owned())
}

/// A tag that is to be set: `key` and `value`.
pub(super) fn tag(asked: &Asked) -> Result<(String, String), Refusal> {
    let value = asked.text("value")?.unwrap_or_default();
    checked(asked.needed("key")?.to_owned(), value.to_owned())
}

/// The tags that come with what is made; of a key that is there twice the last one counts.
pub(super) fn tags(asked: &Asked) -> Result<Vec<(String, String)>, Refusal> {
    asked.pairs("tags")?.into_iter().map(|(key, value)| checked(key, value)).collect()
}

fn checked(key: String, value: String) -> Result<(String, String), Refusal> {
    for (what, text, max) in [("key", &key, KEY_LEN_MAX), ("value", &value, VALUE_LEN_MAX)] {
        let len = text.chars().count();
        if len > max {
            return Err(Refusal::invalid(format!(
                "The {what} of a tag has {len} characters; {max} at most"
            )));
        }
    }
    Ok((key, value))
}

/// What a search of models or versions looks for.
pub(super) fn wanted(asked: &Asked, page: Page) -> Result<Wanted, Refusal> {
    Ok(Wanted {
        filter: asked.text("filter")?.unwrap_or_default().to_owned(),
        order_by: asked.texts("order_by")?,
        stage: LifecycleStage::Active,
        limit: page.limit,
        offset: page.offset,
    })
}

/// An object without what is empty.
pub(super) fn fields<const N: usize>(fields: [(&str, Value); N]) -> Value {
    without_empty(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

pub(super) fn key_values(tags: Vec<(String, String)>) -> Value {
    let pair = |(key, value)| json!({"key": key, "value": value});
    Value::Array(tags.into_iter().map(pair).collect())
}

fn answer(model: RegisteredModel) -> Answer {
    Ok(Json(json!({"registered_model": registered_model(model)})))
}

fn registered_model(model: RegisteredModel) -> Value {
    let alias =
        |(alias, version): (String, u32)| json!({"alias": alias, "version": version.to_string()});
    let aliases: Vec<Value> = model.aliases.into_iter().map(alias).collect();
    let latest: Vec<Value> =
        model.latest_versions.into_iter().map(model_versions::model_version).collect();
    fields([
        ("name", model.name.into()),
        ("creation_timestamp", millis(model.creation_timestamp)),
        ("last_updated_timestamp", millis(model.last_updated_timestamp)),
        ("description", json!(model.description)),
        ("latest_versions", latest.into()),
        ("tags", key_values(model.tags)),
        ("aliases", aliases.into()),
    ])
}
