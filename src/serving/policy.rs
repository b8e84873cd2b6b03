//! What divides a model's requests beside the percents: what they stick to, and who gets copies.
//!
//! What `dags.toml` says of a model counts, and cannot be changed elsewhere; else what people or
//! a deployment said, which the store keeps.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use crate::dag::serving::{ServingSpec, ShadowSpec, VersionSpec};
use crate::runtime::promotion::off_thread;
use crate::serving::shadow::Shadow;
use crate::serving::shared::Shared;
use crate::serving::{load, orders};
use crate::store::serving::policy::Policy;
use crate::types::Fault;
use crate::types::event::Event;
use crate::types::serving::{Sticky, TrafficChange};

/// What was said of each model, in the store.
#[derive(Debug, Default)]
pub(crate) struct Policies(Mutex<BTreeMap<String, Policy>>);

impl Policies {
    fn of(&self, model: &str) -> Policy {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(model).cloned().unwrap_or_default()
    }

    fn put(&self, model: &str, policy: Policy) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(model.to_owned(), policy);
    }
}

/// Reads what was kept, and puts all of it in force.
pub(crate) async fn restore(shared: &Arc<Shared>) -> Result<(), Fault> {
    let source = Arc::clone(&shared.source);
    for (model, policy) in off_thread(move || source.kept_policies()).await? {
        shared.policies.put(&model, policy);
    }
    follow(shared).await;
    Ok(())
}

/// Keeps a change, then puts it in force.
pub(crate) async fn change(
    shared: &Arc<Shared>,
    model: &str,
    change: TrafficChange,
) -> Result<(), Fault> {
    let _one_at_a_time = shared.moving.lock().await;
    let mut policy = shared.policies.of(model);
    match change {
        TrafficChange::Sticky { by } => {
            not_in_the_file(&shared.spec, model, "sticky", by.as_ref())?;
            if by == Some(Sticky::ApiKey) && shared.spec.api_keys.is_empty() {
                let error = "there are no API keys to tell clients apart by";
                return Err(Fault::invalid(error).hint("name `api_keys` in `[serving]`"));
            }
            policy.sticky = by.map(String::from);
        }
        TrafficChange::Shadow { version, percent } => {
            if shared.spec.traffic.get(model).is_some_and(|spec| spec.shadow.is_some()) {
                return Err(said_in_the_file(model, "shadow"));
            }
            if !(1..=100).contains(&percent) {
                return Err(Fault::invalid(format!("{percent} is no percent from 1 to 100")));
            }
            if version.is_some() && shared.fleet.get().is_some() {
                return Err(Fault::conflict("no copies are made where replicas answer")
                    .hint("leave `replicas` out of `[serving]`"));
            }
            if let Some(version) = version {
                // It is read before it is kept: a restart must be able to.
                load::load(shared, model, version).await?;
            }
            policy.shadow = version.map(|version| (version, percent));
        }
        TrafficChange::Weights { .. } | TrafficChange::Rollout { .. } => {
            return Err(Fault::invalid("this is no matter of what requests stick to"));
        }
    }
    let (source, name, kept) = (Arc::clone(&shared.source), model.to_owned(), policy.clone());
    off_thread(move || source.keep_policy(&name, &kept)).await?;
    shared.policies.put(model, policy);
    orders::spread(shared).await;
    put_in_force(shared, model).await?;
    shared.publisher.publish(Event::ServingChanged);
    Ok(())
}

fn not_in_the_file(
    spec: &ServingSpec,
    model: &str,
    key: &str,
    wanted: Option<&Sticky>,
) -> Result<(), Fault> {
    let written = spec.traffic.get(model).and_then(|spec| spec.sticky.as_ref());
    match written {
        Some(written) if Some(written) != wanted => Err(said_in_the_file(model, key)),
        _ => Ok(()),
    }
}

fn said_in_the_file(model: &str, key: &str) -> Fault {
    let text = format!("`[serving.traffic.{model}]` of dags.toml says what `{key}` is");
    Fault::conflict(text).hint("change it there; it counts from the daemon's next start")
}

/// Puts in force what counts of each model that is served; a shadow by an alias goes where that
/// stands now.
pub(crate) async fn follow(shared: &Arc<Shared>) {
    let models: Vec<String> = shared.table.get().models.keys().cloned().collect();
    for model in models {
        let _one_at_a_time = shared.moving.lock().await;
        if let Err(fault) = put_in_force(shared, &model).await {
            tracing::warn!(%fault, model, "no version gets copies of its requests");
        }
    }
}

/// As `follow`, of one model; whoever calls it holds `moving`.
pub(crate) async fn put_in_force(shared: &Arc<Shared>, model: &str) -> Result<(), Fault> {
    let said = shared.policies.of(model);
    let written = shared.spec.traffic.get(model);
    let sticky = written.and_then(|spec| spec.sticky.clone());
    let sticky = sticky.or_else(|| said.sticky.and_then(|text| text.parse().ok()));
    let wanted = match written.and_then(|spec| spec.shadow.as_ref()) {
        None => Ok(said.shadow),
        Some(ShadowSpec { version: VersionSpec::Number(version), percent }) => {
            Ok(Some((*version, *percent)))
        }
        Some(ShadowSpec { version: VersionSpec::Alias(alias), percent }) => {
            let standing = load::by_alias(shared, model, alias).await;
            standing.map(|at| at.map(|loaded| (loaded.version, *percent)))
        }
    };
    let shadow = match wanted {
        Ok(Some((version, percent))) => shadow(shared, model, version, percent).await.map(Some),
        Ok(None) => Ok(None),
        Err(fault) => Err(fault),
    };
    let (shadow, failed) = match shadow {
        Ok(shadow) => (shadow, Ok(())),
        Err(fault) => (None, Err(fault)),
    };
    shared.table.change(|table| {
        if let Some(entry) = table.models.get_mut(model) {
            entry.sticky = sticky;
            entry.shadow = shadow;
        }
        let has_shadow = table.models.values().any(|entry| entry.shadow.is_some());
        shared.is_tapped.store(has_shadow || shared.log.is_some(), Ordering::Relaxed);
        Ok(())
    })?;
    failed
}

/// Returns the shadow in force where it is the same, else a new one.
async fn shadow(
    shared: &Arc<Shared>,
    model: &str,
    version: u32,
    percent: u8,
) -> Result<Arc<Shadow>, Fault> {
    let table = shared.table.get();
    let present = table.models.get(model).and_then(|entry| entry.shadow.clone());
    if let Some(present) = present.filter(|s| s.loaded.version == version && s.percent == percent) {
        return Ok(present);
    }
    let loaded = match table.version(model, version) {
        Some(loaded) => loaded,
        None => load::read(shared, model, version).await?,
    };
    Ok(Shadow::start(loaded, percent))
}
