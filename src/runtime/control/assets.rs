//! Assets: the list, their events, and an event by hand.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::dag::schedule::AssetExpression;
use crate::dag::spec::ASSET_GROUP;
use crate::dag::{Dag, Deck, partition};
use crate::runtime::control::freshness::{Judge, Known, Own, RUNS, Runs};
use crate::runtime::control::{ControlParts, checks, find, lineage, user};
use crate::runtime::engine::Live;
use crate::sched::{Input, Reply};
use crate::store::{StoreError, asset, callback, dag_run, task_instance};
use crate::types::ask::Answer;
use crate::types::asset::{AssetEvent, AssetEventSource, AssetEventSpec};
use crate::types::freshness::{
    AssetEventView, AssetWhy, Freshness, PartitionView, StaleCause, StaleStep,
};
use crate::types::run::DagRunKey;
use crate::types::view::AssetView;
use crate::types::{AssetName, DagId, Fault, TaskId, TaskInstanceState, duration};

/// The last event of each asset that has one, and how many it has.
pub(super) type Summary = BTreeMap<AssetName, (AssetEvent, u64)>;

/// Lists the declared assets in the order of the file, then those that only have events.
pub(super) async fn list(parts: &ControlParts) -> Result<Answer, Fault> {
    let live = parts.live();
    let (summary, runs) = happened(parts, &live).await?;
    let partitions = parts.read(asset::partition_counts).await?;
    let (assets, now) = (known(&live.deck, &summary), parts.clock.now());
    let guards: Vec<_> =
        assets.iter().map(|(name, _)| (name.clone(), checks::guards(&live, name))).collect();
    let last = move |conn: &rusqlite::Connection| {
        let of = |(name, tasks): (AssetName, Vec<(DagId, TaskId)>)| {
            checks::last(conn, &tasks).map(|found| (name, found))
        };
        guards.into_iter().map(of).collect::<Result<BTreeMap<_, _>, StoreError>>()
    };
    let mut checked = parts.read(last).await?;
    let mut judge = Judge::new(Known::of(&live, &assets, (&summary, &runs), now));
    let views = assets.iter().cloned().map(|(name, uri)| {
        let seen = summary.get(&name);
        let spec = live.deck.assets.get(&name);
        AssetView {
            watch: spec.is_some_and(|spec| spec.watch.is_some()),
            group: spec.map_or(ASSET_GROUP, |spec| spec.group.as_str()).to_owned(),
            freshness_limit: spec.and_then(|spec| spec.freshness).map(|limit| limit.as_secs_f64()),
            partitions: partitions.get(&name).copied().unwrap_or(0),
            producing_tasks: tasks_with(&live, |task| &task.outlets, &name),
            consuming_tasks: tasks_with(&live, |task| &task.inlets, &name),
            scheduled_dags: scheduled_dags(&live, &name, &uri),
            last_event: seen.map(|(event, _)| event.clone()),
            event_count: seen.map_or(0, |(_, count)| *count),
            freshness: judge.freshness(&name),
            producers: judge.producers(&name),
            checks: checked.remove(&name).unwrap_or_default(),
            name,
            uri,
        }
    });
    Ok(Answer::Assets(views.collect()))
}

/// Returns what was last seen of assets, and the last runs of all DAGs.
pub(super) async fn happened(parts: &ControlParts, live: &Live) -> Result<(Summary, Runs), Fault> {
    let dag_ids: Vec<DagId> = live.deck.dags.keys().cloned().collect();
    let read = move |conn: &rusqlite::Connection| {
        Ok((asset::summary(conn)?, dag_run::recent(conn, &dag_ids, RUNS)?))
    };
    parts.read(read).await
}

/// Returns the assets that there are, with their URIs.
pub(super) fn known(deck: &Deck, summary: &Summary) -> Vec<(AssetName, String)> {
    let declared = deck.assets.values().map(|spec| (spec.name.clone(), spec.uri.as_text()));
    let undeclared = summary
        .values()
        .filter(|(event, _)| !deck.assets.contains_key(&event.name))
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
    let read = move |conn: &rusqlite::Connection| {
        let events = asset::events(conn, wanted.as_ref(), limit)?;
        events
            .into_iter()
            .map(|event| {
                let started_runs = asset::started(conn, event.id)?;
                Ok(AssetEventView { event, started_runs })
            })
            .collect::<Result<Vec<_>, StoreError>>()
    };
    let events = parts.read(read).await?;
    match name {
        // An asset that is no longer declared still has its events.
        Some(name) if events.is_empty() => {
            find::asset(&parts.live(), &name).map(|_| Answer::AssetEvents(events))
        }
        _ => Ok(Answer::AssetEvents(events)),
    }
}

