//! Predictions that people ask for from within: the same way as a client's, from the route to the
//! counts, only without a socket.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{HeaderMap, Method, Request, header};
use serde_json::Value;

use crate::serving::shared::Shared;
use crate::serving::{http, prediction, request_id};
use crate::types::Fault;
use crate::types::ask::Predict;
use crate::types::serving::PredictionView;
use crate::types::time::instant;

/// Whoever asks by hand does not wait longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks as a client would.
pub(crate) async fn ask(shared: &Arc<Shared>, wish: Predict) -> Result<PredictionView, Fault> {
    let path = path(&wish)?;
    let body = Full::new(Bytes::from(wish.rows.to_string()));
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, shared.guard.bearer())
        .body(body)
        .map_err(|error| Fault::internal(&error))?;
    let begin = instant();
    let answer = tokio::time::timeout(PATIENCE, http::serve(Arc::clone(shared), request)).await;
    let Ok(Ok(answer)) = answer else {
        let secs = PATIENCE.as_secs();
        return Err(Fault::unavailable(format!("the model did not answer within {secs} seconds")));
    };
    let took_ms = begin.elapsed().as_secs_f64() * 1000.0;
    let (head, body) = answer.into_parts();
    let body = body.collect().await.map_err(|error| Fault::internal(&error))?.to_bytes();
    Ok(PredictionView {
        status: head.status.as_u16(),
        model: text(&head.headers, prediction::MODEL_NAME.as_str()),
        version: text(&head.headers, prediction::MODEL_VERSION.as_str())
            .and_then(|v| v.parse().ok()),
        took_ms,
        request_id: text(&head.headers, request_id::NAME.as_str()),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    })
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    // A name need not be ASCII; it was made of UTF-8.
    String::from_utf8(headers.get(name)?.as_bytes().to_vec()).ok()
}

fn path(wish: &Predict) -> Result<String, Fault> {
    match (&wish.model, wish.version) {
        (None, None) => Ok("/predict".to_owned()),
        (Some(model), None) => Ok(format!("/models/{}/predict", encode(model))),
        (Some(model), Some(version)) => {
            Ok(format!("/models/{}/versions/{version}/predict", encode(model)))
        }
        (None, Some(_)) => Err(Fault::invalid("a version is of a model: name it as well")),
    }
}

/// Writes a name as one part of a path.
fn encode(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'@' => {
                out.push(char::from(byte));
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
