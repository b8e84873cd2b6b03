//! Runs that changes of assets bring about.

use serde_json::{Value, json};

use super::callbacks::says;
use super::decks::Shape;
use super::world::{World, dag, deck, task};
use crate::dag::Dag;
use crate::dag::operator::Operator;
use crate::dag::schedule::{AssetExpression, AssetRef};
use crate::dag::spec::{AssetAliasSpec, AssetUri, Callbacks};
use crate::types::asset::{AssetEventKind, AssetEventSource, AssetEventSpec, WatchedObject};
use crate::types::callback::{CallbackEvent, CallbackRequest, CallbackSubject};
use crate::types::event::Event;
use crate::types::state::DagRunType;
use crate::types::{AssetName, DagRunState};
use crate::{Effect, Input, Outcome, Reply};

fn named(name: &str) -> AssetExpression {
    AssetExpression::Asset(AssetRef::Name(name.into()))
}

fn both() -> AssetExpression {
    AssetExpression::All(vec![named("a"), named("b")])
}

fn consumer(expression: AssetExpression) -> Dag {
    dag("consumer", vec![task("use")]).on(expression)
}

fn change(uri: &str) -> AssetEventSpec {
    AssetEventSpec::new(uri, AssetEventSource::Watcher)
}

/// Says that an asset has changed.
pub(crate) fn emit(world: &mut World, name: &str) {
    told(world, AssetEventSpec { name: Some(name.into()), ..change(&format!("lake:{name}.csv")) });
}

