//! Tasks that wait for something without an executor.

use super::decks::TaskBuilder;
use super::world::{World, dag, deck, deferral, task};
use crate::types::deferral::AtTimeout;
use crate::types::{DagRunState, TaskInstanceState};
use crate::{Input, Outcome, Rejected, Report};

fn with(tasks: Vec<TaskBuilder>) -> World {
    let mut world = World::new(deck(vec![dag("d", tasks)]));
    world.trigger("d");
    world
}

/// Two tasks for a pool of one slot; the first of them waits for something.
fn in_a_pool(counts_deferred: bool) -> World {
    let tasks = vec![task("a").pool("narrow", 2).weight(2), task("b").pool("narrow", 2)];
    let mut deck = deck(vec![dag("d", tasks)]);
    if counts_deferred {
        deck.pools_with_deferred.insert("narrow".into());
    }
    let mut world = World::new(deck);
    world.trigger("d");
    world.start("a");
    world.defer("a", None, AtTimeout::Fail);
    world
}

#[test]
fn a_deferred_task_keeps_its_try_and_its_token_and_says_what_it_waits_for() {
    let mut world = with(vec![task("a")]);
    world.start("a");
    let before = world.in_force("a");
    world.defer("a", Some(60), AtTimeout::Fail);
    assert_eq!((world.is("a"), world.armed()), ("deferred", vec!["a".to_owned()]));
    assert_eq!(world.in_force("a"), before);
    let ti = world.ti("a");
    assert_eq!((ti.note.as_deref(), ti.pid), (Some("waits for `x.csv`"), None));
    assert_eq!(world.rows.tries[&before.0].state, TaskInstanceState::Deferred);
    world.succeed("a");
    assert_eq!((world.is("a"), world.run_is()), ("success", DagRunState::Success));
    assert_eq!(world.rows.tries[&before.0].state, TaskInstanceState::Success);
    assert_eq!((&world.ti("a").trigger, world.ti("a").trigger_timeout), (&None, None));
}

#[test]
fn a_deferred_task_gives_its_slots_back() {
    let world = in_a_pool(false);
    assert_eq!(world.launched(), ["b"]);
}

#[test]
fn a_pool_with_include_deferred_keeps_the_slots() {
    let mut world = in_a_pool(true);
    assert_eq!(world.is("b"), "scheduled");
    world.succeed("a");
    assert_eq!(world.launched(), ["b"]);
}

#[test]
fn any_number_of_deferred_tasks_waits_beside_the_limits_of_the_deck() {
    let tasks = (0..50).map(|i| task(&format!("t{i}"))).collect();
    let mut deck = deck(vec![dag("d", tasks)]);
    deck.max_active_tasks = 2;
    let mut world = World::new(deck);
    world.trigger("d");
    for _ in 0..50 {
        let flying =
            world.rows.tasks.values().find(|ti| ti.state.is_some_and(|s| s.is_in_flight()));
        let name = flying.unwrap().key.task_id.to_string();
        world.defer(&name, None, AtTimeout::Fail);
    }
    assert!(world.rows.tasks.values().all(|ti| ti.state == Some(TaskInstanceState::Deferred)));
}

#[test]
fn a_task_may_be_deferred_before_it_was_reported_to_run() {
    let mut world = with(vec![task("a")]);
    world.defer("a", None, AtTimeout::Fail);
    assert_eq!(world.is("a"), "deferred");
    assert!(world.ti("a").start_date.is_some());
    // The late report that it runs changes nothing.
    world.start("a");
    assert_eq!(world.is("a"), "deferred");
}

#[test]
fn a_second_deferral_with_the_same_token_changes_nothing() {
    let mut world = with(vec![task("a")]);
    world.defer("a", Some(60), AtTimeout::Fail);
    let before = world.ti("a").clone();
    world.tick_after(5);
    world.defer("a", Some(60), AtTimeout::Fail);
    assert_eq!((world.ti("a"), world.armed()), (&before, vec![]));
}

#[test]
fn the_answer_of_a_trigger_that_was_disarmed_is_dropped() {
    let mut world = with(vec![task("a").retries(1)]);
    world.defer("a", Some(60), AtTimeout::Fail);
    let (key, token) = world.in_force("a");
    world.clear(&["a"], false, false).unwrap();
    assert_eq!(world.killed(), ["a"]);
    assert_eq!(world.launched(), ["a"]);
    let outcome = Outcome::output(1.into());
    let late = world.step(Input::Report(Report::Finished {
        key: key.clone(),
        token: token.clone(),
        outcome,
    }));
    assert!(matches!(late, Err(Rejected::Straggler { .. })));
    let deferral = deferral(AtTimeout::Fail, None);
    let late = world.step(Input::Report(Report::Deferred { key, token, deferral }));
    assert!(matches!(late, Err(Rejected::Straggler { .. })));
}

