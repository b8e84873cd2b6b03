//! A server of MLflow's REST, asked. What an answer says is told apart: whether it will be another
//! one later, or never.

use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use hyper::Method;
use serde_json::{Value, json};

use crate::connection::http::{self, HttpsClient, client};
use crate::dag::tracking::{Login, TrackingServer};

/// A text longer than this is cut where it is shown.
const SAID_LEN_MAX: usize = 300;

/// Why something was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The server is away, busy, or knows us not: nothing else goes there now either.
    Away(String),
    /// There is no such thing there.
    Gone(String),
    /// There is one already.
    Exists(String),
    /// This it will not have; other things it may.
    Refused(String),
}

impl Refusal {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Away(text) | Self::Gone(text) | Self::Exists(text) | Self::Refused(text) => text,
        }
    }
}

/// Takes for done what took away something that is not there.
pub(super) fn gone_is_good(answer: Result<Value, Refusal>) -> Result<(), Refusal> {
    match answer {
        Ok(_) | Err(Refusal::Gone(_)) => Ok(()),
        Err(refusal) => Err(refusal),
    }
}

/// A server, over connections that are kept.
pub(super) struct Remote {
    client: HttpsClient,
    uri: String,
    authorization: Option<String>,
    timeout: Duration,
}

impl Remote {
    /// Opens the way; nothing is sent yet.
    pub(super) fn open(server: &TrackingServer) -> Result<Self, Refusal> {
        let client = client::new(client::Trust::of(&server.uri))
            .map_err(|error| Refusal::Away(error.to_string()))?;
        let authorization = server.login.as_ref().map(|login| match login {
            Login::Token(token) => format!("Bearer {}", token.reveal()),
            Login::Password { username, password } => {
                let both = format!("{}:{}", username.reveal(), password.reveal());
                format!("Basic {}", BASE64_STANDARD.encode(both))
            }
        });
        Ok(Self { client, uri: server.uri.clone(), authorization, timeout: server.timeout })
    }

