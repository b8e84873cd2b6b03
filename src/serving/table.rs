//! Which versions are served, and who gets which share. A table is never changed: a new one
//! takes its place, and a version is freed when the last request that holds it has ended.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use hyper::header::HeaderValue;

use crate::ml::{Predictor, Profile};
use crate::serving::drift::Drift;
use crate::serving::metrics::Series;
use crate::serving::protocol::rows::Names;
use crate::serving::shadow::Shadow;
use crate::serving::stats::{Ended, Ring};
use crate::serving::sticky;
use crate::types::serving::Sticky;
use crate::types::{Fault, Timestamp};

/// A version in memory, with its counts.
pub(crate) struct Loaded {
    pub(crate) model: String,
    pub(crate) version: u32,
    pub(crate) predictor: Arc<dyn Predictor>,
    pub(crate) names: Names,
    pub(crate) loaded_at: Timestamp,
    pub(crate) drift: Drift,
    pub(crate) requests_total: AtomicU64,
    /// Rows that were answered.
    pub(crate) rows_total: AtomicU64,
    /// Microseconds that all requests took together.
    pub(crate) took_us_total: AtomicU64,
    /// When the last request ended, in milliseconds since 1970.
    pub(crate) last_ms: AtomicU64,
    /// Requests that this version could not answer: rows it refused, and failures.
    pub(crate) errors_total: AtomicU64,
    /// Of these, the failures.
    pub(crate) failed_total: AtomicU64,
    /// `X-Model-Name` and `X-Model-Version`; a name that no header takes has none.
    pub(crate) headers: (Option<HeaderValue>, HeaderValue),
    pub(crate) series: OnceLock<Series>,
    ring: Mutex<Ring>,
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} v{}", self.model, self.version)
    }
}

impl Loaded {
    pub(crate) fn new(
        model: &str,
        version: u32,
        predictor: Arc<dyn Predictor>,
        profile: Option<&Profile>,
        loaded_at: Timestamp,
    ) -> Self {
        Self {
            model: model.to_owned(),
            version,
            names: Names::of(predictor.classes()),
            drift: Drift::new(&*predictor, profile, loaded_at),
            predictor,
            loaded_at,
            requests_total: AtomicU64::new(0),
            rows_total: AtomicU64::new(0),
            took_us_total: AtomicU64::new(0),
            last_ms: AtomicU64::new(0),
            errors_total: AtomicU64::new(0),
            failed_total: AtomicU64::new(0),
            headers: (HeaderValue::from_str(model).ok(), HeaderValue::from(version)),
            series: OnceLock::new(),
            ring: Mutex::default(),
        }
    }

    /// Takes note of a request that reached this version.
    pub(crate) fn record(&self, now: Duration, took: Duration, ended: Ended) {
        self.requests_total.fetch_add(1, Ordering::Relaxed);
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.took_us_total.fetch_add(took_us, Ordering::Relaxed);
        self.errors_total.fetch_add(u64::from(ended != Ended::Answered), Ordering::Relaxed);
        self.failed_total.fetch_add(u64::from(ended == Ended::Failed), Ordering::Relaxed);
        self.ring.lock().unwrap_or_else(PoisonError::into_inner).record(now, took, ended);
    }

