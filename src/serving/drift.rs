//! How far what a served version is asked lies from what it learnt from, in a window of time.
//!
//! ```text
//! requests ─► count (no lock) ─► gauge ─┐ each second
//!                                       ├─► slices of the window ─► report ─► status, /metrics, deck
//! watch ────────────────────────────────┘                              └─► decide ─► engine: kept,
//!                                                                           told, asset event
//! ```
//! A version counts from when it is loaded: after a restart the window begins anew, and the report
//! says since when. What is in trouble lies in the store and outlasts a restart.

mod alert;
mod decide;
mod metrics;
#[cfg(test)]
mod tests;
mod watch;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::dag::serving::DriftSpec;
use crate::ml::drift::{Counts, Gauge};
use crate::ml::{Answers, Batch, Predictor, Profile};
use crate::serving::shared::Shared;
use crate::types::drift::DriftReport;
use crate::types::serving::ServedDrift;
use crate::types::trouble::{Trouble, TroubleKind};
use crate::types::{Fault, Timestamp};

pub(crate) use metrics::write as write_metrics;
pub(crate) use watch::{Watch, run};

/// Returns what was last found of a model, of one version of it, or of all.
pub(crate) fn reports(
    shared: &Shared,
    model: Option<&str>,
    version: Option<u32>,
) -> Result<Vec<DriftReport>, Fault> {
    let table = shared.table.get();
    let meant = table.all().map(|(loaded, _)| loaded).filter(|loaded| {
        model.is_none_or(|model| model == loaded.model)
            && version.is_none_or(|version| version == loaded.version)
    });
    let reports = meant.map(|loaded| match loaded.drift.report() {
        Some(report) => report,
        // It was loaded this very moment.
        None => {
            let of = (loaded.model.as_str(), loaded.version);
            loaded.drift.judge(of, shared.spec.drift_of(&loaded.model), &[], shared.clock.now())
        }
    });
    let reports: Vec<DriftReport> = reports.map(|report| DriftReport::clone(&report)).collect();
    match (reports.is_empty(), model, version) {
        (true, Some(model), None) => {
            Err(Fault::not_found(format!("model `{model}` is not served")))
        }
        (true, Some(model), Some(version)) => {
            Err(Fault::not_found(format!("version {version} of `{model}` is not in memory")))
        }
        _ => Ok(reports),
    }
}

/// What a version was asked and answered in some time, by another server of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Drained {
    model: String,
    version: u32,
    counts: Counts,
}

/// Takes what was counted of all versions since this was last done.
pub(crate) fn drain(shared: &Shared) -> Vec<Drained> {
    let all = shared.table.get();
    let drained = all.all().map(|(loaded, _)| Drained {
        model: loaded.model.clone(),
        version: loaded.version,
        counts: loaded.drift.gauge.drain(),
    });
    drained.filter(|drained| !drained.counts.is_empty()).collect()
}

/// Counts with this server's own what others have counted.
pub(crate) fn take_in(shared: &Shared, drained: &[Drained]) {
    let table = shared.table.get();
    for Drained { model, version, counts } in drained {
        if let Some(loaded) = table.version(model, *version) {
            loaded.drift.gauge.put(counts);
        }
    }
}

/// Parts that a window is counted in: so much of it goes at once as time passes.
const SLICES: u32 = 12;

/// What one version is asked and answers.
#[derive(Debug)]
pub(crate) struct Drift {
    gauge: Gauge,
    since: Timestamp,
    slices: Mutex<VecDeque<Slice>>,
    report: Mutex<Option<Arc<DriftReport>>>,
}

/// What was counted in a part of the window.
#[derive(Debug)]
struct Slice {
    begin: Timestamp,
    counts: Counts,
}

impl Drift {
    /// Begins to count; without a profile it counts nothing, and says so.
    pub(crate) fn new(
        predictor: &dyn Predictor,
        profile: Option<&Profile>,
        since: Timestamp,
    ) -> Self {
        let gauge = match profile {
            Some(profile) => Gauge::of(profile, predictor.signature(), predictor.classes()),
            None => Gauge::without(
                "the model has no training profile: models that dagdeck trains from now on have one",
            ),
        };
        Self { gauge, since, slices: Mutex::default(), report: Mutex::default() }
    }

    /// Takes note of what was asked and answered; never waits.
    pub(crate) fn count(&self, batch: &Batch, answers: &Answers) {
        self.gauge.count(batch, answers);
    }

    /// Returns what was last found.
    pub(crate) fn report(&self) -> Option<Arc<DriftReport>> {
        lock(&self.report).clone()
    }

    /// Returns it in short; `None` where nothing can be said of this model.
    pub(crate) fn brief(&self) -> Option<ServedDrift> {
        let report = self.report()?;
        if !self.gauge.is_watching() {
            return None;
        }
        let worst = report.worst_psi();
        Some(ServedDrift {
            rows: report.rows,
            column: worst.and_then(|(column, _)| column.map(str::to_owned)),
            psi: worst.map(|(_, psi)| psi),
            in_trouble: report.columns.iter().filter(|c| c.trouble_since.is_some()).count(),
        })
    }

    /// Judges the window that ends now.
    pub(crate) fn judge(
        &self,
        (model, version): (&str, u32),
        spec: &DriftSpec,
        open: &[&Trouble],
        now: Timestamp,
    ) -> Arc<DriftReport> {
        let (counts, first) = self.window(spec.window, now);
        let mut columns = self.gauge.judge(&counts, &spec.limits);
        for column in &mut columns {
            let is_its = |trouble: &&&Trouble| {
                trouble.key.kind == TroubleKind::Drift && trouble.key.column == column.column
            };
            column.trouble_since = open.iter().find(is_its).map(|trouble| trouble.since);
        }
        let report = Arc::new(DriftReport {
            model: model.to_owned(),
            version,
            rows: self.gauge.rows(&counts),
            since: first.unwrap_or(self.since),
            window_secs: spec.window.as_secs_f64(),
            limits: spec.limits,
            trained_rows: self.gauge.trained_rows() as u64,
            problem: self.gauge.problem().map(str::to_owned),
            columns,
        });
        *lock(&self.report) = Some(Arc::clone(&report));
        report
    }

    /// Puts what was counted into its slice, lets go of what is too old, and sums the rest up.
    fn window(&self, window: Duration, now: Timestamp) -> (Counts, Option<Timestamp>) {
        let mut slices = lock(&self.slices);
        let counts = self.gauge.drain();
        let is_in = |begin: Timestamp, length: Duration| {
            now.duration_since(begin) < jiff::SignedDuration::try_from(length).unwrap_or_default()
        };
        match slices.back_mut().filter(|last| is_in(last.begin, window / SLICES)) {
            Some(last) => last.counts.add(&counts),
            None => slices.push_back(Slice { begin: now, counts }),
        }
        while slices.front().is_some_and(|first| !is_in(first.begin, window)) {
            slices.pop_front();
        }
        let mut sum = Counts::default();
        slices.iter().for_each(|slice| sum.add(&slice.counts));
        (sum, slices.front().map(|slice| slice.begin))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
