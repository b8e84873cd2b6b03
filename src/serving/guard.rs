//! Who may ask, how often, and how many at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{self, HeaderMap};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::dag::serving::ServingSpec;
use crate::serving::refusal::Refusal;
use crate::web::Token;
use crate::web::token::{borne, equal};

/// Guards the doors of the model server.
#[derive(Debug)]
pub(crate) struct Guard {
    keys: Vec<Key>,
    /// Of all together, where there are no keys.
    everybody: Option<Bucket>,
    /// The deck's own: it opens what a key opens, and more.
    token: Token,
    places: Semaphore,
    waiting: AtomicUsize,
    queue_len_max: usize,
}

struct Key {
    name: String,
    secret: String,
    bucket: Option<Bucket>,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Guard {
    pub(crate) fn of(spec: &ServingSpec, token: Token) -> Self {
        let bucket = || spec.rate_limit.map(Bucket::of);
        let key = |(name, secret): &(String, crate::dag::secret::Secret)| Key {
            name: name.clone(),
            secret: secret.reveal().trim().to_owned(),
            bucket: bucket(),
        };
        let keys: Vec<Key> = spec.api_keys.iter().map(key).collect();
        Self {
            everybody: if keys.is_empty() { bucket() } else { None },
            keys,
            token,
            places: Semaphore::new(spec.max_in_flight),
            waiting: AtomicUsize::new(0),
            queue_len_max: spec.max_queue,
        }
    }

    /// Says whether a request may change what is served.
    pub(crate) fn is_owner(&self, headers: &HeaderMap) -> bool {
        self.token.admits(headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()))
    }

    /// Returns what whoever asks from within sends along.
    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.token.as_str())
    }

    /// Lets a request in, or says why not; `now` is since the server's start. Returns the name of
    /// the key.
    pub(crate) fn admit(&self, headers: &HeaderMap, now: Duration) -> Result<&str, Refusal> {
        if self.keys.is_empty() {
            return self.everybody.as_ref().map_or(Ok(""), |bucket| bucket.take(now).map(|()| ""));
        }
        if self.is_owner(headers) {
            return Ok("");
        }
        match self.known(headers) {
            Some(key) => key.bucket.as_ref().map_or(Ok(()), |b| b.take(now)).map(|()| &*key.name),
            None => {
                let error =
                    "send a key of `[serving]` as `Authorization: Bearer KEY` or `X-API-Key: KEY`";
                Err(Refusal::new(StatusCode::UNAUTHORIZED, error))
            }
        }
    }

    /// Returns the name of the key that a request bears.
    pub(crate) fn key_of(&self, headers: &HeaderMap) -> Option<&str> {
        self.known(headers).map(|key| &*key.name)
    }

    /// Says whether a request may tell what came of predictions: by a key, or as the owner.
    pub(crate) fn may_tell(&self, headers: &HeaderMap) -> bool {
        self.is_owner(headers) || self.key_of(headers).is_some()
    }

    fn known(&self, headers: &HeaderMap) -> Option<&Key> {
        let text = |name| headers.get(name).and_then(|v: &header::HeaderValue| v.to_str().ok());
        let given = text("x-api-key").map(str::to_owned).or_else(|| borne(text("authorization")));
        let given = given.unwrap_or_default();
        // All are compared, so that the time tells nothing.
        self.keys.iter().fold(None, |found, key| {
            if equal(given.as_bytes(), key.secret.as_bytes()) { Some(key) } else { found }
        })
    }

    /// Waits for a place among those that are worked on; refuses where too many wait.
    pub(crate) async fn place(&self) -> Result<SemaphorePermit<'_>, Refusal> {
        if let Ok(place) = self.places.try_acquire() {
            return Ok(place);
        }
        let _waiting = Waiting::begin(&self.waiting, self.queue_len_max)?;
        let closed = |_| Refusal::unavailable("the model server stops");
        self.places.acquire().await.map_err(closed)
    }
}

/// Counts one that waits, also where its client goes away meanwhile.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize, max: usize) -> Result<Self, Refusal> {
        if count.fetch_add(1, Ordering::Relaxed) >= max {
            count.fetch_sub(1, Ordering::Relaxed);
            let error = "too many requests wait already";
            return Err(Refusal::unavailable(error).retry_after(1));
        }
        Ok(Self(count))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A bucket of a second's requests, filled steadily.
#[derive(Debug)]
struct Bucket {
    per_second: f64,
    /// What is left, and when that was.
    level: Mutex<(f64, Duration)>,
}

impl Bucket {
    fn of(per_second: u32) -> Self {
        let per_second = f64::from(per_second);
        Self { per_second, level: Mutex::new((per_second, Duration::ZERO)) }
    }

    fn take(&self, now: Duration) -> Result<(), Refusal> {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, since) = *level;
        let filled = now.saturating_sub(since).as_secs_f64() * self.per_second;
        let left = (left + filled).min(self.per_second);
        *level = (left, now.max(since));
        if left >= 1.0 {
            level.0 = left - 1.0;
            return Ok(());
        }
        let secs = ((1.0 - left) / self.per_second).ceil().max(1.0);
        let error = format!("more than {} requests a second", self.per_second);
        // A second at most: the rate is one or more.
        Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, error).retry_after(secs as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_what_flows_in_and_no_more() {
        let bucket = Bucket::of(2);
        let at = Duration::from_millis;
        let taken: Vec<bool> = [0, 0, 0, 400, 600, 600, 60_000, 60_000, 60_000, 60_001]
            .map(|ms| bucket.take(at(ms)).is_ok())
            .to_vec();
        assert_eq!(
            taken,
            [true, true, false, false, true, false, true, true, false, false],
            "a rest fills two at most"
        );
        let refusal = bucket.take(at(60_001)).unwrap_err();
        assert_eq!((refusal.status.as_u16(), refusal.retry_after), (429, Some(1)));
    }
}
