//! Where versions come from, and where the traffic is kept.

use std::sync::Arc;

use rusqlite::Transaction;

use crate::ml::{Predictor, Profile};
use crate::runtime::Layout;
use crate::store::serving::outcome::{self, Hour, Outcome};
use crate::store::serving::policy::Policy;
use crate::store::{self, Store};
use crate::tracking::{model_folder, registry};
use crate::types::serving::RolloutView;
use crate::types::{Fault, Timestamp};

/// The registry as the model server sees it. All of it blocks. A server without a project knows
/// models, and keeps nothing.
pub(crate) trait Source: Send + Sync + 'static {
    /// Reads a version; refuses with `NotFound`.
    fn load(&self, model: &str, version: u32) -> Result<Arc<dyn Predictor>, Fault>;

    /// Returns what a version learnt from; `None` where nothing tells.
    fn profile(&self, _model: &str, _version: u32) -> Option<Profile> {
        None
    }

    /// Returns where an alias stands.
    fn by_alias(&self, model: &str, alias: &str) -> Result<Option<u32>, Fault>;

    /// Returns (model, version, percent) as last kept; the model kept last comes last.
    fn kept_traffic(&self) -> Result<Vec<(String, u32, u8)>, Fault>;

    /// Keeps a model's traffic; durable when it returns.
    fn keep_traffic(&self, model: &str, weights: &[(u32, u8)]) -> Result<(), Fault>;

    /// Returns what divides each model's requests beside the percents, as last kept.
    fn kept_policies(&self) -> Result<Vec<(String, Policy)>, Fault> {
        Ok(Vec::new())
    }

    /// Keeps that of one model; durable when it returns.
    fn keep_policy(&self, _model: &str, _policy: &Policy) -> Result<(), Fault> {
        Err(Fault::invalid("this server does not change what is served"))
    }

    /// Returns the rollout of each model that is under way, or the last.
    fn rollouts(&self) -> Result<Vec<RolloutView>, Fault> {
        Ok(Vec::new())
    }

    /// Keeps outcomes and says of each whether it counts; forgets those told before `oldest`.
    fn add_outcomes(
        &self,
        _outcomes: &[Outcome],
        _oldest: Timestamp,
        _now: Timestamp,
    ) -> Result<Vec<bool>, Fault> {
        Err(Fault::invalid("this server keeps no outcomes"))
    }

    /// Returns what all outcomes come to.
    fn outcome_hours(&self) -> Result<Vec<Hour>, Fault> {
        Ok(Vec::new())
    }
}

/// The fact that tells whose traffic was set when: a list of models, the latest last. Earlier
/// versions kept the latest alone.
const LATEST_MODEL: &str = "serving.latest_model";

fn order(kept: Option<String>) -> Vec<String> {
    let Some(text) = kept else { return Vec::new() };
    serde_json::from_str(&text).unwrap_or_else(|_| vec![text])
}

/// The project's own registry.
pub(crate) struct Registry {
    pub(crate) store: Store,
    pub(crate) layout: Layout,
}

impl Source for Registry {
    fn load(&self, model: &str, version: u32) -> Result<Arc<dyn Predictor>, Fault> {
        model_folder::of_version(&self.store, &self.layout.artifacts_dir(), model, version)
    }

    fn profile(&self, model: &str, version: u32) -> Option<Profile> {
        let found =
            model_folder::profile(&self.store, &self.layout.artifacts_dir(), model, version);
        found.unwrap_or_else(|fault| {
            // Drift is told where it can be: the model answers all the same.
            tracing::warn!(%fault, model, version, "the training profile cannot be read");
            None
        })
    }

    fn by_alias(&self, model: &str, alias: &str) -> Result<Option<u32>, Fault> {
        Ok(registry::by_alias(&self.store, model, alias)?.map(|found| found.version))
    }

