//! Clearing: tasks run again.

use super::decks::Shape;
use super::world::{World, choices, dag, deck, names, task};
use crate::dag::operator::Operator;
use crate::dag::trigger_rule::TriggerRule;
use crate::types::DagRunState;
use crate::types::operation::{ClearTasks, Operation, Reach};
use crate::{Input, Outcome, Rejected, Report};

fn chain() -> Vec<super::decks::TaskBuilder> {
    vec![task("a"), task("b").after(&["a"]).retries(1), task("c").after(&["b"])]
}

fn failed() -> World {
    let mut world = World::new(deck(vec![dag("d", chain())]));
    world.trigger("d");
    world.succeed("a");
    world.finish("b", Outcome::fatal("bad data"));
    assert_eq!(world.run_is(), DagRunState::Failed);
    world
}

#[test]
fn failed_tasks_of_an_ended_run_run_again_with_fresh_tries() {
    let mut world = failed();
    world.tick_after(60);
    assert_eq!(world.clear(&[], true, false).unwrap(), ["b", "c"]);
    assert_eq!(world.run_is(), DagRunState::Running);
    assert_eq!(world.launched(), ["b"]);
    assert_eq!(world.is("a"), "success");
    assert_eq!((world.ti("b").try_number, world.ti("b").max_tries), (2, 3));
    assert_eq!(world.rows.runs[world.run.as_ref().unwrap()].start_date, Some(world.now));
    assert_eq!(world.rows.runs[world.run.as_ref().unwrap()].end_date, None);
    world.fail("b");
    assert_eq!(world.is("b"), "up_for_retry");
    world.tick_after(10);
    world.succeed("b");
    world.succeed("c");
    assert_eq!(world.run_is(), DagRunState::Success);
    assert!(world.feed().contains(&"dag_run.cleared"));
}

#[test]
fn a_cleared_task_loses_its_output_and_so_does_what_is_downstream_of_it_if_asked() {
    let mut world = World::new(deck(vec![dag("d", chain())]));
    world.trigger("d");
    for task in ["a", "b", "c"] {
        world.succeed(task);
    }
    assert_eq!(world.clear(&["b"], false, true).unwrap(), ["b", "c"]);
    assert!(world.rows.xcoms.contains_key(&world.key("a")));
    assert!(!world.rows.xcoms.contains_key(&world.key("b")));
    assert!(!world.rows.xcoms.contains_key(&world.key("c")));
    assert_eq!((world.is("b"), world.is("c")), ("queued", "none"));
}

#[test]
fn what_is_downstream_of_a_task_cleared_alone_stays_as_it_is() {
    let mut world = World::new(deck(vec![dag("d", chain())]));
    world.trigger("d");
    for task in ["a", "b", "c"] {
        world.succeed(task);
    }
    world.clear(&["a"], false, false).unwrap();
    assert_eq!((world.is("a"), world.is("b")), ("queued", "success"));
    world.succeed("a");
    assert_eq!(world.run_is(), DagRunState::Success);
}

#[test]
fn a_task_in_flight_is_killed_and_launched_again() {
    let mut world = World::new(deck(vec![dag("d", chain())]));
    world.trigger("d");
    world.start("a");
    let (key, token) = world.in_force("a");
    world.clear(&["a"], false, false).unwrap();
    assert_eq!(world.killed(), ["a"]);
    assert_eq!(world.launched(), ["a"]);
    let late = Report::Finished { key: key.clone(), token, outcome: Outcome::failed("killed") };
    assert_eq!(world.step(Input::Report(late)), Err(Rejected::Straggler { key }));
    assert_eq!(world.ti("a").try_number, 2);
}

#[test]
fn what_a_branch_left_out_stays_out_unless_the_branch_is_cleared_with_it() {
    let mut world = World::new(deck(vec![dag(
        "d",
        vec![
            task("x"),
            task("decide").operator(Operator::Branch),
            task("yes").after(&["decide"]),
            task("no").after(&["decide", "x"]),
            task("join").after(&["yes", "no"]).rule(TriggerRule::NoneFailed),
        ],
    )]));
    world.trigger("d");
    world.choose("decide", &["yes"]);
    world.succeed("x");
    world.succeed("yes");
    world.succeed("join");
    assert_eq!(world.clear(&["x"], false, true).unwrap(), ["x", "join"]);
    assert_eq!(world.is("no"), "skipped");
    world.succeed("x");
    world.succeed("join");
    assert_eq!(world.clear(&["no"], false, false).unwrap_err(), nothing(&world));
    world.clear(&["decide"], false, true).unwrap();
    world.choose("decide", &["no"]);
    assert_eq!((world.is("yes"), world.is("no")), ("skipped", "queued"));
}

fn nothing(world: &World) -> Rejected {
    Rejected::NothingToClear { dag_run_id: world.run.clone().unwrap().dag_run_id }
}

#[test]
fn nothing_to_clear_is_refused() {
    let mut world = World::new(deck(vec![dag("d", chain())]));
    world.trigger("d");
    assert_eq!(world.clear(&[], true, false).unwrap_err(), nothing(&world));
    assert_eq!(world.clear(&["c"], false, false).unwrap_err(), nothing(&world));
}

#[test]
fn an_unknown_task_or_run_is_refused() {
    let mut world = failed();
    let rejected = world.clear(&["a", "z"], false, false).unwrap_err();
    assert_eq!(rejected, Rejected::NoTask { dag_id: "d".into(), task_id: "z".into() });
    world.run.as_mut().unwrap().dag_run_id = "other".into();
    let rejected = world.clear(&[], false, false).unwrap_err();
    assert!(matches!(rejected, Rejected::NoRun { .. }));
}

