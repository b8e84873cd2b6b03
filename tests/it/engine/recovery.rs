//! Engines that stop and start again while attempts run.

use dagdeck::types::asset::{AssetEventSource, AssetEventSpec};
use dagdeck::types::{DagRunState, TaskInstanceState};
use serde_json::json;

use super::bench::{Bench, lives, waiting};

async fn running(tasks: &str) -> Bench {
    let bench = Bench::start(&format!("[dag.d.task.t]\n{tasks}")).await;
    bench.trigger().await.unwrap();
    bench.file("pid").await;
    bench.task_is("t", TaskInstanceState::Running).await;
    bench
}

#[tokio::test]
async fn what_runs_goes_on_and_is_adopted() {
    let mut bench = running(&waiting("echo 5")).await;
    bench.stop().await;
    bench.start_again().await.unwrap();
    bench.go();
    bench.ended(DagRunState::Success).await;
    assert_eq!(bench.output("t"), Some(json!(5)));
    assert_eq!(bench.file("ran").await, "x", "it ran once");
}

#[tokio::test]
async fn what_ended_meanwhile_is_found_by_its_report() {
    let mut bench = running(&waiting("echo 5")).await;
    bench.stop().await;
    bench.go();
    let report = bench.attempt_dir("t", 1).join("report.json");
    bench.until("the report is there", |_| report.exists()).await;
    bench.start_again().await.unwrap();
    bench.ended(DagRunState::Success).await;
    assert_eq!(bench.output("t"), Some(json!(5)));
    assert_eq!(bench.file("ran").await, "x", "it ran once");
}