    /// Returns the counts of the last quarter of an hour.
    pub(crate) fn ring(&self) -> Ring {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A version and its percents.
#[derive(Clone)]
pub(crate) struct Share {
    pub(crate) loaded: Arc<Loaded>,
    pub(crate) weight: u8,
}

/// The versions of one model.
#[derive(Clone, Default)]
pub(crate) struct Entry {
    pub(crate) shares: Vec<Share>,
    /// What keeps whoever asks at one version; `None`: requests take turns.
    pub(crate) sticky: Option<Sticky>,
    /// The version that gets copies.
    pub(crate) shadow: Option<Arc<Shadow>>,
    /// Counts requests, over all changes of the shares.
    turn: Arc<AtomicU64>,
}

impl Entry {
    /// Picks the version whose turn it is: of any hundred requests in a row each version gets
    /// its percents exactly, spread evenly.
    fn pick(&self) -> Option<Arc<Loaded>> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        // 61 has no factor in common with 100 and is near 100 / φ: it visits every point of the
        // hundred once, far from where it was last.
        let point = (turn % 100) * 61 % 100;
        let mut below = 0;
        for share in &self.shares {
            below += u64::from(share.weight);
            if point < below {
                return Some(Arc::clone(&share.loaded));
            }
        }
        None
    }
}

/// All that is served.
#[derive(Clone, Default)]
pub(crate) struct Table {
    pub(crate) models: BTreeMap<String, Entry>,
    /// (model, alias) that somebody asked for, to the version it stands at.
    pub(crate) aliases: BTreeMap<(String, String), Arc<Loaded>>,
    /// Models in the order in which their traffic was set, the latest last.
    deployed: Vec<String>,
}

impl Table {
    /// Picks a version of a model by the traffic; `value_of` says what a request sticks by.
    pub(crate) fn pick<'a>(
        &self,
        model: &str,
        value_of: impl FnOnce(&Sticky) -> Option<&'a [u8]>,
    ) -> Option<Arc<Loaded>> {
        let entry = self.models.get(model)?;
        match entry.sticky.as_ref().and_then(value_of) {
            Some(value) => {
                sticky::pick(&entry.shares, value).map(|share| Arc::clone(&share.loaded))
            }
            None => entry.pick(),
        }
    }

    /// Returns the model that was deployed last of those that take requests.
    pub(crate) fn latest_model(&self) -> Option<&String> {
        let takes = |model: &&String| {
            let shares = self.models.get(*model).map(|entry| entry.shares.as_slice());
            shares.is_some_and(|shares| shares.iter().any(|share| share.weight > 0))
        };
        self.deployed.iter().rev().find(takes)
    }

    /// Returns a version, if it is in memory.
    pub(crate) fn version(&self, model: &str, version: u32) -> Option<Arc<Loaded>> {
        self.all().map(|(loaded, _)| loaded).find(|l| l.model == model && l.version == version)
    }

    /// Returns the version with the greatest share.
    pub(crate) fn main_version(&self, model: &str) -> Option<Arc<Loaded>> {
        let shares = &self.models.get(model)?.shares;
        shares.iter().max_by_key(|share| share.weight).map(|share| Arc::clone(&share.loaded))
    }

    /// Tells whether any request by traffic can be answered.
    pub(crate) fn has_traffic(&self) -> bool {
        self.models.values().any(|entry| entry.shares.iter().any(|share| share.weight > 0))
    }

    /// Lists all versions in memory, each once, with their percents.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Arc<Loaded>, u8)> {
        let shared = self.models.values().flat_map(|entry| &entry.shares);
        let mut all: Vec<_> = shared.map(|s| (Arc::clone(&s.loaded), s.weight)).collect();
        let shadows = self.models.values().filter_map(|entry| entry.shadow.as_ref());
        for loaded in self.aliases.values().chain(shadows.map(|shadow| &shadow.loaded)) {
            if !all.iter().any(|(other, _)| Arc::ptr_eq(other, loaded)) {
                all.push((Arc::clone(loaded), 0));
            }
        }
        all.into_iter()
    }

    /// Adds a version without traffic.
    pub(crate) fn add(&mut self, loaded: Arc<Loaded>) {
        let entry = self.models.entry(loaded.model.clone()).or_default();
        if !entry.shares.iter().any(|share| share.loaded.version == loaded.version) {
            entry.shares.push(Share { loaded, weight: 0 });
        }
    }

    /// Lets go of all versions of a model.
    pub(crate) fn remove(&mut self, model: &str) {
        self.models.remove(model);
        self.aliases.retain(|(name, _), _| name != model);
        self.deployed.retain(|other| other != model);
    }

    /// Divides a model's traffic; versions without a share are let go.
    pub(crate) fn set_traffic(&mut self, model: &str, weights: &[(u32, u8)]) -> Result<(), Fault> {
        let mut shares: Vec<Share> = Vec::new();
        let total: u32 = weights.iter().map(|(_, weight)| u32::from(*weight)).sum();
        if total != 100 {
            return Err(Fault::invalid(format!(
                "set the traffic of `{model}`: the percents sum to {total}, not to 100"
            )));
        }
        for (version, weight) in weights.iter().copied().filter(|(_, weight)| *weight > 0) {
            let Some(loaded) = self.version(model, version) else {
                return Err(Fault::conflict(format!(
                    "set the traffic of `{model}`: version {version} is not loaded"
                ))
                .hint("load it first"));
            };
            if shares.iter().any(|share| share.loaded.version == version) {
                return Err(Fault::invalid(format!(
                    "set the traffic of `{model}`: version {version} is named twice"
                )));
            }
            shares.push(Share { loaded, weight });
        }
        self.models.entry(model.to_owned()).or_default().shares = shares;
        self.deployed.retain(|other| other != model);
        self.deployed.push(model.to_owned());
        Ok(())
    }
}

