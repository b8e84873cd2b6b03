//! What people set by hand: tasks and runs marked, notes, and runs that are deleted.

use super::decks::Shape;
use super::world::{World, choices, dag, deck, names, task};
use crate::dag::trigger_rule::TriggerRule;
use crate::types::operation::{MarkTasks, NoteEdit, Operation, OperationView, Reach};
use crate::types::{DagRunState, TaskInstanceState as S};
use crate::{Effect, Input, Outcome, Rejected, Report};

fn chain() -> World {
    let tasks = vec![task("a"), task("b").after(&["a"]), task("c").after(&["b"])];
    World::new(deck(vec![dag("d", tasks)]))
}

/// `a` has failed, so `b` and `c` are `upstream_failed` and the run has failed.
fn failed() -> World {
    let mut world = chain();
    world.trigger("d");
    world.fail("a");
    assert_eq!(world.run_is(), DagRunState::Failed);
    world.tick_after(60);
    world
}

fn mark(tasks: &[&str], state: S) -> Operation {
    Operation::MarkTasks(MarkTasks { tasks: choices(tasks), state, reach: Reach::default() })
}

fn all(world: &World) -> (&str, &str, &str) {
    (world.is("a"), world.is("b"), world.is("c"))
}

#[test]
fn a_failed_task_marked_success_lets_what_is_downstream_go_on() {
    let mut world = failed();
    let view = world.operate(mark(&["a"], S::Success)).unwrap();
    assert_eq!(names(&view.tasks), ["a", "b", "c"]);
    assert_eq!(all(&world), ("success", "queued", "none"));
    assert_eq!(world.run_is(), DagRunState::Running);
    assert_eq!(view.final_since.as_deref(), Some("`b` has begun"));
    world.succeed("b");
    world.succeed("c");
    assert_eq!(world.run_is(), DagRunState::Success);
    assert!(world.feed_has("`a` marked success by ana; `b`, `c` cleared"));
}

#[test]
fn a_running_task_marked_success_is_killed_and_the_run_goes_on() {
    let mut world = chain();
    world.trigger("d");
    world.start("a");
    let (key, token) = world.in_force("a");
    let view = world.operate(mark(&["a"], S::Success)).unwrap();
    assert_eq!(world.killed(), ["a"]);
    assert_eq!(world.launched(), ["b"]);
    assert_eq!(view.final_since.as_deref(), Some("an attempt of `a` was killed"));
    assert_eq!(world.rows.tries[&key].state, S::Success);
    assert_eq!(world.ti("a").note.as_deref(), Some("marked success by ana"));
    let late = Report::Finished { key: key.clone(), token, outcome: Outcome::failed("killed") };
    assert_eq!(world.step(Input::Report(late)), Err(Rejected::Straggler { key }));
}

#[test]
fn a_task_marked_failed_fails_what_waits_for_it_and_the_run() {
    let mut world = chain();
    world.trigger("d");
    world.operate(mark(&["a"], S::Failed)).unwrap();
    assert_eq!(all(&world), ("failed", "upstream_failed", "upstream_failed"));
    assert_eq!(world.run_is(), DagRunState::Failed);
}

#[test]
fn a_task_marked_before_its_turn_is_passed_over() {
    let mut world = chain();
    world.trigger("d");
    world.operate(mark(&["b"], S::Success)).unwrap();
    assert_eq!(all(&world), ("queued", "success", "queued"));
    world.succeed("a");
    world.succeed("c");
    assert_eq!(world.run_is(), DagRunState::Success);
    assert_eq!(world.ti("b").try_number, 0);
}

#[test]
fn a_task_marked_skipped_skips_what_its_rule_says() {
    let mut world = chain();
    world.trigger("d");
    world.operate(mark(&["a"], S::Skipped)).unwrap();
    assert_eq!(all(&world), ("skipped", "skipped", "skipped"));
    assert_eq!(world.run_is(), DagRunState::Success);
}

#[test]
fn marks_reach_upstream_and_downstream() {
    let mut world = failed();
    let reach = Reach { include_upstream: true, include_downstream: true, ..Reach::default() };
    let wish = MarkTasks { tasks: choices(&["b"]), state: S::Success, reach };
    let view = world.operate(Operation::MarkTasks(wish)).unwrap();
    assert_eq!(names(&view.tasks), ["a", "b", "c"]);
    assert!(view.tasks.iter().all(|task| task.to == Some(S::Success)));
    // Nothing is left to run: the run is as its leaves now say.
    assert_eq!(world.run_is(), DagRunState::Success);
    assert!(world.state.runs.is_empty());
}

