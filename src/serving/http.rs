//! Answers requests. A bad request gets a 4xx that says what is wrong with it; a panic is a 500
//! and a line in the log, never the end of the server.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::FutureExt as _;
use http_body_util::Full;
use hyper::body::{Body, Bytes};
use hyper::header::{self, HeaderValue};
use hyper::{HeaderMap, Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::serving::encoding::Encoding;
use crate::serving::protocol::JSON;
use crate::serving::refusal::{Refusal, Voice};
use crate::serving::route::{self, OipRoute, ROUTES, Route};
use crate::serving::shared::Shared;
use crate::serving::table::{Loaded, Table};
use crate::serving::{bento, cors, docs, oip, outcomes, prediction, request_id, traffic_view};
use crate::types::time::instant;

/// Whose scoring protocol `/invocations` speaks.
const MLFLOW_VERSION: &str = "3.17.2";

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const PROMETHEUS: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// What is sent back.
pub(crate) type Answer = Response<Full<Bytes>>;

/// Answers one request.
pub(crate) async fn serve<B>(
    shared: Arc<Shared>,
    mut request: Request<B>,
) -> Result<Answer, Infallible>
where
    B: Body<Data = Bytes> + Unpin + Send,
{
    let begin = instant();
    let id = request_id::of(request.headers());
    if shared.is_tapped.load(Ordering::Relaxed) {
        request.headers_mut().insert(request_id::NAME, id.clone());
    }
    let voice = Voice::of(request.uri().path());
    let logged = is_logged(&shared).then(|| (request.method().clone(), request.uri().clone()));
    let origin = cors::allowed(&shared.spec.cors_origins, request.headers());
    let answer = AssertUnwindSafe(guarded(&shared, voice, origin.is_some(), request));
    let mut answer = answer.catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!(request_id = ?id, "a request made the model server panic");
        refuse(&shared, voice, &Refusal::failed(), None)
    });
    if let Some((method, uri)) = logged {
        let (path, status) = (uri.path(), answer.status().as_u16());
        let took_ms = begin.elapsed().as_secs_f64() * 1000.0;
        tracing::info!(%method, path, status, took_ms, request_id = ?id, "asked");
    }
    if let Some(origin) = origin {
        cors::allow(answer.headers_mut(), origin);
    }
    answer.headers_mut().insert(request_id::NAME, id);
    Ok(answer)
}

/// Says whether this request is one of those that are logged.
fn is_logged(shared: &Shared) -> bool {
    let every = u64::from(shared.spec.access_log_every);
    every > 0 && shared.logged.fetch_add(1, Ordering::Relaxed).is_multiple_of(every)
}

/// Answers whoever may ask; health is told to everybody.
async fn guarded<B>(
    shared: &Arc<Shared>,
    voice: Voice,
    is_allowed_page: bool,
    request: Request<B>,
) -> Answer
where
    B: Body<Data = Bytes> + Unpin + Send,
{
    if is_allowed_page && let Some(answer) = cors::preflight(request.method(), request.headers()) {
        return answer;
    }
    let route = match route::find(request.method(), request.uri().path()) {
        Ok(route) => route,
        Err(refusal) => return refuse(shared, voice, &refusal, None),
    };
    if !route.is_health()
        && let Err(refusal) = shared.guard.admit(request.headers(), shared.uptime())
    {
        return refuse(shared, voice, &refusal, None);
    }
    answer(shared, voice, route, request).await
}

async fn answer<B>(shared: &Arc<Shared>, voice: Voice, route: Route, request: Request<B>) -> Answer
where
    B: Body<Data = Bytes> + Unpin + Send,
{
    match route {
        Route::Predict(target, protocol) => {
            prediction::answer(shared, (target, protocol), voice, request).await
        }
        Route::Oip(route) => of_oip(shared, &route, request.headers()).await,
        Route::Outcomes => of_outcomes(shared, request).await,
        Route::Metrics => metrics(shared).await,
        route => about(shared, &route, &shared.table.get()),
    }
}

/// Answers what is asked about the server.
fn about(shared: &Shared, route: &Route, table: &Table) -> Answer {
    match route {
        Route::Healthz | Route::Livez => json_answer(&json!({"status": "ok"})),
        Route::Readyz if table.has_traffic() => json_answer(&json!({"status": "ready"})),
        Route::Readyz => not_ready(),
        Route::Ping if table.has_traffic() => bytes_answer(StatusCode::OK, TEXT, b"\n".to_vec()),
        Route::Ping => not_ready(),
        Route::Version => bytes_answer(StatusCode::OK, TEXT, MLFLOW_VERSION.into()),
        Route::Models => json_answer(&docs::models(shared, table)),
        Route::Page => page(),
        Route::Docs => json_answer(&docs::openapi(shared, table)),
        Route::Schema => json_answer(&bento::schema(shared, table)),
        Route::Index | Route::Predict(..) | Route::Oip(_) | Route::Outcomes | Route::Metrics => {
            json_answer(&json!({"name": "dagdeck model server", "routes": ROUTES}))
        }
    }
}

