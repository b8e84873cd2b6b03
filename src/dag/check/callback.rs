//! Callbacks: `on_failure = { notify = "ops", message = "…" }`, one or a list of them.

use std::time::Duration;

use indexmap::IndexSet;

use crate::check::expand::Expandable;
use crate::check::fields::{Fields, Text};
use crate::check::task::{Defaults, Scope};
use crate::check::{Context, reference};
use crate::file::{Entry, Node, Written};
use crate::params::Params;
use crate::spec::{Callbacks, ConnectionKind};
use crate::template::{ASSET_CALLBACK_NAMES, MODEL_CALLBACK_NAMES};
use crate::types::callback::{CallbackAction, CallbackEvent, CallbackSpec};

/// What a task can be told of.
const OF_TASK: [CallbackEvent; 5] = [
    CallbackEvent::OnExecute,
    CallbackEvent::OnFailure,
    CallbackEvent::OnSuccess,
    CallbackEvent::OnRetry,
    CallbackEvent::OnSkipped,
];

const OF_DAG: [CallbackEvent; 2] = [CallbackEvent::OnFailure, CallbackEvent::OnSuccess];

const OF_ASSET: [CallbackEvent; 2] = [CallbackEvent::OnStale, CallbackEvent::OnFresh];

const OF_DRIFT: [CallbackEvent; 2] = [CallbackEvent::OnDrift, CallbackEvent::OnRecovered];

const OF_ALERT: [CallbackEvent; 2] = [CallbackEvent::OnTrouble, CallbackEvent::OnRecovered];

const HELP: &str = "write `{ notify = \"CONNECTION\", message = \"…\" }`, \
                    `{ webhook = \"CONNECTION or URL\", body = { … } }`, \
                    `{ command = \"…\" }` or `{ argv = [\"…\"] }`";

/// How long a try may take, unless the callback says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);
const TIMEOUT_MAX: Duration = Duration::from_hours(1);
const RETRIES: u32 = 2;
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Reads the callbacks of a task, or of `default_args`.
pub(super) fn of_task(context: Context<'_>, fields: &mut Fields<'_>) -> Callbacks {
    read(context, Subject::Task, fields, &OF_TASK)
}

/// Reads the callbacks of an asset: without a limit it is never stale.
pub(super) fn of_asset(
    context: Context<'_>,
    has_limit: bool,
    fields: &mut Fields<'_>,
) -> Callbacks {
    let callbacks = read(context, Subject::Asset, fields, &OF_ASSET);
    for event in OF_ASSET.iter().filter(|_| !has_limit) {
        if let Some(entry) = fields.entry(event.as_str()) {
            let message = format!("`{}` of {} is never told", event.as_str(), fields.what());
            let help = "say how old it may get: `freshness = \"24h\"`".to_owned();
            context.report.error(entry.key, "missing-key", message, help);
        }
    }
    callbacks
}

/// Reads the callbacks of a served model's drift.
pub(super) fn of_drift(context: Context<'_>, fields: &mut Fields<'_>) -> Callbacks {
    read(context, Subject::Model, fields, &OF_DRIFT)
}

/// Reads the callbacks of what else may be wrong with a served model.
pub(super) fn of_alert(context: Context<'_>, fields: &mut Fields<'_>) -> Callbacks {
    read(context, Subject::Model, fields, &OF_ALERT)
}

/// What callbacks are of, and what they may name of it.
#[derive(Clone, Copy)]
pub(super) enum Subject<'a> {
    Dag(Scope<'a>),
    /// Also of `default_args`: what it names of its DAG is checked with each task.
    Task,
    Asset,
    /// A served version of a model.
    Model,
}

/// Reads the callbacks of a DAG.
pub(super) fn of_dag(context: Context<'_>, params: &Params, fields: &mut Fields<'_>) -> Callbacks {
    let (tasks, defaults) = (task_names(fields), Defaults::default());
    let scope = Scope {
        tasks: &tasks,
        groups: &tasks,
        params,
        defaults: &defaults,
        given: &Expandable::Nothing,
        max_map_length: 0,
    };
    read(context, Subject::Dag(scope), fields, &OF_DAG)
}

/// Returns the names of a DAG's tasks, before they are checked.
pub(super) fn task_names(fields: &mut Fields<'_>) -> IndexSet<String> {
    let table = fields.node("task").and_then(Node::as_table);
    table.map(|table| table.0.keys().cloned().collect()).unwrap_or_default()
}

/// Checks what the callbacks that a task has itself name of its DAG.
pub(super) fn check_references(context: Context<'_>, scope: Scope<'_>, fields: &mut Fields<'_>) {
    for event in OF_TASK {
        let Some(node) = fields.node(event.as_str()) else { continue };
        node.each_text(&mut |text, span| {
            reference::check_callback(context, Some(scope), Text { text, span });
        });
    }
}

/// Fills what `own` does not say from `below`.
pub(super) fn over(own: Callbacks, below: &Callbacks) -> Callbacks {
    let has = |event| own.0.iter().any(|(of, _)| *of == event);
    let inherited: Vec<_> = below.0.iter().filter(|(event, _)| !has(*event)).cloned().collect();
    Callbacks(own.0.into_iter().chain(inherited).collect())
}

fn read(
    context: Context<'_>,
    subject: Subject<'_>,
    fields: &mut Fields<'_>,
    events: &[CallbackEvent],
) -> Callbacks {
    let mut found = Vec::new();
    for event in events {
        if let Some(entry) = fields.entry(event.as_str()) {
            let what = format!("`{}` of {}", event.as_str(), fields.what());
            found.push((*event, one_or_more(context, subject, &what, entry)));
        }
    }
    Callbacks(found)
}

