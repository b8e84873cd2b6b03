//! Definitions that change under way, and starting again.

use super::decks::Shape;
use super::world::{World, dag, deck, task};
use crate::dag::Deck;
use crate::dag::schedule::{AssetExpression, AssetRef};
use crate::types::DagRunState;
use crate::types::asset::{AssetEventSource, AssetEventSpec};
use crate::types::event::Event;
use crate::{Effect, Input, Outcome, Report};

fn load(world: &mut World, deck: Deck) {
    world.step(Input::DefinitionsLoaded(deck.into())).unwrap();
}

#[test]
fn a_run_goes_on_with_the_definition_it_began_with() {
    let old = dag("d", vec![task("a"), task("b").after(&["a"])]);
    let mut world = World::new(deck(vec![old]));
    world.trigger("d");
    let new = dag("d", vec![task("a"), task("z").after(&["a"])]).with(|d| d.version = "v2".into());
    load(&mut world, deck(vec![new]));
    world.succeed("a");
    assert_eq!(world.launched(), ["b"]);
    assert_eq!(world.trigger("d").dag_version, "v2");
}

#[test]
fn a_vanished_dag_is_stale_and_comes_back_as_it_was() {
    let decks = || deck(vec![dag("d", vec![task("a")]).cron("0 0 * * *")]);
    let mut world = World::new(decks());
    world.pause("d", true);
    load(&mut world, deck(Vec::new()));
    assert!(world.rows.dag_states["d"].is_stale);
    assert_eq!(world.rows.dag_states["d"].next_run_after, None);
    let changed = Event::DagChanged { dag_id: "d".into() };
    assert!(world.last.as_ref().unwrap().events.contains(&changed));
    load(&mut world, decks());
    let dag_state = &world.rows.dag_states["d"];
    assert!(!dag_state.is_stale && dag_state.is_paused);
}

#[test]
fn a_run_of_a_vanished_dag_goes_on() {
    let mut world = World::new(deck(vec![dag("d", vec![task("a"), task("b").after(&["a"])])]));
    world.trigger("d");
    load(&mut world, deck(Vec::new()));
    world.succeed("a");
    world.succeed("b");
    assert_eq!(world.run_is(), DagRunState::Success);
}

#[test]
fn loading_the_same_definitions_again_changes_nothing() {
    let decks = || deck(vec![dag("d", vec![task("a")]).cron("0 0 * * *")]);
    let mut world = World::new(decks());
    load(&mut world, decks());
    assert!(world.last.as_ref().unwrap().changes.is_empty());
}

#[test]
fn queued_events_that_nobody_waits_for_any_more_are_dropped() {
    let named = |name: &str| AssetExpression::Asset(AssetRef::Name(name.into()));
    let of = |expression| deck(vec![dag("d", vec![task("t")]).on(expression)]);
    let mut world = World::new(of(AssetExpression::All(vec![named("a"), named("b")])));
    let spec = AssetEventSpec {
        name: Some("a".into()),
        ..AssetEventSpec::new("lake:a.csv", AssetEventSource::Person { user: "ana".into() })
    };
    world.step(Input::AssetChanged(spec)).unwrap();
    assert_eq!(world.rows.queued["d"], [1]);
    let mut other = World::new(of(AssetExpression::All(vec![named("a"), named("b")])));
    other.rows = world.rows.clone();
    load(&mut world, of(named("b")));
    assert!(world.rows.queued["d"].is_empty());
    // And those that are enough for the new expression make a run.
    other.restart(of(named("a")));
    other.tick();
    assert_eq!(other.runs_of("d").len(), 1);
}

#[test]
fn a_restart_finds_everything_as_it_was() {
    let decks = || deck(vec![dag("d", vec![task("a"), task("b").after(&["a"])])]);
    let mut world = World::new(decks());
    world.trigger("d");
    world.start("a");
    let (key, token) = world.in_force("a");
    assert!(world.restart(decks()).is_empty());
    assert_eq!(world.state.next_wakeup(world.now), Some(world.now));
    world.tick();
    assert!(world.launched().is_empty());
    let outcome = Outcome::output(serde_json::Value::Null);
    world.step(Input::Report(Report::Finished { key, token, outcome })).unwrap();
    assert_eq!(world.launched(), ["b"]);
}

