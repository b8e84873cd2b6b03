//! Retries, timeouts and lost attempts.

use super::world::{World, dag, deck, task};
use crate::types::{DagRunState, TaskInstanceState, Timestamp};
use crate::{Input, Outcome, Rejected, Report};

fn with(t: super::decks::TaskBuilder) -> World {
    let mut world = World::new(deck(vec![dag("d", vec![t])]));
    world.trigger("d");
    world
}

#[test]
fn a_failed_task_is_tried_again_after_its_delay() {
    let mut world = with(task("a").retries(1));
    let first = world.in_force("a");
    world.fail("a");
    assert_eq!(world.is("a"), "up_for_retry");
    assert_eq!(world.ti("a").note.as_deref(), Some("boom"));
    let due: Timestamp = "2026-03-10T12:00:10Z".parse().unwrap();
    assert_eq!(world.ti("a").next_retry_at, Some(due));
    assert_eq!(world.state.next_wakeup(world.now), Some(due));
    world.tick_after(9);
    assert_eq!(world.is("a"), "up_for_retry");
    world.tick_after(1);
    assert_eq!(world.launched(), ["a"]);
    let second = world.in_force("a");
    assert_eq!(second.0.try_number, 2);
    assert_ne!(second.1, first.1);
    world.fail("a");
    assert_eq!(world.is("a"), "failed");
    assert_eq!(world.run_is(), DagRunState::Failed);
    assert_eq!(world.rows.tries.len(), 2);
    assert!(world.feed_has("try 2 of 2 in 10s"));
}

#[test]
fn a_failure_that_no_retry_can_mend_is_final() {
    let mut world = with(task("a").retries(5));
    world.finish("a", Outcome::fatal("no such table"));
    assert_eq!(world.is("a"), "failed");
}

#[test]
fn an_exit_code_that_no_retry_mends_is_final() {
    let codes = |spec: &mut crate::dag::TaskSpec| spec.no_retry_exit_codes = vec![2, 64];
    let mut world = with(task("a").retries(5).with(codes));
    let ended = |code| Outcome::Failed {
        error: format!("exit code {code}"),
        exit_code: Some(code),
        retryable: true,
    };
    world.finish("a", ended(1));
    assert_eq!(world.is("a"), "up_for_retry");
    world.tick_after(10);
    world.finish("a", ended(64));
    assert_eq!(world.is("a"), "failed");
    assert_eq!(world.ti("a").try_number, 2);
}

#[test]
fn a_lost_attempt_is_tried_again() {
    let mut world = with(task("a").retries(1));
    let (key, token) = world.in_force("a");
    let lost = Report::Lost { key, token, reason: "the machine was restarted".into() };
    world.step(Input::Report(lost)).unwrap();
    assert_eq!(world.is("a"), "up_for_retry");
    let note = world.ti("a").note.clone().unwrap();
    assert_eq!(note, "the attempt was lost: the machine was restarted");
}

#[test]
fn an_attempt_that_takes_too_long_is_killed_and_tried_again() {
    let mut world = with(task("a").retries(1).timeout(30));
    // What waits in an executor's queue does not run yet.
    world.tick_after(100);
    assert_eq!(world.is("a"), "queued");
    world.start("a");
    let (key, token) = world.in_force("a");
    world.tick_after(30);
    assert_eq!(world.killed(), ["a"]);
    assert_eq!(world.is("a"), "up_for_retry");
    assert_eq!(world.ti("a").note.as_deref(), Some("timed out after 30s"));
    assert_eq!(world.rows.tries[&key].state, TaskInstanceState::Failed);

    let late = Report::Finished { key: key.clone(), token, outcome: Outcome::failed("killed") };
    assert_eq!(world.step(Input::Report(late)), Err(Rejected::Straggler { key }));
}

#[test]
fn a_delay_of_nothing_tries_again_at_the_next_tick() {
    let mut spec = task("a").retries(1).build();
    spec.retry_delay = std::time::Duration::ZERO;
    let one = dag("d", vec![]);
    let one = crate::dag::Dag {
        graph: crate::dag::graph::Graph::new([("a".into(), Vec::new())].into()).unwrap(),
        tasks: [("a".into(), spec)].into(),
        ..one
    };
    let mut world = World::new(deck(vec![one]));
    world.trigger("d");
    world.fail("a");
    assert_eq!(world.state.next_wakeup(world.now), Some(world.now));
    world.tick();
    assert_eq!(world.launched(), ["a"]);
    assert_eq!(world.state.next_wakeup(world.now), None);
}

#[test]
fn a_restart_keeps_retries_and_timeouts() {
    let retrying = || deck(vec![dag("d", vec![task("a").retries(1), task("b").timeout(60)])]);
    let mut world = World::new(retrying());
    world.trigger("d");
    world.start("b");
    world.fail("a");
    world.restart(retrying());
    world.tick_after(10);
    assert_eq!(world.launched(), ["a"]);
    assert!(world.in_force("a").1.as_str().starts_with("u-"));
    world.tick_after(50);
    assert_eq!(world.killed(), ["b"]);
}
