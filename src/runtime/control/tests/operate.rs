//! Operations on runs: which rows go to the engine, and what is refused before it.

use super::world::World;
use super::*;
use crate::sched::input::Operate;
use crate::sched::{Change, Command, Input};
use crate::store::sample::{at, key, run, task};
use crate::types::DagRunState;
use crate::types::operation::{ClearTasks, MarkTasks, Moves, NoteEdit, Operation, Reach, RunMove};
use crate::types::run::DagRun;

/// A world in which `etl` has ended runs `r1` and `r3`, the running `r2`, and `r4` without date.
async fn with_runs() -> World {
    let world = World::new();
    let undated = DagRun { logical_date: None, ..run("etl", "r4", 180, DagRunState::Success) };
    let runs = [
        run("etl", "r1", 0, DagRunState::Failed),
        run("etl", "r2", 60, DagRunState::Running),
        run("etl", "r3", 120, DagRunState::Success),
        undated,
    ];
    let mut changes = Vec::new();
    for run in runs {
        let task_key = key("etl", run.dag_run_id.as_str(), "load");
        changes.push(Change::PutDagRun(run));
        changes.push(Change::PutTaskInstance(task(task_key, None)));
    }
    world.commit(changes).await;
    world
}

fn runs(ids: &[&str]) -> Vec<DagRunKey> {
    let run = |id: &&str| DagRunKey { dag_id: "etl".into(), dag_run_id: (*id).into() };
    ids.iter().map(run).collect()
}

fn operate(operation: Operation, ids: &[&str]) -> Request {
    Request::Operate { operation, runs: runs(ids), dry_run: false }
}

fn asked(world: &World) -> Operate {
    match world.last_input() {
        Input::Command(Command::Operate(wish)) => wish,
        other => panic!("{other:?}"),
    }
}

fn ids(wish: &Operate) -> (Vec<&str>, Vec<(&str, usize)>) {
    let runs = wish.runs.iter().map(|run| run.dag_run_id.as_str()).collect();
    let ended = wish.ended.iter().map(|e| (e.run.dag_run_id.as_str(), e.tasks.len())).collect();
    (runs, ended)
}

#[tokio::test]
async fn rows_of_ended_runs_go_along_and_those_under_way_do_not() {
    let world = with_runs().await;
    let clear = Operation::ClearTasks(ClearTasks::default());
    world.ask(operate(clear, &["r1", "r2", "r1"])).await;
    assert_eq!(ids(&asked(&world)), (vec!["r1", "r2"], vec![("r1", 1)]));
    // Nobody reads thousands of tasks to write one note.
    let note = NoteEdit { text: "see ticket 7".into(), append: false };
    world.ask(operate(Operation::NoteRuns { note }, &["r1"])).await;
    assert_eq!(ids(&asked(&world)), (vec!["r1"], vec![("r1", 0)]));
}

#[tokio::test]
async fn past_and_future_are_the_runs_of_the_dag_by_logical_date() {
    let world = with_runs().await;
    let reach =
        |include_past, include_future| Reach { include_past, include_future, ..Reach::default() };
    let clear = |reach| Operation::ClearTasks(ClearTasks { reach, ..ClearTasks::default() });
    world.ask(operate(clear(reach(false, true)), &["r2"])).await;
    assert_eq!(ids(&asked(&world)).0, ["r2", "r3"]);
    world.ask(operate(clear(reach(true, true)), &["r2"])).await;
    assert_eq!(ids(&asked(&world)).0, ["r2", "r1", "r3"]);
    world.ask(operate(clear(reach(true, true)), &["r4"])).await;
    assert_eq!(ids(&asked(&world)).0, ["r4"], "a run without a date has neither");
}

#[tokio::test]
async fn the_older_wishes_are_operations_too() {
    let world = with_runs().await;
    let clear = Request::ClearTasks {
        dag_id: "etl".into(),
        dag_run_id: "r1".into(),
        task_ids: vec!["load".into()],
        only_failed: true,
        include_downstream: true,
    };
    assert_eq!(world.ask(clear).await, Answer::Cleared(vec![]));
    let Operation::ClearTasks(wish) = asked(&world).operation else { panic!() };
    assert!(wish.only_failed && wish.reach.include_downstream && !wish.reach.include_upstream);
    let cancel =
        |run_id: &str| Request::CancelRun { dag_id: "etl".into(), dag_run_id: run_id.into() };
    assert_eq!(world.refusal(cancel("r1")).await.kind, FaultKind::Conflict);
    assert_eq!(world.refusal(cancel("nope")).await.kind, FaultKind::NotFound);
    let Answer::Run(cancelled) = world.ask(cancel("r2")).await else { panic!() };
    assert_eq!(cancelled.dag_run_id.as_str(), "r2");
    let failed = Operation::MarkRuns { state: DagRunState::Failed };
    assert_eq!(asked(&world).operation, failed);
}