#[test]
fn a_cleared_run_waits_for_its_turn() {
    let one = dag("d", chain()).with(|dag| dag.max_active_runs = 1);
    let mut world = World::new(deck(vec![one]));
    let first = world.trigger("d").key();
    world.finish("a", Outcome::fatal("bad"));
    world.tick_after(1);
    let second = world.trigger("d").key();
    world.run = Some(first.clone());
    world.clear(&[], false, false).unwrap();
    assert_eq!(world.run_is(), DagRunState::Queued);
    world.run = Some(second);
    world.finish("a", Outcome::fatal("bad"));
    world.run = Some(first);
    assert_eq!(world.run_is(), DagRunState::Running);
}

#[test]
fn a_cleared_run_keeps_the_definition_it_began_with() {
    let mut world = failed();
    let changed = dag("d", vec![task("a"), task("b").after(&["a"]), task("new").after(&["b"])])
        .with(|dag| dag.version = "v2".into());
    world.step(Input::DefinitionsLoaded(deck(vec![changed]).into())).unwrap();
    assert_eq!(world.clear(&["b"], false, true).unwrap(), ["b", "c"]);
    world.succeed("b");
    world.succeed("c");
    assert_eq!(world.run_is(), DagRunState::Success);
    assert_eq!(world.rows.runs[world.run.as_ref().unwrap()].dag_version, "v1");
    // Also where the DAG is gone, but not where no definition is left.
    world.step(Input::DefinitionsLoaded(deck(Vec::new()).into())).unwrap();
    assert_eq!(world.clear(&["c"], false, false).unwrap(), ["c"]);
    world.succeed("c");
    world.rows.versions.clear();
    assert!(matches!(world.clear(&[], false, false), Err(Rejected::NoDag { .. })));
}

fn clear(wish: ClearTasks) -> Operation {
    Operation::ClearTasks(wish)
}

#[test]
fn a_clear_reaches_upstream_and_only_what_runs() {
    let mut world = World::new(deck(vec![dag("d", chain())]));
    world.trigger("d");
    for task in ["a", "b"] {
        world.succeed(task);
    }
    world.start("c");
    let reach = Reach { include_upstream: true, ..Reach::default() };
    let wish = || ClearTasks { tasks: choices(&["c"]), reach, ..ClearTasks::default() };
    let running = ClearTasks { only_running: true, ..wish() };
    assert_eq!(names(&world.operate(clear(running)).unwrap().tasks), ["c"]);
    assert_eq!(world.killed(), ["c"]);
    assert_eq!(names(&world.operate(clear(wish())).unwrap().tasks), ["a", "b", "c"]);
    assert_eq!((world.is("a"), world.is("b")), ("queued", "none"));
}

#[test]
fn a_run_put_on_the_last_version_takes_its_new_tasks_and_leaves_the_removed_ones_as_history() {
    let mut world = failed();
    let changed = dag("d", vec![task("a"), task("b").after(&["a"]), task("new").after(&["b"])])
        .with(|dag| dag.version = "v2".into());
    world.step(Input::DefinitionsLoaded(deck(vec![changed]).into())).unwrap();
    let wish =
        ClearTasks { only_failed: true, run_on_latest_version: true, ..ClearTasks::default() };
    let done = world.operate(clear(wish.clone())).unwrap();
    assert_eq!(names(&done.tasks), ["b"]);
    assert!(done.final_since.is_some());
    assert_eq!((world.is("c"), world.is("new")), ("upstream_failed", "none"));
    let latest =
        world.operate(clear(ClearTasks { tasks: choices(&["b"]), only_failed: false, ..wish }));
    assert!(latest.is_ok(), "it is on the last version already: {latest:?}");
    world.succeed("b");
    world.succeed("new");
    assert_eq!(world.run_is(), DagRunState::Success, "what is gone decides nothing");
    let run = &world.rows.runs[world.run.as_ref().unwrap()];
    assert_eq!((run.dag_version.as_str(), run.dag_version_number), ("v2", 2));
}

#[test]
fn a_run_under_way_does_not_change_its_version() {
    let mut world = World::new(deck(vec![dag("d", chain())]));
    world.trigger("d");
    world.succeed("a");
    let changed = dag("d", chain()).with(|dag| dag.version = "v2".into());
    world.step(Input::DefinitionsLoaded(deck(vec![changed]).into())).unwrap();
    let wish = ClearTasks { run_on_latest_version: true, ..ClearTasks::default() };
    assert!(matches!(world.operate(clear(wish)), Err(Rejected::RunUnderWay { .. })));
}

#[test]
fn a_task_that_only_some_runs_have_is_cleared_there() {
    let mut world = failed();
    let first = world.run.clone().unwrap();
    world.tick_after(1);
    let changed =
        dag("d", vec![task("a"), task("new").after(&["a"])]).with(|dag| dag.version = "v2".into());
    world.step(Input::DefinitionsLoaded(deck(vec![changed]).into())).unwrap();
    let second = world.trigger("d").key();
    world.succeed("a");
    world.fail("new");
    let wish = || ClearTasks { tasks: choices(&["new"]), ..ClearTasks::default() };
    let done = world.operate_on(clear(wish()), vec![first.clone(), second.clone()], false);
    let done = done.unwrap();
    assert_eq!(done.runs.len(), 1);
    assert_eq!(done.runs[0].dag_run_id, second.dag_run_id);
    let refused = world.operate_on(clear(wish()), vec![first], false);
    assert!(matches!(refused, Err(Rejected::NoTask { .. })));
}
