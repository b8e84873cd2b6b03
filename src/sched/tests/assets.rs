//! Runs that changes of assets bring about.

use serde_json::{Map, Value, json};

use super::decks::Shape;
use super::world::{World, dag, deck, task};
use crate::dag::Dag;
use crate::dag::operator::Operator;
use crate::dag::schedule::{AssetExpression, AssetRef};
use crate::types::asset::{AssetEventSource, AssetEventSpec};
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
    AssetEventSpec {
        name: None,
        uri: uri.into(),
        source: AssetEventSource::Watcher,
        extra: Map::new(),
        dedupe_key: None,
    }
}

/// Says that an asset has changed.
pub(crate) fn emit(world: &mut World, name: &str) {
    told(world, AssetEventSpec { name: Some(name.into()), ..change(&format!("lake:{name}.csv")) });
}

fn told(world: &mut World, spec: AssetEventSpec) -> bool {
    match world.step(Input::AssetChanged(spec)).unwrap() {
        Reply::AssetEvent { is_new } => is_new,
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
