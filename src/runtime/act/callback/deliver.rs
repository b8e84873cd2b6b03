//! The ways to the outside: the feed, a webhook, mail, a command.

use serde_json::{Value, json};

use super::{Composed, Refusal, command};
use crate::connection::mail::{self, Mail};
use crate::connection::message::{self, MessageError};
use crate::runtime::act::Shared;
use crate::types::callback::{CallbackAction, CallbackRequest};

/// By this the other side can tell a repetition.
const ID_HEADER: &str = "Idempotency-Key";

/// Tells it, and returns what the other side said. Dropped half-way, it leaves nothing running.
pub(super) async fn deliver(
    shared: &Shared,
    request: &CallbackRequest,
    composed: &Composed,
) -> Result<String, Refusal> {
    let text = |name: &str| composed.args.get(name).map(as_text).unwrap_or_default();
    match &request.spec.action {
        CallbackAction::Notify { .. } => {
            let (title, message) = (text("title"), text("message"));
            let url = composed.connection.as_ref().map_or("", |open| open.url.as_str());
            if url.starts_with("log:") {
                // The line is written with the row's end, so that the feed has it once.
                return Ok(one_line(&title, &message));
            }
            if let Some(open) = composed.connection.as_ref().filter(|_| url.starts_with("smtp")) {
                let title = Some(title.as_str()).filter(|title| !title.is_empty());
                let mail = Mail { id: &request.id, title, text: &message };
                let sent =
                    mail::send(open, shared.layout.project(), mail, request.spec.timeout).await;
                return sent.map_err(|error| refusal(&error));
            }
            let mut body = json!({ "text": message });
            if !title.is_empty() {
                body["title"] = json!(title);
            }
            post(request, url, &body).await
        }
        CallbackAction::Webhook { target, .. } => {
            let written = if target.contains("://") { text("target") } else { String::new() };
            let url = composed.connection.as_ref().map_or(written, |open| open.url.clone());
            let body = composed.args.get("body").unwrap_or(&Value::Null);
            post(request, &url, body).await
        }
        CallbackAction::Command(_) | CallbackAction::Argv(_) => {
            let argv = composed.args.get("argv").and_then(Value::as_array);
            let argv: Vec<String> = argv.into_iter().flatten().map(as_text).collect();
            let input = composed.args.get("input").unwrap_or(&Value::Null);
            command::run(shared, request, &argv, input).await
        }
    }
}

/// Says whether what is told is a line of the feed.
pub(super) fn is_for_feed(request: &CallbackRequest) -> bool {
    matches!(request.spec.action, CallbackAction::Notify { .. })
}

async fn post(request: &CallbackRequest, url: &str, body: &Value) -> Result<String, Refusal> {
    let headers = [(ID_HEADER, request.id.as_str())];
    let posted = message::post_json(url, body, &headers, request.spec.timeout).await;
    posted.map_err(|error| refusal(&error))
}

fn refusal(error: &MessageError) -> Refusal {
    Refusal { is_passing: error.is_passing(), error: chain(error), output: None }
}

fn chain(error: &MessageError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn one_line(title: &str, message: &str) -> String {
    let line = if title.is_empty() { message.to_owned() } else { format!("{title}: {message}") };
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}
