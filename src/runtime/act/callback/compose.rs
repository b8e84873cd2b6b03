//! From a callback's row to what is told: its templates rendered with the context of its task
//! instance or run, and what has happened.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{Refusal, compose_of_asset, compose_of_model};
use crate::connection::OpenConnection;
use crate::dag::Deck;
use crate::dag::secret::Mask;
use crate::dag::spec::ConnectionSpec;
use crate::dag::template::{self, Names};
use crate::runtime::act::context::{self, Connections, History, Sources};
use crate::runtime::act::{Shared, order, secrets};
use crate::runtime::executor::Handover;
use crate::sched::effect::Launch;
use crate::store::{asset, dag_run, task_instance};
use crate::types::asset::AssetEvent;
use crate::types::callback::{CallbackAction, CallbackRequest, CallbackSubject};
use crate::types::run::{DagRun, DagRunKey, TaskInstance};
use crate::types::{AttemptKey, LaunchToken, TaskId, TaskInstanceKey, Timestamp};

/// What is told.
pub(super) struct Composed {
    /// The action's texts, rendered, with the values of secrets.
    pub(super) args: Map<String, Value>,
    /// That the action goes through.
    pub(super) connection: Option<OpenConnection>,
    mask: Mask,
}

impl Composed {
    /// Replaces every secret by `***`.
    pub(super) fn masked(&self, text: &str) -> String {
        self.mask.hide(text)
    }
}

/// What the store knows of it.
struct Found {
    run: DagRun,
    task: Option<TaskInstance>,
    events: Vec<AssetEvent>,
}

/// Renders a callback. What cannot be rendered now cannot be later.
pub(super) async fn compose(
    shared: &Shared,
    request: &CallbackRequest,
) -> Result<Composed, Refusal> {
    let deck = shared.deck.borrow().clone();
    let (own, of_deck, now) = (request.clone(), deck.clone(), shared.clock.now());
    // Templates look things up in the store.
    let rendered = match &request.subject {
        CallbackSubject::Run(run) => {
            let found = find(shared, request, run).await?;
            let history =
                History::new(shared.store.clone(), shared.layout.clone(), found.run.clone());
            let history = Arc::new(history);
            tokio::task::spawn_blocking(move || {
                render(&of_deck, &own, |known| context(&own, found, &history, known, now))
            })
        }
        CallbackSubject::Asset { asset } => {
            let happened = compose_of_asset::find(shared, deck.clone(), asset, now).await?;
            tokio::task::spawn_blocking(move || {
                render(&of_deck, &own, |known| Ok(happened.names(&own, known, now)))
            })
        }
        CallbackSubject::Model { .. } => tokio::task::spawn_blocking(move || {
            render(&of_deck, &own, |known| Ok(compose_of_model::names(&own, known, now)))
        }),
    };
    let rendered = rendered.await.map_err(|error| Refusal::passing(format!("render: {error}")))?;
    let (mut args, variables) = rendered?;
    let spec = connection(&deck, request)?;
    let mut mask = variables.mask;
    mask.extend(spec.into_iter().flat_map(secrets::of_connection));
    let handover = Handover { secrets: variables.secrets, ..Handover::default() };
    handover.fill_args(&mut args);
    Ok(Composed { args, connection: spec.map(OpenConnection::of), mask: Mask::new(mask) })
}

/// What every template may look up, whatever it is of.
pub(super) struct Known<'a> {
    deck: &'a Deck,
    pub(super) variables: &'a secrets::Variables,
    pub(super) connections: &'a Connections,
}

