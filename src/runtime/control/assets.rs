//! Assets: the list, their events, and an event by hand.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::dag::Dag;
use crate::dag::schedule::AssetExpression;
use crate::runtime::control::{ControlParts, find, user};
use crate::runtime::engine::Live;
use crate::store::asset;
use crate::types::ask::Answer;
use crate::types::asset::{AssetEvent, AssetEventSource, AssetEventSpec};
use crate::types::view::AssetView;
use crate::types::{AssetName, DagId, Fault, TaskId};

/// The last event of each asset that has one, and how many it has.
pub(super) type Summary = BTreeMap<AssetName, (AssetEvent, u64)>;

/// Lists the declared assets in the order of the file, then those that only have events.
pub(super) async fn list(parts: &ControlParts) -> Result<Answer, Fault> {
    let live = parts.live();
    let summary = parts.read(asset::summary).await?;
    let views = known(&live, &summary).into_iter().map(|(name, uri)| {
        let seen = summary.get(&name);
        AssetView {
            watch: live.deck.assets.get(&name).is_some_and(|spec| spec.watch.is_some()),
            producing_tasks: tasks_with(&live, |task| &task.outlets, &name),
            consuming_tasks: tasks_with(&live, |task| &task.inlets, &name),
            scheduled_dags: scheduled_dags(&live, &name, &uri),
            last_event: seen.map(|(event, _)| event.clone()),
            event_count: seen.map_or(0, |(_, count)| *count),
            name,
            uri,
        }
    });
    Ok(Answer::Assets(views.collect()))
}

/// Returns the assets that there are, with their URIs.
pub(super) fn known(live: &Live, summary: &Summary) -> Vec<(AssetName, String)> {
    let declared = live.deck.assets.values().map(|spec| (spec.name.clone(), spec.uri.as_text()));
    let undeclared = summary
        .values()
        .filter(|(event, _)| !live.deck.assets.contains_key(&event.name))
        .map(|(event, _)| (event.name.clone(), event.uri.clone()));
    declared.chain(undeclared).collect()
}

fn tasks_with(
    live: &Live,
    list: impl Fn(&crate::dag::TaskSpec) -> &Vec<AssetName>,
    name: &AssetName,
) -> Vec<(DagId, TaskId)> {
    let mut found = Vec::new();
    for dag in live.deck.dags.values() {
        let tasks = dag.tasks.values().filter(|task| list(task).contains(name));
        found.extend(tasks.map(|task| (dag.dag_id.clone(), task.task_id.clone())));
    }
    found
}

fn scheduled_dags(live: &Live, name: &AssetName, uri: &str) -> Vec<DagId> {
    let dags = live.deck.dags.values().filter(|dag| {
        expression(dag).is_some_and(|e| e.leaves().iter().any(|leaf| leaf.matches(name, uri)))
    });
    dags.map(|dag| dag.dag_id.clone()).collect()
}

/// Returns what a DAG waits for, where that is assets.
pub(super) fn expression(dag: &Dag) -> Option<&AssetExpression> {
    dag.schedule.assets()
}

/// Says which DAGs an event of `uri` would start, given what they have seen already.
pub(super) fn started_by(
    live: &Live,
    uri: &str,
    queued: &[(DagId, Vec<AssetEvent>)],
) -> Vec<DagId> {
    let declared = live.deck.assets.values().find(|spec| spec.uri.as_text() == uri);
    let name = declared.map_or_else(|| AssetName::new(uri), |spec| spec.name.clone());
    let waiting = |dag_id: &DagId| {
        queued.iter().find(|(id, _)| id == dag_id).map_or(&[][..], |(_, events)| events)
    };
    let starts = |dag: &Dag| {
        let is_paused = find::dag_state(live, &dag.dag_id).is_some_and(|state| state.is_paused);
        let Some(expression) = expression(dag) else { return false };
        let waiting = waiting(&dag.dag_id);
        !is_paused
            && expression.leaves().iter().any(|leaf| leaf.matches(&name, uri))
            && expression.is_satisfied(&|leaf| {
                leaf.matches(&name, uri) || waiting.iter().any(|e| leaf.matches(&e.name, &e.uri))
            })
    };
    live.deck.dags.values().filter(|dag| starts(dag)).map(|dag| dag.dag_id.clone()).collect()
}

/// Returns the last events, newest first.
pub(super) async fn events(
    parts: &ControlParts,
    name: Option<AssetName>,
    limit: u32,
) -> Result<Answer, Fault> {
    let limit = limit.min(find::PAGE_LEN_MAX);
    let wanted = name.clone();
    let events = parts.read(move |conn| asset::events(conn, wanted.as_ref(), limit)).await?;
    match name {
        // An asset that is no longer declared still has its events.
        Some(name) if events.is_empty() => {
            find::asset(&parts.live(), &name).map(|_| Answer::AssetEvents(events))
        }
        _ => Ok(Answer::AssetEvents(events)),
    }
}

/// Says that an asset changed.
pub(super) async fn emit(
    parts: &ControlParts,
    name: AssetName,
    extra: Map<String, Value>,
) -> Result<Answer, Fault> {
    let uri = find::asset(&parts.live(), &name)?.uri.as_text();
    let source = AssetEventSource::Person { user: user::name() };
    let spec = AssetEventSpec { name: Some(name), uri, source, extra, dedupe_key: None };
    parts.handle.emit_asset(spec).await?;
    Ok(Answer::Done)
}