/// Reads one callback or a list of them.
pub(super) fn one_or_more(
    context: Context<'_>,
    subject: Subject<'_>,
    what: &str,
    entry: &Entry,
) -> Vec<CallbackSpec> {
    let nodes: Vec<&Node> = match &entry.node.value {
        Written::List(items) => items.iter().collect(),
        _ => vec![&entry.node],
    };
    nodes.into_iter().filter_map(|node| one(context, subject, what, node)).collect()
}

fn one(
    context: Context<'_>,
    subject: Subject<'_>,
    what: &str,
    node: &Node,
) -> Option<CallbackSpec> {
    let Some(table) = node.as_table() else {
        let message = format!("{what} is {}; expected a table or a list of tables", node.kind());
        context.report.error(node.span, "wrong-type", message, HELP.to_owned());
        return None;
    };
    let mut fields = Fields::new(context.report, what, table, node.span);
    let action = action(context, &mut fields, node);
    let timeout = fields.duration("timeout").unwrap_or(TIMEOUT);
    if (timeout.is_zero() || timeout > TIMEOUT_MAX)
        && let Some(node) = fields.node("timeout")
    {
        let message = format!("`timeout` of {what} is out of range");
        let help = "more than nothing, and at most 1h, is allowed".to_owned();
        context.report.error(node.span, "bad-value", message, help);
    }
    let spec = CallbackSpec {
        action: action?,
        timeout,
        retries: fields.integer("retries", 0..=10).unwrap_or(RETRIES),
        retry_delay: fields.duration("retry_delay").unwrap_or(RETRY_DELAY),
    };
    fields.finish();
    node.each_text(&mut |text, span| {
        let at = Text { text, span };
        match subject {
            Subject::Dag(scope) => reference::check_callback_of_dag(context, scope, at),
            Subject::Task => reference::check_callback(context, None, at),
            Subject::Asset => {
                reference::check_callback_of_no_run(context, "an asset", ASSET_CALLBACK_NAMES, at);
            }
            Subject::Model => {
                let names = MODEL_CALLBACK_NAMES;
                reference::check_callback_of_no_run(context, "a served model", names, at);
            }
        }
    });
    Some(spec)
}

/// Reads how it is told: exactly one of the four ways.
fn action(context: Context<'_>, fields: &mut Fields<'_>, node: &Node) -> Option<CallbackAction> {
    let given: Vec<&'static str> = ["notify", "webhook", "command", "argv"]
        .into_iter()
        .filter(|key| fields.entry(key).is_some())
        .collect();
    match given.as_slice() {
        ["notify"] => notify(context, fields),
        ["webhook"] => webhook(context, fields),
        ["command"] => fields
            .needed_text("command", HELP)
            .map(|at| CallbackAction::Command(at.text.to_owned())),
        [] => {
            let message = format!("{} does nothing", fields.what());
            context.report.error(node.span, "bad-callback", message, HELP.to_owned());
            None
        }
        [_, second, ..] => {
            let message = format!("{} has `{}` and `{second}`", fields.what(), given[0]);
            let help = "write a list for more than one callback".to_owned();
            let place = fields.entry(second).map_or(node.span, |entry| entry.key);
            context.report.error(place, "conflicting-keys", message, help);
            None
        }
        [_] => argv(context, fields),
    }
}

fn notify(context: Context<'_>, fields: &mut Fields<'_>) -> Option<CallbackAction> {
    let at = fields.needed_text("notify", HELP);
    let message = fields.needed_text("message", "what is to be told");
    let title = fields.owned_text("title");
    let at = at?;
    let kind = context.names.connection(context.report, at)?;
    if let Some(kind) = kind
        && !ConnectionKind::MESSAGES.contains(&kind)
    {
        let message = format!("connection `{}` takes no messages", at.text);
        let help = "a `log:`, `http://…` or `smtp://…` connection does".to_owned();
        context.report.error(at.span, "wrong-connection", message, help);
    }
    Some(CallbackAction::Notify {
        connection: at.text.to_owned(),
        message: message?.text.to_owned(),
        title,
    })
}

fn webhook(context: Context<'_>, fields: &mut Fields<'_>) -> Option<CallbackAction> {
    let at = fields.needed_text("webhook", HELP)?;
    let body = fields.node("body").map(Node::to_json);
    if !at.text.contains("://") {
        let kind = context.names.connection(context.report, at)?;
        if kind.is_some_and(|kind| kind != ConnectionKind::Webhook) {
            let message = format!("connection `{}` is no webhook", at.text);
            let help = "its `url` must begin with `http://` or `https://`".to_owned();
            context.report.error(at.span, "wrong-connection", message, help);
        }
    } else if !["http://", "https://"].iter().any(|scheme| at.text.starts_with(scheme)) {
        let message = format!("`{}` is no URL of a webhook", at.text);
        let help = "it must begin with `http://` or `https://`".to_owned();
        context.report.error(at.span, "bad-url", message, help);
    }
    Some(CallbackAction::Webhook { target: at.text.to_owned(), body })
}

fn argv(context: Context<'_>, fields: &mut Fields<'_>) -> Option<CallbackAction> {
    let argv: Vec<String> = fields.texts("argv").iter().map(|at| at.text.to_owned()).collect();
    if argv.is_empty()
        && let Some(node) = fields.node("argv")
        && matches!(node.value, Written::List(_))
    {
        let message = format!("`argv` of {} is empty", fields.what());
        context.report.error(node.span, "bad-value", message, HELP.to_owned());
    }
    (!argv.is_empty()).then_some(CallbackAction::Argv(argv))
}
