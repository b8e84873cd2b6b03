//! `serving.check`: asks the model server as a client would: is it ready, and does it answer a
//! model's own examples, both inside and over its listener?

use std::time::Duration;

use hyper::Method;
use serde_json::{Map, Value, json};

use super::DaemonContext;
use super::args::Args;
use super::error::{OperatorError, chain};
use super::registered;
use crate::connection::http;
use crate::sched::Outcome;
use crate::types::serving::{ServedVersion, ServingStatus};

const TIMEOUT: Duration = Duration::from_secs(10);

/// Figures that differ by less are the same: they went through JSON.
const TOLERANCE: f64 = 1e-6;

pub(super) async fn run(context: &DaemonContext) -> Result<Outcome, OperatorError> {
    let model = Args(&context.order.args).text_or_none("model")?;
    let status = context.serving.status().await?;
    let versions = meant(&status, model.as_deref())?;
    let base = base_url(&status)?;
    // Its certificate is for its clients' name of it, which nobody knows here.
    let is_asked = context.deck.serving.tls.is_none();
    if is_asked {
        check_ready(&base).await?;
        context.log.say(&format!("{base}/readyz answers: ready"));
    } else {
        context.log.say("the listener speaks TLS: the models are asked from within alone");
    }
    let mut checked = Vec::new();
    for served in versions {
        let rows = check_version(context, is_asked.then_some(base.as_str()), served).await?;
        context.log.say(&format!(
            "`{}` version {} answers {rows} examples as after training",
            served.model, served.version
        ));
        checked.push(json!({ "model": served.model, "version": served.version, "rows": rows }));
    }
    Ok(Outcome::output(json!({ "state": "healthy", "listen": base, "checked": checked })))
}

/// Returns the versions with traffic, of one model or of all.
fn meant<'a>(
    status: &'a ServingStatus,
    model: Option<&str>,
) -> Result<Vec<&'a ServedVersion>, OperatorError> {
    let versions: Vec<_> = status
        .versions
        .iter()
        .filter(|served| served.weight > 0)
        .filter(|served| model.is_none_or(|model| model == served.model))
        .collect();
    if versions.is_empty() {
        return Err(OperatorError::Passing(match model {
            Some(model) => format!("model `{model}` is not served"),
            None => "nothing is served".to_owned(),
        }));
    }
    Ok(versions)
}

fn base_url(status: &ServingStatus) -> Result<String, OperatorError> {
    let Some(listen) = &status.listen else {
        let why = status.problem.as_deref().unwrap_or("no reason is known");
        return Err(OperatorError::Passing(format!("the model server does not listen: {why}")));
    };
    // What listens everywhere is asked on this machine.
    let listen = listen.replacen("0.0.0.0:", "127.0.0.1:", 1).replacen("[::]:", "[::1]:", 1);
    Ok(format!("http://{listen}"))
}

async fn check_ready(base: &str) -> Result<(), OperatorError> {
    let answer = ask(Method::GET, &format!("{base}/readyz"), &[], None).await?;
    if answer.status == 200 {
        return Ok(());
    }
    Err(OperatorError::Passing(format!("{base}/readyz answers {}", told(&answer))))
}

async fn check_version(
    context: &DaemonContext,
    base: Option<&str>,
    served: &ServedVersion,
) -> Result<usize, OperatorError> {
    let (name, version) = (&served.model, served.version);
    let model = registered::load(&context.store, &context.layout, name, version).await?;
    let examples = model.examples();
    let rows: Vec<Value> = examples.iter().map(|(row, _)| Value::Object(row.clone())).collect();
    let answers = context.serving.predict(name, Some(version), rows.clone()).await?;
    for ((row, expected), answer) in examples.iter().zip(&answers) {
        check_answer(name, version, row, expected, answer)?;
    }
    if let Some(base) = base {
        check_over_http(context, base, (name.as_str(), version), &rows).await?;
    }
    Ok(rows.len())
}

