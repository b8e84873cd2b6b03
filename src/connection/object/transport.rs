//! The HTTP of `object_store`: our one client under its trait, with bounds in time.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper_util::client::legacy::Error as ClientError;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};
use tokio::time::Sleep;

use crate::connection::http::HttpsClient;

/// How long a request may take until its answer begins: a part of an upload goes within it.
const ANSWER_MAX: Duration = Duration::from_secs(120);

/// How long an answer may say nothing.
const SILENCE_MAX: Duration = Duration::from_secs(30);

const USER_AGENT: &str = concat!("dagdeck/", env!("CARGO_PKG_VERSION"));

/// Hands the same client to whoever asks.
#[derive(Debug, Clone)]
pub(super) struct Transport(pub(super) HttpsClient);

impl HttpConnector for Transport {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Transport {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let agent = hyper::header::HeaderValue::from_static(USER_AGENT);
        request.headers_mut().insert(hyper::header::USER_AGENT, agent);
        let answer = tokio::time::timeout(ANSWER_MAX, self.0.request(request));
        let answer = answer.await.map_err(|_| silent(ANSWER_MAX))?.map_err(named)?;
        Ok(answer.map(|body| HttpResponseBody::new(Paced { body, patience: None })))
    }
}

/// Says of what kind a failure is: only what was not sent is sent again whatever it does.
fn named(error: ClientError) -> HttpError {
    let sent = |error: &hyper::Error| match error {
        error if error.is_canceled() || error.is_closed() => HttpErrorKind::Request,
        error if error.is_timeout() => HttpErrorKind::Timeout,
        error if error.is_parse() => HttpErrorKind::Decode,
        _ => HttpErrorKind::Interrupted,
    };
    let below = std::error::Error::source(&error);
    let kind = match below.and_then(|below| below.downcast_ref::<hyper::Error>()) {
        _ if error.is_connect() => HttpErrorKind::Connect,
        Some(error) => sent(error),
        None => HttpErrorKind::Interrupted,
    };
    HttpError::new(kind, Said(crate::connection::chain(&error)))
}

fn silent(after: Duration) -> HttpError {
    let said = format!("the server said nothing for {} s", after.as_secs());
    HttpError::new(HttpErrorKind::Timeout, Said(said))
}

/// An error with all of its causes: `object_store` shows only the outermost.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Said(String);

/// A body that must not be silent for long.
struct Paced {
    body: Incoming,
    /// Since it was silent.
    patience: Option<Pin<Box<Sleep>>>,
}

impl Body for Paced {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.patience = None;
            let broken = |error: hyper::Error| {
                HttpError::new(HttpErrorKind::Interrupted, Said(crate::connection::chain(&error)))
            };
            return Poll::Ready(frame.map(|frame| frame.map_err(broken)));
        }
        let patience =
            self.patience.get_or_insert_with(|| Box::pin(tokio::time::sleep(SILENCE_MAX)));
        match patience.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Some(Err(silent(SILENCE_MAX)))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
