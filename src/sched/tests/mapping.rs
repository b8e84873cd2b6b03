//! Dynamic mapping: how many instances, what ends them, and what comes after them.

use serde_json::json;

use super::world::{World, dag, deck, task};
use crate::Outcome;
use crate::dag::operator::Operator;
use crate::dag::trigger_rule::TriggerRule;
use crate::types::DagRunState;

/// list ─► each (mapped over its output) ─► all
fn over_output(rule: TriggerRule) -> World {
    let mut world = World::new(deck(vec![dag(
        "d",
        vec![
            task("list"),
            task("each").after(&["list"]).over(&[("x", json!("list"))]),
            task("all").after(&["each"]).rule(rule),
        ],
    )]));
    world.trigger("d");
    world
}

#[test]
fn a_literal_list_makes_an_instance_of_each_element() {
    let tasks = vec![task("each").over(&[("x", json!(["a", "b", "c"]))])];
    let mut world = World::new(deck(vec![dag("d", tasks)]));
    world.trigger("d");
    assert_eq!(world.launched(), ["each[0]", "each[1]", "each[2]"]);
    assert_eq!(world.all("each"), "0 queued, 1 queued, 2 queued");
    for i in 0..3 {
        world.succeed(&format!("each[{i}]"));
    }
    assert_eq!(world.run_is(), DagRunState::Success);
}

#[test]
fn instances_of_a_literal_list_stand_there_before_they_may_run() {
    let tasks = vec![task("first"), task("each").after(&["first"]).over(&[("x", json!([1, 2]))])];
    let mut world = World::new(deck(vec![dag("d", tasks)]));
    world.trigger("d");
    assert_eq!(world.all("each"), "0 none, 1 none");
    world.fail("first");
    assert_eq!(world.all("each"), "0 upstream_failed, 1 upstream_failed");
}

#[test]
fn an_output_tells_how_many_instances_there_are() {
    let mut world = over_output(TriggerRule::AllSuccess);
    assert_eq!(world.all("each"), "-1 none");
    world.give("list", json!(["a", "b"]));
    assert_eq!(world.launched(), ["each[0]", "each[1]"]);
    assert_eq!(world.all("each"), "0 queued, 1 queued");
    world.succeed("each[1]");
    assert_eq!(world.is("all"), "none");
    world.succeed("each[0]");
    assert_eq!(world.launched(), ["all"]);
}

#[test]
fn several_keys_make_their_cross_product() {
    let tasks = vec![
        task("ys"),
        task("each").after(&["ys"]).over(&[("x", json!([1, 2])), ("y", json!("ys"))]),
    ];
    let mut world = World::new(deck(vec![dag("d", tasks)]));
    world.trigger("d");
    world.give("ys", json!([1, 2, 3]));
    assert_eq!(world.launched().len(), 6);
}

#[test]
fn a_mapped_task_whose_input_is_empty_is_skipped() {
    let mut world = over_output(TriggerRule::AllSuccess);
    world.give("list", json!([]));
    assert_eq!(world.all("each"), "-1 skipped");
    assert_eq!(world.ti("each").note.as_deref(), Some("nothing to map over"));
    assert_eq!(world.is("all"), "skipped");
    assert_eq!(world.run_is(), DagRunState::Success);
}

#[test]
fn one_failed_element_does_not_stop_its_siblings() {
    let mut world = over_output(TriggerRule::AllDone);
    world.give("list", json!([1, 2, 3]));
    world.fail("each[1]");
    assert_eq!(world.all("each"), "0 queued, 1 failed, 2 queued");
    world.succeed("each[0]");
    assert_eq!(world.is("all"), "none");
    world.succeed("each[2]");
    assert_eq!(world.launched(), ["all"]);
}

#[test]
fn a_rule_downstream_counts_every_instance() {
    let mut world = over_output(TriggerRule::AllSuccess);
    world.give("list", json!([1, 2, 3]));
    world.succeed("each[0]");
    world.fail("each[1]");
    assert_eq!(world.is("all"), "upstream_failed");
    assert_eq!(
        world.ti("all").note.as_deref(),
        Some("`all_success` was not met: upstream 1 success, 1 failed")
    );
    world.succeed("each[2]");
    assert_eq!(world.run_is(), DagRunState::Failed);

    let mut world = over_output(TriggerRule::OneSuccess);
    world.give("list", json!([1, 2]));
    world.succeed("each[1]");
    assert_eq!(world.launched(), ["all"]);
}

