//! Changes of assets: noted once each, and queued for the DAGs that wait for them.

use serde_json::Map;

use crate::dag::schedule::{AssetExpression, AssetRef};
use crate::decision::{About, Decision};
use crate::run::NewRun;
use crate::types::asset::{AssetEvent, AssetEventSource, AssetEventSpec};
use crate::types::event::Severity;
use crate::types::state::{DagRunType, TriggeredBy};
use crate::types::{AssetName, DagId, LaunchToken, TaskInstanceKey};

impl Decision<'_> {
    /// Takes note of a change, unless it is known; runs come about where it was waited for.
    /// Says whether it was new.
    pub(super) fn note_asset_change(&mut self, spec: AssetEventSpec) -> bool {
        if let Some(key) = &spec.dedupe_key
            && !self.state.known_asset_changes.insert(key.clone())
        {
            return false;
        }
        let event = AssetEvent {
            id: self.state.next_asset_event_id,
            name: self.asset_name(&spec),
            uri: spec.uri,
            timestamp: self.now,
            source: spec.source,
            extra: spec.extra,
            dedupe_key: spec.dedupe_key,
        };
        self.state.next_asset_event_id += 1;
        self.draft.insert_asset_event(event.clone());
        self.log_asset_event(&event);
        for dag_id in self.waiting_for(&event) {
            let queue = self.state.queued_asset_events.entry(dag_id.clone()).or_default();
            queue.push(event.clone());
            self.draft.put_queued_asset_events(dag_id.clone(), queue);
            self.make_asset_triggered(&dag_id);
        }
        true
    }

    /// Tells of the outlets of a task that has succeeded. What the task itself says of one of
    /// them takes the place of the plain event.
    pub(super) fn emit_outlets(
        &mut self,
        key: &TaskInstanceKey,
        token: &LaunchToken,
        own: Vec<AssetEventSpec>,
    ) {
        let told: Vec<AssetName> = own.iter().map(|spec| self.asset_name(spec)).collect();
        for (i, mut spec) in own.into_iter().enumerate() {
            let name = &told[i];
            spec.dedupe_key.get_or_insert_with(|| format!("{token}:{name}:{i}"));
            self.note_asset_change(spec);
        }
        let outlets = self.spec(key).map(|spec| spec.outlets.clone()).unwrap_or_default();
        for name in outlets.into_iter().filter(|name| !told.contains(name)) {
            let declared = self.state.deck.assets.get(&name);
            let uri = declared.map_or_else(|| name.to_string(), |asset| asset.uri.as_text());
            self.note_asset_change(AssetEventSpec {
                dedupe_key: Some(format!("{token}:{name}")),
                name: Some(name),
                uri,
                source: AssetEventSource::Task(key.clone()),
                extra: Map::new(),
            });
        }
    }

    /// Makes a run of all queued events, where they satisfy what the DAG waits for.
    pub(super) fn make_asset_triggered(&mut self, dag_id: &DagId) {
        let Some(dag) = self.state.deck.dags.get(dag_id).cloned() else { return };
        let Some(expression) = dag.schedule.assets() else { return };
        let Some(queue) = self.state.queued_asset_events.get(dag_id) else { return };
        let seen = |leaf: &AssetRef| queue.iter().any(|e| leaf.matches(&e.name, &e.uri));
        if !expression.is_satisfied(&seen) {
            return;
        }
        let events = self.state.queued_asset_events.remove(dag_id).unwrap_or_default();
        self.draft.put_queued_asset_events(dag_id.clone(), &[]);
        match dag.params.resolve(&Map::new()) {
            Ok(params) => {
                self.make_run(NewRun {
                    dag,
                    run_type: DagRunType::AssetTriggered,
                    triggered_by: TriggeredBy::Asset,
                    user: None,
                    dag_run_id: None,
                    logical_date: None,
                    interval: None,
                    run_after: self.now,
                    conf: Map::new(),
                    params,
                    note: None,
                    events,
                    backfill_id: None,
                });
            }
            Err(problems) => {
                let names: Vec<_> = problems.iter().map(|p| format!("`{}`", p.param)).collect();
                let message = format!(
                    "no run of `{dag_id}` was made for its assets: its params have no fit \
                     default: {}",
                    names.join(", ")
                );
                let about = About(Some(dag_id), None, None);
                self.log(Severity::Error, "dag.not_scheduled", about, None, message);
            }
        }
    }

    /// Drops queued events that nothing waits for any more; after the definition has changed.
    pub(super) fn prune_queued_asset_events(&mut self, dag_id: &DagId) {
        let Some(queue) = self.state.queued_asset_events.get(dag_id) else { return };
        let dag = self.state.deck.dags.get(dag_id);
        let expression = dag.and_then(|dag| dag.schedule.assets());
        let is_wanted = |e: &AssetEvent| expression.is_some_and(|wanted| has_leaf(wanted, e));
        let kept: Vec<AssetEvent> = queue.iter().filter(|e| is_wanted(e)).cloned().collect();
        if kept.len() == queue.len() {
            return;
        }
        self.draft.put_queued_asset_events(dag_id.clone(), &kept);
        if kept.is_empty() {
            self.state.queued_asset_events.remove(dag_id);
        } else {
            self.state.queued_asset_events.insert(dag_id.clone(), kept);
        }
    }

    /// Finds the asset that `dags.toml` declares for a change: by name, by its URI, by a pattern
    /// that its URI is. One that nobody declared goes by its URI.
    fn asset_name(&self, spec: &AssetEventSpec) -> AssetName {
        if let Some(name) = &spec.name {
            return name.clone();
        }
        let assets = &self.state.deck.assets;
        let exact = assets.values().find(|asset| asset.uri.as_text() == spec.uri);
        let found = exact.or_else(|| {
            assets.values().find(|asset| {
                AssetRef::UriPattern(asset.uri.as_text()).matches(&asset.name, &spec.uri)
            })
        });
        found.map_or_else(|| AssetName::new(spec.uri.clone()), |asset| asset.name.clone())
    }

    /// Returns the DAGs that are not paused and wait for such an event.
    fn waiting_for(&self, event: &AssetEvent) -> Vec<DagId> {
        let dags = self.state.deck.dags.values();
        let waiting = dags.filter(|dag| {
            dag.schedule.assets().is_some_and(|expression| has_leaf(expression, event))
        });
        let is_on = |dag_id: &DagId| {
            self.state.dag_states.get(dag_id).is_some_and(|s| !s.is_paused && !s.is_stale)
        };
        waiting.map(|dag| &dag.dag_id).filter(|dag_id| is_on(dag_id)).cloned().collect()
    }

    fn log_asset_event(&mut self, event: &AssetEvent) {
        let (by, owner) = match &event.source {
            AssetEventSource::Task(task) => (format!("by {task}"), None),
            AssetEventSource::Watcher => ("seen by its watcher".to_owned(), None),
            AssetEventSource::Registry => ("by the model registry".to_owned(), None),
            AssetEventSource::Person { user } => (format!("by {user}"), Some(user.clone())),
        };
        let message = if event.name.as_str() == event.uri {
            format!("asset `{}` changed, {by}", event.name)
        } else {
            format!("asset `{}` changed ({}), {by}", event.name, event.uri)
        };
        let about = match &event.source {
            AssetEventSource::Task(task) => About::task(task),
            _ => About(None, None, None),
        };
        self.log(Severity::Info, "asset.changed", about, owner, message);
    }
}

fn has_leaf(expression: &AssetExpression, event: &AssetEvent) -> bool {
    expression.leaves().iter().any(|leaf| leaf.matches(&event.name, &event.uri))
}