fn told(world: &mut World, spec: AssetEventSpec) -> bool {
    match world.step(Input::AssetChanged(spec)).unwrap() {
        Reply::AssetEvent(event) => event.is_some(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_change_starts_the_dag_that_waits_for_it() {
    let mut world = World::new(deck(vec![consumer(named("a"))]));
    assert!(told(&mut world, change("lake:a.csv")));
    let runs = world.runs_of("consumer");
    assert_eq!(runs[0].dag_run_id.as_str(), "asset_triggered__2026-03-10T12:00:00+00:00");
    assert_eq!(runs[0].run_type, DagRunType::AssetTriggered);
    assert_eq!(runs[0].logical_date, None);
    let Effect::Launch(launch) = &world.last.as_ref().unwrap().effects[0] else { panic!() };
    assert_eq!(launch.triggering_asset_events[0].uri, "lake:a.csv");
    assert_eq!(world.rows.triggering[&runs[0].key()], [1]);
    let events = &world.last.as_ref().unwrap().events;
    assert!(events.contains(&Event::AssetChanged { name: "a".into() }));
}

#[test]
fn each_change_of_a_single_asset_is_a_run_of_its_own() {
    let mut world = World::new(deck(vec![consumer(named("incoming"))]));
    for file in ["x", "y", "z"] {
        told(&mut world, change(&format!("lake:incoming/{file}.csv")));
    }
    assert_eq!(world.runs_of("consumer").len(), 3);
    assert!(world.state.queued_asset_events.is_empty());
}

#[test]
fn the_asset_is_found_by_its_uri_by_its_pattern_or_goes_by_its_uri() {
    let mut world = World::new(deck(Vec::new()));
    for uri in ["lake:a.csv", "lake:incoming/new.csv", "lake:elsewhere", "models:/iris@production"]
    {
        told(&mut world, change(uri));
    }
    let names: Vec<_> = world.rows.asset_events.values().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["a", "incoming", "lake:elsewhere", "model"]);
}

#[test]
fn a_pattern_of_uris_waits_for_assets_that_nobody_declared() {
    let pattern = AssetExpression::Asset(AssetRef::UriPattern("models:/*@production".into()));
    let mut world = World::new(deck(vec![consumer(pattern)]));
    told(&mut world, change("models:/titanic@production"));
    told(&mut world, change("models:/titanic@staging"));
    assert_eq!(world.runs_of("consumer").len(), 1);
}

#[test]
fn a_change_that_is_known_counts_once_also_after_a_restart() {
    let decks = || deck(vec![consumer(named("a"))]);
    let mut world = World::new(decks());
    let spec = AssetEventSpec { dedupe_key: Some("a:etag-1".into()), ..change("lake:a.csv") };
    assert!(told(&mut world, spec.clone()));
    assert!(!told(&mut world, spec.clone()));
    world.restart(decks());
    assert!(!told(&mut world, spec));
    assert_eq!(world.runs_of("consumer").len(), 1);
    assert_eq!(world.rows.asset_events.len(), 1);
}

#[test]
fn an_expression_waits_until_it_is_satisfied_and_its_run_carries_all_events() {
    let decks = || deck(vec![consumer(both())]);
    let mut world = World::new(decks());
    told(&mut world, change("lake:a.csv"));
    told(&mut world, change("lake:a.csv"));
    assert!(world.runs_of("consumer").is_empty());
    world.restart(decks());
    told(&mut world, change("lake:b.csv"));
    let runs = world.runs_of("consumer");
    assert_eq!(runs.len(), 1);
    assert_eq!(world.rows.triggering[&runs[0].key()], [1, 2, 3]);
    assert!(world.rows.queued["consumer"].is_empty());
    told(&mut world, change("lake:b.csv"));
    assert_eq!(world.runs_of("consumer").len(), 1);
}

#[test]
fn a_paused_dag_does_not_wait_for_changes() {
    let mut world = World::new(deck(vec![consumer(named("a"))]));
    world.pause("consumer", true);
    told(&mut world, change("lake:a.csv"));
    world.pause("consumer", false);
    assert!(world.runs_of("consumer").is_empty());
    assert_eq!(world.rows.asset_events.len(), 1);
}

#[test]
fn a_task_that_succeeds_tells_of_its_outlets_once() {
    let producer = dag("producer", vec![task("write").outlets(&["a", "b"]).retries(1)]);
    let mut world = World::new(deck(vec![producer, consumer(both())]));
    world.trigger("producer");
    world.fail("write");
    assert!(world.rows.asset_events.is_empty());
    world.tick_after(10);
    world.succeed("write");
    let events: Vec<_> = world.rows.asset_events.values().collect();
    assert_eq!(events.len(), 2);
    assert_eq!(events[0].source, AssetEventSource::Task(world.key("write")));
    assert_eq!(events[0].uri, "lake:a.csv");
    assert_eq!(events[0].dedupe_key.as_deref(), Some("t-2:a"));
    assert_eq!(world.runs_of("consumer").len(), 1);
}

#[test]
fn what_a_task_says_of_an_outlet_takes_the_place_of_the_plain_event() {
    let producer = dag("producer", vec![task("write").outlets(&["a", "incoming"])]);
    let mut world = World::new(deck(vec![producer]));
    world.trigger("producer");
    let own = AssetEventSpec {
        extra: json!({"rows": 3}).as_object().unwrap().clone(),
        ..change("lake:incoming/x.csv")
    };
    world.finish(
        "write",
        Outcome::Success {
            outputs: std::collections::BTreeMap::new(),
            output: Value::Null,
            chosen: None,
            skip_all_downstream: false,
            asset_events: vec![own],
        },
    );
    let told: Vec<(AssetName, String)> =
        world.rows.asset_events.values().map(|e| (e.name.clone(), e.uri.clone())).collect();
    assert_eq!(
        told,
        [("incoming".into(), "lake:incoming/x.csv".into()), ("a".into(), "lake:a.csv".into()),]
    );
}

#[test]
fn a_dag_that_starts_itself_does_not_hold_up_the_step() {
    let tasks = vec![task("e").operator(Operator::Empty).outlets(&["a"])];
    let mut world = World::new(deck(vec![dag("loop", tasks).on(named("a"))]));
    told(&mut world, change("lake:a.csv"));
    let made = world.runs_of("loop").len();
    assert!((2..100).contains(&made), "{made}");
    let wakeup = world.state.next_wakeup(world.now).unwrap();
    assert_eq!(world.state.next_wakeup(wakeup), Some(wakeup), "it comes, not ever later");
    world.tick_after(1);
    assert!(world.runs_of("loop").len() > made);
    let ended = world.runs_of("loop").iter().filter(|r| r.state == DagRunState::Success).count();
    assert_eq!(ended, world.runs_of("loop").len() - 1);
}

#[test]
fn params_without_a_fit_default_keep_assets_from_making_runs() {
    let mut world = World::new(deck(vec![consumer(named("a")).required("region")]));
    told(&mut world, change("lake:a.csv"));
    assert!(world.runs_of("consumer").is_empty());
    assert!(world.state.queued_asset_events.is_empty());
    assert!(world.feed_has("`region`"));
}

fn deleted(uri: &str) -> AssetEventSpec {
    AssetEventSpec { kind: AssetEventKind::Deleted, ..change(uri) }
}

#[test]
fn what_is_deleted_starts_only_what_asks_for_it() {
    let asks = consumer(named("a")).with(|dag| {
        dag.dag_id = "janitor".into();
        dag.asset_rule.on = vec![AssetEventKind::Deleted];
    });
    let mut world = World::new(deck(vec![consumer(named("a")), asks]));
    assert!(told(&mut world, deleted("lake:a.csv")));
    assert_eq!((world.runs_of("consumer").len(), world.runs_of("janitor").len()), (0, 1));
    assert!(told(&mut world, change("lake:a.csv")));
    assert_eq!((world.runs_of("consumer").len(), world.runs_of("janitor").len()), (1, 1));
}

#[test]
fn how_an_object_looked_is_kept_with_its_event() {
    let mut world = World::new(deck(vec![]));
    let object = WatchedObject { version: Some("3:7".into()), moved_from: None };
    told(&mut world, AssetEventSpec { object: Some(object.clone()), ..change("lake:a.csv") });
    assert_eq!(world.rows.asset_objects["lake:a.csv"], object);
}

fn part(name: &str, key: &str) -> AssetEventSpec {
    AssetEventSpec {
        name: Some(name.into()),
        partition_key: Some(key.into()),
        ..change(&format!("lake:{name}.csv"))
    }
}

/// A consumer that runs for each partition.
fn by_parts(expression: AssetExpression) -> Dag {
    consumer(expression).with(|dag| dag.asset_rule.partitioned = true)
}

#[test]
fn a_partitioned_schedule_makes_one_run_a_key_when_all_assets_have_it() {
    let mut world = World::new(deck(vec![by_parts(both())]));
    told(&mut world, part("a", "03-10"));
    told(&mut world, part("a", "03-11"));
    told(&mut world, part("b", "03-12"));
    assert!(world.runs_of("consumer").is_empty());
    world.restart(deck(vec![by_parts(both())]));
    told(&mut world, part("b", "03-11"));
    let runs = world.runs_of("consumer");
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].partition_key.as_deref(), Some("03-11"));
    assert_eq!(world.rows.triggering[&runs[0].key()], [2, 4]);
    assert_eq!(world.rows.queued["consumer"], [1, 3], "the other keys wait on");
    told(&mut world, part("b", "03-10"));
    assert_eq!(world.runs_of("consumer").len(), 2);
}

