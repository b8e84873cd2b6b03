//! Looks at all served versions each second, and hands what has changed to the engine, which
//! keeps and tells it in one commit. What could not be handed in is decided anew with the next
//! look: until it is kept it has not happened.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::alert::Samples;
use super::decide;
use crate::dag::serving::ServingSpec;
use crate::runtime::engine::Live;
use crate::runtime::handle::Handle;
use crate::sched::Input;
use crate::serving::shared::Shared;
use crate::store::{Store, trouble};
use crate::types::callback::CallbackEvent;
use crate::types::serving::ServedVersion;
use crate::types::trouble::{Trouble, TroubleKey, TroubleKind, TroubleReport};
use crate::types::{Fault, Timestamp};

const EVERY: Duration = Duration::from_secs(1);

/// What it takes to watch.
#[derive(Clone)]
pub(crate) struct Watch {
    pub(crate) handle: Handle,
    pub(crate) live: watch::Receiver<Arc<Live>>,
    pub(crate) store: Store,
}

/// Watches until it is aborted.
pub(crate) async fn run(shared: Arc<Shared>, watch: Watch) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut watching = None;
    loop {
        ticks.tick().await;
        let mut ready = match watching.take() {
            Some(ready) => ready,
            None => match watch.store.read(trouble::list).await {
                Ok(open) => Watching::new(open),
                Err(error) => {
                    tracing::warn!(%error, "cannot read what is in trouble");
                    continue;
                }
            },
        };
        let live = Arc::clone(&watch.live.borrow());
        let spec = &live.deck.serving;
        let fleet = shared.fleet.get();
        if let Some(fleet) = fleet {
            super::take_in(&shared, &fleet.drained().await);
        }
        let versions = match (ready.counts_requests(spec), fleet) {
            (false, _) => Vec::new(),
            (true, None) => shared.status().versions,
            (true, Some(fleet)) => fleet.status(shared.status()).await.versions,
        };
        let reports = ready.look(&shared, spec, &versions, shared.clock.now());
        for report in reports {
            tracing::trace!(step = "trouble decided", model = report.model);
            if let Err(fault) = hand_in(&watch.handle, &mut ready, report).await {
                tracing::warn!(%fault, "what is in trouble could not be kept");
            }
        }
        watching = Some(ready);
    }
}

async fn hand_in(
    handle: &Handle,
    watching: &mut Watching,
    report: TroubleReport,
) -> Result<(), Fault> {
    handle.ask(Input::Trouble(Box::new(report.clone()))).await?;
    watching.kept(report);
    Ok(())
}

/// What is in trouble, as the store has it, and the counts of the last minutes.
pub(super) struct Watching {
    open: BTreeMap<TroubleKey, Trouble>,
    samples: Samples,
}

impl Watching {
    pub(super) fn new(open: Vec<Trouble>) -> Self {
        let open = open.into_iter().map(|trouble| (trouble.key.clone(), trouble)).collect();
        Self { open, samples: Samples::default() }
    }

    /// Takes over what was kept.
    pub(super) fn kept(&mut self, report: TroubleReport) {
        for key in &report.ended {
            self.open.remove(key);
        }
        self.open.extend(report.troubles.into_iter().map(|one| (one.key.clone(), one)));
    }

    /// Says whether errors and latencies are looked at.
    fn counts_requests(&self, spec: &ServingSpec) -> bool {
        let is_wanted = spec.alert.error_rate.is_some() || spec.alert.p99_ms.is_some();
        is_wanted || self.open.keys().any(|key| key.kind != TroubleKind::Drift)
    }

    /// Judges all versions in memory, and returns what has changed; `versions` tells of their
    /// requests, where those are looked at.
    pub(super) fn look(
        &mut self,
        shared: &Shared,
        spec: &ServingSpec,
        versions: &[ServedVersion],
        now: Timestamp,
    ) -> Vec<TroubleReport> {
        let mut reports = Vec::new();
        let table = shared.table.get();
        let mut served = Vec::new();
        for (loaded, _) in table.all() {
            let of = (loaded.model.as_str(), loaded.version);
            let open = self.of(of, |kind| kind == TroubleKind::Drift);
            let drift = spec.drift_of(&loaded.model);
            let report = loaded.drift.judge(of, drift, &open, now);
            reports.extend(decide::drift(&report, &open, drift, now));
            served.push((loaded.model.clone(), loaded.version));
        }
        reports.extend(self.gone(&served, spec));
        let alert = &spec.alert;
        self.samples.take(versions, alert.window, now);
        for one in versions {
            let open = self.of((&one.model, one.version), |kind| kind != TroubleKind::Drift);
            reports.extend(self.samples.decide(one, &open, alert, now));
        }
        reports
    }

    fn of(&self, (model, version): (&str, u32), is: impl Fn(TroubleKind) -> bool) -> Vec<&Trouble> {
        let of = self.open.values().filter(|trouble| {
            trouble.key.model == model && trouble.key.version == version && is(trouble.key.kind)
        });
        of.collect()
    }

    /// What is not served any more is in no trouble.
    fn gone(&self, served: &[(String, u32)], spec: &ServingSpec) -> Vec<TroubleReport> {
        let mut gone: BTreeMap<(String, u32, bool), Vec<TroubleKey>> = BTreeMap::new();
        for key in self.open.keys() {
            let of = (key.model.clone(), key.version);
            if !served.contains(&of) {
                let is_drift = key.kind == TroubleKind::Drift;
                gone.entry((of.0, of.1, is_drift)).or_default().push(key.clone());
            }
        }
        let reports = gone.into_iter().map(|((model, version, is_drift), keys)| {
            let callbacks = match is_drift {
                true => &spec.drift_of(&model).callbacks,
                false => &spec.alert.callbacks,
            };
            let callbacks = callbacks.of(CallbackEvent::OnRecovered).to_vec();
            let reason = format!("{model} version {version} is not served any more");
            decide::over(&keys, (model, version), reason, callbacks)
        });
        reports.collect()
    }
}
