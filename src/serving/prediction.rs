//! A prediction from the head of its request to its answer: who answers, the body, the rows, the
//! counts.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hyper::body::{Body, Bytes};
use hyper::header::{self, HeaderName};
use hyper::{HeaderMap, Request, StatusCode};

use crate::serving::encoding::{self, Encoding};
use crate::serving::http::{Answer, refuse};
use crate::serving::protocol::{Asked, Protocol, Reply};
use crate::serving::refusal::{Refusal, Refused, Voice};
use crate::serving::resolve::resolve;
use crate::serving::route::Target;
use crate::serving::shared::Shared;
use crate::serving::stats::Ended;
use crate::serving::table::Loaded;
use crate::serving::tap::Tap;
use crate::types::time::instant;
use crate::web::body::{self, BodyError};

/// Rows that are answered on the spot; more go to a thread of their own.
const INLINE_ROWS_MAX: usize = 64;

/// Bytes that are parsed on the spot.
const INLINE_BYTES_MAX: usize = 16 << 10;

pub(crate) const MODEL_NAME: HeaderName = HeaderName::from_static("x-model-name");
pub(crate) const MODEL_VERSION: HeaderName = HeaderName::from_static("x-model-version");

/// Answers a request for predictions.
pub(crate) async fn answer<B>(
    shared: &Arc<Shared>,
    (target, protocol): (Target, Protocol),
    voice: Voice,
    request: Request<B>,
) -> Answer
where
    B: Body<Data = Bytes> + Unpin + Send,
{
    let _in_flight = InFlight::begin(shared);
    let begin = instant();
    let loaded = match resolve(shared, &target, request.headers()).await {
        Ok(loaded) => loaded,
        Err(refusal) => {
            shared.record(begin.elapsed(), None);
            shared.metrics.count(None, refusal.status);
            return refuse(shared, voice, &refusal, None);
        }
    };
    let packed = Encoding::of_answer(request.headers());
    let predicted = in_time(shared, &loaded, protocol, request).await;
    let took = begin.elapsed();
    let series = shared.metrics.series(&loaded);
    let mut answer = match predicted {
        Ok((rows, reply)) => {
            shared.record(took, Some((&loaded, Ended::Answered)));
            series.rows.inc_by(rows as u64);
            loaded.rows_total.fetch_add(rows as u64, Ordering::Relaxed);
            sent(shared, reply, packed).await
        }
        Err(Refused { refusal, by_version }) => {
            let ended = Ended::by_status(refusal.status.is_server_error());
            shared.record(took, by_version.then_some((&*loaded, ended)));
            refuse(shared, voice, &refusal, Some(&loaded))
        }
    };
    let ended_ms = shared.clock.now().as_millisecond();
    loaded.last_ms.store(u64::try_from(ended_ms).unwrap_or(0), Ordering::Relaxed);
    match answer.status() {
        StatusCode::OK => series.answered.inc(),
        other => shared.metrics.count(Some(&loaded), other),
    }
    series.duration.observe(took.as_secs_f64());
    let (name, version) = &loaded.headers;
    let headers = answer.headers_mut();
    if let Some(name) = name {
        headers.insert(MODEL_NAME, name.clone());
    }
    headers.insert(MODEL_VERSION, version.clone());
    answer
}

async fn sent(shared: &Shared, reply: Reply, packed: Option<Encoding>) -> Answer {
    let Reply { content_type, header, body } = reply;
    let mut answer = match packed {
        // To pack much takes long.
        Some(_) if body.len() > INLINE_BYTES_MAX => {
            let packing = heavy(shared, move || Ok(encoding::answer(body, packed))).await;
            packing.unwrap_or_else(|refused| refuse(shared, Voice::Own, &refused.refusal, None))
        }
        packed => encoding::answer(body, packed),
    };
    answer.headers_mut().insert(header::CONTENT_TYPE, content_type);
    if let Some((name, value)) = header {
        answer.headers_mut().insert(name, value);
    }
    answer
}