/// What somebody says of a change.
pub(super) struct Emitted {
    pub(super) name: AssetName,
    pub(super) uri: Option<String>,
    pub(super) extra: Map<String, Value>,
    pub(super) partition_key: Option<String>,
    pub(super) from_api: bool,
}

/// Says that an asset changed.
pub(super) async fn emit(parts: &ControlParts, told: Emitted) -> Result<Answer, Fault> {
    if let Some(problem) = told.partition_key.as_deref().and_then(partition::key_problem) {
        return Err(Fault::invalid(problem));
    }
    let own = find::asset(&parts.live(), &told.name)?.uri.as_text();
    let uri = told.uri.unwrap_or(own);
    let source = match told.from_api {
        true => AssetEventSource::Api,
        false => AssetEventSource::Person { user: user::name() },
    };
    let spec = AssetEventSpec {
        name: Some(told.name),
        extra: told.extra,
        partition_key: told.partition_key,
        ..AssetEventSpec::new(uri, source)
    };
    match parts.handle.ask(Input::AssetChanged(spec)).await? {
        Reply::AssetEvent(Some(event)) => Ok(Answer::AssetEvent(event)),
        _ => Ok(Answer::Done),
    }
}

/// Lists the partitions of an asset, those that changed last first.
pub(super) async fn partitions(
    parts: &ControlParts,
    name: AssetName,
    limit: u32,
) -> Result<Answer, Fault> {
    let limit = limit.min(find::PAGE_LEN_MAX);
    let wanted = name.clone();
    let read = move |conn: &rusqlite::Connection| {
        let found = asset::partitions(conn, &wanted, limit)?;
        let view = |(event, events): (AssetEvent, u64)| {
            let started_runs = asset::started(conn, event.id)?;
            let partition_key = event.partition_key.clone().unwrap_or_default();
            let last = AssetEventView { event, started_runs };
            Ok(PartitionView { partition_key, last, events })
        };
        found.into_iter().map(view).collect::<Result<Vec<_>, StoreError>>()
    };
    let partitions = parts.read(read).await?;
    if partitions.is_empty() {
        find::asset(&parts.live(), &name)?;
    }
    Ok(Answer::Partitions(partitions))
}

/// Says why an asset is old, or that it is not.
pub(super) async fn explain(parts: &ControlParts, name: AssetName) -> Result<Answer, Fault> {
    let live = parts.live();
    let (summary, runs) = happened(parts, &live).await?;
    let assets = known(&live.deck, &summary);
    if !assets.iter().any(|(known, _)| *known == name) {
        return Err(find::no_asset(&live, &name));
    }
    let now = parts.clock.now();
    let (freshness, mut path) = {
        let mut judge = Judge::new(Known::of(&live, &assets, (&summary, &runs), now));
        let freshness = judge.freshness(&name);
        let mut path = way(&mut judge, &name);
        if path.is_empty() {
            path.push(fresh(&judge, &name, freshness));
        }
        (freshness, path)
    };
    for step in &mut path {
        add_failed_task(parts, step).await?;
    }
    let downstream_assets = lineage::downstream_assets(parts, &name).await?;
    let of = name.clone();
    let callbacks = parts.read(move |conn| callback::for_asset(conn, &of)).await?;
    let why = AssetWhy { name, freshness, path, downstream_assets, callbacks };
    Ok(Answer::AssetWhy(Box::new(why)))
}

/// Tells of each asset on the way from the root cause.
pub(super) fn way(judge: &mut Judge<'_>, name: &AssetName) -> Vec<StaleStep> {
    let way = judge.path(name);
    let steps = way.iter().enumerate().map(|(at, asset)| {
        let before = at.checked_sub(1).and_then(|before| way.get(before));
        step(judge, asset, before)
    });
    steps.collect()
}

