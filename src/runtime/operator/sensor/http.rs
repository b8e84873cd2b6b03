//! `sensor.http`: asks a server until it answers as expected. Without `expect` as Airflow's: a
//! status below 400 is an answer, 404 is none yet, and any other ends the try.

use std::time::Duration;

use hyper::Method;
use serde_json::{Map, Value, json};

use super::expect::Expect;
use super::{Look, OperatorError, Poke};
use crate::connection::find;
use crate::connection::http::{self, HttpError};
use crate::runtime::attempt::Private;
use crate::runtime::operator::args::{Args, unfit};
use crate::runtime::operator::error::chain;

/// One request takes no longer, unless `timeout` of `http` says otherwise.
pub(in crate::runtime::operator) const TIMEOUT: Duration = Duration::from_secs(30);

/// What was answered, as expressions and outputs see it.
pub(in crate::runtime::operator) struct Answered {
    pub(in crate::runtime::operator) status: u16,
    pub(in crate::runtime::operator) response: Value,
}

pub(super) async fn poke(look: &Look<'_>) -> Result<Poke, OperatorError> {
    let expect = Expect::read(Args(look.args).get("expect"))?;
    let answered = call(Args(look.args), look.private, TIMEOUT).await?;
    let Answered { status, response } = answered;
    let Some(expect) = expect else {
        return match status {
            0..400 => Ok(Poke::Found(response)),
            404 => Ok(Poke::waits("the server answers 404")),
            _ => Err(OperatorError::Passing(format!("the server answers {status}"))),
        };
    };
    if expect.is_met(status, &response)? {
        return Ok(Poke::Found(response));
    }
    Ok(Poke::waits(format!("the server answers {status}, which is not what is expected")))
}

/// Sends the request that the arguments tell.
pub(in crate::runtime::operator) async fn call(
    args: Args<'_>,
    private: &Private,
    timeout: Duration,
) -> Result<Answered, OperatorError> {
    let method = args.text_or_none("method")?.unwrap_or_else(|| "GET".to_owned());
    let method = Method::from_bytes(method.to_uppercase().as_bytes())
        .map_err(|_| OperatorError::Fatal(format!("`method`: there is no method `{method}`")))?;
    let headers = headers(args.table("headers")?)?;
    let body = args.get("body").map(|body| match body {
        Value::String(text) => text.clone().into_bytes(),
        other => other.to_string().into_bytes(),
    });
    let url = url(args, private)?;
    let headers: Vec<(&str, &str)> =
        headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let answer =
        http::send_with(method, &url, &headers, body, timeout).await.map_err(
            |error| match error {
                HttpError::Url => OperatorError::Fatal(chain(&error)),
                _ => OperatorError::Passing(chain(&error)),
            },
        )?;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    let headers: Map<String, Value> =
        answer.headers.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
    let response = json!({ "status": answer.status, "headers": headers, "body": body });
    Ok(Answered { status: answer.status, response })
}

fn url(args: Args<'_>, private: &Private) -> Result<String, OperatorError> {
    if let Some(url) = args.text_or_none("url")? {
        return Ok(url);
    }
    let connection = find(&private.connections, &args.text("connection")?)?;
    let path = args.text_or_none("path")?.unwrap_or_default();
    if path.is_empty() {
        return Ok(connection.url.clone());
    }
    Ok(format!("{}/{}", connection.url.trim_end_matches('/'), path.trim_start_matches('/')))
}

fn headers(table: Map<String, Value>) -> Result<Vec<(String, String)>, OperatorError> {
    let one = |(name, value): (String, Value)| match value {
        Value::String(text) => Ok((name, text)),
        Value::Number(_) | Value::Bool(_) => Ok((name, value.to_string())),
        other => Err(unfit("headers", &other, "a text for each header")),
    };
    table.into_iter().map(one).collect()
}