/// Answers when it is its turn, and while anybody waits for it.
async fn in_time<B>(
    shared: &Shared,
    loaded: &Arc<Loaded>,
    protocol: Protocol,
    request: Request<B>,
) -> Result<(usize, Reply), Refused>
where
    B: Body<Data = Bytes> + Unpin,
{
    let limit = shared.spec.request_timeout;
    let predicting = async {
        let _place = shared.guard.place().await.map_err(Refused::unread)?;
        predict(shared, loaded, protocol, request).await
    };
    tokio::time::timeout(limit, predicting).await.unwrap_or_else(|_| {
        let error = format!("not answered within {} s", limit.as_secs_f64());
        Err(Refused::unread(Refusal::unavailable(error).retry_after(1)))
    })
}

/// Answers a body: how many rows, and what to send.
async fn predict<B>(
    shared: &Shared,
    loaded: &Arc<Loaded>,
    protocol: Protocol,
    request: Request<B>,
) -> Result<(usize, Reply), Refused>
where
    B: Body<Data = Bytes> + Unpin,
{
    let (head, body) = request.into_parts();
    let headers = head.headers;
    let encoding = Encoding::of_body(&headers).map_err(Refused::unread)?;
    let body = read(shared, &headers, body).await.map_err(Refused::unread)?;
    let (max, rules) = (shared.spec.max_body_bytes, shared.rules());
    let tap = Tap::of(shared, loaded, &headers);
    if encoding.is_some() || body.len() > INLINE_BYTES_MAX {
        let loaded = Arc::clone(loaded);
        return heavy(shared, move || {
            let body = match encoding {
                None => body,
                Some(encoding) => encoding.unpack(&body, max).map_err(Refused::unread)?,
            };
            answered(&loaded, protocol.read(&headers, &body, &loaded, rules)?, tap)
        })
        .await;
    }
    let read = || protocol.read(&headers, &body, loaded, rules);
    let asked = std::panic::catch_unwind(AssertUnwindSafe(read));
    let asked = asked.unwrap_or_else(|_| Err(panicked(loaded)))?;
    if asked.batch.rows() > INLINE_ROWS_MAX {
        let loaded = Arc::clone(loaded);
        return heavy(shared, move || answered(&loaded, asked, tap)).await;
    }
    std::panic::catch_unwind(AssertUnwindSafe(|| answered(loaded, asked, tap)))
        .unwrap_or_else(|_| Err(panicked(loaded)))
}

fn answered(
    loaded: &Arc<Loaded>,
    asked: Asked,
    tap: Option<Tap>,
) -> Result<(usize, Reply), Refused> {
    let rows = asked.batch.rows();
    let (reply, answers) = asked.answer(loaded)?;
    if let Some(tap) = tap {
        tap.show(loaded, asked.batch, answers);
    }
    Ok((rows, reply))
}

/// Reads a body within the limits.
pub(crate) async fn read<B>(shared: &Shared, headers: &HeaderMap, body: B) -> Result<Bytes, Refusal>
where
    B: Body<Data = Bytes> + Unpin,
{
    let max = shared.spec.max_body_bytes;
    let promised = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok());
    if promised.is_some_and(|promised: u64| promised > max) {
        // Who waits for a go-ahead has not sent anything yet.
        if !headers.contains_key(header::EXPECT) {
            body::discard(body).await;
        }
        return Err(Refusal::too_large(BodyError::TooLarge { max }.to_string()));
    }
    body::read(body, max).await.map_err(|error| match &error {
        BodyError::TooLarge { .. } => Refusal::too_large(error.to_string()),
        BodyError::TooSlow => Refusal::new(StatusCode::REQUEST_TIMEOUT, error.to_string()),
        BodyError::Broken => Refusal::bad_request(error.to_string()),
    })
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