#[tokio::test]
async fn what_names_no_run_or_one_that_there_is_not_is_refused_and_asks_nothing() {
    let world = with_runs().await;
    let mark = || {
        Operation::MarkTasks(MarkTasks {
            tasks: vec![],
            state: crate::types::TaskInstanceState::Success,
            reach: Reach::default(),
        })
    };
    assert_eq!(world.refusal(operate(mark(), &[])).await.kind, FaultKind::Invalid);
    let fault = world.refusal(operate(mark(), &["r1", "nope"])).await;
    assert_eq!(fault.kind, FaultKind::NotFound);
    assert!(fault.message.contains("`nope`"), "{fault}");
    assert!(world.inputs.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_undo_of_what_cannot_be_undone_says_why() {
    let world = with_runs().await;
    let fault = world.refusal(Request::Undo { id: None }).await;
    assert!(fault.message.contains("nothing to undo"), "{fault}");
    let fault = world.refusal(Request::Undo { id: Some(9) }).await;
    assert_eq!(fault.kind, FaultKind::NotFound);
    let row = |id: i64, final_since: Option<&str>| crate::sched::change::OperationRow {
        id,
        when: at(id),
        owner: Some("ada".into()),
        kind: "delete_runs".into(),
        description: "run `r9`".into(),
        wish: serde_json::json!({}),
        final_since: final_since.map(Into::into),
        outputs: vec![],
        images: final_since.is_none().then(Box::default),
        moves: Moves::default(),
    };
    world
        .commit(vec![
            Change::InsertOperation(row(1, None)),
            Change::InsertOperation(row(2, Some("a run was deleted"))),
            Change::InsertOperation(row(3, None)),
            Change::UndoOperation { id: 3, by: 4 },
        ])
        .await;
    let fault = world.refusal(Request::Undo { id: Some(2) }).await;
    assert!(fault.message.contains("a run was deleted"), "{fault}");
    let fault = world.refusal(Request::Undo { id: Some(3) }).await;
    assert!(fault.message.contains("operation 4 has undone it"), "{fault}");
    world.ask(Request::Undo { id: Some(1) }).await;
    assert!(matches!(world.last_input(), Input::Command(Command::Undo(wish)) if wish.id == 1));
    let fault = world.refusal(Request::ShowOperation { id: 9 }).await;
    assert!(fault.message.contains("no operation 9"), "{fault}");
    let list = Request::ListOperations { limit: 2, before_id: None };
    let Answer::Operations(lines) = world.ask(list).await else { panic!() };
    assert_eq!(lines.iter().map(|line| line.id).collect::<Vec<_>>(), [3, 2]);
    assert_eq!(lines[0].undone_by, Some(4));
}

#[tokio::test]
async fn an_operation_is_shown_with_what_it_did_to_each() {
    let world = with_runs().await;
    let moves = Moves {
        runs: vec![RunMove {
            dag_id: "etl".into(),
            dag_run_id: "r1".into(),
            from: DagRunState::Failed,
            to: Some(DagRunState::Queued),
        }],
        more_tasks: 3,
        ..Moves::default()
    };
    let row = crate::sched::change::OperationRow {
        id: 1,
        when: at(1),
        owner: Some("ada".into()),
        kind: "clear_tasks".into(),
        description: "run `r1`".into(),
        wish: serde_json::json!({"only_failed": true}),
        final_since: Some("an attempt was killed".into()),
        outputs: vec![],
        images: None,
        moves: moves.clone(),
    };
    world.commit(vec![Change::InsertOperation(row)]).await;
    let show = || Request::ShowOperation { id: 1 };
    let Answer::Operation(detail) = world.ask(show()).await else { panic!() };
    assert_eq!((detail.line.id, detail.line.owner.as_deref()), (1, Some("ada")));
    // It is told also where it can no longer be undone.
    assert_eq!(detail.moves, Some(moves));
    // One of before that was kept.
    let forget = |tx: &rusqlite::Transaction<'_>| {
        crate::store::row::execute(tx, "UPDATE operation SET moves = NULL", []).map(drop)
    };
    world.parts.store.write(forget).await.unwrap();
    let Answer::Operation(detail) = world.ask(show()).await else { panic!() };
    assert_eq!(detail.moves, None);
}
