//! What goes with its files, and what a crash leaves to be done.

use std::fs;

use super::*;
use crate::dag::retention::{Retention as Limits, RunLimits};
use crate::runtime::control::tests::world::{World, deck, ordinary};
use crate::sched::Change;
use crate::store::sample::{at, key, run, task};
use crate::tracking::{artifact, experiment, registry, run as tracked};
use crate::types::run::DagRunKey;
use crate::types::{AttemptKey, DagRunState, TaskInstanceState};

/// The clock of the world stands at second 1000.
fn world(limits: Limits) -> (World, Retention) {
    let mut deck = deck();
    deck.retention = limits;
    let world = World::with(deck, Box::new(ordinary));
    let parts = &world.parts;
    let retention = Retention {
        layout: parts.layout.clone(),
        store: parts.store.clone(),
        live: parts.live.clone(),
        clock: parts.clock.clone(),
        publisher: parts.publisher.clone(),
    };
    (world, retention)
}

fn after(secs: u64) -> Option<Duration> {
    Some(Duration::from_secs(secs))
}

async fn history(world: &World, run_id: &str, secs: i64, state: DagRunState) {
    let key = key("etl", run_id, "load");
    let task = task(key.clone(), Some(TaskInstanceState::Success));
    let run = run("etl", run_id, secs, state);
    world.commit(vec![Change::PutDagRun(run), Change::PutTaskInstance(task)]).await;
    let folder = world.parts.layout.attempt_dir(&AttemptKey { task: key, try_number: 1 });
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("task.log"), "hello").unwrap();
    fs::write(folder.join("report.json"), "{}").unwrap();
}

fn folder(world: &World, run_id: &str) -> std::path::PathBuf {
    world.parts.layout.folder_of_run(&"etl".into(), &run_id.into())
}

fn kinds(report: &PruneReport) -> Vec<(&str, u64, u64)> {
    report.kinds.iter().map(|line| (line.kind.as_str(), line.count, line.bytes)).collect()
}

#[tokio::test]
async fn a_dry_run_says_what_goes_and_then_it_goes_with_its_files() {
    let limits = Limits {
        runs: RunLimits { runs_max_age: after(500), ..RunLimits::default() },
        ..Limits::default()
    };
    let (world, retention) = world(limits);
    history(&world, "old", 0, DagRunState::Failed).await;
    history(&world, "success", 1, DagRunState::Success).await;
    history(&world, "new", 900, DagRunState::Failed).await;
    let wish = Prune { dry_run: true, ..Prune::default() };
    let plan = retention.prune(wish).await.unwrap();
    assert_eq!(kinds(&plan), [("runs", 1, 7)]);
    assert!(folder(&world, "old").exists());

    let done = retention.prune(Prune::default()).await.unwrap();
    assert_eq!(kinds(&done), kinds(&plan));
    assert!(!folder(&world, "old").exists());
    assert!(folder(&world, "success").exists() && folder(&world, "new").exists());
    assert_eq!(fs::read_dir(world.parts.layout.trash_dir()).unwrap().count(), 0);
    assert!(retention.prune(Prune::default()).await.unwrap().kinds.is_empty());
}

#[tokio::test]
async fn logs_go_and_what_else_the_attempt_left_stays() {
    let limits = Limits {
        runs: RunLimits { logs_max_age: after(500), ..RunLimits::default() },
        ..Limits::default()
    };
    let (world, retention) = world(limits);
    history(&world, "old", 0, DagRunState::Success).await;
    history(&world, "new", 900, DagRunState::Success).await;
    let done = retention.prune(Prune::default()).await.unwrap();
    assert_eq!(kinds(&done), [("logs", 1, 5)]);
    let attempt = folder(&world, "old").join("load/-1/1");
    assert!(!attempt.join("task.log").exists() && attempt.join("report.json").exists());
    assert!(folder(&world, "new").join("load/-1/1/task.log").exists());
    assert!(retention.prune(Prune::default()).await.unwrap().kinds.is_empty());
}

#[tokio::test]
async fn what_a_crash_left_of_a_deleted_run_is_buried_at_the_next_start() {
    let (world, retention) = world(Limits::default());
    history(&world, "r", 0, DagRunState::Success).await;
    // The rows go, and the daemon is killed before it has touched the folder.
    let key = DagRunKey { dag_id: "etl".into(), dag_run_id: "r".into() };
    world.parts.store.write(move |tx| prune::delete_run(tx, &key)).await.unwrap();
    // Another one was killed while it emptied the trash.
    let trash = world.parts.layout.trash_dir();
    fs::create_dir_all(trash.join("x/y")).unwrap();
    assert!(folder(&world, "r").exists());
    retention.bury().await.unwrap();
    assert!(!folder(&world, "r").exists());
    assert_eq!(fs::read_dir(trash).unwrap().count(), 0);
}

