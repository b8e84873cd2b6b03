//! What a run waits for in the run before: `depends_on_past`, `wait_for_downstream`.

use super::decks::{Shape, TaskBuilder};
use super::world::{World, dag, deck, task, trigger};
use crate::Outcome;
use crate::dag::Deck;
use crate::dag::flow::Flow;
use crate::types::DagRunState;

fn with(change: impl Fn(&mut Flow)) -> Vec<TaskBuilder> {
    vec![task("a").flow(|flow| change(flow)), task("b").after(&["a"])]
}

fn past(flow: &mut Flow) {
    flow.depends_on_past = true;
}

fn downstream(flow: &mut Flow) {
    flow.depends_on_past = true;
    flow.wait_for_downstream = true;
}

fn of(tasks: Vec<TaskBuilder>) -> Deck {
    deck(vec![dag("d", tasks)])
}

/// Makes a run by hand on a day of March.
fn on(world: &mut World, day: u8) {
    let mut wish = trigger("d");
    wish.logical_date = Some(format!("2026-03-{day:02}T00:00:00Z").parse().unwrap());
    world.run = Some(world.ask(wish).unwrap().key());
}

#[test]
fn the_first_run_of_all_waits_for_none() {
    let mut world = World::new(of(with(past)));
    on(&mut world, 1);
    assert_eq!(world.launched(), ["a"]);
}

#[test]
fn a_task_waits_for_itself_in_the_run_before_while_that_is_under_way() {
    let mut world = World::new(of(with(past)));
    on(&mut world, 1);
    let first = world.run.clone();
    on(&mut world, 2);
    let second = world.run.clone();
    assert!(world.launched().is_empty());
    assert_eq!(world.is("a"), "none");
    world.run = first;
    world.succeed("a");
    assert_eq!(world.launched(), ["a", "b"]);
    world.run = second;
    assert_eq!(world.is("a"), "queued");
}

#[test]
fn a_task_that_was_skipped_before_is_not_waited_for() {
    let mut world = World::new(of(with(past)));
    on(&mut world, 1);
    let first = world.run.clone();
    on(&mut world, 2);
    world.run = first;
    world.finish("a", Outcome::Skipped { reason: "no".into() });
    assert_eq!(world.launched(), ["a"]);
}

#[test]
fn a_task_waits_for_a_failed_one_of_a_run_that_has_ended_until_that_is_mended() {
    let deck = of(with(past));
    let mut world = World::new(deck.clone());
    on(&mut world, 1);
    let first = world.run.clone();
    world.fail("a");
    assert_eq!(world.run_is(), DagRunState::Failed);
    on(&mut world, 2);
    let second = world.run.clone();
    assert_eq!(world.is("a"), "none");
    // Nothing of it is lost with the memory.
    world.restart(deck);
    world.tick();
    assert_eq!(world.is("a"), "none");
    world.run = first;
    world.clear(&["a"], true, true).unwrap();
    world.run = second;
    assert_eq!(world.is("a"), "none");
    let clear = world.run.clone();
    world.run = world.runs_of("d").first().map(|run| run.key());
    world.succeed("a");
    assert_eq!(world.launched(), ["a", "b"]);
    world.run = clear;
    assert_eq!(world.is("a"), "queued");
}

#[test]
fn wait_for_downstream_waits_for_what_comes_directly_after_too() {
    let mut world = World::new(of(with(downstream)));
    on(&mut world, 1);
    let first = world.run.clone();
    on(&mut world, 2);
    let second = world.run.clone();
    world.run = first;
    world.succeed("a");
    assert_eq!(world.launched(), ["b"]);
    world.succeed("b");
    assert_eq!(world.launched(), ["a"]);
    world.run = second;
    assert_eq!(world.is("a"), "queued");
}

#[test]
fn with_catchup_only_scheduled_runs_count_as_the_one_before() {
    let dag = dag("d", with(past)).intervals("@daily").start("2026-03-09T00:00:00Z");
    let mut world = World::new(deck(vec![dag.with(|dag| dag.catchup = true)]));
    world.run = Some(world.runs_of("d")[0].key());
    world.succeed("a");
    let mut wish = trigger("d");
    wish.logical_date = Some("2026-03-09T06:00:00Z".parse().unwrap());
    world.run = Some(world.ask(wish).unwrap().key());
    assert_eq!(world.is("a"), "queued");
    world.tick_at("2026-03-11T00:00:00Z");
    assert_eq!(world.launched(), ["a"]);
}

#[test]
fn what_the_rule_makes_of_a_task_does_not_wait_for_the_past() {
    let tasks = vec![task("a"), task("b").after(&["a"]).flow(past)];
    let mut world = World::new(of(tasks));
    on(&mut world, 1);
    on(&mut world, 2);
    world.fail("a");
    assert_eq!(world.is("b"), "upstream_failed");
}

#[test]
fn a_run_before_that_is_deleted_holds_nobody_back_any_more() {
    let mut world = World::new(of(with(past)));
    on(&mut world, 1);
    let first = world.run.clone().unwrap();
    world.fail("a");
    on(&mut world, 2);
    assert_eq!(world.is("a"), "none");
    let delete = crate::types::operation::Operation::DeleteRuns;
    world.operate_on(delete, vec![first], false).unwrap();
    assert_eq!(world.launched(), ["a"]);
}
