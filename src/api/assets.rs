//! Assets as Airflow's REST API v2 has them: for programs that tell of changes (a webhook), and
//! for clients that were made for Airflow.
//!
//! | request | answer |
//! |---|---|
//! | `GET /api/v2/assets` | `AssetCollectionResponse`; `limit`, `offset` |
//! | `GET /api/v2/assets/events` | `AssetEventCollectionResponse`, newest last unless `order_by=-timestamp`; `limit`, `offset`, `asset_id` |
//! | `POST /api/v2/assets/events` | `CreateAssetEventsBody` to `AssetEventResponse` |
//!
//! Beside `asset_id` the body may name the asset: `name`, or `uri`, which may be one of many that
//! the asset's pattern has. An asset's id is a digest of its name: it needs no table, and is the
//! same on every deck.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::api::control::{Shared, refuse};
use crate::dag::partition;
use crate::dag::schedule::matches_pattern;
use crate::types::ask::{Answer, Request};
use crate::types::asset::{AssetEvent, AssetEventSource};
use crate::types::freshness::{AssetEventView, StartedRun};
use crate::types::view::AssetView;
use crate::types::{AssetName, Fault, Timestamp};
use crate::web::fault::status;

/// Entries of a page, as Airflow's.
const LIMIT: u32 = 50;
const LIMIT_MAX: u32 = 100;

/// How many of the last events are looked through for the one that was just made.
const LAST: u32 = 20;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    limit: Option<u32>,
    offset: Option<u32>,
    order_by: Option<String>,
    asset_id: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateAssetEventsBody {
    asset_id: Option<i64>,
    name: Option<String>,
    uri: Option<String>,
    partition_key: Option<String>,
    #[serde(default)]
    extra: Map<String, Value>,
    /// Of teams, which there are none of here.
    access_control: Option<Value>,
}

pub(crate) async fn list(
    State(shared): State<Shared>,
    page: Result<Query<Page>, QueryRejection>,
) -> Response {
    let page = match page {
        Ok(Query(page)) => page,
        Err(rejection) => return unprocessable("query", &rejection.body_text()),
    };
    match assets(&shared).await {
        Ok(assets) => {
            let total = assets.len();
            let shown: Vec<Value> = page.of(assets.iter()).map(asset).collect();
            Json(json!({"assets": shown, "total_entries": total})).into_response()
        }
        Err(fault) => refuse_with(&fault),
    }
}

pub(crate) async fn events(
    State(shared): State<Shared>,
    page: Result<Query<Page>, QueryRejection>,
) -> Response {
    let page = match page {
        Ok(Query(page)) => page,
        Err(rejection) => return unprocessable("query", &rejection.body_text()),
    };
    match page_of_events(&shared, &page).await {
        Ok(answer) => Json(answer).into_response(),
        Err(fault) => refuse_with(&fault),
    }
}

pub(crate) async fn create(
    State(shared): State<Shared>,
    body: Result<Json<CreateAssetEventsBody>, JsonRejection>,
) -> Response {
    let body = match body {
        Ok(Json(body)) => body,
        Err(rejection) if rejection.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            return unprocessable("body", &rejection.body_text());
        }
        Err(rejection) => return refuse(rejection.status(), &rejection.body_text()),
    };
    if let Some(problem) = body.partition_key.as_deref().and_then(partition::key_problem) {
        return unprocessable("partition_key", &problem);
    }
    if body.access_control.as_ref().is_some_and(|access| !access.is_null()) {
        return unprocessable("access_control", "there are no teams here");
    }
    // On a task of its own: a client that hangs up stops nothing half-way.
    let made = tokio::spawn(async move { make(&shared, body).await }).await;
    match made.unwrap_or_else(|error| Err(Fault::internal(&error))) {
        Ok(event) => Json(event).into_response(),
        Err(fault) => refuse_with(&fault),
    }
}