/// The table in force.
#[derive(Default)]
pub(crate) struct InForce(RwLock<Arc<Table>>);

impl InForce {
    /// Returns the table; it stays as it is while it is held.
    pub(crate) fn get(&self) -> Arc<Table> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts a changed table in force, unless the change is refused.
    pub(crate) fn change<R>(
        &self,
        change: impl FnOnce(&mut Table) -> Result<R, Fault>,
    ) -> Result<R, Fault> {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut next = Table::clone(&current);
        let result = change(&mut next)?;
        *current = Arc::new(next);
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serving::fake::Fake;
    use crate::types::time::now;

    fn table(weights: &[(u32, u8)]) -> Table {
        let mut table = Table::default();
        for (version, _) in weights {
            let predictor = Arc::new(Fake::of_version(*version));
            table.add(Arc::new(Loaded::new("iris", *version, predictor, None, now())));
        }
        table.set_traffic("iris", weights).unwrap();
        table
    }

    #[test]
    fn ten_percent_is_ten_of_every_hundred() {
        let table = table(&[(1, 90), (2, 10)]);
        let picked: Vec<u32> =
            (0..500).map(|_| table.pick("iris", |_| None).unwrap().version).collect();
        for hundred in picked.windows(100) {
            assert_eq!(hundred.iter().filter(|version| **version == 2).count(), 10);
        }
        let gaps: Vec<usize> = picked
            .iter()
            .enumerate()
            .filter(|(_, version)| **version == 2)
            .map(|(i, _)| i)
            .collect();
        assert!(gaps.windows(2).all(|pair| pair[1] - pair[0] <= 20), "spread evenly: {gaps:?}");
    }

    #[test]
    fn a_version_is_freed_when_its_last_holder_ends() {
        let mut table = table(&[(1, 50), (2, 50)]);
        let held = table.version("iris", 2).unwrap();
        let weak = Arc::downgrade(&held);
        table.set_traffic("iris", &[(1, 100)]).unwrap();
        assert!(table.version("iris", 2).is_none());
        assert!(weak.upgrade().is_some(), "a request still holds it");
        drop(held);
        assert!(weak.upgrade().is_none());
    }

    #[test]
    fn traffic_that_makes_no_sense_is_refused_and_changes_nothing() {
        let in_force = InForce::default();
        in_force
            .change(|t| {
                *t = table(&[(1, 100)]);
                Ok(())
            })
            .unwrap();
        for wrong in [vec![(1, 90)], vec![(1, 50), (1, 50)], vec![(7, 100)], vec![]] {
            assert!(in_force.change(|t| t.set_traffic("iris", &wrong)).is_err(), "{wrong:?}");
            assert_eq!(in_force.get().pick("iris", |_| None).unwrap().version, 1);
        }
    }
}
