//! Those who look at predictions beside the client: the prediction log, and the version that gets
//! copies. Where there are none, a request pays for one look at a flag.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hyper::HeaderMap;
use hyper::header::HeaderValue;

use crate::ml::{Answers, Batch};
use crate::serving::hash;
use crate::serving::log::PredictionLog;
use crate::serving::request_id;
use crate::serving::shadow::Shadow;
use crate::serving::shared::Shared;
use crate::serving::table::Loaded;
use crate::types::Timestamp;
use crate::types::time::instant;

/// Divides requests into those that are copied and others.
const SEED_SHADOW: u64 = 0x5ad0;
/// … and into those that are logged and others.
const SEED_LOG: u64 = 0x106;

/// What is seen of one prediction.
pub(crate) struct Seen {
    pub(crate) id: HeaderValue,
    pub(crate) at: Timestamp,
    pub(crate) loaded: Arc<Loaded>,
    pub(crate) batch: Batch,
    pub(crate) answers: Answers,
    pub(crate) took: Duration,
}

/// Who looks at one request.
pub(crate) struct Tap {
    id: HeaderValue,
    at: Timestamp,
    begin: Instant,
    log: Option<Arc<PredictionLog>>,
    shadow: Option<Arc<Shadow>>,
}

impl Tap {
    /// Returns who looks at a request that a version is to answer; `None` where nobody does.
    pub(crate) fn of(shared: &Shared, loaded: &Loaded, headers: &HeaderMap) -> Option<Self> {
        if !shared.is_tapped.load(Ordering::Relaxed) {
            return None;
        }
        let id = headers.get(request_id::NAME)?;
        let is_drawn = |seed, share: f64| hash::unit(hash::of(seed, id.as_bytes())) < share;
        let log = shared.log.as_ref().filter(|log| is_drawn(SEED_LOG, log.sample())).cloned();
        let table = shared.table.get();
        let shadow = table.models.get(&loaded.model).and_then(|entry| entry.shadow.as_ref());
        let shadow = shadow.filter(|shadow| {
            shadow.loaded.version != loaded.version
                && is_drawn(SEED_SHADOW, f64::from(shadow.percent) / 100.0)
        });
        if log.is_none() && shadow.is_none() {
            return None;
        }
        let shadow = shadow.cloned();
        Some(Self { id: id.clone(), at: shared.clock.now(), begin: instant(), log, shadow })
    }

    /// Shows what was answered.
    pub(crate) fn show(self, loaded: &Arc<Loaded>, batch: Batch, answers: Answers) {
        let bytes = batch.size_bytes() + size_of_val(answers.numbers());
        let seen = Arc::new(Seen {
            id: self.id,
            at: self.at,
            loaded: Arc::clone(loaded),
            batch,
            answers,
            took: self.begin.elapsed(),
        });
        if let Some(shadow) = self.shadow {
            shadow.offer(bytes, Arc::clone(&seen));
        }
        if let Some(log) = self.log {
            log.offer(bytes, seen);
        }
    }
}