fn check_answer(
    model: &str,
    version: u32,
    row: &Map<String, Value>,
    expected: &Value,
    answer: &Value,
) -> Result<(), OperatorError> {
    if is_same(expected, answer) {
        return Ok(());
    }
    Err(OperatorError::Fatal(format!(
        "`{model}` version {version} answers {answer} to {} where it answered {expected} after \
         training",
        Value::Object(row.clone())
    )))
}

/// Compares what both have; numbers within the tolerance.
fn is_same(expected: &Value, answer: &Value) -> bool {
    match (expected, answer) {
        (Value::Number(a), Value::Number(b)) => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() <= TOLERANCE * a.abs().max(1.0),
            _ => false,
        },
        (Value::Object(a), Value::Object(b)) => {
            a.iter().all(|(key, value)| b.get(key).is_some_and(|other| is_same(value, other)))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        (a, b) => a == b,
    }
}

async fn check_over_http(
    context: &DaemonContext,
    base: &str,
    (model, version): (&str, u32),
    rows: &[Value],
) -> Result<(), OperatorError> {
    let url = format!("{base}/models/{}/versions/{version}/predict", percent_encoded(model));
    let body = Value::Array(rows.to_vec()).to_string().into_bytes();
    // Where the server wants keys it takes the deck's own.
    let token = std::fs::read_to_string(context.layout.token()).unwrap_or_default();
    let bearer = format!("Bearer {}", token.trim());
    let answer = ask(Method::POST, &url, &[("authorization", bearer.as_str())], Some(body)).await?;
    if answer.status != 200 {
        return Err(OperatorError::Passing(format!("{url} answers {}", told(&answer))));
    }
    match serde_json::from_slice::<Value>(&answer.body) {
        Ok(_) => Ok(()),
        Err(_) => Err(OperatorError::Passing(format!("{url} does not answer JSON"))),
    }
}

async fn ask(
    method: Method,
    url: &str,
    headers: &[(&str, &str)],
    body: Option<Vec<u8>>,
) -> Result<http::Answer, OperatorError> {
    http::send_with(method, url, headers, body, TIMEOUT)
        .await
        .map_err(|error| OperatorError::Passing(format!("ask {url}: {}", chain(&error))))
}

fn told(answer: &http::Answer) -> String {
    let body: String = String::from_utf8_lossy(&answer.body).chars().take(200).collect();
    format!("{} {}", answer.status, body.trim())
}

fn percent_encoded(name: &str) -> String {
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::operator::fake_server::{FakeServer, served};

    #[tokio::test]
    async fn a_server_that_does_not_listen_is_told_with_its_problem() {
        let server = FakeServer::start(vec![served("iris", 1, 100)]);
        let status = server.handle.status().await.unwrap();
        let error = base_url(&status).unwrap_err().to_string();
        assert_eq!(error, "the model server does not listen: port 3000 is taken");
        server.listens("0.0.0.0:3000".into());
        let status = server.handle.status().await.unwrap();
        assert_eq!(base_url(&status).unwrap(), "http://127.0.0.1:3000");
        assert!(meant(&status, Some("titanic")).is_err());
        assert_eq!(meant(&status, None).unwrap().len(), 1);
    }

    #[test]
    fn answers_are_the_same_within_what_json_loses() {
        let expected = json!({ "label": "setosa", "probabilities": { "setosa": 0.9 } });
        let mut answer = json!({ "label": "setosa", "probabilities": { "setosa": 0.900_000_01 } });
        assert!(is_same(&expected, &answer));
        answer["label"] = json!("virginica");
        assert!(!is_same(&expected, &answer));
        assert!(check_answer("iris", 1, &Map::new(), &expected, &answer).is_err());
    }

    #[test]
    fn a_name_is_encoded_for_its_path() {
        assert_eq!(percent_encoded("my iris/b"), "my%20iris%2Fb");
    }
}