#[test]
fn an_output_that_is_no_list_fails_the_task_that_gave_it() {
    let mut world = over_output(TriggerRule::AllSuccess);
    world.give("list", json!("a.csv"));
    assert_eq!(world.is("list"), "failed");
    let note = world.ti("list").note.clone().unwrap();
    assert_eq!(note, "`output.list` is neither a list nor a table, and others are mapped over it");
    assert_eq!(world.all("each"), "-1 upstream_failed");
    let mut world = over_output(TriggerRule::AllSuccess);
    world.give("list", json!(null));
    assert_eq!(world.is("list"), "failed");
}

#[test]
fn an_output_longer_than_the_limit_fails_the_task_that_gave_it() {
    let tasks = vec![task("list"), task("each").after(&["list"]).over(&[("x", json!("list"))])];
    let mut narrow = deck(vec![dag("d", tasks)]);
    narrow.max_map_length = 2;
    let mut world = World::new(narrow);
    world.trigger("d");
    world.give("list", json!([1, 2, 3]));
    let note = world.ti("list").note.clone().unwrap();
    assert_eq!(note, "`output.list` has 3 elements to map over; `max_map_length` is 2");
}

#[test]
fn a_cross_product_beyond_the_limit_fails_unmapped() {
    let tasks = vec![task("each").over(&[("x", json!([1, 2])), ("y", json!([1, 2]))])];
    let mut narrow = deck(vec![dag("d", tasks)]);
    narrow.max_map_length = 3;
    let mut world = World::new(narrow);
    world.trigger("d");
    assert_eq!(world.all("each"), "-1 failed");
    let note = world.ti("each").note.clone().unwrap();
    assert_eq!(note, "it would have 4 instances; `max_map_length` is 3");
    assert_eq!(world.run_is(), DagRunState::Failed);
    assert!(world.feed().contains(&"task_instance.failed"));
}

#[test]
fn what_it_is_mapped_over_must_succeed_whatever_its_rule() {
    for (outcome, state) in [
        (Outcome::fatal("boom"), "-1 upstream_failed"),
        (Outcome::Skipped { reason: "no".into() }, "-1 skipped"),
    ] {
        let tasks = vec![
            task("list"),
            task("each").after(&["list"]).over(&[("x", json!("list"))]).rule(TriggerRule::AllDone),
        ];
        let mut world = World::new(deck(vec![dag("d", tasks)]));
        world.trigger("d");
        world.finish("list", outcome);
        assert_eq!(world.all("each"), state);
    }
}

#[test]
fn a_rule_that_speaks_early_still_waits_for_the_elements() {
    let tasks = vec![
        task("list"),
        task("fast"),
        task("each")
            .after(&["list", "fast"])
            .over(&[("x", json!("list"))])
            .rule(TriggerRule::OneSuccess),
    ];
    let mut world = World::new(deck(vec![dag("d", tasks)]));
    world.trigger("d");
    world.succeed("fast");
    assert_eq!(world.all("each"), "-1 none");
    world.give("list", json!([1]));
    assert_eq!(world.launched(), ["each[0]"]);
}

#[test]
fn a_mapped_task_over_a_mapped_task_takes_the_outputs_there_are() {
    let tasks = vec![
        task("first").over(&[("x", json!([1, 2, 3]))]),
        task("second").after(&["first"]).over(&[("y", json!("first"))]).rule(TriggerRule::AllDone),
    ];
    let mut world = World::new(deck(vec![dag("d", tasks)]));
    world.trigger("d");
    world.give("first[0]", json!("a"));
    world.give("first[1]", json!(null));
    world.give("first[2]", json!("c"));
    assert_eq!(world.launched(), ["second[0]", "second[1]"]);
}

#[test]
fn a_table_and_a_part_of_an_output_can_be_mapped_over() {
    let part = crate::dag::mapping::Source::Output {
        task: "list".into(),
        path: vec!["files".into(), "new".into()],
    };
    let expand = crate::dag::mapping::Expand::Keys([("x".to_owned(), part)].into());
    let tasks =
        vec![task("list"), task("each").after(&["list"]).flow(|flow| flow.expand = Some(expand))];
    let mut world = World::new(deck(vec![dag("d", tasks)]));
    world.trigger("d");
    world.give("list", json!({"files": {"new": {"a": 1, "b": 2}}}));
    assert_eq!(world.launched(), ["each[0]", "each[1]"]);
}