#[test]
fn the_last_task_of_an_ended_run_decides_how_it_ended() {
    let mut world = chain();
    world.trigger("d");
    world.succeed("a");
    world.succeed("b");
    world.fail("c");
    let end = world.rows.runs[world.run.as_ref().unwrap()].end_date;
    world.tick_after(60);
    let view = world.operate(mark(&["c"], S::Success)).unwrap();
    assert_eq!(world.run_is(), DagRunState::Success);
    assert_eq!(world.rows.runs[world.run.as_ref().unwrap()].end_date, end);
    assert_eq!(view.final_since, None);
    world.operate(mark(&["c"], S::Failed)).unwrap();
    assert_eq!(world.run_is(), DagRunState::Failed);
    // One in the middle changes nothing of that, and clears what failed below it.
    let view = world.operate(mark(&["a"], S::Failed)).unwrap();
    assert_eq!(names(&view.tasks), ["a", "c"]);
    assert_eq!(world.run_is(), DagRunState::Running);
}

#[test]
fn a_mark_of_what_is_so_already_is_refused_and_so_is_a_state_nobody_can_set() {
    let mut world = failed();
    let nothing = Rejected::NothingToMark { dag_run_id: world.run.clone().unwrap().dag_run_id };
    assert_eq!(world.operate(mark(&["a"], S::Failed)), Err(nothing.clone()));
    let failed_run = Operation::MarkRuns { state: DagRunState::Failed };
    assert_eq!(world.operate(failed_run), Err(nothing));
    for state in [S::Running, S::UpstreamFailed, S::Removed] {
        let rejected = world.operate(mark(&["a"], state)).unwrap_err();
        assert!(matches!(rejected, Rejected::CannotMark { .. }), "{rejected}");
    }
    let running = Operation::MarkRuns { state: DagRunState::Running };
    assert!(matches!(world.operate(running), Err(Rejected::CannotMark { .. })));
    let unknown = world.operate(mark(&["z"], S::Success)).unwrap_err();
    assert!(matches!(unknown, Rejected::NoTask { .. }));
}

#[test]
fn a_run_marked_success_takes_what_runs_along_and_skips_what_waits() {
    let mut world = World::new(deck(vec![dag(
        "d",
        vec![task("a"), task("b").after(&["a"]), task("x"), task("y")],
    )]));
    world.trigger("d");
    world.start("a");
    world.fail("y");
    world.operate(Operation::MarkRuns { state: DagRunState::Success }).unwrap();
    assert_eq!(world.run_is(), DagRunState::Success);
    assert_eq!((world.is("a"), world.is("b")), ("success", "skipped"));
    assert_eq!((world.is("x"), world.is("y")), ("skipped", "failed"), "what has ended stays");
    assert_eq!(world.killed(), ["a", "x"]);
}

#[test]
fn an_ended_run_is_marked_without_its_tasks() {
    let mut world = failed();
    world.operate(Operation::MarkRuns { state: DagRunState::Success }).unwrap();
    assert_eq!(world.run_is(), DagRunState::Success);
    assert_eq!(all(&world), ("failed", "upstream_failed", "upstream_failed"));
    assert_eq!(world.last.as_ref().unwrap().effects.len(), 0);
}

#[test]
fn an_ended_run_that_is_queued_again_ends_as_its_tasks_say() {
    let mut world = failed();
    world.operate(Operation::MarkRuns { state: DagRunState::Success }).unwrap();
    world.operate(Operation::MarkRuns { state: DagRunState::Queued }).unwrap();
    assert_eq!(world.run_is(), DagRunState::Failed, "it began, found nothing to do, and ended");
    world.tick_after(1);
    world.trigger("d");
    let queued = world.operate(Operation::MarkRuns { state: DagRunState::Queued });
    assert!(matches!(queued, Err(Rejected::RunUnderWay { .. })));
}

