//! Tells webhooks of MLflow's clients what happened to the registry: signed as MLflow signs, in order for
//! each of them, tried again for a while. Nothing waits for it.

use std::sync::Arc;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use futures_util::future::join_all;
use hyper::Method;
use ring::hmac;

use crate::connection::http::{self, Answer, HttpError};
use crate::store::{Store, StoreError};
use crate::tracking::webhook::{self, Delivery, Webhook};
use crate::types::Clock;

/// How often it is looked whether something is due.
const LOOK: Duration = Duration::from_millis(500);

/// Webhooks that are told at once, as MLflow's.
const AT_ONCE: u32 = 10;

/// How long one may take to answer, as MLflow's.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How often one that does not answer well is tried, about half an hour in all: then it is told of
/// the next thing.
const TRIES_MAX: u32 = 12;

/// How long after the first try comes the second; doubled each time.
const AGAIN: Duration = Duration::from_secs(1);
const AGAIN_MAX: Duration = Duration::from_secs(300);

/// Tells until it is dropped.
#[derive(Debug)]
pub struct Webhooks(tokio::task::AbortHandle);

impl Drop for Webhooks {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Webhooks {
    /// Starts to tell what the store says is due.
    pub fn start(store: Store, clock: Arc<dyn Clock>) -> Self {
        let work = async move {
            loop {
                match round(&store, &*clock).await {
                    Ok(0) => tokio::time::sleep(LOOK).await,
                    Ok(_) => {}
                    Err(error) => {
                        tracing::warn!(%error, "webhooks are not told");
                        tokio::time::sleep(AGAIN_MAX).await;
                    }
                }
            }
        };
        Self(tokio::spawn(work).abort_handle())
    }
}

async fn round(store: &Store, clock: &dyn Clock) -> Result<usize, StoreError> {
    let now = clock.now();
    let due = store.read(move |conn| webhook::due(conn, now, AT_ONCE)).await?;
    let told = join_all(due.iter().map(|one| tell(store, clock, one))).await;
    told.into_iter().collect::<Result<Vec<()>, _>>().map(|told| told.len())
}

async fn tell(store: &Store, clock: &dyn Clock, one: &Delivery) -> Result<(), StoreError> {
    let answer = send(&one.webhook, &one.body, clock).await;
    tracing::trace!(step = "webhook told");
    let (id, name) = (one.id, one.webhook.name.as_str());
    let why = match &answer {
        Ok(answer) if answer.status < 400 => {
            return store.write(move |tx| webhook::settled(tx, id)).await;
        }
        Ok(answer) => format!("it answered {}", answer.status),
        Err(error) => error.to_string(),
    };
    // As MLflow, which asks again only where that may help.
    let may_help = answer
        .as_ref()
        .map_or(true, |answer| matches!(answer.status, 408 | 429 | 500 | 502 | 503 | 504));
    if !may_help || one.tries + 1 >= TRIES_MAX {
        tracing::warn!(webhook = name, why, tries = one.tries + 1, "a delivery was given up");
        return store.write(move |tx| webhook::settled(tx, id)).await;
    }
    tracing::info!(webhook = name, why, "a delivery is tried again later");
    let wait = AGAIN.saturating_mul(1 << one.tries.min(16)).min(AGAIN_MAX);
    let next_try = clock.now().checked_add(wait).unwrap_or(clock.now());
    store.write(move |tx| webhook::later(tx, id, next_try)).await
}

/// Sends a body to a webhook, with MLflow's headers. An error does not show the URL.
pub async fn send(to: &Webhook, body: &str, clock: &dyn Clock) -> Result<Answer, HttpError> {
    let id = uuid::Uuid::new_v4().to_string();
    let timestamp = clock.now().as_second().to_string();
    let signature = to.secret.as_ref().map(|secret| signed(secret, &id, &timestamp, body));
    let mut headers =
        vec![("x-mlflow-delivery-id", id.as_str()), ("x-mlflow-timestamp", timestamp.as_str())];
    headers.extend(signature.as_deref().map(|signature| ("x-mlflow-signature", signature)));
    http::send_with(Method::POST, &to.url, &headers, Some(body.as_bytes().to_vec()), TIMEOUT).await
}

fn signed(secret: &str, id: &str, timestamp: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = hmac::sign(&key, format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", BASE64_STANDARD.encode(signature.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_signed_as_mlflow_signs_it() {
        // By `mlflow.webhooks.delivery._generate_hmac_signature`.
        let expected = "v1,09jhhhDXeS0mW9WaiFFkCTSxtn98CQaKMONOqpGbfMA=";
        assert_eq!(signed("tiger", "id-1", "1700000000", "{\"a\": 1}"), expected);
    }
}
