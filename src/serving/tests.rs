//! The server in process, then over real sockets, with models that answer their version number.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{Method, Response};
use serde_json::{Value, json};

use super::*;
use crate::ml::Predictor;
use crate::runtime::serving::{ServingHandle, channel};
use crate::serving::fake::Fake;
use crate::store::serving::outcome::{Hour, Outcome};
use crate::store::serving::policy::Policy;
use crate::types::Timestamp;
use crate::types::serving::RolloutView;
use crate::types::time::SystemClock;
use crate::types::{FaultKind, event::Event};

/// The deck's.
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Rows of one request.
const ROWS_MAX: usize = 10_000;

mod doors;
mod fuzz;
mod invocations;
mod oip;
mod orders;
mod real;
mod requests;
mod swap;
mod traffic;

/// A registry in memory: any model of this map has versions 1 to 5, the sixth is broken.
#[derive(Default)]
struct FakeSource {
    aliases: Mutex<BTreeMap<(String, String), u32>>,
    kept: Mutex<Vec<(String, u32, u8)>>,
    keeping_fails: AtomicBool,
    /// As they were loaded.
    fakes: Mutex<Vec<(String, u32, Arc<Fake>)>>,
    policies: Mutex<Vec<(String, Policy)>>,
    outcomes: Mutex<Vec<Outcome>>,
}

impl Source for FakeSource {
    fn load(&self, model: &str, version: u32) -> Result<Arc<dyn Predictor>, Fault> {
        match (model, version) {
            ("iris" | "housing", 1..=5) => {
                let fake = Arc::new(Fake::of_version(version));
                self.fakes.lock().unwrap().push((model.to_owned(), version, Arc::clone(&fake)));
                Ok(fake)
            }
            ("iris", 6) => Ok(Arc::new(Fake::of_version(6).with_wrong_memory())),
            _ => Err(Fault::not_found(format!("`{model}` has no version {version}"))),
        }
    }

    fn profile(&self, _: &str, _: u32) -> Option<crate::ml::Profile> {
        None
    }

    fn by_alias(&self, model: &str, alias: &str) -> Result<Option<u32>, Fault> {
        if !["iris", "housing"].contains(&model) {
            return Err(Fault::not_found(format!("there is no model `{model}`")));
        }
        let key = (model.to_owned(), alias.to_owned());
        Ok(self.aliases.lock().unwrap().get(&key).copied())
    }

    fn kept_traffic(&self) -> Result<Vec<(String, u32, u8)>, Fault> {
        Ok(self.kept.lock().unwrap().clone())
    }

    fn keep_traffic(&self, model: &str, weights: &[(u32, u8)]) -> Result<(), Fault> {
        if self.keeping_fails.load(Ordering::Relaxed) {
            return Err(Fault::unavailable("the disk is full"));
        }
        let mut kept = self.kept.lock().unwrap();
        kept.retain(|(name, _, _)| name != model);
        kept.extend(weights.iter().map(|(version, weight)| (model.to_owned(), *version, *weight)));
        Ok(())
    }

    fn kept_policies(&self) -> Result<Vec<(String, Policy)>, Fault> {
        Ok(self.policies.lock().unwrap().clone())
    }

    fn keep_policy(&self, model: &str, policy: &Policy) -> Result<(), Fault> {
        let mut policies = self.policies.lock().unwrap();
        policies.retain(|(name, _)| name != model);
        policies.push((model.to_owned(), policy.clone()));
        Ok(())
    }

    fn rollouts(&self) -> Result<Vec<RolloutView>, Fault> {
        Ok(Vec::new())
    }