#[tokio::test]
async fn what_died_meanwhile_is_tried_again() {
    let mut bench = running(&format!("{}retries = 1\nretry_delay = 0.05\n", waiting("true"))).await;
    bench.stop().await;
    let claim = std::fs::read(bench.attempt_dir("t", 1).join("attempt.pid")).unwrap();
    let claim: serde_json::Value = serde_json::from_slice(&claim).unwrap();
    let pid = rustix::process::Pid::from_raw(claim["pid"].as_i64().unwrap() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let command = bench.file("pid").await;
    bench.start_again().await.unwrap();
    bench.until("what it left behind is gone", |_| !lives(&command)).await;
    bench.go();
    bench.ended(DagRunState::Success).await;
    assert_eq!(bench.task("t").try_number, 2);
    assert_eq!(bench.file("ran").await, "x\nx");
}

#[tokio::test]
async fn what_was_cancelled_but_not_killed_is_swept() {
    let mut bench = running(&waiting("true")).await;
    let command = bench.file("pid").await;
    bench.stop().await;
    // As a crash between the commit and the kill leaves it.
    let conn = rusqlite::Connection::open(bench.layout().database()).unwrap();
    conn.execute("UPDATE task_instance SET state = 'failed', token = NULL", []).unwrap();
    conn.execute("UPDATE dag_run SET state = 'failed'", []).unwrap();
    bench.start_again().await.unwrap();
    bench.until("its process is gone", |_| !lives(&command)).await;
}

#[tokio::test]
async fn a_launch_that_never_came_about_is_made_good() {
    let mut bench = running(&waiting("echo 5")).await;
    let command = bench.file("pid").await;
    bench.stop().await;
    // As a crash between the commit and the launch leaves it.
    let folder = bench.attempt_dir("t", 1);
    let claim = std::fs::read(folder.join("attempt.pid")).unwrap();
    let claim: serde_json::Value = serde_json::from_slice(&claim).unwrap();
    // The worker first: it would write a report.
    let worker = claim["worker"]["pid"].to_string();
    for pid in [worker.as_str(), command.as_str()] {
        let raw = rustix::process::Pid::from_raw(pid.parse().unwrap()).unwrap();
        rustix::process::kill_process(raw, rustix::process::Signal::KILL).unwrap();
    }
    bench.until("they are gone", |_| !lives(&worker) && !lives(&command)).await;
    std::fs::remove_dir_all(&folder).unwrap();
    let conn = rusqlite::Connection::open(bench.layout().database()).unwrap();
    conn.execute("UPDATE task_instance SET state = 'queued', pid = NULL", []).unwrap();
    bench.start_again().await.unwrap();
    bench.go();
    bench.ended(DagRunState::Success).await;
    assert_eq!(bench.task("t").try_number, 1, "the same try");
    assert_eq!(bench.output("t"), Some(json!(5)));
}

#[tokio::test]
async fn a_run_whose_dag_is_gone_goes_on_with_the_definition_that_it_began_with() {
    let mut bench = running(&waiting("true")).await;
    let command = bench.file("pid").await;
    bench.stop().await;
    let other = "[deck]\nname = \"test\"\n[dag.other.task.a]\noperator = \"command\"\n\
                 command = \"true\"\n";
    std::fs::write(bench.path().join("dags.toml"), other).unwrap();
    bench.start_again().await.unwrap();
    assert!(lives(&command));
    bench.go();
    bench.ended(DagRunState::Success).await;
    let task = bench.task("t");
    assert_eq!((task.state, task.try_number), (Some(TaskInstanceState::Success), 1));
}

#[tokio::test]
async fn a_run_in_flight_at_the_backup_is_recovered_where_it_is_restored() {
    let bench = running(&format!("{}retries = 1\nretry_delay = 0.05\n", waiting("echo 5"))).await;
    let elsewhere = tempfile::tempdir().unwrap();
    let archive = elsewhere.path().join("b.tar");
    dagdeck::runtime::backup::backup(&bench.layout(), &archive, dagdeck::types::time::now())
        .unwrap();

    let restored = Bench::restored(&archive).await;
    restored.go();
    restored.ended(DagRunState::Success).await;
    assert_eq!(restored.task("t").try_number, 2, "the first try is lost, the second one runs");
    assert_eq!(restored.file("ran").await, "x");

    // Where it was backed up, the first try goes on.
    assert!(lives(&bench.file("pid").await));
    bench.go();
    bench.ended(DagRunState::Success).await;
    assert_eq!(bench.task("t").try_number, 1);
    assert_eq!(bench.file("ran").await, "x");
}

#[tokio::test]
async fn a_clock_that_jumps_back_an_hour_loses_nothing_and_doubles_nothing() {
    let mut bench = running(&waiting("echo 5")).await;
    bench.clock.set(-3600);
    bench.go();
    bench.ended(DagRunState::Success).await;
    assert_eq!(bench.output("t"), Some(json!(5)));
    assert_eq!(bench.file("ran").await, "x", "it ran once");
    // Runs of before lie in the future now.
    bench.stop().await;
    bench.start_again().await.unwrap();
    assert_eq!(bench.task("t").state, Some(TaskInstanceState::Success));
    assert_eq!(bench.file("ran").await, "x", "it ran once");
}

#[tokio::test]
async fn a_change_of_an_asset_that_is_known_counts_once_also_after_a_start() {
    let mut bench = Bench::start("[dag.d.task.t]\noperator = \"empty\"\n").await;
    let seen = |key: &str| AssetEventSpec {
        name: Some("a".into()),
        dedupe_key: Some(key.into()),
        ..AssetEventSpec::new("file:a", AssetEventSource::Watcher)
    };
    let emit = |bench: &Bench, key: &str| {
        let (handle, spec) = (bench.engine().handle.clone(), seen(key));
        async move { handle.emit_asset(spec).await.unwrap() }
    };
    assert!(emit(&bench, "k1").await);
    let (first, second) = tokio::join!(emit(&bench, "k2"), emit(&bench, "k2"));
    assert!(first != second, "one of the two is new, be they in one batch or not");
    assert!(!emit(&bench, "k1").await);
    bench.stop().await;
    bench.start_again().await.unwrap();
    assert!(!emit(&bench, "k1").await && !emit(&bench, "k2").await);
    assert!(emit(&bench, "k3").await);
}
