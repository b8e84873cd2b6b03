//! Answers requests. A bad request gets a 4xx that says what is wrong with it; a panic is a 500
//! and a line in the log, never the end of the server.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::FutureExt as _;
use http_body_util::Full;
use hyper::body::{Body, Bytes};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{HeaderMap, Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::serving::refusal::Refusal;
use crate::serving::resolve::resolve;
use crate::serving::route::{self, ROUTES, Route, Target};
use crate::serving::shared::Shared;
use crate::serving::stats::Ended;
use crate::serving::table::Loaded;
use crate::serving::{docs, predict};
use crate::types::time::instant;
use crate::web::body::{self, BodyError};

/// Rows that are answered on the spot; more go to a thread of their own.
const INLINE_ROWS_MAX: usize = 64;

/// Bytes that are parsed on the spot.
const INLINE_BYTES_MAX: usize = 16 << 10;

/// Of a request id that a client brings along.
const REQUEST_ID_LEN_MAX: usize = 128;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PROMETHEUS: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub(crate) const MODEL_NAME: HeaderName = HeaderName::from_static("x-model-name");
pub(crate) const MODEL_VERSION: HeaderName = HeaderName::from_static("x-model-version");

/// An answer, and who gave it.
type Answer = Response<Full<Bytes>>;

/// Answers one request.
pub(crate) async fn serve<B>(shared: Arc<Shared>, request: Request<B>) -> Result<Answer, Infallible>
where
    B: Body<Data = Bytes> + Unpin + Send,
{
    let id = request_id(request.headers());
    let answer = AssertUnwindSafe(answer(&shared, request)).catch_unwind().await;
    let mut answer = answer.unwrap_or_else(|_| {
        tracing::error!(request_id = ?id, "a request made the model server panic");
        refuse(&shared, &Refusal::failed(), None)
    });
    answer.headers_mut().insert(REQUEST_ID, id);
    Ok(answer)
}

async fn answer<B>(shared: &Arc<Shared>, request: Request<B>) -> Answer
where
    B: Body<Data = Bytes> + Unpin + Send,
{
    let route = match route::find(request.method(), request.uri().path()) {
        Ok(route) => route,
        Err(refusal) => return refuse(shared, &refusal, None),
    };
    let table = shared.table.get();
    match route {
        Route::Predict(target) => {
            let _in_flight = InFlight::begin(shared);
            answer_prediction(shared, target, request).await
        }
        Route::Healthz | Route::Livez => json_answer(StatusCode::OK, &json!({"status": "ok"})),
        Route::Readyz if table.has_traffic() => {
            json_answer(StatusCode::OK, &json!({"status": "ready"}))
        }
        Route::Readyz => {
            let refusal = Refusal::unavailable("no model is loaded yet");
            bytes_answer(refusal.status, JSON, refusal.body())
        }
        Route::Models => json_answer(StatusCode::OK, &docs::models(shared, &table)),
        Route::Docs => json_answer(StatusCode::OK, &docs::openapi(shared, &table)),
        Route::Index => {
            let index = json!({"name": "dagdeck model server", "routes": ROUTES});
            json_answer(StatusCode::OK, &index)
        }
        Route::Metrics => match shared.metrics.text(&table) {
            Ok(text) => bytes_answer(StatusCode::OK, PROMETHEUS, text),
            Err(error) => {
                tracing::error!(%error, "the figures could not be written");
                refuse(shared, &Refusal::failed(), None)
            }
        },
    }
}

async fn answer_prediction<B>(shared: &Arc<Shared>, target: Target, request: Request<B>) -> Answer
where
    B: Body<Data = Bytes> + Unpin + Send,
{
    let begin = instant();
    let loaded = match resolve(shared, &target).await {
        Ok(loaded) => loaded,
        Err(refusal) => {
            shared.record(begin.elapsed(), None);
            count(shared, ["", ""], refusal.status);
            return refuse(shared, &refusal, None);
        }
    };
    let predicted = match read(shared, request).await {
        Ok(body) => predict(shared, &loaded, body).await,
        Err(refusal) => Err(Refused { refusal, by_version: false }),
    };
    let took = begin.elapsed();
    let version = loaded.version.to_string();
    let labels = [loaded.model.as_str(), version.as_str()];
    let mut answer = match predicted {
        Ok((rows, body)) => {
            shared.record(took, Some((&loaded, Ended::Answered)));
            shared.metrics.rows.with_label_values(&labels).inc_by(rows as u64);
            bytes_answer(StatusCode::OK, JSON, body)
        }
        Err(Refused { refusal, by_version }) => {
            let ended = Ended::by_status(refusal.status.is_server_error());
            shared.record(took, by_version.then_some((&*loaded, ended)));
            refuse(shared, &refusal, Some(&loaded))
        }
    };
    count(shared, labels, answer.status());
    shared.metrics.duration.with_label_values(&labels).observe(took.as_secs_f64());
    let headers = answer.headers_mut();
    if let Ok(name) = HeaderValue::from_bytes(loaded.model.as_bytes()) {
        headers.insert(MODEL_NAME, name);
    }
    headers.insert(MODEL_VERSION, HeaderValue::from(loaded.version));
    answer
}

async fn read<B>(shared: &Shared, request: Request<B>) -> Result<Bytes, Refusal>
where
    B: Body<Data = Bytes> + Unpin,
{
    let max = shared.max_body_bytes;
    let headers = request.headers();
    let encoding = headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes);
    if encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case(b"identity")) {
        return Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "compressed bodies are not taken; send the JSON as it is",
        ));
    }
    let promised = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok());
    if promised.is_some_and(|promised: u64| promised > max) {
        // Who waits for a go-ahead has not sent anything yet.
        if !headers.contains_key(header::EXPECT) {
            body::discard(request.into_body()).await;
        }
        return Err(Refusal::too_large(BodyError::TooLarge { max }.to_string()));
    }
    body::read(request.into_body(), max).await.map_err(|error| match &error {
        BodyError::TooLarge { .. } => Refusal::too_large(error.to_string()),
        BodyError::TooSlow => Refusal::new(StatusCode::REQUEST_TIMEOUT, error.to_string()),
        BodyError::Broken => Refusal::bad_request(error.to_string()),
    })
}