    fn add_outcomes(
        &self,
        outcomes: &[Outcome],
        _oldest: Timestamp,
        _now: Timestamp,
    ) -> Result<Vec<bool>, Fault> {
        let mut told = self.outcomes.lock().unwrap();
        let mut add = |outcome: &Outcome| {
            let is_new = !told.iter().any(|known| {
                (&known.id, known.row, known.kind) == (&outcome.id, outcome.row, outcome.kind)
            });
            told.extend(is_new.then(|| outcome.clone()));
            is_new
        };
        Ok(outcomes.iter().map(&mut add).collect())
    }

    fn outcome_hours(&self) -> Result<Vec<Hour>, Fault> {
        Ok(Vec::new())
    }
}

impl FakeSource {
    /// Returns the version that was loaded last.
    fn fake_of(&self, model: &str, version: u32) -> Arc<Fake> {
        let fakes = self.fakes.lock().unwrap();
        let mut of = fakes.iter().rev().filter(|fake| fake.0 == model && fake.1 == version);
        Arc::clone(&of.next().unwrap().2)
    }

    fn set_alias(&self, model: &str, alias: &str, version: u32) {
        self.aliases.lock().unwrap().insert((model.to_owned(), alias.to_owned()), version);
    }
}

fn shared_with(source: &Arc<FakeSource>) -> Arc<Shared> {
    let source = Arc::clone(source) as Arc<dyn Source>;
    let spec = ServingSpec { max_body_bytes: 64 << 10, max_rows: ROWS_MAX, ..Default::default() };
    shared_as(source, spec)
}

fn shared_as(source: Arc<dyn Source>, spec: ServingSpec) -> Arc<Shared> {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, TOKEN).unwrap();
    let token = Token::load_or_create(&token).unwrap();
    let clock = Arc::new(SystemClock);
    Arc::new(Shared::new(source, Publisher::default(), clock, spec, token).unwrap())
}

/// A server that listens on a free port, with `iris` version 1 in service.
struct Running {
    source: Arc<FakeSource>,
    shared: Arc<Shared>,
    handle: ServingHandle,
    server: Server,
}

impl Running {
    async fn empty() -> Self {
        Self::with(Arc::default()).await
    }

    async fn with(source: Arc<FakeSource>) -> Self {
        let shared = shared_with(&source);
        Self::of(source, shared).await
    }

    async fn of(source: Arc<FakeSource>, shared: Arc<Shared>) -> Self {
        let (handle, orders) = channel();
        let places = Places::of(&shared.spec, "127.0.0.1:0", Path::new("/"));
        let server = start_with(Arc::clone(&shared), &places, orders).await.unwrap();
        Self { source, shared, handle, server }
    }

    /// With `iris` version 1 in service, by these settings.
    async fn as_said(spec: ServingSpec) -> Self {
        let source: Arc<FakeSource> = Arc::default();
        let shared = shared_as(Arc::clone(&source) as _, spec);
        let running = Self::of(source, shared).await;
        running.handle.load("iris", 1).await.unwrap();
        running.handle.set_traffic("iris", vec![(1, 100)]).await.unwrap();
        running
    }

    async fn serving_iris() -> Self {
        let running = Self::empty().await;
        running.handle.load("iris", 1).await.unwrap();
        running.handle.set_traffic("iris", vec![(1, 100)]).await.unwrap();
        running
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Response<Full<Bytes>> {
        http::serve(Arc::clone(&self.shared), request).await.unwrap()
    }

    async fn post(&self, path: &str, body: impl Into<Bytes>) -> (u16, Value) {
        let response = self.send(request(Method::POST, path, body)).await;
        (response.status().as_u16(), json_of(response).await)
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let response = self.send(request(Method::GET, path, "")).await;
        (response.status().as_u16(), json_of(response).await)
    }
}

fn request(method: Method, path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::builder().method(method).uri(path).body(Full::new(body.into())).unwrap()
}

async fn bytes_of(response: Response<Full<Bytes>>) -> Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

async fn json_of(response: Response<Full<Bytes>>) -> Value {
    let bytes = bytes_of(response).await;
    serde_json::from_slice(&bytes).unwrap_or(Value::Null)
}
