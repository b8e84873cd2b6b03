//! What requests, orders and the status share.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::dag::serving::ServingSpec;
use crate::ml::batch::Rules;
use crate::runtime::publish::Publisher;
use crate::serving::guard::Guard;
use crate::serving::log::PredictionLog;
use crate::serving::metrics::Metrics;
use crate::serving::outcomes::Arms;
use crate::serving::policy::Policies;
use crate::serving::predictor;
use crate::serving::refusal::Refusal;
use crate::serving::replicas::Fleet;
use crate::serving::source::Source;
use crate::serving::stats::{Ended, Ring};
use crate::serving::table::{InForce, Loaded, Table};
use crate::types::serving::{ServedVersion, ServingError, ServingStatus};
use crate::types::time::instant;
use crate::types::{Clock, Fault};
use crate::web::Token;

/// Refusals and failures that are remembered.
const RECENT_ERRORS_MAX: usize = 50;

/// The model server's state.
pub(crate) struct Shared {
    pub(crate) table: InForce,
    pub(crate) source: Arc<dyn Source>,
    pub(crate) metrics: Metrics,
    pub(crate) publisher: Publisher,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) spec: ServingSpec,
    pub(crate) guard: Guard,
    /// Large requests at once: one a core, so that small ones get their turn.
    pub(crate) heavy: Arc<Semaphore>,
    /// Held while traffic is moved: what is kept and what is in force change together.
    pub(crate) moving: tokio::sync::Mutex<()>,
    /// Held while an alias is looked up that nobody asked for before.
    pub(crate) resolving: tokio::sync::Mutex<()>,
    pub(crate) in_flight: AtomicU64,
    /// What was said of each model's traffic beside the percents.
    pub(crate) policies: Policies,
    /// Whether anybody looks at predictions beside the client: the log, or a version with copies.
    pub(crate) is_tapped: AtomicBool,
    /// `None`: nothing is kept of predictions.
    pub(crate) log: Option<Arc<PredictionLog>>,
    /// What later truth says of versions.
    pub(crate) arms: Arms,
    /// Where it listens, or why it does not.
    pub(crate) listening: OnceLock<Result<String, String>>,
    /// Where others answer in its stead.
    pub(crate) fleet: OnceLock<Fleet>,
    /// Requests so far, of which some are logged.
    pub(crate) logged: AtomicU64,
    started: Instant,
    ring: Mutex<Ring>,
    recent_errors: Mutex<VecDeque<ServingError>>,
}

impl Shared {
    pub(crate) fn new(
        source: Arc<dyn Source>,
        publisher: Publisher,
        clock: Arc<dyn Clock>,
        spec: ServingSpec,
        token: Token,
    ) -> Result<Self, Fault> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Self {
            table: InForce::default(),
            source,
            metrics: Metrics::new().map_err(|error| Fault::internal(&error))?,
            publisher,
            clock,
            guard: Guard::of(&spec, token),
            spec,
            heavy: Arc::new(Semaphore::new(cores)),
            moving: tokio::sync::Mutex::default(),
            resolving: tokio::sync::Mutex::default(),
            in_flight: AtomicU64::new(0),
            policies: Policies::default(),
            is_tapped: AtomicBool::new(false),
            log: None,
            arms: Arms::default(),
            listening: OnceLock::new(),
            fleet: OnceLock::new(),
            logged: AtomicU64::new(0),
            started: instant(),
            ring: Mutex::default(),
            recent_errors: Mutex::default(),
        })
    }

    /// Has predictions kept from now on, where the settings say so.
    pub(crate) fn with_log(mut self, folder: &Path) -> Result<Self, Fault> {
        if let Some(spec) = &self.spec.log {
            self.log = Some(PredictionLog::start(folder, spec, Arc::clone(&self.clock))?);
            self.is_tapped = AtomicBool::new(true);
        }
        Ok(self)
    }

    /// Returns how rows are read.
    pub(crate) fn rules(&self) -> Rules {
        Rules { ignore_unknown: self.spec.ignore_unknown, rows_max: self.spec.max_rows }
    }

    /// Returns the model that `/predict` answers from: the one that the settings name, and no other;
    /// else the one deployed last of those in service.
    pub(crate) fn default_model<'a>(&'a self, table: &'a Table) -> Option<&'a str> {
        self.spec.default_model.as_deref().or_else(|| table.latest_model().map(String::as_str))
    }

    /// Takes note of a request that ended; `reached` is the version that was to answer, with
    /// how that went.
    pub(crate) fn record(&self, took: Duration, reached: Option<(&Loaded, Ended)>) {
        let now = self.uptime();
        let ended = reached.map_or(Ended::Refused, |(_, ended)| ended);
        self.ring.lock().unwrap_or_else(PoisonError::into_inner).record(now, took, ended);
        if let Some((loaded, ended)) = reached {
            loaded.record(now, took, ended);
        }
    }

    /// Remembers a refusal or a failure for the status.
    pub(crate) fn remember(&self, refusal: &Refusal, who: Option<(&str, u32)>) {
        let error = ServingError {
            when: self.clock.now(),
            status: refusal.status.as_u16(),
            model: who.map(|(model, _)| model.to_owned()),
            version: who.map(|(_, version)| version),
            message: refusal.error.clone(),
        };
        let mut recent = self.recent_errors.lock().unwrap_or_else(PoisonError::into_inner);
        recent.truncate(RECENT_ERRORS_MAX - 1);
        recent.push_front(error);
    }

    /// Tells how the server stands.
    pub(crate) fn status(&self) -> ServingStatus {
        let table = self.table.get();
        let now = self.uptime();
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let history = ring.history(now);
        let listening = self.listening.get();
        let recent = self.recent_errors.lock().unwrap_or_else(PoisonError::into_inner);
        let default_model = self.default_model(&table);
        let main = default_model.and_then(|model| table.main_version(model));
        ServingStatus {
            listen: listening.and_then(|l| l.as_ref().ok()).cloned(),
            problem: listening.and_then(|l| l.as_ref().err()).cloned(),
            default_model: default_model.map(str::to_owned),
            example: main.and_then(|loaded| predictor::example(loaded.predictor.as_ref())),
            versions: table.all().map(|(loaded, weight)| served(&loaded, weight, now)).collect(),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            requests_history: history.requests,
            p99_history: history.p99_ms,
            recent_errors: recent.iter().cloned().collect(),
            traffic: Vec::new(),
            prediction_log: self.log.as_ref().map(|log| log.view()),
            replicas: Vec::new(),
        }
    }

    pub(crate) fn uptime(&self) -> Duration {
        instant().duration_since(self.started)
    }
}

fn served(loaded: &Loaded, weight: u8, now: Duration) -> ServedVersion {
    let ring = loaded.ring();
    ServedVersion {
        model: loaded.model.clone(),
        version: loaded.version,
        weight,
        loaded_at: loaded.loaded_at,
        requests_total: loaded.requests_total.load(Ordering::Relaxed),
        errors_total: loaded.errors_total.load(Ordering::Relaxed),
        requests_per_sec: ring.rate(now),
        p50_ms: ring.quantile_ms(now, 0.5),
        p99_ms: ring.quantile_ms(now, 0.99),
        failed_total: loaded.failed_total.load(Ordering::Relaxed),
        history: ring.history(now),
        example: predictor::example(loaded.predictor.as_ref()),
        drift: loaded.drift.brief(),
    }
}
