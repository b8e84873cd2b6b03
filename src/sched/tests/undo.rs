//! Operations that are taken back.

use super::decks::Shape;
use super::world::{World, choices, dag, deck, task};
use crate::Rejected;
use crate::types::operation::{MarkTasks, NoteEdit, Operation, Reach};
use crate::types::{DagRunState, TaskInstanceState as S};

fn mark(tasks: &[&str], state: S) -> Operation {
    Operation::MarkTasks(MarkTasks { tasks: choices(tasks), state, reach: Reach::default() })
}

/// `a` has succeeded, `b` has failed, and the run with it.
fn failed() -> World {
    let mut world = World::new(deck(vec![dag("d", vec![task("a"), task("b").after(&["a"])])]));
    world.trigger("d");
    world.succeed("a");
    world.fail("b");
    world.tick_after(60);
    world
}

/// Rows but for what an undo adds: the audit and the feed.
fn rows(world: &World) -> super::world::Rows {
    let mut rows = world.rows.clone();
    rows.operations.clear();
    rows.undone.clear();
    rows.taken.clear();
    rows.log.clear();
    rows
}

#[test]
fn a_mark_is_undone_and_everything_is_as_it_was() {
    let mut world = failed();
    let before = rows(&world);
    let done = world.operate(mark(&["b"], S::Success)).unwrap();
    assert_eq!(world.run_is(), DagRunState::Success);
    let moves = &world.rows.operations[&1].moves;
    assert_eq!((&moves.tasks, &moves.runs), (&done.tasks, &done.runs), "what it did is kept");
    assert_eq!((moves.tasks[0].from, moves.tasks[0].to), (Some(S::Failed), Some(S::Success)));
    world.undo(done.id.unwrap()).unwrap();
    assert_eq!(rows(&world), before);
    assert_eq!(world.rows.undone, [(1, 2)].into());
    assert_eq!(world.rows.operations[&2].kind, "undo");
    assert!(world.rows.operations[&2].images.is_none(), "an undo is final");
}

#[test]
fn a_clear_that_waits_for_its_turn_is_undone_and_gives_the_outputs_back() {
    let one = dag("d", vec![task("a")]).with(|dag| dag.max_active_runs = 1);
    let mut world = World::new(deck(vec![one]));
    let first = world.trigger("d").key();
    world.succeed("a");
    world.tick_after(1);
    world.trigger("d");
    world.run = Some(first);
    let before = rows(&world);
    let done = world.operate(Operation::ClearTasks(Default::default())).unwrap();
    assert_eq!(done.final_since, None);
    assert_eq!((world.is("a"), world.run_is()), ("none", DagRunState::Queued));
    assert!(world.rows.xcoms.is_empty());
    world.undo(done.id.unwrap()).unwrap();
    assert_eq!(rows(&world), before);
}

#[test]
fn what_has_moved_on_is_not_taken_back() {
    let mut world = failed();
    let done = world.operate(mark(&["b"], S::Success)).unwrap();
    world.operate(mark(&["b"], S::Skipped)).unwrap();
    let refused = world.undo(done.id.unwrap()).unwrap_err();
    assert_eq!(refused, Rejected::MovedOn { id: 1, what: "`b` has changed since".into() });
    // The last one first, then the one before it.
    world.undo(2).unwrap();
    world.undo(1).unwrap();
    assert_eq!((world.is("b"), world.run_is()), ("failed", DagRunState::Failed));
}

#[test]
fn a_clear_whose_task_has_begun_is_final() {
    let mut world = failed();
    let done = world.operate(Operation::ClearTasks(Default::default())).unwrap();
    assert_eq!(done.final_since.as_deref(), Some("`a` has begun"));
    assert!(world.rows.operations[&1].images.is_none());
    assert!(world.rows.taken[&1].is_empty());
}