fn render(
    deck: &Deck,
    request: &CallbackRequest,
    names: impl FnOnce(&Known<'_>) -> Result<Names, Refusal>,
) -> Result<(Map<String, Value>, secrets::Variables), Refusal> {
    let mut variables = secrets::Variables::new(deck);
    let connections = Connections::new(deck);
    let names = names(&Known { deck, variables: &variables, connections: &connections })?;
    let args = template::render(&arguments(request), &names);
    let args = args.map_err(|error| Refusal::fatal(error.to_string()))?;
    for text in args.values().flat_map(order::texts) {
        variables.add(connections.secrets_in(text));
    }
    Ok((args, variables))
}

async fn find(
    shared: &Shared,
    request: &CallbackRequest,
    run: &DagRunKey,
) -> Result<Found, Refusal> {
    let task = request.task_id.clone().map(|task_id| task_key(request, run, task_id));
    let key = run.clone();
    let read = move |conn: &rusqlite::Connection| {
        let Some(run) = dag_run::get(conn, &key.dag_id, &key.dag_run_id)? else { return Ok(None) };
        let task = match task {
            Some(task) => task_instance::get(conn, &task)?,
            None => None,
        };
        Ok(Some(Found { run, task, events: asset::triggering(conn, &key)? }))
    };
    let found = shared.store.read(read).await;
    let found = found.map_err(|error| Refusal::passing(format!("read the run: {error}")))?;
    found.ok_or_else(|| Refusal::fatal("the run is gone"))
}

fn task_key(request: &CallbackRequest, run: &DagRunKey, task_id: TaskId) -> TaskInstanceKey {
    TaskInstanceKey {
        dag_id: run.dag_id.clone(),
        dag_run_id: run.dag_run_id.clone(),
        task_id,
        map_index: request.map_index,
    }
}

/// The context of an attempt, and what has happened.
fn context(
    request: &CallbackRequest,
    found: Found,
    history: &Arc<History>,
    known: &Known<'_>,
    now: Timestamp,
) -> Result<Names, Refusal> {
    let (deck, run) = (known.deck, found.run.key());
    let gone = || Refusal::fatal(format!("DAG `{}` is gone from `dags.toml`", run.dag_id));
    let dag = deck.dags.get(&run.dag_id).ok_or_else(gone)?;
    let task_id = request.task_id.clone().unwrap_or_else(|| TaskId::from(""));
    let launch = Launch {
        key: AttemptKey {
            task: task_key(request, &run, task_id.clone()),
            try_number: request.try_number,
        },
        token: LaunchToken::from(""),
        dag: dag.clone(),
        task_id,
        run: found.run,
        triggering_asset_events: found.events,
    };
    let mut happened = what_happened(request, request.reason.as_deref().unwrap_or_default());
    happened.insert("exception", happened["reason"].clone());
    if request.task_id.is_some() {
        happened.insert("try_number", json!(request.try_number));
    }
    if let Some(at) = request.deadline {
        happened.insert("deadline", json!({ "deadline_time": context::iso(at) }));
    }
    Ok(context::build(&Sources {
        deck,
        dag,
        task: request.task_id.as_ref().and_then(|task_id| dag.tasks.get(task_id)),
        launch: &launch,
        history,
        variables: known.variables,
        connections: known.connections,
        given: &[],
        now,
        ti: instance(request, found.task.as_ref()),
        happened,
    }))
}

/// What callbacks of all kinds may name.
pub(super) fn what_happened(
    request: &CallbackRequest,
    reason: &str,
) -> BTreeMap<&'static str, Value> {
    BTreeMap::from([
        ("reason", json!(reason)),
        ("state", json!(request.task_or_run_state)),
        ("event", json!(request.event)),
        ("callback", json!({ "id": request.id })),
    ])
}

fn instance(
    request: &CallbackRequest,
    task: Option<&TaskInstance>,
) -> BTreeMap<&'static str, Value> {
    let mut ti = BTreeMap::from([("state", json!(request.task_or_run_state))]);
    if let Some(task) = task {
        ti.insert("operator", json!(task.operator));
        ti.insert("max_tries", json!(task.max_tries));
        ti.insert("start_date", json!(task.start_date.map(context::iso)));
        ti.insert("end_date", json!(task.end_date.map(context::iso)));
    }
    ti
}

/// The texts of an action, unrendered.
fn arguments(request: &CallbackRequest) -> Map<String, Value> {
    let args = match &request.spec.action {
        CallbackAction::Notify { message, title, .. } => match title {
            Some(title) => json!({ "message": message, "title": title }),
            None => json!({ "message": message }),
        },
        CallbackAction::Webhook { target, body } => {
            let body = body.clone().unwrap_or_else(|| happened(request));
            json!({ "target": target, "body": body })
        }
        CallbackAction::Command(line) => {
            json!({ "argv": ["/bin/sh", "-c", line], "input": happened(request) })
        }
        CallbackAction::Argv(argv) => json!({ "argv": argv, "input": happened(request) }),
    };
    match args {
        Value::Object(args) => args,
        _ => Map::new(),
    }
}

/// What a webhook is told that has no body of its own, and a command on its standard input.
fn happened(request: &CallbackRequest) -> Value {
    // A reason may hold braces: it goes through the template's value, not its text.
    let run = match &request.subject {
        CallbackSubject::Run(run) => run,
        CallbackSubject::Asset { .. } => return compose_of_asset::body(request),
        CallbackSubject::Model { .. } => return compose_of_model::body(request),
    };
    json!({
        "callback_id": request.id,
        "event": request.event,
        "dag_id": run.dag_id,
        "run_id": run.dag_run_id,
        "task_id": request.task_id,
        "map_index": request.map_index,
        "try_number": request.try_number,
        "state": request.task_or_run_state,
        "reason": request.reason.as_ref().map(|_| "{{ reason }}"),
        "deadline": request.deadline.map(context::iso),
    })
}

/// Finds the connection that an action goes through.
fn connection<'a>(
    deck: &'a Deck,
    request: &CallbackRequest,
) -> Result<Option<&'a ConnectionSpec>, Refusal> {
    let name = match &request.spec.action {
        CallbackAction::Notify { connection, .. } => connection,
        CallbackAction::Webhook { target, .. } if !target.contains("://") => target,
        CallbackAction::Webhook { .. } | CallbackAction::Command(_) | CallbackAction::Argv(_) => {
            return Ok(None);
        }
    };
    match deck.connections.get(name) {
        Some(spec) => Ok(Some(spec)),
        None => Err(Refusal::fatal(format!("there is no connection `{name}`"))),
    }
}