/// Tells of one asset on the way.
fn step(judge: &Judge<'_>, asset: &AssetName, before: Option<&AssetName>) -> StaleStep {
    let own = judge.own(asset);
    let (text, remedy) = match (&own, before) {
        (Some(own), _) => told(own),
        (None, Some(before)) => (format!("made of `{before}`, which is old"), None),
        (None, None) => ("old".to_owned(), None),
    };
    let run = own.as_ref().and_then(|own| own.run.as_ref());
    StaleStep {
        asset: asset.clone(),
        last: judge.last(asset).map(|event| event.timestamp),
        cause: own.as_ref().map(|own| own.cause),
        text,
        remedy,
        dag_run_id: run.map(|run| run.dag_run_id.clone()),
        dag_id: own.and_then(|own| own.dag_id),
        task_id: None,
    }
}

/// Tells of a cause in one line, and what would mend it.
pub(super) fn told(own: &Own) -> (String, Option<String>) {
    let dag_id = own.dag_id.as_ref().map_or("", |dag_id| dag_id.as_str());
    let input = own.input.as_ref().map_or("an input", AssetName::as_str);
    let changed = format!("`{input}` has changed since `{dag_id}` made it");
    match own.cause {
        StaleCause::RunFailed => {
            let run = own.run.as_ref().map_or("", |run| run.dag_run_id.as_str());
            let clear = format!("dagdeck tasks clear {dag_id} {run} --only-failed");
            (format!("`{dag_id}` failed to make it"), Some(format!("mend it, then `{clear}`")))
        }
        StaleCause::TooOld => {
            let limit = own.limit.map_or_else(String::new, |(limit, _)| duration::text(limit));
            let text = format!("it is older than {limit}, as old as it may get");
            match (own.is_running, dag_id) {
                (true, _) => (format!("{text}; a run of `{dag_id}` is under way"), None),
                (false, "") => {
                    (text, Some("see to what writes it: no task here makes it".to_owned()))
                }
                (false, _) => (text, Some(format!("run it: `dagdeck trigger {dag_id}`"))),
            }
        }
        _ if own.is_running => (format!("{changed}; a run of it is under way"), None),
        StaleCause::Paused => (
            format!("{changed}, and it is paused"),
            Some(format!("unpause it: `dagdeck dags unpause {dag_id}`")),
        ),
        StaleCause::InputChanged => (
            format!("{changed}, and it has not run since"),
            Some(format!("run it: `dagdeck trigger {dag_id}`")),
        ),
        StaleCause::NeverRun => (
            format!("`{dag_id}` makes it and has never run"),
            Some(format!("run it: `dagdeck trigger {dag_id}`")),
        ),
    }
}

fn fresh(judge: &Judge<'_>, name: &AssetName, freshness: Freshness) -> StaleStep {
    let text = match (freshness, judge.is_made(name)) {
        (Freshness::Never, true) => "its producer has run and left no event of it",
        (Freshness::Never, false) => "no event of it yet, and no task here makes it",
        (_, true) => "nothing that it is made of has changed since",
        (_, false) => "no task here makes it: what changes it tells so from outside",
    };
    StaleStep {
        asset: name.clone(),
        last: judge.last(name).map(|event| event.timestamp),
        cause: None,
        text: text.to_owned(),
        remedy: None,
        dag_id: None,
        dag_run_id: None,
        task_id: None,
    }
}

/// Names the task that made the run fail, where that is the cause.
async fn add_failed_task(parts: &ControlParts, step: &mut StaleStep) -> Result<(), Fault> {
    let (Some(dag_id), Some(dag_run_id)) = (step.dag_id.clone(), step.dag_run_id.clone()) else {
        return Ok(());
    };
    let run = DagRunKey { dag_id, dag_run_id };
    let tasks = parts.read(move |conn| task_instance::for_run(conn, &run)).await?;
    let failed = tasks.into_iter().find(|task| task.state == Some(TaskInstanceState::Failed));
    if let Some(failed) = failed {
        let note = failed.note.map(|note| format!(": {note}")).unwrap_or_default();
        step.text.push_str(&format!(" at task `{}`{note}", failed.key.task_id));
        step.task_id = Some(failed.key.task_id);
    }
    Ok(())
}