    fn kept_traffic(&self) -> Result<Vec<(String, u32, u8)>, Fault> {
        let (kept, latest) = self.store.read_blocking(|conn| {
            Ok((store::serving::load(conn)?, store::meta::get(conn, LATEST_MODEL)?))
        })?;
        let mut kept: Vec<_> = kept.into_iter().map(|d| (d.model, d.version, d.weight)).collect();
        let order = order(latest);
        kept.sort_by_key(|(model, _, _)| order.iter().position(|other| other == model));
        Ok(kept)
    }

    fn keep_traffic(&self, model: &str, weights: &[(u32, u8)]) -> Result<(), Fault> {
        let (model, weights) = (model.to_owned(), weights.to_vec());
        Ok(self.store.write_blocking(move |tx| {
            store::serving::replace(tx, &model, &weights)?;
            let mut order = order(store::meta::get(tx, LATEST_MODEL)?);
            order.retain(|other| *other != model);
            if !weights.is_empty() {
                order.push(model);
            }
            store::meta::put(tx, LATEST_MODEL, &serde_json::Value::from(order).to_string())
        })?)
    }

    fn kept_policies(&self) -> Result<Vec<(String, Policy)>, Fault> {
        Ok(self.store.read_blocking(store::serving::policy::all)?)
    }

    fn keep_policy(&self, model: &str, policy: &Policy) -> Result<(), Fault> {
        let (model, policy) = (model.to_owned(), policy.clone());
        let keep = move |tx: &Transaction<'_>| store::serving::policy::put(tx, &model, &policy);
        Ok(self.store.write_blocking(keep)?)
    }

    fn rollouts(&self) -> Result<Vec<RolloutView>, Fault> {
        Ok(self.store.read_blocking(store::serving::rollout::all)?)
    }

    fn add_outcomes(
        &self,
        outcomes: &[Outcome],
        oldest: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<bool>, Fault> {
        let outcomes = outcomes.to_vec();
        Ok(self.store.write_blocking(move |tx| {
            outcome::prune(tx, oldest, now)?;
            outcomes.iter().map(|told| outcome::add(tx, told, now)).collect()
        })?)
    }

    fn outcome_hours(&self) -> Result<Vec<Hour>, Fault> {
        Ok(self.store.read_blocking(outcome::hours)?)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::types::FaultKind;

    fn registry(folder: &Path) -> Registry {
        let layout = Layout::new(folder);
        std::fs::create_dir(layout.state_dir()).unwrap();
        Registry { store: Store::open(&layout.database()).unwrap(), layout }
    }

    #[test]
    fn traffic_is_kept_with_the_model_that_was_set_last_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let registry = registry(folder.path());
        registry.keep_traffic("iris", &[(1, 100)]).unwrap();
        registry.keep_traffic("titanic", &[(3, 100)]).unwrap();
        registry.keep_traffic("iris", &[(1, 90), (2, 10)]).unwrap();
        let kept = registry.kept_traffic().unwrap();
        let kept: Vec<_> = kept.iter().map(|(m, v, w)| (m.as_str(), *v, *w)).collect();
        assert_eq!(kept, [("titanic", 3, 100), ("iris", 1, 90), ("iris", 2, 10)]);
        registry.keep_traffic("adult", &[(1, 100)]).unwrap();
        registry.keep_traffic("iris", &[]).unwrap();
        let kept = registry.kept_traffic().unwrap();
        let kept: Vec<_> = kept.iter().map(|(model, ..)| model.as_str()).collect();
        assert_eq!(kept, ["titanic", "adult"]);
    }

    #[test]
    fn what_an_earlier_version_kept_is_understood() {
        assert_eq!(order(Some("iris".into())), ["iris"]);
        assert_eq!(order(Some("[\"a\",\"b\"]".into())), ["a", "b"]);
        assert!(order(None).is_empty());
    }

    #[test]
    fn a_version_that_is_not_registered_is_not_found() {
        let folder = tempfile::tempdir().unwrap();
        let fault = registry(folder.path()).load("iris", 1).err().unwrap();
        assert_eq!(fault.kind, FaultKind::NotFound);
    }
}