#[test]
fn keys_are_for_partitioned_schedules_alone_as_in_airflow() {
    let plain = consumer(named("a")).with(|dag| dag.dag_id = "plain".into());
    let mut world = World::new(deck(vec![by_parts(named("a")), plain]));
    told(&mut world, part("a", "k"));
    assert_eq!((world.runs_of("consumer").len(), world.runs_of("plain").len()), (1, 0));
    told(&mut world, change("lake:a.csv"));
    assert_eq!((world.runs_of("consumer").len(), world.runs_of("plain").len()), (1, 1));
}

#[test]
fn the_key_is_found_in_the_uri_and_handed_on_to_the_outlets() {
    let maker = dag("maker", vec![task("write").outlets(&["b"])])
        .on(named("incoming"))
        .with(|dag| dag.asset_rule.partitioned = true);
    let mut parts = deck(vec![maker]);
    let uri = AssetUri::Connection { connection: "lake".into(), path: "in/{date}.csv".into() };
    parts.assets["incoming"].uri = uri;
    let mut world = World::new(parts);
    told(&mut world, change("lake:in/2026-03-10.csv"));
    let run = world.runs_of("maker")[0].clone();
    assert_eq!(run.partition_key.as_deref(), Some("2026-03-10"));
    world.run = Some(run.key());
    world.finish("write", Outcome::output(Value::Null));
    let made = world.rows.asset_events.values().last().unwrap();
    assert_eq!((made.name.as_str(), made.partition_key.as_deref()), ("b", Some("2026-03-10")));
}

