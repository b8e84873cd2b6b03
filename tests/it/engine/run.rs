//! Runs from their trigger to their end.

use dagdeck::runtime::logs;
use dagdeck::store;
use dagdeck::types::{AttemptKey, DagRunState, FaultKind, TaskInstanceState};
use serde_json::json;

use super::bench::{Bench, key, lives, waiting};

#[tokio::test]
async fn a_run_goes_through_its_tasks_and_hands_outputs_on() {
    let bench = Bench::start(
        "[dag.d.task.first]\noperator = \"command\"\n\
         command = \"\"\"echo hello; echo '{\"total\": 7}'\"\"\"\n\
         [dag.d.task.t]\noperator = \"command\"\n\
         command = \"echo {{ output.first.total }} $DAGDECK_TASK_ID {{ ds }}\"\n",
    )
    .await;
    bench.trigger().await.unwrap();
    bench.ended(DagRunState::Success).await;
    assert_eq!(bench.output("first"), Some(json!({"total": 7})));
    assert_eq!(bench.output("t"), Some(json!("7 t 2026-01-01")));

    let attempt = AttemptKey { task: key("t"), try_number: 1 };
    let rendered = bench.store.read_blocking(|conn: &_| store::rendered::get(conn, &attempt));
    assert_eq!(rendered.unwrap().unwrap()["command"], "echo 7 $DAGDECK_TASK_ID 2026-01-01");
    let stretch = logs::Stretch {
        offset: 0,
        max_bytes: 10_000,
        wait: std::time::Duration::ZERO,
        backwards: false,
    };
    let path = bench.layout().attempt_dir(&attempt).join("task.log");
    let chunk = logs::read(&path, stretch, || true).await.unwrap();
    assert!(chunk.text.contains("out  7 t 2026-01-01\n"), "{}", chunk.text);
}

#[tokio::test]
async fn a_command_that_fails_fails_the_run_and_says_why() {
    let bench =
        Bench::start("[dag.d.task.t]\noperator = \"command\"\ncommand = \"exit 3\"\n").await;
    bench.trigger().await.unwrap();
    bench.ended(DagRunState::Failed).await;
    let task = bench.task("t");
    assert_eq!(task.state, Some(TaskInstanceState::Failed));
    assert!(task.note.as_deref().is_some_and(|note| note.contains('3')), "{:?}", task.note);
}

#[tokio::test]
async fn what_cannot_be_rendered_fails_without_a_launch() {
    let bench = Bench::start(
        "[dag.d.task.first]\noperator = \"command\"\ncommand = \"true\"\n\
         [dag.d.task.t]\noperator = \"command\"\nretries = 3\n\
         command = \"echo {{ output.first.nothing }}\"\n",
    )
    .await;
    bench.trigger().await.unwrap();
    bench.ended(DagRunState::Failed).await;
    let task = bench.task("t");
    assert_eq!(task.try_number, 1, "no other try would mend it");
    assert!(task.note.as_deref().is_some_and(|note| note.contains("render")), "{:?}", task.note);
    let folder = bench.attempt_dir("t", 1);
    assert!(!folder.join("order.json").exists());
    let log = std::fs::read_to_string(folder.join("task.log")).unwrap();
    assert!(log.contains("deck render `echo"), "{log}");
}

#[tokio::test]
async fn cancelling_a_run_ends_its_processes() {
    let bench = Bench::start(&format!(
        "[dag.d.task.t]\n{}",
        waiting("true").replace("echo $$ > pid;", "setsid sleep 300 & echo $$ $! > pid;")
    ))
    .await;
    bench.trigger().await.unwrap();
    let pids = bench.file("pid").await;
    bench.cancel().await.unwrap();
    bench.ended(DagRunState::Failed).await;
    bench.until("its processes are gone", |_| !pids.split(' ').any(lives)).await;
}

#[tokio::test]
async fn a_refusal_reaches_the_caller() {
    let bench = Bench::start("[dag.d.task.t]\noperator = \"command\"\ncommand = \"true\"\n").await;
    let fault = bench.cancel().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotFound, "{fault}");
    bench.trigger().await.unwrap();
    let fault = bench.trigger().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Exists, "{fault}");
}

#[tokio::test]
async fn the_live_state_counts_what_runs() {
    let bench = Bench::start(&format!("[dag.d.task.t]\n{}", waiting("true"))).await;
    let mut live = bench.engine().live.clone();
    bench.trigger().await.unwrap();
    let counts = live.wait_for(|live| live.runs_running == 1 && live.slots_used == 1).await;
    assert_eq!(counts.unwrap().deck.name, "test");
    bench.go();
    bench.ended(DagRunState::Success).await;
    live.wait_for(|live| live.runs_running == 0 && live.slots_used == 0).await.unwrap();
}

#[tokio::test]
async fn an_engine_that_has_stopped_says_so() {
    let mut bench =
        Bench::start("[dag.d.task.t]\noperator = \"command\"\ncommand = \"true\"\n").await;
    let handle = bench.engine().handle.clone();
    bench.stop().await;
    let fault = handle.ask(dagdeck::sched::Input::Tick).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unavailable);
}
