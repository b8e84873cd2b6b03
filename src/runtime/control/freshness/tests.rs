//! What makes assets old: a chain of `raw`, `stg` and `rfm`, made by `ingest`, `stage`, `build`.

use crate::runtime::control::tests::world::{World, dag, deck, ordinary};
use crate::sched::Change;
use crate::store::sample::{asset_event, at, run, task};
use crate::types::ask::{Answer, Request};
use crate::types::asset::{AssetEvent, AssetEventSource};
use crate::types::freshness::{AssetWhy, Freshness, StaleCause};
use crate::types::{DagRunState, FaultKind, TaskInstanceKey, TaskInstanceState};

/// `click → ingest → raw → stage → stg → build → rfm`, and nothing else.
fn world() -> World {
    chain(["ingest", "stage", "build"])
}

/// The same, made by DAGs of these names.
pub(crate) fn chain(makers: [&str; 3]) -> World {
    let mut chain = deck();
    chain.dags.clear();
    for (id, (reads, makes)) in
        makers.into_iter().zip([("click", "raw"), ("raw", "stg"), ("stg", "rfm")])
    {
        let mut one = dag(id, &[("read", &[]), ("write", &["read"])]);
        one.tasks["read"].inlets.push(reads.into());
        one.tasks["write"].outlets.push(makes.into());
        chain.dags.insert(id.into(), std::sync::Arc::new(one));
    }
    let csv = chain.assets["csv"].clone();
    chain.assets.clear();
    for name in ["click", "raw", "stg", "rfm"] {
        let mut spec = csv.clone();
        spec.name = name.into();
        chain.assets.insert(name.into(), spec);
    }
    World::with(chain, Box::new(ordinary))
}

fn key(dag_id: &str, run: &str, task_id: &str) -> TaskInstanceKey {
    TaskInstanceKey {
        dag_id: dag_id.into(),
        dag_run_id: run.into(),
        task_id: task_id.into(),
        map_index: -1,
    }
}

pub(crate) async fn changed(world: &World, names: &[&str]) {
    let events = names.iter().zip(1..).map(|(name, id)| asset_event(id, name));
    world.commit(events.map(Change::InsertAssetEvent).collect()).await;
}

async fn why(world: &World, name: &str) -> AssetWhy {
    match world.ask(Request::ExplainAsset { name: name.into() }).await {
        Answer::AssetWhy(why) => *why,
        other => panic!("{other:?}"),
    }
}

async fn states(world: &World) -> Vec<(String, Freshness)> {
    let Answer::Assets(assets) = world.ask(Request::ListAssets).await else { panic!() };
    assets.into_iter().map(|asset| (asset.name.to_string(), asset.freshness)).collect()
}

fn words(states: &[(String, Freshness)]) -> String {
    let words: Vec<String> = states.iter().map(|(name, at)| format!("{name} {at:?}")).collect();
    words.join(", ")
}

#[tokio::test]
async fn what_was_made_after_its_inputs_is_fresh_and_what_nobody_made_is_not() {
    let world = world();
    changed(&world, &["click", "raw", "stg"]).await;
    assert_eq!(words(&states(&world).await), "click Fresh, raw Fresh, stg Fresh, rfm Never");
    let found = why(&world, "stg").await;
    assert_eq!((found.freshness, found.path.len()), (Freshness::Fresh, 1));
    assert!(found.path[0].text.contains("nothing that it is made of has changed since"));
    let found = why(&world, "rfm").await;
    assert_eq!(found.path[0].cause, Some(StaleCause::NeverRun));
    assert!(found.path[0].remedy.as_ref().unwrap().contains("dagdeck trigger build"));
    let fault = world.refusal(Request::ExplainAsset { name: "rwa".into() }).await;
    assert_eq!(fault.kind, FaultKind::NotFound);
}

#[tokio::test]
async fn an_input_that_changed_since_makes_all_after_it_old_and_the_way_leads_to_it() {
    let world = world();
    changed(&world, &["raw", "stg", "rfm", "click"]).await;
    assert_eq!(words(&states(&world).await), "click Fresh, raw Stale, stg Stale, rfm Stale");
    let found = why(&world, "rfm").await;
    assert_eq!(found.way(), "raw → stg → rfm");
    assert_eq!(found.path[0].cause, Some(StaleCause::InputChanged));
    assert_eq!(
        found.path[0].text,
        "`click` has changed since `ingest` made it, and it has not run since"
    );
    assert_eq!(found.path[1].text, "made of `raw`, which is old");
    assert_eq!(why(&world, "raw").await.downstream_assets, 2);
}

#[tokio::test]
async fn a_failed_run_is_the_root_and_its_task_is_named() {
    let world = world();
    changed(&world, &["click", "raw", "stg", "rfm"]).await;
    let mut failed = task(key("ingest", "r2", "read"), Some(TaskInstanceState::Failed));
    failed.note = Some("exit code 1".into());
    world
        .commit(vec![
            Change::PutDagRun(run("ingest", "r2", 9, DagRunState::Failed)),
            Change::PutTaskInstance(failed),
        ])
        .await;
    let found = why(&world, "rfm").await;
    assert_eq!(found.way(), "raw → stg → rfm");
    let root = &found.path[0];
    assert_eq!(root.cause, Some(StaleCause::RunFailed));
    assert_eq!(root.text, "`ingest` failed to make it at task `read`: exit code 1");
    assert_eq!(root.task_id, Some("read".into()));
    assert!(root.remedy.as_ref().unwrap().contains("tasks clear ingest r2"));
    // What was made in that very run, or after it began, is not kept back by it.
    let source = AssetEventSource::Task(key("ingest", "r2", "write"));
    let made = AssetEvent { source, timestamp: at(8), ..asset_event(20, "raw") };
    let further = [made, AssetEvent { timestamp: at(8), ..asset_event(21, "stg") }];
    world.commit(further.map(Change::InsertAssetEvent).to_vec()).await;
    assert_eq!(why(&world, "raw").await.freshness, Freshness::Fresh);
}

#[tokio::test]
async fn a_circle_of_assets_ends() {
    let mut round = deck();
    round.dags.clear();
    for (id, reads, makes) in [("one", "a", "b"), ("two", "b", "a")] {
        let mut one = dag(id, &[("work", &[])]);
        one.tasks["work"].inlets.push(reads.into());
        one.tasks["work"].outlets.push(makes.into());
        round.dags.insert(id.into(), std::sync::Arc::new(one));
    }
    let world = World::with(round, Box::new(ordinary));
    changed(&world, &["a", "b"]).await;
    assert!(why(&world, "a").await.path.len() <= 2);
}