#[test]
fn an_alias_stands_for_what_the_task_says() {
    let producer = dag("producer", vec![task("write").outlets(&["made"])]);
    let mut aliased = deck(vec![producer, consumer(named("made"))]);
    let alias = AssetAliasSpec { name: "made".into(), group: "asset".into() };
    aliased.asset_aliases.insert("made".into(), alias);
    let mut world = World::new(aliased);
    world.trigger("producer");
    let of_alias = |alias: &str| AssetEventSpec {
        source_aliases: vec![alias.into()],
        ..change("lake:x/1.csv")
    };
    world.finish(
        "write",
        Outcome::Success {
            outputs: std::collections::BTreeMap::new(),
            output: Value::Null,
            chosen: None,
            skip_all_downstream: false,
            asset_events: vec![of_alias("made"), of_alias("other")],
        },
    );
    let events: Vec<_> = world.rows.asset_events.values().collect();
    assert_eq!(events.len(), 1, "an alias alone has no event, nor has what is no outlet");
    assert_eq!(events[0].name.as_str(), "lake:x/1.csv");
    assert_eq!(events[0].source_aliases, ["made"]);
    assert_eq!(world.runs_of("consumer").len(), 1);
    assert!(world.rows.log.iter().any(|line| line.event == "asset.no_outlet"));
}

#[test]
fn that_an_asset_is_too_old_is_told_once_until_it_changes() {
    let limited = || {
        let mut deck = deck(vec![]);
        deck.assets["a"].freshness = Some(std::time::Duration::from_secs(3600));
        deck
    };
    let mut world = World::new(limited());
    let told_stale =
        |world: &World| world.rows.log.iter().filter(|line| line.event == "asset.stale").count();
    told(&mut world, change("lake:a.csv"));
    world.tick_after(3599);
    assert_eq!(told_stale(&world), 0);
    told(&mut world, deleted("lake:a.csv"));
    world.tick_after(1);
    assert_eq!(told_stale(&world), 1, "that it was deleted made it no younger");
    world.restart(limited());
    world.tick_after(9000);
    assert_eq!(told_stale(&world), 1);
    told(&mut world, change("lake:a.csv"));
    world.tick_after(3600);
    assert_eq!(told_stale(&world), 2);
}

#[test]
fn who_was_told_that_an_asset_is_stale_is_told_once_that_it_is_fresh_again() {
    let limited = || {
        let mut deck = deck(vec![]);
        let asset = &mut deck.assets["a"];
        asset.freshness = Some(std::time::Duration::from_secs(3600));
        asset.callbacks = Callbacks(vec![
            (CallbackEvent::OnStale, vec![says("old")]),
            (CallbackEvent::OnFresh, vec![says("new")]),
        ]);
        deck
    };
    let mut world = World::new(limited());
    let heard = |world: &World| {
        let line = |one: &CallbackRequest| {
            assert_eq!(one.subject, CallbackSubject::Asset { asset: "a".into() });
            format!("{} {}", one.event.as_str(), one.task_or_run_state)
        };
        world.rows.callbacks.iter().map(line).collect::<Vec<_>>()
    };
    told(&mut world, change("lake:a.csv"));
    told(&mut world, change("lake:a.csv"));
    assert!(heard(&world).is_empty(), "nobody was told that it is stale");
    world.tick_after(3600);
    assert_eq!(heard(&world), ["on_stale stale"]);
    assert!(world.rows.callbacks[0].reason.as_ref().unwrap().contains("more than 1h ago"));
    world.restart(limited());
    world.tick_after(9000);
    told(&mut world, deleted("lake:a.csv"));
    assert_eq!(heard(&world).len(), 1, "it is told once, and a deletion is no news");
    world.restart(limited());
    told(&mut world, change("lake:a.csv"));
    told(&mut world, change("lake:a.csv"));
    assert_eq!(heard(&world), ["on_stale stale", "on_fresh fresh"]);
    let fresh = world.rows.log.iter().filter(|line| line.event == "asset.fresh").count();
    assert_eq!(fresh, 1);
}
