//! Definitions that change while the engine runs.

use std::sync::Arc;

use dagdeck::runtime::desk::{Change, Desk};
use dagdeck::runtime::project::{self, Project};
use dagdeck::store;
use dagdeck::types::settings::Pool;
use dagdeck::types::view::DefinitionsView;

use super::bench::{Bench, waiting};

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

/// Gives a pool other slots, as an operator does.
async fn set_slots(desk: &Desk, bench: &Bench, slots: u32) {
    let pool = Pool { pool: "narrow".into(), slots, description: None };
    let edited = pool.clone();
    let change = Change {
        check: Box::new(|_, _| Ok(())),
        edit: Box::new(move |settings| settings.pools = vec![edited.clone()]),
        write: Box::new(move |tx| store::settings::put_pool(tx, &pool)),
        may_break: false,
    };
    let live = bench.engine().live.clone();
    desk.change(move || live.borrow().deck.clone(), change).await.unwrap();
}

#[tokio::test]
async fn slots_that_are_set_are_in_force_at_once_also_while_the_file_is_broken() {
    let tasks: String = ["t", "u", "v"]
        .map(|task| format!("[dag.d.task.{task}]\n{}pool = \"narrow\"\n", waiting("true")))
        .concat();
    let bench = Bench::start(&format!("{tasks}[pool.narrow]\nslots = 1\n")).await;
    let handle = bench.engine().handle.clone();
    let desk = Desk::new(bench.path().into(), bench.store.clone(), handle, Arc::new(|_| None));
    let _project = project::start(
        bench.layout(),
        desk.clone(),
        DefinitionsView::default(),
        bench.publisher.clone(),
    );
    bench.trigger().await.unwrap();
    let running = |bench: &Bench| bench.engine().live.borrow().pools[1].running;
    bench.until("one runs", |bench| running(bench) == 1).await;
    write(&bench, "dags.toml", "broken");
    set_slots(&desk, &bench, 3).await;
    bench.until("all run", |bench| running(bench) == 3).await;
    // An edit of the file does not take them back.
    write(
        &bench,
        "dags.toml",
        &format!("[dag.d]\n{tasks}[pool.narrow]\nslots = 1\n[dag.e.task.t]\n{TASK}"),
    );
    bench.until("the edit is in force", |bench| has_dag(bench, "e")).await;
    assert_eq!(bench.engine().live.borrow().deck.pools["narrow"], 3);
    bench.go();
    bench.ended(dagdeck::types::DagRunState::Success).await;
}
