//! Versions of DAGs.

use super::world::World;
use super::*;
use crate::sched::Change;
use crate::store::sample;
use crate::types::view::DagDiffView;

async fn with_versions() -> World {
    let world = World::new();
    let versions = [sample::version(1, "one"), sample::version(2, "two")];
    let mut changes = Vec::new();
    for (version, run) in versions {
        changes.push(Change::InsertDagVersion(version));
        changes.push(Change::PutTaskInstance(sample::task(
            sample::key("etl", run.dag_run_id.as_str(), "extract"),
            None,
        )));
        changes.push(Change::PutDagRun(run));
    }
    world.commit(changes).await;
    world
}

fn diff(from: Option<u32>, to: Option<u32>) -> Request {
    Request::DiffDagVersions { dag_id: "etl".into(), from, to }
}

async fn differs(world: &World, request: Request) -> DagDiffView {
    match world.ask(request).await {
        Answer::DagDiff(diff) => diff,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_difference_of_the_last_two_versions_is_what_was_edited() {
    let world = with_versions().await;
    let found = differs(&world, diff(None, None)).await;
    assert_eq!((found.from, found.to), (1, 2));
    assert!(found.source.starts_with("--- etl version 1\n+++ etl version 2\n"), "{found:?}");
    assert!(found.source.contains("-command = \"echo one\"\n+command = \"echo two\"\n"));
    assert!(found.definition.contains("+      \"args\"") || found.definition.contains("echo two"));
    let same = differs(&world, diff(Some(2), Some(2))).await;
    assert_eq!((same.source, same.definition), (String::new(), String::new()));
}

#[tokio::test]
async fn a_version_that_there_is_not_is_refused_by_name() {
    let world = with_versions().await;
    let fault = world.refusal(diff(Some(1), Some(7))).await;
    assert_eq!(fault.kind, FaultKind::NotFound);
    assert!(fault.message.contains("no version 7"), "{fault}");
    assert!(fault.hint.is_some_and(|hint| hint.contains("up to 2")));
    let none = Request::DiffDagVersions { dag_id: "train".into(), from: None, to: None };
    assert!(world.refusal(none).await.message.contains("nothing to compare"));
    let unknown = Request::ListDagVersions { dag_id: "elt".into(), limit: 5 };
    assert_eq!(world.refusal(unknown).await.kind, FaultKind::NotFound);
}

#[tokio::test]
async fn versions_are_listed_newest_first() {
    let world = with_versions().await;
    let list = Request::ListDagVersions { dag_id: "etl".into(), limit: 5 };
    let Answer::DagVersions(found) = world.ask(list).await else { panic!() };
    let numbers: Vec<u32> = found.iter().map(|version| version.version_number).collect();
    assert_eq!(numbers, [2, 1]);
}

/// The deck's `etl` has three tasks; the version that this run began with has one.
#[tokio::test]
async fn a_run_is_shown_with_the_graph_that_it_runs() {
    let world = with_versions().await;
    let show = Request::ShowRun { dag_id: "etl".into(), dag_run_id: "v1".into(), packed: false };
    let Answer::RunDetail(found) = world.ask(show).await else { panic!() };
    assert_eq!(found.run.dag_version_number, 1);
    assert_eq!(found.tasks.len(), 1);
    assert!(found.edges.is_empty());
}
