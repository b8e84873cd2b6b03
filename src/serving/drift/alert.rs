//! Whether a version's requests go wrong too often, or take too long (`[serving.alert]`).

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde_json::json;

use super::decide;
use crate::dag::serving::AlertSpec;
use crate::types::Timestamp;
use crate::types::callback::CallbackEvent;
use crate::types::duration;
use crate::types::serving::ServedVersion;
use crate::types::trouble::{Trouble, TroubleKey, TroubleKind, TroubleReport};

/// How far below its limit a figure is to be before the trouble is over.
const CALM: f64 = 0.8;

/// Counts of requests over the window, a sample a second.
#[derive(Debug, Default)]
pub(super) struct Samples(BTreeMap<(String, u32), VecDeque<Sample>>);

#[derive(Debug, Clone, Copy)]
struct Sample {
    at: Timestamp,
    requests: u64,
    errors: u64,
}

impl Samples {
    /// Takes note of the totals of all versions, and forgets those that are gone.
    pub(super) fn take(&mut self, versions: &[ServedVersion], window: Duration, now: Timestamp) {
        let is_there = |(model, version): &(String, u32)| {
            versions.iter().any(|served| served.model == *model && served.version == *version)
        };
        self.0.retain(|key, _| is_there(key));
        let window = jiff::SignedDuration::try_from(window).unwrap_or_default();
        for served in versions {
            let samples = self.0.entry((served.model.clone(), served.version)).or_default();
            if samples.back().is_some_and(|last| last.requests > served.requests_total) {
                // It was loaded anew and counts from 0.
                samples.clear();
            }
            // One that is as old as the window is its beginning.
            while samples.get(1).is_some_and(|next| now.duration_since(next.at) >= window) {
                samples.pop_front();
            }
            let (requests, errors) = (served.requests_total, served.errors_total);
            samples.push_back(Sample { at: now, requests, errors });
        }
    }

    /// Returns requests and errors of the window.
    fn counts(&self, served: &ServedVersion) -> (u64, u64) {
        let samples = self.0.get(&(served.model.clone(), served.version));
        let ends = samples.and_then(|samples| Some((samples.front()?, samples.back()?)));
        ends.map_or((0, 0), |(first, last)| {
            (last.requests - first.requests, last.errors.saturating_sub(first.errors))
        })
    }

    /// Decides on one version; `open` are its troubles.
    pub(super) fn decide(
        &self,
        served: &ServedVersion,
        open: &[&Trouble],
        spec: &AlertSpec,
        now: Timestamp,
    ) -> Vec<TroubleReport> {
        let (requests, errors) = self.counts(served);
        #[allow(clippy::cast_precision_loss, reason = "counts of requests, for a rate")]
        let rate = (requests >= spec.min_requests).then(|| errors as f64 / requests as f64);
        let p99 = served.p99_ms.filter(|_| requests >= spec.min_requests);
        let figures = [
            (TroubleKind::ErrorRate, rate, spec.error_rate),
            (TroubleKind::Latency, p99, spec.p99_ms),
        ];
        let reports = figures.into_iter().filter_map(|(kind, value, limit)| {
            let known = open.iter().find(|trouble| trouble.key.kind == kind);
            let key = TroubleKey {
                model: served.model.clone(),
                version: served.version,
                kind,
                column: String::new(),
            };
            let window = duration::text(spec.window);
            match (known, value, limit) {
                // Nobody asks for it any more.
                (Some(_), _, None) => Some(over(key, "is not watched any more", spec)),
                (Some(known), Some(value), Some(limit)) if value > limit => {
                    let since = known.since;
                    let is_due = decide::is_due(known, spec.repeat, now);
                    is_due.then(|| came(key, (value, limit), &window, since, now, spec))
                }
                (Some(_), Some(value), Some(limit)) if value < limit * CALM => {
                    Some(over(key, "is well again", spec))
                }
                (None, Some(value), Some(limit)) if value > limit => {
                    Some(came(key, (value, limit), &window, now, now, spec))
                }
                _ => None,
            }
        });
        reports.collect()
    }
}

fn name(kind: TroubleKind) -> &'static str {
    match kind {
        TroubleKind::Drift => "drift",
        TroubleKind::ErrorRate => "error rate",
        TroubleKind::Latency => "p99 in ms",
    }
}

fn came(
    key: TroubleKey,
    (value, limit): (f64, f64),
    window: &str,
    since: Timestamp,
    now: Timestamp,
    spec: &AlertSpec,
) -> TroubleReport {
    let text = format!("{} {value:.3} > {limit}", name(key.kind));
    let reason = format!("{} version {}: {text} in {window}", key.model, key.version);
    TroubleReport {
        model: key.model.clone(),
        version: key.version,
        details: json!({ "model": key.model, "version": key.version, "figure": key.kind,
            "value": value, "limit": limit, "window": window, "since": since }),
        troubles: vec![Trouble { key, text, since, told_at: now }],
        ended: Vec::new(),
        event: CallbackEvent::OnTrouble,
        reason,
        asset_event: None,
        callbacks: spec.callbacks.of(CallbackEvent::OnTrouble).to_vec(),
    }
}

fn over(key: TroubleKey, how: &str, spec: &AlertSpec) -> TroubleReport {
    let of = (key.model.clone(), key.version);
    let reason = format!("{} version {}: the {} {how}", key.model, key.version, name(key.kind));
    decide::over(&[key], of, reason, spec.callbacks.of(CallbackEvent::OnRecovered).to_vec())
}
