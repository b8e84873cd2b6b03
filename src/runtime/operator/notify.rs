//! `notify`: one message to people, by the event feed, a webhook or mail. A crash between the message
//! and the report has the attempt run again: the feed then has the message once, a webhook or a
//! mailbox may get it twice (a mail then with the same `Message-ID`).

use serde_json::json;

use super::DaemonContext;
use super::args::Args;
use super::error::{OperatorError, chain};
use crate::connection::mail::{self, Mail};
use crate::connection::message::MessageError;
use crate::connection::{ConnectionError, find, message};
use crate::sched::Outcome;
use crate::store::{event_log, task_instance};
use crate::types::event::{EventLog, Severity};
use crate::types::time;

pub(super) async fn run(context: &DaemonContext) -> Result<Outcome, OperatorError> {
    let args = Args(&context.order.args);
    let (text, title) = (args.text("message")?, args.text_or_none("title")?);
    let connection = find(&context.private.connections, &args.text("connection")?)?;
    match connection.scheme() {
        "log" => tell_feed(context, title.as_deref(), &text).await?,
        "http" | "https" => {
            let posted = message::post_webhook(&connection.url, title.as_deref(), &text).await;
            posted.map_err(|error| refused(&connection.name, &error))?;
        }
        "smtp" | "smtps" => {
            let id = context.order.token.to_string();
            let mail = Mail { id: &id, title: title.as_deref(), text: &text };
            let sent =
                mail::send(connection, context.layout.project(), mail, message::TIMEOUT).await;
            sent.map_err(|error| refused(&connection.name, &error))?;
        }
        scheme => {
            return Err(ConnectionError::Kind {
                name: connection.name.clone(),
                scheme: scheme.to_owned(),
                expected: "a place for messages (`log:`, `http://…` or `smtp://…`)",
            }
            .into());
        }
    }
    let line = one_line(title.as_deref(), &text);
    context.log.say(&format!("to `{}`: {line}", connection.name));
    Ok(Outcome::output(json!({ "connection": connection.name, "message": text })))
}

fn refused(connection: &str, error: &MessageError) -> OperatorError {
    let told = format!("connection `{connection}`: {}", chain(error));
    if error.is_passing() { OperatorError::Passing(told) } else { OperatorError::Fatal(told) }
}

/// Writes a line of the event feed, and one of the daemon's log; neither where this try has
/// written it already.
async fn tell_feed(
    context: &DaemonContext,
    title: Option<&str>,
    text: &str,
) -> Result<(), OperatorError> {
    let task = &context.order.key.task;
    let message = context.log.masked(&one_line(title, text));
    let line = EventLog {
        id: 0,
        when: time::now(),
        severity: Severity::Info,
        event: "notify".to_owned(),
        dag_id: Some(task.dag_id.clone()),
        dag_run_id: Some(task.dag_run_id.clone()),
        task_id: Some(task.task_id.clone()),
        owner: Some(context.order.user.clone()),
        message: message.clone(),
    };
    let key = task.clone();
    let written = context.store.write(move |tx| {
        let queued_when = task_instance::get(tx, &key)?.and_then(|task| task.queued_when);
        event_log::insert_once(tx, &line, queued_when.unwrap_or(line.when))
    });
    if written.await? {
        tracing::info!(dag_id = %task.dag_id, task_id = %task.task_id, "{message}");
    }
    Ok(())
}

fn one_line(title: Option<&str>, text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match title {
        Some(title) => format!("{title}: {text}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn the_feed_has_one_line_for_a_message() {
        assert_eq!(one_line(Some("iris"), "rejected\n  because"), "iris: rejected because");
    }
}
