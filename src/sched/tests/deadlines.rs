//! Deadlines: each run's, missed once or met.

use std::time::Duration;

use super::callbacks::says;
use super::decks::Shape;
use super::world::{World, dag, deck, task, trigger};
use crate::dag::deadline::{DeadlineReference, DeadlineSpec};
use crate::dag::{Dag, Deck};
use crate::types::deadline::Deadline;
use crate::types::event::Severity;
use crate::types::{DagRunState, Timestamp};

fn by(reference: DeadlineReference, secs: u64) -> DeadlineSpec {
    let interval = Duration::from_secs(secs);
    DeadlineSpec { reference, interval, callbacks: vec![says("late")] }
}

fn of(deadlines: Vec<DeadlineSpec>) -> Dag {
    dag("d", vec![task("a")]).with(|dag| dag.deadlines = deadlines)
}

fn queued(secs: u64) -> Deck {
    deck(vec![of(vec![by(DeadlineReference::DagrunQueuedAt, secs)])])
}

fn rows(world: &World) -> Vec<&Deadline> {
    world.rows.deadlines.values().collect()
}

#[test]
fn a_run_that_has_not_ended_by_then_has_missed_it_and_tells_so_once() {
    let mut world = World::new(queued(60));
    world.trigger("d");
    assert_eq!(world.state.next_wakeup(world.now), Some("2026-03-10T12:01:00Z".parse().unwrap()));
    world.tick_after(59);
    assert!(!rows(&world)[0].missed);
    world.tick_after(1);
    assert!(rows(&world)[0].missed);
    assert_eq!(world.rows.callbacks.len(), 1);
    let callback = &world.rows.callbacks[0];
    assert_eq!(callback.deadline, Some("2026-03-10T12:01:00Z".parse().unwrap()));
    assert_eq!(callback.task_or_run_state, "running");
    let line = world.rows.log.iter().find(|line| line.event == "deadline.missed").unwrap();
    assert_eq!(line.severity, Severity::Warning);
    world.tick_after(3600);
    world.succeed("a");
    assert_eq!(world.run_is(), DagRunState::Success, "it goes on all the same");
    assert_eq!(world.rows.callbacks.len(), 1);
    assert!(rows(&world)[0].missed);
}

#[test]
fn a_run_that_ends_before_it_never_misses_it() {
    let mut world = World::new(queued(60));
    world.trigger("d");
    world.tick_after(30);
    world.fail("a");
    let met_at = rows(&world)[0].met_at;
    assert_eq!(met_at, Some("2026-03-10T12:00:30Z".parse().unwrap()));
    world.tick_after(3600);
    assert!(!rows(&world)[0].missed);
    assert!(world.rows.callbacks.is_empty());
}

#[test]
fn a_queued_run_can_miss_it_too() {
    let mut one = queued(60);
    let mut dag = (*one.dags["d"]).clone();
    dag.max_active_runs = 1;
    one.dags.insert("d".into(), dag.into());
    let mut world = World::new(one);
    world.trigger("d");
    world.tick_after(30);
    world.trigger("d");
    world.tick_after(60);
    assert_eq!(world.rows.callbacks.len(), 2);
    assert_eq!(world.rows.callbacks[1].task_or_run_state, "queued");
}

#[test]
fn what_came_due_while_nobody_looked_is_missed_once_after_the_start() {
    let mut world = World::new(queued(60));
    world.trigger("d");
    world.now += Duration::from_secs(600);
    world.restart(queued(60));
    world.tick();
    assert_eq!(world.rows.callbacks.len(), 1);
    world.restart(queued(60));
    world.tick();
    assert_eq!(world.rows.callbacks.len(), 1);
}

#[test]
fn it_is_counted_from_the_logical_date_or_from_a_fixed_date() {
    let fixed: Timestamp = "2026-05-01T00:00:00Z".parse().unwrap();
    let specs = vec![
        by(DeadlineReference::DagrunLogicalDate, 60),
        by(DeadlineReference::FixedDatetime(fixed), 60),
    ];
    let mut world = World::new(deck(vec![of(specs)]));
    let mut wish = trigger("d");
    wish.logical_date = Some("2026-04-01T00:00:00Z".parse().unwrap());
    world.ask(wish).unwrap();
    let due: Vec<String> = rows(&world).iter().map(|one| one.deadline_time.to_string()).collect();
    assert_eq!(due, ["2026-04-01T00:01:00Z", "2026-05-01T00:01:00Z"]);
    world.tick_at("2026-05-02T00:00:00Z");
    assert!(rows(&world).iter().all(|one| one.missed));
    assert_eq!(world.rows.callbacks.len(), 2);
}

#[test]
fn an_average_needs_enough_runs_that_have_ended() {
    let reference = DeadlineReference::AverageRuntime { max_runs: 2, min_runs: 2 };
    let mut world = World::new(deck(vec![of(vec![by(reference, 5)])]));
    for secs in [1_000, 10, 30] {
        assert!(rows(&world).len() < 2, "the first two runs have none");
        world.trigger("d");
        world.tick_after(secs);
        world.succeed("a");
    }
    world.rows.deadlines.clear();
    world.trigger("d");
    let due = rows(&world)[0].deadline_time;
    assert_eq!(due, world.now + Duration::from_secs(20 + 5), "of the last two");
}

#[test]
fn a_cleared_run_gets_its_time_again_where_it_counts_from_its_queue() {
    let mut world = World::new(queued(60));
    world.trigger("d");
    world.tick_after(30);
    world.fail("a");
    world.tick_after(600);
    world.clear(&[], false, false).unwrap();
    assert_eq!(rows(&world)[0].deadline_time, world.now + Duration::from_secs(60));
    assert_eq!(rows(&world)[0].met_at, None);
    world.tick_after(60);
    assert!(rows(&world)[0].missed);
}

#[test]
fn a_run_that_was_cancelled_misses_nothing() {
    let mut world = World::new(queued(60));
    world.trigger("d");
    world.cancel();
    world.tick_after(600);
    assert!(world.rows.callbacks.is_empty());
}