async fn make(shared: &Shared, body: CreateAssetEventsBody) -> Result<Value, Fault> {
    let assets = assets(shared).await?;
    let found = named(&assets, &body)?;
    let (name, group) = (found.name.clone(), found.group.clone());
    let mut extra = body.extra;
    extra.insert("from_rest_api".to_owned(), Value::Bool(true));
    let request = Request::EmitAsset {
        name: name.clone(),
        uri: body.uri,
        extra,
        partition_key: body.partition_key,
        from_api: true,
    };
    let Answer::AssetEvent(made) = shared.control.ask(request).await? else {
        return Err(Fault::conflict("the change was known already"));
    };
    let list = Request::ListAssetEvents { asset: Some(name), limit: LAST };
    let last = match shared.control.ask(list).await? {
        Answer::AssetEvents(last) => last.into_iter().find(|view| view.event.id == made.id),
        _ => None,
    };
    let started_runs = last.map(|view| view.started_runs).unwrap_or_default();
    Ok(event(&AssetEventView { event: *made, started_runs }, &group))
}

/// Finds the asset that a body means.
fn named<'a>(
    assets: &'a [AssetView],
    body: &CreateAssetEventsBody,
) -> Result<&'a AssetView, Fault> {
    let of_uri = |asset: &&AssetView, uri: &str| {
        asset.uri == uri || matches_pattern(&partition::glob(&asset.uri), uri)
    };
    let (found, what) = match body {
        CreateAssetEventsBody { asset_id: Some(id), .. } => {
            (assets.iter().find(|asset| asset_id(&asset.name) == *id), format!("ID: `{id}`"))
        }
        CreateAssetEventsBody { name: Some(name), .. } => {
            (assets.iter().find(|asset| asset.name.as_str() == name), format!("name: `{name}`"))
        }
        CreateAssetEventsBody { uri: Some(uri), .. } => {
            let exact = assets.iter().find(|asset| asset.uri == *uri);
            (exact.or_else(|| assets.iter().find(|a| of_uri(a, uri))), format!("uri: `{uri}`"))
        }
        _ => return Err(Fault::invalid("say which asset changed: `asset_id`, `name` or `uri`")),
    };
    found.ok_or_else(|| Fault::not_found(format!("Asset with {what} was not found")))
}

async fn assets(shared: &Shared) -> Result<Vec<AssetView>, Fault> {
    match shared.control.ask(Request::ListAssets).await? {
        Answer::Assets(assets) => Ok(assets),
        _ => Ok(Vec::new()),
    }
}

async fn page_of_events(shared: &Shared, page: &Page) -> Result<Value, Fault> {
    let is_newest_first = match page.order_by.as_deref() {
        None | Some("timestamp") => false,
        Some("-timestamp") => true,
        Some(other) => {
            let text = format!("events are not ordered by `{other}`, only by `timestamp`");
            return Err(Fault::invalid(text));
        }
    };
    let assets = assets(shared).await?;
    let wanted = match page.asset_id {
        None => None,
        Some(id) => match assets.iter().find(|asset| asset_id(&asset.name) == id) {
            Some(asset) => Some(asset),
            None => return Ok(json!({"asset_events": [], "total_entries": 0})),
        },
    };
    let counted = assets.iter().filter(|a| wanted.is_none_or(|wanted| wanted.name == a.name));
    let total: u64 = counted.map(|asset| asset.event_count).sum();
    // The store gives the newest first; of the oldest first the end of the list is asked for.
    let (limit, offset) = (u64::from(page.limit()), u64::from(page.offset.unwrap_or(0)));
    let skipped = match is_newest_first {
        true => offset,
        false => total.saturating_sub(offset + limit),
    };
    let shown = match is_newest_first {
        true => limit,
        false => limit.min(total.saturating_sub(offset)),
    };
    let request = Request::ListAssetEvents {
        asset: wanted.map(|asset| asset.name.clone()),
        limit: u32::try_from(skipped + shown).unwrap_or(u32::MAX),
    };
    let Answer::AssetEvents(found) = shared.control.ask(request).await? else {
        return Ok(json!({"asset_events": [], "total_entries": 0}));
    };
    let group = |name: &AssetName| {
        let asset = assets.iter().find(|asset| asset.name == *name);
        asset.map_or("asset", |asset| asset.group.as_str())
    };
    let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
    let mut rows: Vec<Value> =
        found.iter().skip(skipped).map(|view| event(view, group(&view.event.name))).collect();
    if !is_newest_first {
        rows.reverse();
    }
    Ok(json!({"asset_events": rows, "total_entries": total}))
}

