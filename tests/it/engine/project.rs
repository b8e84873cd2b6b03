//! Definitions that change while the engine runs.

use std::sync::Arc;

use dagdeck::runtime::desk::Desk;
use dagdeck::runtime::project::{self, Project};
use dagdeck::types::view::DefinitionsView;

use super::bench::Bench;

const TASK: &str = "operator = \"command\"\ncommand = \"true\"\n";

async fn watched() -> (Bench, Project) {
    let bench = Bench::start(&format!("[dag.d.task.t]\n{TASK}")).await;
    let handle = bench.engine().handle.clone();
    let desk = Desk::new(bench.path().into(), bench.store.clone(), handle, Arc::new(|_| None));
    let project =
        project::start(bench.layout(), desk, DefinitionsView::default(), bench.publisher.clone());
    (bench, project)
}

fn write(bench: &Bench, name: &str, text: &str) {
    // As editors do: a new file, then a rename.
    std::fs::write(bench.path().join("new~"), text).unwrap();
    std::fs::rename(bench.path().join("new~"), bench.path().join(name)).unwrap();
}

fn has_dag(bench: &Bench, dag_id: &str) -> bool {
    bench.engine().live.borrow().deck.dags.contains_key(dag_id)
}

#[tokio::test]
async fn an_edit_is_put_in_force() {
    let (bench, project) = watched().await;
    write(&bench, "dags.toml", &format!("[deck]\nname = \"x\"\n[dag.e.task.t]\n{TASK}"));
    bench.until("the edit is in force", |bench| has_dag(bench, "e") && !has_dag(bench, "d")).await;
    let view = project.definitions.clone();
    bench.until("it is shown", |_| view.borrow().loaded_at.is_some()).await;
    assert_eq!(view.borrow().diagnostics, []);
}

#[tokio::test]
async fn a_broken_edit_leaves_the_last_good_version_and_shows_why() {
    let (bench, project) = watched().await;
    write(&bench, "dags.toml", "[dag.d.task.t]\noperator = \"commnad\"\n");
    let view = project.definitions.clone();
    bench.until("the error is shown", |_| !view.borrow().diagnostics.is_empty()).await;
    assert!(has_dag(&bench, "d"));
    bench.trigger().await.unwrap();

    write(&bench, "dags.toml", &format!("[dag.e.task.t]\n{TASK}"));
    bench
        .until("it is mended", |bench| view.borrow().diagnostics.is_empty() && has_dag(bench, "e"))
        .await;
}

#[tokio::test]
async fn a_file_that_is_included_is_watched_too() {
    let (bench, _project) = watched().await;
    std::fs::create_dir(bench.path().join("dags")).unwrap();
    write(&bench, "dags.toml", &format!("include = [\"dags/*.toml\"]\n[dag.d.task.t]\n{TASK}"));
    write(&bench, "dags/more.toml", &format!("[dag.more.task.t]\n{TASK}"));
    bench.until("it is in force", |bench| has_dag(bench, "more")).await;
    std::fs::remove_file(bench.path().join("dags/more.toml")).unwrap();
    bench.until("it is gone", |bench| !has_dag(bench, "more")).await;
}