#[test]
fn many_runs_are_marked_in_one_step_or_none() {
    let mut world = chain();
    let mut keys = Vec::new();
    for _ in 0..3 {
        keys.push(world.trigger("d").key());
        world.fail("a");
        world.tick_after(1);
    }
    let gone = crate::types::run::DagRunKey { dag_run_id: "gone".into(), ..keys[0].clone() };
    let mut with_gone = keys.clone();
    with_gone.push(gone);
    let rejected = world.operate_on(mark(&["a"], S::Success), with_gone, false).unwrap_err();
    assert!(matches!(rejected, Rejected::NoRun { .. }));
    let view = world.operate_on(mark(&["a"], S::Success), keys.clone(), false).unwrap();
    assert_eq!(view.runs.len(), 3);
    assert_eq!(world.launched(), ["b", "b", "b"]);
    assert_eq!(world.rows.operations.len(), 1);
    assert_eq!(world.rows.operations[&1].owner.as_deref(), Some("ana"));
}

#[test]
fn a_dry_run_lists_the_same_and_changes_nothing() {
    let mut world = failed();
    let key = world.run.clone().unwrap();
    let before = world.rows.clone();
    let would = world.operate_on(mark(&["a"], S::Success), vec![key], true).unwrap();
    assert!(world.last.as_ref().unwrap().changes.is_empty());
    assert_eq!(world.rows, before);
    let did = world.operate(mark(&["a"], S::Success)).unwrap();
    assert_eq!(would, OperationView { id: None, final_since: None, ..did });
}

#[test]
fn a_run_is_deleted_with_all_that_belongs_to_it() {
    let mut world = failed();
    let view = world.operate(Operation::DeleteRuns).unwrap();
    assert_eq!(view.final_since.as_deref(), Some("a run was deleted"));
    assert!(world.rows.runs.is_empty() && world.rows.tasks.is_empty());
    assert!(world.rows.tries.is_empty());
    let effects = &world.last.as_ref().unwrap().effects;
    let [Effect::RemoveRun { removal, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(removal, "1-1");
    assert!(world.feed_has("was deleted by ana"));
}

#[test]
fn a_running_run_is_not_deleted_and_a_queued_one_is() {
    let one = dag("d", vec![task("a")]).with(|dag| dag.max_active_runs = 1);
    let mut world = World::new(deck(vec![one]));
    let first = world.trigger("d").key();
    let second = world.trigger("d").key();
    world.run = Some(first);
    let refused = world.operate(Operation::DeleteRuns);
    assert!(matches!(refused, Err(Rejected::RunUnderWay { .. })));
    world.run = Some(second);
    world.operate(Operation::DeleteRuns).unwrap();
    assert_eq!(world.rows.runs.len(), 1);
    assert_eq!(world.state.runs.len(), 1);
}

#[test]
fn notes_are_written_on_runs_and_tasks_under_way_and_ended() {
    let note = |text: &str, append| NoteEdit { text: text.into(), append };
    let on_task = |note| Operation::NoteTasks { tasks: choices(&["a"]), note };
    let mut world = chain();
    world.trigger("d");
    world.operate(Operation::NoteRuns { note: note("one", false) }).unwrap();
    world.operate(on_task(note("look", false))).unwrap();
    world.fail("a");
    world.operate(Operation::NoteRuns { note: note("two", true) }).unwrap();
    world.operate(on_task(note("again", true))).unwrap();
    let run = &world.rows.runs[world.run.as_ref().unwrap()];
    assert_eq!(run.note.as_deref(), Some("one\ntwo"));
    assert_eq!(world.ti("a").user_note.as_deref(), Some("look\nagain"));
    assert_eq!(world.run_is(), DagRunState::Failed);
    // It stays where the task runs again.
    world.clear(&["a"], false, false).unwrap();
    assert_eq!(world.ti("a").user_note.as_deref(), Some("look\nagain"));
    let long = note(&"x".repeat(1001), false);
    let refused = world.operate(Operation::NoteRuns { note: long });
    assert!(matches!(refused, Err(Rejected::NoteTooLong { length: 1001, .. })));
}

#[test]
fn a_mark_calls_a_cleared_join_only_where_it_had_failed() {
    let mut world = World::new(deck(vec![dag(
        "d",
        vec![task("a"), task("x"), task("join").after(&["a", "x"]).rule(TriggerRule::AllDone)],
    )]));
    world.trigger("d");
    world.fail("a");
    world.succeed("x");
    world.succeed("join");
    let view = world.operate(mark(&["a"], S::Success)).unwrap();
    assert_eq!(names(&view.tasks), ["a"]);
    assert_eq!(world.run_is(), DagRunState::Success);
}