impl Page {
    fn limit(&self) -> u32 {
        self.limit.unwrap_or(LIMIT).min(LIMIT_MAX)
    }

    fn of<I: Iterator>(&self, all: I) -> impl Iterator<Item = I::Item> + use<I> {
        let of = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        all.skip(of(self.offset.unwrap_or(0))).take(of(self.limit()))
    }
}

/// An `AssetResponse`. When an asset was first declared nobody keeps: its last event stands there.
fn asset(asset: &AssetView) -> Value {
    let at = asset.last_event.as_ref().map_or(Timestamp::UNIX_EPOCH, |event| event.timestamp);
    let tasks = |list: &[(crate::types::DagId, crate::types::TaskId)]| {
        let of = |(dag_id, task_id): &(_, _)| json!({"dag_id": dag_id, "task_id": task_id, "created_at": at, "updated_at": at});
        list.iter().map(of).collect::<Vec<_>>()
    };
    let dags = asset.scheduled_dags.iter();
    let last = asset.last_event.as_ref();
    json!({
        "id": asset_id(&asset.name),
        "name": asset.name,
        "uri": asset.uri,
        "group": asset.group,
        "extra": {},
        "created_at": at,
        "updated_at": at,
        "scheduled_dags": dags
            .map(|dag_id| json!({"dag_id": dag_id, "created_at": at, "updated_at": at}))
            .collect::<Vec<_>>(),
        "producing_tasks": tasks(&asset.producing_tasks),
        "consuming_tasks": tasks(&asset.consuming_tasks),
        "aliases": [],
        "watchers": [],
        "last_asset_event": last.map(|event| json!({"id": event.id, "timestamp": event.timestamp})),
    })
}

/// An `AssetEventResponse`; `kind` is ours.
fn event(view: &AssetEventView, group: &str) -> Value {
    let AssetEvent { id, name, uri, timestamp, extra, partition_key, .. } = &view.event;
    let task = match &view.event.source {
        AssetEventSource::Task(key) => Some(key),
        _ => None,
    };
    // Airflow's runs here have begun: those that wait have no `start_date`, which clients need.
    let begun = view.started_runs.iter().filter(|run| run.start_date.is_some());
    json!({
        "id": id,
        "asset_id": asset_id(name),
        "uri": uri,
        "name": name,
        "group": group,
        "extra": extra,
        "source_task_id": task.map(|key| &key.task_id),
        "source_dag_id": task.map(|key| &key.dag_id),
        "source_run_id": task.map(|key| &key.dag_run_id),
        "source_map_index": task.map_or(-1, |key| key.map_index),
        "created_dagruns": begun.map(run).collect::<Vec<_>>(),
        "timestamp": timestamp,
        "partition_key": partition_key,
        "kind": view.event.kind,
    })
}

fn run(run: &StartedRun) -> Value {
    json!({
        "run_id": run.dag_run_id,
        "dag_id": run.dag_id,
        "logical_date": null,
        "start_date": run.start_date,
        "end_date": run.end_date,
        "state": run.state,
        "data_interval_start": null,
        "data_interval_end": null,
        "partition_key": run.partition_key,
        "triggering": run.is_triggering,
    })
}

/// Returns the number by which Airflow's clients know an asset: FNV-1a of its name, cut to what a
/// JSON number holds.
fn asset_id(name: &AssetName) -> i64 {
    let digest = name.as_str().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |digest, byte| {
        (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    i64::try_from(digest >> 11).unwrap_or(0)
}

fn unprocessable(at: &str, message: &str) -> Response {
    let detail = json!([{"type": "value_error", "loc": [at], "msg": message, "input": null}]);
    (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({"detail": detail}))).into_response()
}

fn refuse_with(fault: &Fault) -> Response {
    refuse(status(fault.kind), &fault.message)
}

#[cfg(test)]
pub(in crate::api) mod tests;