/// A refusal, and whether it was the version that could not answer.
struct Refused {
    refusal: Refusal,
    by_version: bool,
}

/// Answers a body: how many rows, and what to send.
async fn predict(
    shared: &Shared,
    loaded: &Arc<Loaded>,
    body: Bytes,
) -> Result<(usize, Vec<u8>), Refused> {
    if body.len() > INLINE_BYTES_MAX {
        let loaded = Arc::clone(loaded);
        return heavy(shared, move || parse(&body).and_then(|rows| answer_rows(&loaded, &rows)))
            .await;
    }
    let rows = parse(&body)?;
    if rows.len() > INLINE_ROWS_MAX {
        let loaded = Arc::clone(loaded);
        return heavy(shared, move || answer_rows(&loaded, &rows)).await;
    }
    std::panic::catch_unwind(AssertUnwindSafe(|| answer_rows(loaded, &rows)))
        .unwrap_or_else(|_| Err(panicked(loaded)))
}

/// Runs what takes long on a thread of its own, as many at once as there are cores.
async fn heavy<R: Send + 'static>(
    shared: &Shared,
    work: impl FnOnce() -> Result<R, Refused> + Send + 'static,
) -> Result<R, Refused> {
    let permit = Arc::clone(&shared.heavy).acquire_owned().await;
    let done = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        work()
    });
    done.await.unwrap_or_else(|error| {
        tracing::error!(%error, "a model failed on a request");
        Err(Refused { refusal: Refusal::failed(), by_version: true })
    })
}

fn parse(body: &[u8]) -> Result<Vec<Value>, Refused> {
    predict::rows(body).map_err(|refusal| Refused { refusal, by_version: false })
}

fn answer_rows(loaded: &Loaded, rows: &[Value]) -> Result<(usize, Vec<u8>), Refused> {
    let answers = predict::answer(&*loaded.predictor, rows)
        .map_err(|refusal| Refused { refusal, by_version: true })?;
    let body = serde_json::to_vec(&answers).map_err(|_| panicked(loaded))?;
    Ok((answers.len(), body))
}

fn panicked(loaded: &Loaded) -> Refused {
    tracing::error!(model = loaded.model, version = loaded.version, "a model failed on a request");
    Refused { refusal: Refusal::failed(), by_version: true }
}

/// Counts a request while it lives.
struct InFlight<'a>(&'a Shared);

impl<'a> InFlight<'a> {
    fn begin(shared: &'a Shared) -> Self {
        shared.in_flight.fetch_add(1, Ordering::Relaxed);
        shared.metrics.in_flight.inc();
        Self(shared)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.0.metrics.in_flight.dec();
    }
}

fn count(shared: &Shared, [model, version]: [&str; 2], status: StatusCode) {
    shared.metrics.requests.with_label_values(&[model, version, status.as_str()]).inc();
}

fn refuse(shared: &Shared, refusal: &Refusal, by: Option<&Loaded>) -> Answer {
    shared.remember(refusal, by.map(|loaded| (loaded.model.as_str(), loaded.version)));
    let mut answer = bytes_answer(refusal.status, JSON, refusal.body());
    if let Some(allow) = refusal.allow {
        answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    }
    answer
}

fn json_answer(status: StatusCode, body: &Value) -> Answer {
    bytes_answer(status, JSON, body.to_string().into_bytes())
}

fn bytes_answer(status: StatusCode, content_type: HeaderValue, body: Vec<u8>) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, content_type);
    answer
}

/// Takes the client's own id where it is a plain short one, else makes one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let given = headers.get(REQUEST_ID).filter(|id| {
        let id = id.as_bytes();
        !id.is_empty() && id.len() <= REQUEST_ID_LEN_MAX && id.iter().all(u8::is_ascii_graphic)
    });
    given.cloned().unwrap_or_else(|| {
        let id = uuid::Uuid::new_v4().to_string();
        HeaderValue::from_str(&id).expect("a UUID is plain ASCII")
    })
}