async fn of_outcomes<B>(shared: &Arc<Shared>, request: Request<B>) -> Answer
where
    B: Body<Data = Bytes> + Unpin + Send,
{
    let told = async {
        let (head, body) = request.into_parts();
        if !shared.guard.may_tell(&head.headers) {
            let error = "what came of predictions is told with a key of `[serving]`, or with the \
                         token of `.dagdeck/token` as `Authorization: Bearer TOKEN`";
            return Err(Refusal::new(StatusCode::UNAUTHORIZED, error));
        }
        let encoding = Encoding::of_body(&head.headers)?;
        let body = prediction::read(shared, &head.headers, body).await?;
        outcomes::tell(shared, body, encoding).await
    };
    match told.await.map(|joined| json!(joined)) {
        Ok(joined) => json_answer(&joined),
        Err(refusal) => refuse(shared, Voice::Own, &refusal, None),
    }
}

fn metrics_text(shared: &Shared, table: &Table) -> prometheus::Result<Vec<u8>> {
    let mut text = shared.metrics.text(table)?;
    traffic_view::metrics(shared, table, &mut text)?;
    Ok(text)
}

/// Answers figures: of this server, and of its replicas.
async fn metrics(shared: &Shared) -> Answer {
    let own = match metrics_text(shared, &shared.table.get()) {
        Ok(own) => own,
        Err(error) => {
            tracing::error!(%error, "the figures could not be written");
            return refuse(shared, Voice::Own, &Refusal::failed(), None);
        }
    };
    let text = match shared.fleet.get() {
        Some(fleet) => fleet.metrics(&own).await.into_bytes(),
        None => own,
    };
    bytes_answer(StatusCode::OK, PROMETHEUS, text)
}

/// The page may load nothing but what this server has.
fn page() -> Answer {
    let mut answer = bytes_answer(StatusCode::OK, HTML, docs::PAGE.into());
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                  connect-src 'self'";
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    answer
}

/// Whoever asks whether it is ready does not want that remembered as an error.
fn not_ready() -> Answer {
    let refusal = Refusal::unavailable("no model is loaded yet");
    bytes_answer(refusal.status, JSON, refusal.body(Voice::Own))
}

async fn of_oip(shared: &Arc<Shared>, route: &OipRoute, headers: &HeaderMap) -> Answer {
    let changes = matches!(route, OipRoute::Load(_) | OipRoute::Unload(_));
    if changes && !shared.guard.is_owner(headers) {
        let error = "what changes what is served wants the token of `.dagdeck/token` as \
                     `Authorization: Bearer TOKEN`";
        let refusal = Refusal::new(StatusCode::UNAUTHORIZED, error);
        return refuse(shared, Voice::Oip, &refusal, None);
    }
    match oip::answer(shared, route).await {
        Ok(Some(body)) => json_answer(&body),
        Ok(None) => bytes_answer(StatusCode::OK, JSON, Vec::new()),
        Err(refusal) if matches!(route, OipRoute::Ready) => {
            bytes_answer(refusal.status, JSON, refusal.body(Voice::Oip))
        }
        Err(refusal) => refuse(shared, Voice::Oip, &refusal, None),
    }
}

/// Refuses a request, and remembers that.
pub(crate) fn refuse(
    shared: &Shared,
    voice: Voice,
    refusal: &Refusal,
    by: Option<&Loaded>,
) -> Answer {
    shared.remember(refusal, by.map(|loaded| (loaded.model.as_str(), loaded.version)));
    let mut answer = bytes_answer(refusal.status, JSON, refusal.body(voice));
    if let Some(allow) = refusal.allow {
        answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    }
    if let Some(secs) = refusal.retry_after {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(secs));
    }
    if refusal.status == StatusCode::UNAUTHORIZED {
        let bearer = HeaderValue::from_static("Bearer");
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
    }
    answer
}

fn json_answer(body: &Value) -> Answer {
    bytes_answer(StatusCode::OK, JSON, body.to_string().into_bytes())
}

fn bytes_answer(status: StatusCode, content_type: HeaderValue, body: Vec<u8>) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, content_type);
    answer
}