#[test]
fn how_many_there_are_is_known_after_a_restart() {
    let tasks = || {
        vec![
            task("list"),
            task("slow"),
            task("each").after(&["list", "slow"]).over(&[("x", json!("list"))]),
        ]
    };
    let deck = deck(vec![dag("d", tasks())]);
    let mut world = World::new(deck.clone());
    world.trigger("d");
    world.give("list", json!([1, 2]));
    world.restart(deck.clone());
    world.tick();
    world.succeed("slow");
    assert_eq!(world.launched(), ["each[0]", "each[1]"]);
    world.restart(deck);
    world.tick();
    assert_eq!(world.all("each"), "0 queued, 1 queued");
    world.succeed("each[0]");
    world.succeed("each[1]");
    assert_eq!(world.run_is(), DagRunState::Success);
}

#[test]
fn a_mapped_empty_task_ends_at_once() {
    let tasks = vec![task("each").operator(Operator::Empty).over(&[("x", json!([1, 2]))])];
    let mut world = World::new(deck(vec![dag("d", tasks)]));
    world.trigger("d");
    assert_eq!(world.all("each"), "0 success, 1 success");
    assert_eq!(world.run_is(), DagRunState::Success);
}

#[test]
fn an_instance_is_retried_and_cleared_by_itself() {
    let tasks = vec![task("each").over(&[("x", json!([1, 2]))]).retries(1)];
    let mut world = World::new(deck(vec![dag("d", tasks)]));
    world.trigger("d");
    world.fail("each[0]");
    world.succeed("each[1]");
    assert_eq!(world.all("each"), "0 up_for_retry, 1 success");
    world.tick_after(10);
    assert_eq!(world.launched(), ["each[0]"]);
    world.fail("each[0]");
    assert_eq!(world.run_is(), DagRunState::Failed);
    world.clear(&["each"], true, false).unwrap();
    assert_eq!(world.all("each"), "0 queued, 1 success");
    world.succeed("each[0]");
    assert_eq!(world.run_is(), DagRunState::Success);
}

#[test]
fn a_list_that_changes_when_it_is_made_again_changes_the_instances() {
    let mut world = over_output(TriggerRule::AllSuccess);
    world.give("list", json!([1, 2, 3]));
    (0..3).for_each(|i| world.succeed(&format!("each[{i}]")));
    world.succeed("all");
    let again = |world: &mut World, list: serde_json::Value| {
        world.clear(&["list"], false, true).unwrap();
        world.give("list", list);
        world.all("each")
    };
    assert_eq!(again(&mut world, json!([1])), "0 queued, 1 removed, 2 removed");
    world.succeed("each[0]");
    world.succeed("all");
    assert_eq!(again(&mut world, json!([1, 2])), "0 queued, 1 queued, 2 removed");
    world.succeed("each[0]");
    world.succeed("each[1]");
    world.succeed("all");
    let four = "0 queued, 1 queued, 2 queued, 3 queued";
    assert_eq!(again(&mut world, json!([1, 2, 3, 4])), four);
    (0..4).for_each(|i| world.succeed(&format!("each[{i}]")));
    world.succeed("all");
    let none = again(&mut world, json!([]));
    assert_eq!(none, "0 skipped, 1 skipped, 2 skipped, 3 skipped");
    assert_eq!(world.run_is(), DagRunState::Success);
}

#[test]
fn a_task_limits_its_own_instances_over_all_runs_and_in_each() {
    let each = |name: &str| task(name).over(&[("x", json!([1, 2, 3]))]);
    let tasks = vec![
        each("all").flow(|flow| flow.max_active_tis_per_dag = Some(2)),
        each("own").flow(|flow| flow.max_active_tis_per_dagrun = Some(1)),
    ];
    let mut world = World::new(deck(vec![dag("d", tasks)]));
    world.trigger("d");
    assert_eq!(world.launched(), ["all[0]", "all[1]", "own[0]"]);
    world.trigger("d");
    assert_eq!(world.launched(), ["own[0]"]);
    world.succeed("own[0]");
    assert_eq!(world.launched(), ["own[1]"]);
}