#[test]
fn a_mark_is_final_once_what_waits_for_it_has_begun() {
    let narrow =
        vec![task("busy").pool("narrow", 2), task("a"), task("b").after(&["a"]).pool("narrow", 1)];
    let mut world = World::new(deck(vec![dag("d", narrow)]));
    world.trigger("d");
    world.fail("a");
    assert_eq!(world.is("b"), "upstream_failed");
    let done = world.operate(mark(&["a"], S::Success)).unwrap();
    assert_eq!((world.is("b"), done.final_since), ("scheduled", None));
    world.undo(1).unwrap();
    assert_eq!((world.is("a"), world.is("b")), ("failed", "upstream_failed"));
    world.operate(mark(&["a"], S::Success)).unwrap();
    world.succeed("busy");
    assert_eq!(world.is("b"), "queued");
    assert!(matches!(world.undo(3), Err(Rejected::MovedOn { .. })));
}

#[test]
fn a_run_that_was_queued_and_cancelled_comes_back() {
    let one = dag("d", vec![task("a")]).with(|dag| dag.max_active_runs = 1);
    let mut world = World::new(deck(vec![one]));
    let first = world.trigger("d").key();
    world.tick_after(1);
    let second = world.trigger("d").key();
    world.run = Some(second);
    let before = rows(&world);
    let done = world.operate(Operation::MarkRuns { state: DagRunState::Failed }).unwrap();
    assert_eq!(done.final_since, None);
    world.undo(1).unwrap();
    assert_eq!(rows(&world), before);
    world.run = Some(first);
    world.succeed("a");
    assert_eq!(world.launched(), ["a"], "its turn has come");
}

#[test]
fn an_undo_begins_a_run_only_where_there_is_room() {
    let pair =
        |id: &str| dag(id, vec![task("a").pool("narrow", 2)]).with(|d| d.max_active_runs = 1);
    let mut world =
        World::new(deck(vec![dag("hog", vec![task("h").pool("narrow", 2)]), pair("d")]));
    world.trigger("hog");
    let first = world.trigger("d").key();
    assert_eq!(world.is("a"), "scheduled");
    world.operate(Operation::MarkRuns { state: DagRunState::Failed }).unwrap();
    world.tick_after(1);
    let second = world.trigger("d").key();
    world.undo(1).unwrap();
    world.run = Some(first);
    assert_eq!((world.is("a"), world.run_is()), ("none", DagRunState::Queued));
    world.run = Some(second);
    assert_eq!(world.run_is(), DagRunState::Running);
}

#[test]
fn a_note_is_undone_while_nobody_has_written_since() {
    let note = |text: &str| NoteEdit { text: text.into(), append: false };
    let mut world = failed();
    world.operate(Operation::NoteRuns { note: note("one") }).unwrap();
    world.operate(Operation::NoteRuns { note: note("two") }).unwrap();
    assert!(matches!(world.undo(1), Err(Rejected::MovedOn { .. })));
    world.undo(2).unwrap();
    world.undo(1).unwrap();
    assert_eq!(world.rows.runs[world.run.as_ref().unwrap()].note, None);
    let on_task = Operation::NoteTasks { tasks: choices(&["b"]), note: note("look") };
    let done = world.operate(on_task).unwrap();
    // The scheduler's own moves are no reason to keep a note.
    world.clear(&["b"], false, false).unwrap();
    world.undo(done.id.unwrap()).unwrap();
    assert_eq!(world.ti("b").user_note, None);
    assert_eq!(world.is("b"), "queued");
}

#[test]
fn a_note_written_since_a_mark_stays_when_the_mark_is_undone() {
    let mut world = failed();
    world.operate(mark(&["b"], S::Success)).unwrap();
    let note = NoteEdit { text: "look".into(), append: false };
    world.operate(Operation::NoteTasks { tasks: choices(&["b"]), note }).unwrap();
    world.undo(1).unwrap();
    assert_eq!((world.is("b"), world.ti("b").user_note.as_deref()), ("failed", Some("look")));
}
