//! `webhooks` and what lies below it. A script's pass does not open them: a webhook outlives its attempt.
//! Secrets go in and never come out.

use std::collections::BTreeSet;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde_json::{Value, json};

use crate::api::control::Shared;
use crate::api::mlflow::wire::{Asked, Code, Page, Refusal, lacks, millis};
use crate::runtime::{Pass, webhook as sender};
use crate::tracking::webhook::{self, Happening, Webhook, Wish};

type Answer = Result<Json<Value>, Refusal>;

/// Webhooks of a page.
const WEBHOOKS: u32 = 100;
const WEBHOOKS_MAX: u32 = 1_000;

/// As MLflow limits a name.
const NAME_LEN_MAX: usize = 63;

/// Of what a webhook answers when it is tried, so much is told.
const ANSWER_LEN_MAX: usize = 1_000;

/// The bearer of a pass.
pub(super) type By = Option<Extension<Pass>>;

fn check_bearer(by: &By) -> Result<(), Refusal> {
    match by {
        None => Ok(()),
        Some(_) => Err(Refusal::new(
            Code::PermissionDenied,
            "webhooks are made with the deck's token, not with the pass of an attempt",
        )),
    }
}

pub(super) async fn create(State(shared): State<Shared>, by: By, asked: Asked) -> Answer {
    check_bearer(&by)?;
    let mut wish = wish(&asked)?;
    wish.name = Some(asked.needed("name")?.to_owned());
    wish.url = Some(asked.needed("url")?.to_owned());
    if wish.events.is_none() {
        return Err(lacks("events"));
    }
    check(&wish)?;
    let tracker = shared.control.tracker();
    let now = tracker.now();
    answer(&tracker.commit(move |tx| webhook::create(tx, wish, now)).await?)
}

pub(super) async fn list(State(shared): State<Shared>, by: By, asked: Asked) -> Answer {
    check_bearer(&by)?;
    let page = Page::read(&asked, WEBHOOKS, WEBHOOKS_MAX)?;
    let (limit, offset) = (page.limit, page.offset);
    let look = move |conn: &rusqlite::Connection| webhook::list(conn, (limit + 1, offset));
    let found = shared.control.tracker().look(look).await?;
    Ok(Json(page.answer("webhooks", found.iter().map(shown).collect())))
}

pub(super) async fn get(State(shared): State<Shared>, by: By, Path(id): Path<String>) -> Answer {
    check_bearer(&by)?;
    answer(&shared.control.tracker().look(move |conn| webhook::of(conn, &id)).await?)
}

pub(super) async fn update(
    State(shared): State<Shared>,
    by: By,
    Path(id): Path<String>,
    asked: Asked,
) -> Answer {
    check_bearer(&by)?;
    let wish = wish(&asked)?;
    let tracker = shared.control.tracker();
    // One that is not there is told before what is wrong with the change.
    let own = id.clone();
    tracker.look(move |conn| webhook::of(conn, &own)).await?;
    check(&wish)?;
    let now = tracker.now();
    answer(&tracker.commit(move |tx| webhook::update(tx, &id, wish, now)).await?)
}

pub(super) async fn delete(State(shared): State<Shared>, by: By, Path(id): Path<String>) -> Answer {
    check_bearer(&by)?;
    shared.control.tracker().commit(move |tx| webhook::delete(tx, &id)).await?;
    Ok(Json(json!({})))
}

/// Tells a webhook of an example, and says what it answered.
pub(super) async fn test(
    State(shared): State<Shared>,
    by: By,
    Path(id): Path<String>,
    asked: Asked,
) -> Answer {
    check_bearer(&by)?;
    let tracker = shared.control.tracker();
    let found = tracker.look(move |conn| webhook::of(conn, &id)).await?;
    let wanted = asked.object("event")?.map(|event| self::event(&event)).transpose()?;
    let name = wanted.or_else(|| found.events.first().cloned()).unwrap_or_default();
    let what = Happening::ALL.into_iter().find(|what| what.name() == name);
    let what = what.unwrap_or(Happening::ModelCreated);
    let body = what.body(&what.example(), tracker.now());
    let result = match sender::send(&found, &body, tracker.clock()).await {
        Ok(answer) => json!({
            "success": answer.status < 400,
            "response_status": answer.status,
            "response_body": String::from_utf8_lossy(&answer.body)
                .chars().take(ANSWER_LEN_MAX).collect::<String>(),
        }),
        Err(error) => {
            json!({"success": false, "error_message": format!("Failed to test webhook: {error}")})
        }
    };
    Ok(Json(json!({"result": result})))
}

