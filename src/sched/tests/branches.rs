//! Branches, gates and short circuits, and how skips travel on.

use serde_json::Value;

use super::world::{World, dag, deck, task};
use crate::Outcome;
use crate::dag::operator::Operator;
use crate::dag::trigger_rule::TriggerRule;
use crate::types::DagRunState;

/// decide ─► left ─► join, decide ─► right ─► join
fn fork(join: TriggerRule) -> World {
    let mut world = World::new(deck(vec![dag(
        "d",
        vec![
            task("decide").operator(Operator::Branch),
            task("left").after(&["decide"]),
            task("right").after(&["decide"]),
            task("join").after(&["left", "right"]).rule(join),
        ],
    )]));
    world.trigger("d");
    world
}

#[test]
fn a_branch_skips_what_it_did_not_choose() {
    let mut world = fork(TriggerRule::NoneFailedMinOneSuccess);
    world.choose("decide", &["left"]);
    assert_eq!(world.launched(), ["left"]);
    assert_eq!(world.is("right"), "skipped");
    assert_eq!(world.ti("right").note.as_deref(), Some("not chosen by `decide`"));
    world.succeed("left");
    assert_eq!(world.launched(), ["join"]);
    world.succeed("join");
    assert_eq!(world.run_is(), DagRunState::Success);
}

#[test]
fn a_join_that_wants_all_is_skipped_with_the_branch_not_taken() {
    let mut world = fork(TriggerRule::AllSuccess);
    world.choose("decide", &["left"]);
    assert_eq!(world.is("join"), "skipped");
}

#[test]
fn a_branch_that_chooses_nothing_skips_all_of_it() {
    let mut world = fork(TriggerRule::NoneFailedMinOneSuccess);
    world.choose("decide", &[]);
    let states = ["left", "right", "join"].map(|t| world.is(t));
    assert_eq!(states, ["skipped"; 3]);
    assert_eq!(world.run_is(), DagRunState::Success);
}

#[test]
fn a_branch_that_chooses_a_stranger_fails_for_good() {
    let mut world = fork(TriggerRule::AllSuccess);
    world.choose("decide", &["join"]);
    assert_eq!(world.is("decide"), "failed");
    let note = world.ti("decide").note.clone().unwrap();
    assert_eq!(note, "it chose `join`, which is not directly downstream");
}

#[test]
fn a_task_directly_downstream_is_kept_where_a_chosen_one_leads_to_it() {
    let mut world = World::new(deck(vec![dag(
        "d",
        vec![
            task("decide").operator(Operator::MlGate),
            task("extra").after(&["decide"]),
            task("join").after(&["decide", "extra"]).rule(TriggerRule::NoneFailed),
        ],
    )]));
    world.trigger("d");
    world.choose("decide", &["extra"]);
    assert_eq!(world.is("join"), "none");
    world.succeed("extra");
    assert_eq!(world.launched(), ["join"]);
}

#[test]
fn a_task_that_is_already_scheduled_is_skipped_by_a_late_branch() {
    // `eager` may run before the branch has decided, but there is no room for it.
    let mut narrow = deck(vec![dag(
        "d",
        vec![
            task("decide").operator(Operator::Branch).weight(9),
            task("eager").after(&["decide"]).rule(TriggerRule::Always),
            task("other").after(&["decide"]),
        ],
    )]);
    narrow.max_active_tasks = 1;
    let mut world = World::new(narrow);
    world.trigger("d");
    assert_eq!(world.is("eager"), "scheduled");
    world.choose("decide", &["other"]);
    assert_eq!(world.is("eager"), "skipped");
    assert_eq!(world.launched(), ["other"]);
}

fn short_circuit(skip_all_downstream: bool) -> World {
    let mut world = World::new(deck(vec![dag(
        "d",
        vec![
            task("gate").operator(Operator::ShortCircuit),
            task("work").after(&["gate"]),
            task("tidy").after(&["work"]).rule(TriggerRule::AllDone),
        ],
    )]));
    world.trigger("d");
    let outcome = Outcome::Success {
        outputs: std::collections::BTreeMap::new(),
        output: Value::Bool(false),
        chosen: Some(Vec::new()),
        skip_all_downstream,
        asset_events: Vec::new(),
    };
    world.finish("gate", outcome);
    world
}

#[test]
fn a_short_circuit_leaves_trigger_rules_further_down_alone() {
    let world = short_circuit(false);
    assert_eq!(world.is("work"), "skipped");
    assert_eq!(world.launched(), ["tidy"]);
}

#[test]
fn a_short_circuit_may_skip_everything_whatever_its_trigger_rules() {
    let world = short_circuit(true);
    assert_eq!((world.is("work"), world.is("tidy")), ("skipped", "skipped"));
    assert_eq!(world.run_is(), DagRunState::Success);
}

#[test]
fn a_skipped_upstream_satisfies_none_failed() {
    let mut world = World::new(deck(vec![dag(
        "d",
        vec![task("a"), task("b").after(&["a"]).rule(TriggerRule::NoneFailed)],
    )]));
    world.trigger("d");
    world.finish("a", Outcome::Skipped { reason: "nothing to do".into() });
    assert_eq!(world.launched(), ["b"]);
}

#[test]
fn one_failed_runs_before_the_others_have_ended() {
    let mut world = World::new(deck(vec![dag(
        "d",
        vec![task("a"), task("b"), task("alarm").after(&["a", "b"]).rule(TriggerRule::OneFailed)],
    )]));
    world.trigger("d");
    world.fail("a");
    assert_eq!(world.launched(), ["alarm"]);
    world.succeed("b");
    world.succeed("alarm");
    assert_eq!(world.run_is(), DagRunState::Success);
}

#[test]
fn what_was_passed_over_says_why() {
    let mut world =
        World::new(deck(vec![dag("d", vec![task("a"), task("b"), task("c").after(&["a", "b"])])]));
    world.trigger("d");
    world.succeed("a");
    world.fail("b");
    let note = world.ti("c").note.clone().unwrap();
    assert_eq!(note, "`all_success` was not met: upstream 1 success, 1 failed");
}