#[test]
fn a_sensor_that_times_out_fails_without_another_try() {
    let mut world = with(vec![task("a").retries(3)]);
    world.start("a");
    world.tick_after(10);
    world.defer("a", Some(60), AtTimeout::FailForGood);
    world.tick_after(59);
    assert_eq!(world.is("a"), "deferred");
    world.tick_after(1);
    assert_eq!((world.is("a"), world.killed()), ("failed", vec!["a".to_owned()]));
    assert_eq!(world.ti("a").note.as_deref(), Some("timed out after 1m 10s"));
}

#[test]
fn a_deferral_that_another_try_may_mend_is_tried_again() {
    let mut world = with(vec![task("a").retries(1)]);
    world.defer("a", Some(60), AtTimeout::Fail);
    world.tick_after(60);
    assert_eq!(world.is("a"), "up_for_retry");
}

#[test]
fn a_sensor_with_soft_fail_is_skipped_when_it_times_out() {
    let mut world = with(vec![task("a").retries(3), task("b").after(&["a"])]);
    world.defer("a", Some(60), AtTimeout::Skip);
    world.tick_after(60);
    assert_eq!((world.is("a"), world.is("b")), ("skipped", "skipped"));
    assert_eq!(world.run_is(), DagRunState::Success);
}

#[test]
fn the_execution_timeout_runs_on_while_a_task_is_deferred() {
    let mut world = with(vec![task("a").timeout(50).retries(1)]);
    world.start("a");
    world.tick_after(20);
    world.defer("a", Some(60), AtTimeout::FailForGood);
    world.tick_after(29);
    assert_eq!(world.is("a"), "deferred");
    world.tick_after(1);
    assert_eq!((world.is("a"), world.killed()), ("up_for_retry", vec!["a".to_owned()]));
    assert_eq!(world.ti("a").note.as_deref(), Some("timed out after 50s"));
}

#[test]
fn the_execution_timeout_of_a_soft_failing_sensor_skips_it() {
    let mut world = with(vec![task("a").timeout(50).retries(1)]);
    world.defer("a", None, AtTimeout::Skip);
    world.tick_after(50);
    assert_eq!(world.is("a"), "skipped");
}

#[test]
fn cancelling_a_run_fails_what_is_deferred_and_disarms_it() {
    let mut world = with(vec![task("a"), task("b").after(&["a"])]);
    world.defer("a", Some(60), AtTimeout::Fail);
    world.cancel();
    assert_eq!((world.is("a"), world.is("b")), ("failed", "skipped"));
    assert_eq!(world.killed(), ["a"]);
    assert_eq!(world.state.next_wakeup(world.now), None);
}

#[test]
fn a_run_that_times_out_skips_what_is_deferred() {
    use super::decks::Shape;
    let dag = dag("d", vec![task("a")]);
    let dag = dag.with(|dag| dag.dagrun_timeout = Some(std::time::Duration::from_secs(100)));
    let mut world = World::new(deck(vec![dag]));
    world.trigger("d");
    world.defer("a", None, AtTimeout::Fail);
    world.tick_after(100);
    assert_eq!((world.is("a"), world.killed()), ("skipped", vec!["a".to_owned()]));
}

#[test]
fn the_next_daemon_finds_what_was_deferred() {
    let definitions = deck(vec![dag("d", vec![task("a")])]);
    let mut world = World::new(definitions.clone());
    world.trigger("d");
    world.defer("a", Some(60), AtTimeout::FailForGood);
    world.restart(definitions);
    world.tick();
    assert_eq!(world.is("a"), "deferred");
    world.tick_after(60);
    assert_eq!(world.is("a"), "failed");
}

#[test]
fn a_deferred_task_that_is_gone_from_the_definitions_is_removed_and_disarmed() {
    let before = deck(vec![dag("d", vec![task("a"), task("b")])]);
    let mut world = World::new(before);
    world.trigger("d");
    world.defer("a", Some(60), AtTimeout::Fail);
    world.restart(deck(vec![dag("d", vec![task("b")])]));
    world.tick();
    assert_eq!((world.is("a"), world.killed()), ("removed", vec!["a".to_owned()]));
}
