//! Changes of assets: noted once each, and queued for the DAGs that wait for them.

use std::sync::Arc;

use serde_json::Map;

use crate::dag::Dag;
use crate::dag::partition;
use crate::dag::schedule::{AssetExpression, AssetRef};
use crate::decision::{About, Decision, run_key};
use crate::run::NewRun;
use crate::types::asset::{AssetEvent, AssetEventKind, AssetEventSource, AssetEventSpec};
use crate::types::event::Severity;
use crate::types::state::{DagRunType, TriggeredBy};
use crate::types::{AssetName, DagId, LaunchToken, TaskInstanceKey};

impl Decision<'_> {
    /// Takes note of a change, unless it is known; runs come about where it was waited for.
    /// Returns the event where it was new.
    pub(super) fn note_asset_change(&mut self, spec: AssetEventSpec) -> Option<AssetEvent> {
        if let Some(key) = &spec.dedupe_key
            && !self.state.known_asset_changes.insert(key.clone())
        {
            return None;
        }
        let name = self.asset_name(&spec);
        let partition_key = spec.partition_key.or_else(|| self.partition_key(&name, &spec.uri));
        let event = AssetEvent {
            id: self.state.next_asset_event_id,
            name,
            uri: spec.uri,
            timestamp: self.now,
            source: spec.source,
            extra: spec.extra,
            dedupe_key: spec.dedupe_key,
            kind: spec.kind,
            partition_key,
            source_aliases: spec.source_aliases,
        };
        self.state.next_asset_event_id += 1;
        self.draft.insert_asset_event(event.clone());
        if let Some(object) = spec.object {
            self.draft.put_asset_object(event.name.clone(), event.uri.clone(), object);
        }
        self.log_asset_event(&event);
        self.is_fresh_again(&event);
        for dag_id in self.waiting_for(&event) {
            let queue = self.state.queued_asset_events.entry(dag_id.clone()).or_default();
            queue.push(event.clone());
            self.draft.put_queued_asset_events(dag_id.clone(), queue);
            self.make_asset_triggered(&dag_id);
        }
        Some(event)
    }

    /// Tells of the outlets of a task that has succeeded. What the task itself says of one of
    /// them takes the place of the plain event; an alias has none but what the task says. Events
    /// are of the run's partition, unless they say otherwise.
    pub(super) fn emit_outlets(
        &mut self,
        key: &TaskInstanceKey,
        token: &LaunchToken,
        own: Vec<AssetEventSpec>,
    ) {
        let outlets = self.spec(key).map(|spec| spec.outlets.clone()).unwrap_or_default();
        let run = self.state.runs.get(&run_key(key));
        let of_run = run.and_then(|active| active.run.partition_key.clone());
        let mut told = Vec::new();
        for (i, mut spec) in own.into_iter().enumerate() {
            let name = self.asset_name(&spec);
            let is_named = |outlet: &AssetName| {
                *outlet == name || spec.source_aliases.iter().any(|of| of == outlet.as_str())
            };
            if !outlets.iter().any(is_named) {
                let message = format!("{key} told of `{name}`, which is none of its outlets");
                self.log(Severity::Warning, "asset.no_outlet", About::task(key), None, message);
                continue;
            }
            if spec.uri.is_empty() {
                spec.uri = self.uri_of(&name);
            }
            spec.dedupe_key.get_or_insert_with(|| format!("{token}:{name}:{i}"));
            self.note_outlet(spec, &name, of_run.clone());
            told.push(name);
        }
        for name in outlets.into_iter().filter(|name| !told.contains(name)) {
            if self.state.deck.asset_aliases.contains_key(&name) {
                continue;
            }
            let source = AssetEventSource::Task(key.clone());
            let spec = AssetEventSpec {
                dedupe_key: Some(format!("{token}:{name}")),
                name: Some(name.clone()),
                ..AssetEventSpec::new(self.uri_of(&name), source)
            };
            self.note_outlet(spec, &name, of_run.clone());
        }
    }

    fn note_outlet(&mut self, mut spec: AssetEventSpec, name: &AssetName, of_run: Option<String>) {
        let key = spec.partition_key.or_else(|| self.partition_key(name, &spec.uri));
        spec.partition_key = key.or(of_run);
        self.note_asset_change(spec);
    }

    fn uri_of(&self, name: &AssetName) -> String {
        let declared = self.state.deck.assets.get(name);
        declared.map_or_else(|| name.to_string(), |asset| asset.uri.as_text())
    }

    /// Makes runs of queued events, where they satisfy what the DAG waits for: one of all of them,
    /// or one for each partition key.
    pub(super) fn make_asset_triggered(&mut self, dag_id: &DagId) {
        let Some(dag) = self.state.deck.dags.get(dag_id).cloned() else { return };
        let Some(expression) = dag.schedule.assets() else { return };
        let Some(queue) = self.state.queued_asset_events.get(dag_id) else { return };
        let rule = &dag.asset_rule;
        let mut keys: Vec<Option<&str>> = Vec::new();
        for event in queue.iter().filter(|event| rule.takes(event)) {
            let key = rule.key_of(event);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        let is_met = |key: &Option<&str>| {
            let of_key =
                || queue.iter().filter(|event| rule.takes(event) && rule.key_of(event) == *key);
            expression.is_satisfied(&|leaf: &AssetRef| of_key().any(|event| leaf.is_of(event)))
        };
        let met: Vec<Option<String>> =
            keys.into_iter().filter(is_met).map(|key| key.map(str::to_owned)).collect();
        for key in met {
            self.make_run_of_events(&dag, key);
        }
    }

    fn make_run_of_events(&mut self, dag: &Arc<Dag>, partition_key: Option<String>) {
        let dag_id = &dag.dag_id;
        let queue = self.state.queued_asset_events.remove(dag_id).unwrap_or_default();
        let counts = |event: &AssetEvent| dag.asset_rule.key_of(event) == partition_key.as_deref();
        let (events, rest): (Vec<_>, Vec<_>) = queue.into_iter().partition(counts);
        self.draft.put_queued_asset_events(dag_id.clone(), &rest);
        if !rest.is_empty() {
            self.state.queued_asset_events.insert(dag_id.clone(), rest);
        }
        match dag.params.resolve(&Map::new()) {
            Ok(params) => {
                self.make_run(NewRun {
                    dag: Arc::clone(dag),
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
                    partition_key,
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
        let is_wanted = |event: &AssetEvent| dag.is_some_and(|dag| waits_for(dag, event));
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
                let pattern = partition::glob(&asset.uri.as_text());
                AssetRef::UriPattern(pattern).matches(&asset.name, &spec.uri)
            })
        });
        found.map_or_else(|| AssetName::new(spec.uri.clone()), |asset| asset.name.clone())
    }

    /// Returns which partition of an asset a URI is, where the asset's own says so.
    fn partition_key(&self, name: &AssetName, uri: &str) -> Option<String> {
        partition::key(&self.state.deck.assets.get(name)?.uri.as_text(), uri)
    }

    /// Returns the DAGs that are not paused and wait for such an event.
    fn waiting_for(&self, event: &AssetEvent) -> Vec<DagId> {
        let dags = self.state.deck.dags.values();
        let waiting = dags.filter(|dag| waits_for(dag, event));
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
            AssetEventSource::Serving => ("by the model server".to_owned(), None),
            AssetEventSource::Api => ("told by the API".to_owned(), None),
            AssetEventSource::Person { user } => (format!("by {user}"), Some(user.clone())),
        };
        let what = match event.kind {
            AssetEventKind::Created | AssetEventKind::Changed => "changed",
            AssetEventKind::Moved => "moved",
            AssetEventKind::Deleted => "was deleted",
        };
        let message = if event.name.as_str() == event.uri {
            format!("asset `{}` {what}, {by}", event.name)
        } else {
            format!("asset `{}` {what} ({}), {by}", event.name, event.uri)
        };
        let about = match &event.source {
            AssetEventSource::Task(task) => About::task(task),
            _ => About(None, None, None),
        };
        self.log(Severity::Info, "asset.changed", about, owner, message);
    }
}

/// Says whether an event counts for a DAG.
fn waits_for(dag: &Dag, event: &AssetEvent) -> bool {
    let names_it = |wanted: &AssetExpression| wanted.leaves().iter().any(|leaf| leaf.is_of(event));
    dag.asset_rule.takes(event) && dag.schedule.assets().is_some_and(names_it)
}