#[test]
fn a_run_keeps_its_definition_also_over_a_restart_under_another_one() {
    let old = dag("d", vec![task("a"), task("b").after(&["a"])]);
    let mut world = World::new(deck(vec![old]));
    let run = world.trigger("d");
    assert_eq!((run.dag_version.as_str(), run.dag_version_number), ("v1", 1));
    let new = dag("d", vec![task("a"), task("z").after(&["a"])]).with(|d| d.version = "v2".into());
    assert!(world.restart(deck(vec![new])).is_empty());
    world.tick();
    assert!(world.killed().is_empty());
    world.succeed("a");
    assert_eq!(world.launched(), ["b"]);
    world.succeed("b");
    assert_eq!(world.run_is(), DagRunState::Success);
    world.tick_after(1);
    let run = world.trigger("d");
    assert_eq!((run.dag_version.as_str(), run.dag_version_number), ("v2", 2));
}

#[test]
fn each_definition_that_differs_from_the_last_one_is_a_version() {
    let of = |version: &str| deck(vec![dag("d", vec![]).with(|d| d.version = version.into())]);
    let mut world = World::new(of("one"));
    load(&mut world, of("two"));
    load(&mut world, of("two"));
    load(&mut world, deck(Vec::new()));
    load(&mut world, of("two"));
    load(&mut world, of("one"));
    let versions: Vec<_> = world.rows.versions.values().map(|v| v.dag.version.as_str()).collect();
    assert_eq!(versions, ["one", "two", "one"]);
    assert_eq!(world.feed().iter().filter(|event| **event == "dag.version").count(), 2);
    world.restart(of("one"));
    world.tick();
    assert_eq!(world.rows.versions.len(), 3);
}

#[test]
fn a_run_made_before_versions_were_kept_takes_the_present_definition() {
    let old = dag("d", vec![task("a"), task("gone"), task("waits").after(&["gone"])]);
    let mut world = World::new(deck(vec![old]));
    world.trigger("d");
    world.rows.versions.clear();
    let new =
        dag("d", vec![task("a"), task("new").after(&["a"])]).with(|d| d.version = "v2".into());
    world.restart(deck(vec![new]));
    world.tick();
    assert_eq!((world.is("gone"), world.is("waits")), ("removed", "removed"));
    assert_eq!(world.killed(), ["gone"]);
    world.succeed("a");
    assert_eq!(world.launched(), ["new"]);
    world.succeed("new");
    assert_eq!(world.run_is(), DagRunState::Success);
    assert_eq!(world.rows.runs[world.run.as_ref().unwrap()].dag_version, "v2");
}

#[test]
fn a_run_goes_on_after_a_restart_without_its_dag() {
    let mut world = World::new(deck(vec![dag("d", vec![task("a"), task("b").after(&["a"])])]));
    world.trigger("d");
    assert!(world.restart(deck(Vec::new())).is_empty());
    world.tick();
    assert!(world.state.dag_states["d"].is_stale);
    world.succeed("a");
    world.succeed("b");
    assert_eq!(world.run_is(), DagRunState::Success);
}

#[test]
fn a_restart_without_any_definition_hands_its_runs_back() {
    let mut world = World::new(deck(vec![dag("d", vec![task("a")])]));
    world.trigger("d");
    world.rows.versions.clear();
    let orphans = world.restart(deck(Vec::new()));
    assert_eq!(orphans.len(), 1);
    assert_eq!(orphans[0].tasks.len(), 1);
    assert!(world.state.runs.is_empty());
    assert!(world.state.dag_states["d"].is_stale);
}

#[test]
fn a_restart_launches_what_was_ready_and_begins_what_was_queued() {
    let of = |limit: u32| {
        let one = dag("d", vec![task("a"), task("b")]).with(|dag| dag.max_active_runs = limit);
        let mut deck = deck(vec![one]);
        deck.max_active_tasks = limit;
        deck
    };
    let mut world = World::new(of(1));
    world.trigger("d");
    world.trigger("d");
    world.restart(of(9));
    world.tick();
    let launches = world.last.as_ref().unwrap().effects.len();
    assert_eq!(launches, 3);
    assert!(world.last.unwrap().effects.iter().all(|e| matches!(e, Effect::Launch(_))));
}