fn wish(asked: &Asked) -> Result<Wish, Refusal> {
    let filled = |name: &str| -> Result<Option<String>, Refusal> {
        Ok(asked.text(name)?.filter(|text| !text.is_empty()).map(str::to_owned))
    };
    let events = asked.objects("events")?.iter().map(event).collect::<Result<Vec<_>, _>>();
    // Once each, in MLflow's order: the first is what a webhook is tried with.
    let events: BTreeSet<String> = events?.into_iter().collect();
    let events: Vec<String> = events.into_iter().collect();
    Ok(Wish {
        name: filled("name")?,
        url: filled("url")?,
        events: Some(events).filter(|events| !events.is_empty()),
        description: asked.text("description")?.map(str::to_owned),
        status: filled("status")?,
        secret: asked.text("secret")?.map(str::to_owned),
    })
}

/// Reads `{"entity": "MODEL_VERSION", "action": "CREATED"}`.
fn event(asked: &Asked) -> Result<String, Refusal> {
    let entity = asked.needed("entity")?.to_lowercase();
    let action = asked.needed("action")?.to_lowercase();
    let of_entity: Vec<&str> = Happening::ALL
        .iter()
        .map(|what| what.words())
        .filter(|(known, _)| *known == entity)
        .map(|(_, action)| action)
        .collect();
    if of_entity.contains(&action.as_str()) {
        return Ok(format!("{entity}.{action}"));
    }
    let text = match of_entity.is_empty() {
        true => format!("There are no events of '{entity}' here"),
        false => {
            let valid: Vec<String> = of_entity.iter().map(|action| format!("'{action}'")).collect();
            format!(
                "Invalid action '{action}' for entity '{entity}'. Valid actions are: [{}]",
                valid.join(", ")
            )
        }
    };
    Err(Refusal::invalid(text))
}

fn check(wish: &Wish) -> Result<(), Refusal> {
    if let Some(name) = &wish.name {
        let bytes = name.as_bytes();
        let is_end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
        let is_good = bytes.len() <= NAME_LEN_MAX && is_end(bytes.first()) && is_end(bytes.last());
        if !is_good || !bytes.iter().all(fits) {
            return Err(Refusal::invalid(format!(
                "Webhook name '{name}' is invalid. It must start and end with a letter or digit, \
                 be less than 63 characters long, and contain only letters, digits, dots (.), \
                 underscores (_), and hyphens (-)."
            )));
        }
    }
    if let Some(url) = &wish.url {
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        if !["http", "https"].contains(&scheme) {
            return Err(Refusal::invalid(format!(
                "Invalid webhook URL scheme: '{scheme}'. Allowed schemes are: http, https."
            )));
        }
        let has_host = url.parse::<axum::http::Uri>().is_ok_and(|uri| uri.host().is_some());
        if !has_host {
            return Err(Refusal::invalid(format!("Webhook URL must include a hostname: '{url}'")));
        }
    }
    match wish.status.as_deref() {
        None | Some("ACTIVE" | "DISABLED") => Ok(()),
        Some(other) => Err(Refusal::invalid(format!("there is no status '{other}'"))),
    }
}

fn answer(one: &Webhook) -> Answer {
    Ok(Json(json!({"webhook": shown(one)})))
}

fn shown(one: &Webhook) -> Value {
    let events = one.events.iter().filter_map(|event| event.split_once('.'));
    let events: Vec<Value> = events
        .map(|(entity, action)| {
            json!({"entity": entity.to_uppercase(), "action": action.to_uppercase()})
        })
        .collect();
    let mut shown = json!({
        "webhook_id": one.webhook_id, "name": one.name, "url": one.url, "events": events,
        "status": one.status,
        "creation_timestamp": millis(one.creation_timestamp),
        "last_updated_timestamp": millis(one.last_updated_timestamp),
    });
    if let Some(text) = &one.description {
        shown["description"] = json!(text);
    }
    shown
}