    /// Asks for something: `path` is below `/api/2.0/mlflow/`.
    pub(super) async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Refusal> {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        self.call(Method::GET, &format!("{path}?{query}"), None).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value, Refusal> {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(super) async fn patch(&self, path: &str, body: &Value) -> Result<Value, Refusal> {
        self.call(Method::PATCH, path, Some(body)).await
    }

    pub(super) async fn delete(&self, path: &str, body: &Value) -> Result<Value, Refusal> {
        self.call(Method::DELETE, path, Some(body)).await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Refusal> {
        let url = format!("{}/api/2.0/mlflow/{path}", self.uri);
        let named = format!("{method} {}", path.split('?').next().unwrap_or(path));
        let body = body.map(|body| body.to_string().into_bytes());
        let answer = self.send(method, &url, "application/json", body, &named).await?;
        // What answers in another language is no server of MLflow's, such as a proxy's login page.
        serde_json::from_slice(&answer.body).map_err(|_| {
            Refusal::Away(format!("{named}: the answer is no JSON: is `uri` a server of MLflow's?"))
        })
    }

    /// Puts a file where the server keeps artifacts: `path` is below its folder of them.
    pub(super) async fn put_artifact(&self, path: &str, bytes: Vec<u8>) -> Result<(), Refusal> {
        let encoded: Vec<String> = path.split('/').map(encoded).collect();
        let url = format!("{}/api/2.0/mlflow-artifacts/artifacts/{}", self.uri, encoded.join("/"));
        let named = format!("PUT artifact `{path}`");
        self.send(Method::PUT, &url, "application/octet-stream", Some(bytes), &named)
            .await
            .map(drop)
    }

    async fn send(
        &self,
        method: Method,
        url: &str,
        content_type: &str,
        body: Option<Vec<u8>>,
        named: &str,
    ) -> Result<http::Answer, Refusal> {
        let mut headers = vec![("content-type", content_type)];
        if let Some(authorization) = &self.authorization {
            headers.push(("authorization", authorization));
        }
        let sent = http::send_over(&self.client, method, url, &headers, body, self.timeout);
        let answer = sent.await.map_err(|error| Refusal::Away(error.to_string()))?;
        judge(named, answer)
    }
}

/// A wrong token is mended by people, and then nothing is to be missing.
fn judge(named: &str, answer: http::Answer) -> Result<http::Answer, Refusal> {
    if (200..300).contains(&answer.status) {
        return Ok(answer);
    }
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    let code = said["error_code"].as_str().unwrap_or_default();
    let message = said["message"].as_str().unwrap_or_default();
    let message: String = message.chars().take(SAID_LEN_MAX).collect();
    let status = answer.status;
    let text = match message.lines().next() {
        Some(line) => format!("{named}: it answered {status} {code}: {line}"),
        None => format!("{named}: it answered {status}"),
    };
    Err(match status {
        401 | 403 => Refusal::Away(format!("{text}: is `token` or `password` right?")),
        404 if code.is_empty() => Refusal::Away(format!("{text}: is `uri` a server of MLflow's?")),
        404 => Refusal::Gone(text),
        408 | 429 | 502..=504 => Refusal::Away(text),
        _ if code == "RESOURCE_ALREADY_EXISTS" => Refusal::Exists(text),
        _ => Refusal::Refused(text),
    })
}

/// Writes a part of a path as it stands in a URL.
fn encoded(part: &str) -> String {
    let mut out = String::with_capacity(part.len());
    for byte in part.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// A number as MLflow's JSON has it: what is no number there is a text.
pub(super) fn number(value: f64) -> Value {
    if value.is_nan() {
        json!("NaN")
    } else if value.is_infinite() {
        json!(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        json!(value)
    }
}

/// Lists `{"key", "value"}` as MLflow has them.
pub(super) fn pairs(list: &[(String, String)]) -> Vec<Value> {
    list.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}

/// Reads a list of `{"key", "value"}`.
pub(super) fn read_pairs(list: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().map(|one| (text(&one["key"]), text(&one["value"]))).collect()
}

/// Returns a text of an answer; one that is missing is no answer of MLflow's.
pub(super) fn said(answer: &Value, pointer: &str) -> Result<String, Refusal> {
    let found = answer.pointer(pointer);
    match found {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        _ => Err(Refusal::Refused(format!("the server's answer lacks `{pointer}`"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, body: &str) -> Refusal {
        let answer = http::Answer { status, headers: Vec::new(), body: body.into() };
        judge("GET runs/get", answer).unwrap_err()
    }

    #[test]
    fn what_is_wrong_for_good_is_told_from_what_is_wrong_now() {
        let gone =
            r#"{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Run 'x' not found\nmore"}"#;
        let text = "GET runs/get: it answered 404 RESOURCE_DOES_NOT_EXIST: Run 'x' not found";
        assert_eq!(answered(404, gone), Refusal::Gone(text.into()));
        for status in [401, 403, 404, 408, 429, 502, 503, 504] {
            assert!(matches!(answered(status, "<html>"), Refusal::Away(_)), "{status}");
        }
        for status in [400, 409, 413, 500] {
            assert!(matches!(answered(status, ""), Refusal::Refused(_)), "{status}");
        }
        let taken = r#"{"error_code": "RESOURCE_ALREADY_EXISTS", "message": "x"}"#;
        assert!(matches!(answered(400, taken), Refusal::Exists(_)));
    }

    #[test]
    fn names_stand_in_urls_and_numbers_in_json_as_they_must() {
        assert_eq!(encoded("a b%/é"), "a%20b%25%2F%C3%A9");
        assert_eq!(number(f64::NAN), json!("NaN"));
        assert_eq!(number(f64::NEG_INFINITY), json!("-Infinity"));
        assert_eq!(number(0.5), json!(0.5));
    }
}
