//! Mapped groups: index i waits for index i, what comes after waits for all.

use serde_json::json;

use super::decks::{Shape, TaskBuilder};
use super::world::{World, dag, deck, task};
use crate::Outcome;
use crate::dag::operator::Operator;
use crate::dag::trigger_rule::TriggerRule;
use crate::types::DagRunState;

/// list ─► [ fetch ─► load ] ─► report, the group mapped over the output of `list`.
fn pipeline(more: Vec<TaskBuilder>) -> World {
    let mut tasks = vec![
        task("list"),
        task("fetch").after(&["list"]).group("g"),
        task("load").after(&["fetch"]).group("g"),
        task("report").after(&["load"]).rule(TriggerRule::AllDone),
    ];
    tasks.extend(more);
    let dag = dag("d", tasks).grouped("g", &[("x", json!("list"))]);
    let mut world = World::new(deck(vec![dag]));
    world.trigger("d");
    world
}

#[test]
fn all_tasks_of_a_mapped_group_get_its_instances_at_once() {
    let mut world = pipeline(Vec::new());
    assert_eq!(world.all("load"), "-1 none");
    world.give("list", json!(["a", "b"]));
    assert_eq!(world.launched(), ["fetch[0]", "fetch[1]"]);
    assert_eq!(world.all("load"), "0 none, 1 none");
}

#[test]
fn each_index_goes_its_own_way_and_what_comes_after_waits_for_all() {
    let mut world = pipeline(Vec::new());
    world.give("list", json!(["a", "b", "c"]));
    world.succeed("fetch[1]");
    assert_eq!(world.launched(), ["load[1]"]);
    world.fail("fetch[0]");
    assert_eq!(world.all("load"), "0 upstream_failed, 1 queued, 2 none");
    world.finish("fetch[2]", Outcome::Skipped { reason: "no".into() });
    assert_eq!(world.all("load"), "0 upstream_failed, 1 queued, 2 skipped");
    assert_eq!(world.is("report"), "none");
    world.succeed("load[1]");
    assert_eq!(world.launched(), ["report"]);
    world.succeed("report");
    assert_eq!(world.run_is(), DagRunState::Success);
}

#[test]
fn a_mapped_group_over_nothing_is_skipped_with_all_its_tasks() {
    let mut world = pipeline(Vec::new());
    world.give("list", json!([]));
    assert_eq!(
        (world.all("fetch").as_str(), world.all("load").as_str()),
        ("-1 skipped", "-1 skipped")
    );
}

#[test]
fn a_mapped_group_over_what_failed_fails_with_all_its_tasks() {
    let mut world = pipeline(Vec::new());
    world.fail("list");
    assert_eq!(world.all("fetch"), "-1 upstream_failed");
    assert_eq!(world.all("load"), "-1 upstream_failed");
}

#[test]
fn a_task_deeper_in_a_group_is_looked_at_when_the_elements_are_there() {
    let more = vec![
        task("outside"),
        task("first").after(&["list", "outside"]).group("g"),
        task("tidy").after(&["first"]).group("g").rule(TriggerRule::AllDone),
    ];
    let mut world = pipeline(more);
    // Before the list is there `first` is passed over, and `tidy` has nothing but it to wait for.
    world.fail("outside");
    assert_eq!(
        (world.all("first").as_str(), world.all("tidy").as_str()),
        ("-1 upstream_failed", "-1 none")
    );
    world.give("list", json!([1, 2]));
    assert_eq!(world.all("tidy"), "0 queued, 1 queued");
}

#[test]
fn a_rule_that_speaks_early_looks_at_its_own_index() {
    let alarm = task("alarm").after(&["fetch"]).group("g").rule(TriggerRule::OneFailed);
    let mut world = pipeline(vec![alarm]);
    world.give("list", json!([1, 2]));
    world.fail("fetch[1]");
    assert_eq!(world.all("alarm"), "0 none, 1 queued");
    world.succeed("fetch[0]");
    assert_eq!(world.all("alarm"), "0 skipped, 1 queued");
}

#[test]
fn a_task_in_a_mapped_group_waits_for_others_outside_too() {
    let outside = task("outside");
    let join = task("join").after(&["fetch", "outside"]).group("g");
    let mut world = pipeline(vec![outside, join]);
    world.give("list", json!([1, 2]));
    world.succeed("fetch[0]");
    assert_eq!(world.all("join"), "0 none, 1 none");
    world.succeed("outside");
    assert_eq!(world.all("join"), "0 queued, 1 none");
}

#[test]
fn a_branch_in_a_mapped_group_chooses_for_its_own_index() {
    let more = vec![
        task("decide").after(&["list"]).group("g").operator(Operator::Branch),
        task("left").after(&["decide"]).group("g"),
        task("right").after(&["decide"]).group("g"),
    ];
    let mut world = pipeline(more);
    world.give("list", json!([1, 2]));
    world.choose("decide[0]", &["left"]);
    world.choose("decide[1]", &["right"]);
    assert_eq!(world.all("left"), "0 queued, 1 skipped");
    assert_eq!(world.all("right"), "0 skipped, 1 queued");
}

#[test]
fn a_branch_may_choose_a_group() {
    let tasks = vec![
        task("decide").operator(Operator::Branch),
        task("one").after(&["decide"]).group("g"),
        task("two").after(&["decide"]).group("g"),
        task("three").after(&["two"]).group("g"),
        task("other").after(&["decide"]),
    ];
    let mut world = World::new(deck(vec![dag("d", tasks).grouped("g", &[])]));
    world.trigger("d");
    world.choose("decide", &["g"]);
    assert_eq!(world.launched(), ["one", "two"]);
    assert_eq!((world.is("three"), world.is("other")), ("none", "skipped"));
}

#[test]
fn a_branch_that_leaves_a_mapped_group_out_skips_all_its_instances() {
    let tasks = vec![
        task("decide").operator(Operator::Branch),
        task("one").after(&["decide"]).group("g"),
        task("other").after(&["decide"]),
    ];
    let dag = dag("d", tasks).grouped("g", &[("x", json!([1, 2]))]);
    let mut world = World::new(deck(vec![dag]));
    world.trigger("d");
    // What is written out stands there from the beginning.
    assert_eq!(world.all("one"), "0 none, 1 none");
    world.choose("decide", &["other"]);
    assert_eq!(world.all("one"), "0 skipped, 1 skipped");
}

#[test]
fn a_task_mapped_over_a_mapped_group_takes_the_outputs_of_all_its_indexes() {
    let each = task("each").after(&["load"]).over(&[("y", json!("load"))]);
    let mut world = pipeline(vec![each]);
    world.give("list", json!([1, 2]));
    for task in ["fetch[0]", "fetch[1]", "load[0]", "load[1]"] {
        world.succeed(task);
    }
    assert_eq!(world.all("each"), "0 queued, 1 queued");
}

#[test]
fn a_mapped_group_made_again_has_as_many_instances_as_it_has_elements() {
    let mut world = pipeline(Vec::new());
    world.give("list", json!([1, 2]));
    for task in ["fetch[0]", "fetch[1]", "load[0]", "load[1]", "report"] {
        world.succeed(task);
    }
    world.clear(&["list"], false, true).unwrap();
    world.give("list", json!([1]));
    assert_eq!(world.all("fetch"), "0 queued, 1 removed");
    world.succeed("fetch[0]");
    assert_eq!(world.all("load"), "0 queued, 1 removed");
    world.succeed("load[0]");
    world.succeed("report");
    assert_eq!(world.run_is(), DagRunState::Success);
}