#[tokio::test]
async fn older_than_takes_the_place_of_what_the_file_says_and_a_dag_narrows_it() {
    let (world, retention) = world(Limits::default());
    history(&world, "old", 0, DagRunState::Failed).await;
    let other = run("serving", "s", 0, DagRunState::Failed);
    world.commit(vec![Change::PutDagRun(other)]).await;
    let wish = |dag_id: Option<&str>| Prune {
        dry_run: true,
        older_than_secs: Some(500.0),
        dag_id: dag_id.map(Into::into),
        ..Prune::default()
    };
    assert_eq!(kinds(&retention.prune(wish(None)).await.unwrap()), [("runs", 2, 7)]);
    assert_eq!(kinds(&retention.prune(wish(Some("serving"))).await.unwrap()), [("runs", 1, 0)]);
    let nothing = Prune { dry_run: true, ..Prune::default() };
    assert!(retention.prune(nothing).await.unwrap().kinds.is_empty());
}

#[tokio::test]
async fn the_oldest_runs_go_while_the_store_is_too_large() {
    let limits = Limits { store_max_size: Some(1), ..Limits::default() };
    let (world, retention) = world(limits);
    for number in 0..3 {
        history(&world, &format!("r{number}"), number, DagRunState::Success).await;
    }
    let done = retention.prune(Prune::default()).await.unwrap();
    assert_eq!(kinds(&done), [("runs", 2, 0)], "the latest success stays");
    assert!(folder(&world, "r2").exists() && !folder(&world, "r0").exists());
}

/// A tracked run that has ended, with a model of 100 bytes.
fn trained(world: &World, token: &str, secs: i64) -> crate::types::TrackingRunId {
    let store = &world.parts.store;
    let experiment_id = experiment::ensure(store, "e").unwrap();
    let made = tracked::create(
        store,
        tracked::NewRun {
            experiment_id: experiment_id.clone(),
            run_name: token.into(),
            user_id: "ada".into(),
            start_time: at(secs),
            tags: vec![],
            attempt_token: Some(token.into()),
        },
    )
    .unwrap();
    let bytes = [b'x'; 100];
    let folder = artifact::folder(&world.parts.layout.state_dir(), &experiment_id, &made.run_id);
    artifact::write(&folder, "model/model.json", &bytes).unwrap();
    artifact::record(store, &made.run_id, "model/model.json", &bytes).unwrap();
    tracked::end(store, &made.run_id, "FINISHED", at(secs + 1)).unwrap();
    made.run_id
}

#[tokio::test(flavor = "multi_thread")]
async fn artifacts_go_by_size_oldest_first_but_never_those_of_a_registered_version() {
    let limits = Limits { artifacts_max_size: Some(250), ..Limits::default() };
    let (world, retention) = world(limits);
    let runs: Vec<_> =
        (0..4).map(|number| trained(&world, &format!("t{number}"), number)).collect();
    registry::register(&world.parts.store, "iris", &runs[0], at(9)).unwrap();
    let done = retention.prune(Prune::default()).await.unwrap();
    assert_eq!(kinds(&done), [("artifacts", 2, 200)]);
    let has = |index: usize| {
        let run = tracked::get(&world.parts.store, &runs[index]).unwrap();
        let folder =
            artifact::folder(&world.parts.layout.state_dir(), &run.experiment_id, &runs[index]);
        (!run.artifacts.is_empty(), folder.exists())
    };
    assert_eq!([0, 1, 2, 3].map(has), [(true, true), (false, false), (false, false), (true, true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_of_experiments_goes_when_it_is_asked_for_or_old_enough() {
    let limits = Limits { deleted_max_age: Some(Duration::from_secs(100)), ..Limits::default() };
    let (world, retention) = world(limits);
    let runs: Vec<_> =
        (0..3).map(|number| trained(&world, &format!("t{number}"), number)).collect();
    registry::register(&world.parts.store, "iris", &runs[0], at(9)).unwrap();
    let delete = |run_id: &crate::types::TrackingRunId, secs: i64| {
        let run_id = run_id.clone();
        let store = &world.parts.store;
        store.write_blocking(move |tx| tracked::record::delete(tx, &run_id, at(secs))).unwrap();
    };
    delete(&runs[0], 5);
    delete(&runs[1], 5);
    delete(&runs[2], 999);
    let folder = |index: usize| {
        let folder = artifact::folder(&world.parts.layout.state_dir(), "1", &runs[index]);
        folder.parent().unwrap().exists()
    };
    assert_eq!(
        kinds(&retention.prune(Prune::default()).await.unwrap()),
        [("deleted runs", 1, 100)]
    );
    assert_eq!([0, 1, 2].map(folder), [true, false, true], "a version came of the first");
    let wish = Prune { only_deleted: true, dry_run: true, ..Prune::default() };
    assert_eq!(kinds(&retention.prune(wish).await.unwrap()), [("deleted runs", 1, 100)]);
    let wish = Prune { only_deleted: true, ..Prune::default() };
    assert_eq!(kinds(&retention.prune(wish).await.unwrap()), [("deleted runs", 1, 100)]);
    assert_eq!([0, 1, 2].map(folder), [true, false, false]);
    assert!(tracked::get(&world.parts.store, &runs[2]).is_err());
}
