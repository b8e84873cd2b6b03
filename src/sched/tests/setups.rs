//! Setups and teardowns.

use super::decks::TaskBuilder;
use super::world::{World, dag, deck, task};
use crate::Outcome;
use crate::dag::trigger_rule::TriggerRule;
use crate::types::DagRunState;

fn world(tasks: Vec<TaskBuilder>) -> World {
    let mut world = World::new(deck(vec![dag("d", tasks)]));
    world.trigger("d");
    world
}

/// up ─► work ─► down, and up ─► down
fn cluster(on_failure_fail_dagrun: bool) -> World {
    world(vec![
        task("up").setup(),
        task("work").after(&["up"]),
        task("down").after(&["up", "work"]).teardown(on_failure_fail_dagrun),
    ])
}

#[test]
fn a_teardown_runs_whatever_became_of_the_work() {
    let mut world = cluster(false);
    world.succeed("up");
    world.fail("work");
    assert_eq!(world.launched(), ["down"]);
    world.succeed("down");
    assert_eq!(world.run_is(), DagRunState::Failed);
}

#[test]
fn a_teardown_is_not_run_where_its_setup_failed_or_was_skipped() {
    let mut world = cluster(false);
    world.fail("up");
    assert_eq!((world.is("work"), world.is("down")), ("upstream_failed", "upstream_failed"));
    assert_eq!(world.run_is(), DagRunState::Failed);
    let mut world = cluster(false);
    world.finish("up", Outcome::Skipped { reason: "no".into() });
    assert_eq!((world.is("work"), world.is("down")), ("skipped", "skipped"));
    assert_eq!(world.run_is(), DagRunState::Success);
}

#[test]
fn a_failed_teardown_does_not_fail_the_run_unless_it_is_to() {
    for (fails, state) in [(false, DagRunState::Success), (true, DagRunState::Failed)] {
        let mut world = cluster(fails);
        world.succeed("up");
        world.succeed("work");
        world.fail("down");
        assert_eq!(world.run_is(), state);
    }
}

#[test]
fn a_teardown_that_goes_well_does_not_hide_that_the_work_failed() {
    let mut world = cluster(true);
    world.succeed("up");
    world.fail("work");
    world.succeed("down");
    // As Airflow: a teardown that counts is the only one that decides.
    assert_eq!(world.run_is(), DagRunState::Success);
}

#[test]
fn a_dag_of_nothing_but_teardowns_ends_by_them() {
    let mut world = world(vec![task("down").teardown(false)]);
    world.fail("down");
    assert_eq!(world.run_is(), DagRunState::Failed);
}

#[test]
fn one_setup_of_several_is_enough_for_a_teardown() {
    let mut world = world(vec![
        task("one").setup(),
        task("two").setup(),
        task("down").after(&["one", "two"]).teardown(false),
    ]);
    world.fail("one");
    assert_eq!(world.is("down"), "none");
    world.succeed("two");
    assert_eq!(world.launched(), ["down"]);
}

#[test]
fn a_task_waits_for_setups_further_up_whatever_its_rule() {
    let mut world = world(vec![
        task("up").setup(),
        task("first").after(&["up"]),
        task("other"),
        task("work").after(&["first", "other"]).rule(TriggerRule::OneSuccess),
        task("down").after(&["up", "work"]).teardown(false),
    ]);
    world.succeed("other");
    assert_eq!(world.is("work"), "none");
    world.succeed("up");
    assert_eq!(world.launched(), ["first", "work"]);
}

#[test]
fn a_task_whose_setup_further_up_failed_does_not_run() {
    let mut world = world(vec![
        task("up").setup(),
        task("first").after(&["up"]),
        task("work").after(&["first"]).rule(TriggerRule::AllDone),
        task("down").after(&["up", "work"]).teardown(false),
    ]);
    world.fail("up");
    assert_eq!(world.is("work"), "upstream_failed");
    let note = world.ti("work").note.clone().unwrap();
    assert_eq!(note, "its setup `up` did not succeed");
}

#[test]
fn what_comes_after_the_teardown_is_not_bound_by_the_setup() {
    let mut world = world(vec![
        task("up").setup(),
        task("work").after(&["up"]),
        task("down").after(&["up", "work"]).teardown(false),
        task("after").after(&["down"]).rule(TriggerRule::AllDone),
    ]);
    world.fail("up");
    assert_eq!(world.is("after"), "queued");
}

#[test]
fn work_that_runs_again_brings_its_setup_and_teardown_along() {
    let dag = dag(
        "d",
        vec![
            task("up").setup(),
            task("work").after(&["up"]),
            task("down").after(&["up", "work"]).teardown(false),
            task("after").after(&["down"]),
        ],
    );
    let names = |tasks: &[&str]| -> Vec<String> {
        let tasks = tasks.iter().map(|task| (*task).into()).collect();
        let all = dag.with_setups_and_teardowns(&tasks);
        all.iter().map(ToString::to_string).collect()
    };
    assert_eq!(names(&["work"]), ["down", "up", "work"]);
    assert_eq!(names(&["up"]), ["down", "up"]);
    assert_eq!(names(&["after"]), ["after"]);
}

#[test]
fn clearing_work_clears_its_setup_and_teardown_with_it() {
    let mut world = cluster(false);
    world.succeed("up");
    world.fail("work");
    world.succeed("down");
    world.clear(&["work"], false, false).unwrap();
    assert_eq!(["up", "work", "down"].map(|task| world.is(task)), ["queued", "none", "none"]);
}

#[test]
fn a_cleared_task_brings_its_setup_and_the_teardown_of_that_along() {
    let mut world = cluster(false);
    for task in ["up", "work", "down"] {
        world.succeed(task);
    }
    assert_eq!(world.clear(&["work"], false, false).unwrap(), ["up", "work", "down"]);
    assert_eq!(world.launched(), ["up"]);
}
