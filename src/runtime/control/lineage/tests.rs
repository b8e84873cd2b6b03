//! What comes from what, for small decks.

use super::*;
use crate::runtime::control::tests::models;
use crate::runtime::control::tests::world::World;
use crate::sched::Change;
use crate::store::sample::{asset_event, at, run};
use crate::types::ask::Request;
use crate::types::asset::AssetEvent;
use crate::types::io::DatasetRef;
use crate::types::lineage::{JobRef, LineageLink};
use crate::types::view::{LineageView, LinkStanding};
use crate::types::{DagRunState, FaultKind};

async fn lineage(world: &World, asset: Option<&str>) -> LineageView {
    let reach = LineageReach::default();
    let request = Request::ShowLineage { of: asset.map(Into::into), reach };
    match world.ask(request).await {
        Answer::Lineage(lineage) => lineage,
        other => panic!("{other:?}"),
    }
}

fn ids(lineage: &LineageView) -> Vec<&str> {
    lineage.nodes.iter().map(|node| node.id.as_str()).collect()
}

fn edges(lineage: &LineageView) -> Vec<(&str, &str)> {
    lineage.edges.iter().map(|edge| (edge.from.as_str(), edge.to.as_str())).collect()
}

#[tokio::test]
async fn before_any_model_the_pattern_itself_ties_training_to_serving() {
    let world = World::new();
    let found = lineage(&world, None).await;
    assert_eq!(
        edges(&found),
        [
            ("asset:csv", "dag:etl"),
            ("asset:models:/*@production", "dag:paused_serving"),
            ("asset:models:/*@production", "dag:serving"),
            ("dag:etl", "asset:employees"),
            ("dag:serving", "endpoint:iris"),
            ("dag:train", "asset:models:/*@production"),
        ]
    );
    assert!(!ids(&found).contains(&"dag:basic"), "no data flows through it");
    assert_eq!(lineage(&world, None).await, found, "the order is always the same");
}

#[tokio::test]
async fn a_promoted_model_stands_between_training_and_serving() {
    let world = World::new();
    models::version(&world.parts.store);
    let uri = "models:/iris@production".to_owned();
    let event = AssetEvent { uri: uri.clone(), ..asset_event(4, &uri) };
    world.commit(vec![Change::InsertAssetEvent(event)]).await;
    let found = lineage(&world, Some("models:/iris@production")).await;
    assert_eq!(
        edges(&found),
        [
            ("asset:models:/iris@production", "dag:paused_serving"),
            ("asset:models:/iris@production", "dag:serving"),
            ("dag:serving", "endpoint:iris"),
            ("dag:train", "model:iris"),
            ("model:iris", "asset:models:/iris@production"),
            ("version:iris/1", "model:iris"),
        ]
    );
    let last = |id: &str| found.nodes.iter().find(|node| node.id == id).unwrap().last;
    assert_eq!(last("asset:models:/iris@production"), Some(at(4)));
    assert_eq!(last("model:iris"), Some(at(1)));
    assert_eq!(last("endpoint:iris"), Some(at(7)));
}

#[tokio::test]
async fn only_what_is_connected_with_the_asset_is_shown() {
    let world = World::new();
    world.commit(vec![Change::PutDagRun(run("etl", "r1", 9, DagRunState::Failed))]).await;
    let found = lineage(&world, Some("employees")).await;
    assert_eq!(ids(&found), ["asset:csv", "asset:employees", "dag:etl"]);
    let etl = &found.nodes[2];
    assert_eq!((etl.last, etl.state), (Some(at(9)), Some(DagRunState::Failed)));
    let fault = {
        let reach = LineageReach::default();
        world.refusal(Request::ShowLineage { of: Some("employes".into()), reach }).await
    };
    assert_eq!(fault.kind, FaultKind::NotFound);
    assert_eq!(fault.hint.as_deref(), Some("did you mean `employees`?"));
}

fn link(job: JobRef, inputs: Vec<DatasetRef>, outputs: Vec<DatasetRef>) -> LineageLink {
    LineageLink { job, inputs, outputs, seen: at(20), run: None, source: None }
}

fn task(dag_id: &str, task_id: &str) -> JobRef {
    JobRef::Task { dag_id: dag_id.into(), task_id: task_id.into() }
}

async fn told(world: &World, links: Vec<LineageLink>) {
    let put = move |conn: &rusqlite::Transaction<'_>| {
        links.iter().try_for_each(|link| store::lineage::put(conn, link))
    };
    world.parts.store.write(put).await.unwrap();
}

#[tokio::test]
async fn what_is_seen_and_what_is_declared_are_one_graph_and_told_apart() {
    let world = World::new();
    let file = |path: &str| {
        DatasetRef::new("file", world.parts.layout.project().join(path).display().to_string())
    };
    told(
        &world,
        vec![
            link(
                task("etl", "extract"),
                vec![file("data/employees.csv"), file("data/more.csv")],
                vec![],
            ),
            link(
                task("basic", "say"),
                vec![],
                vec![DatasetRef::new("postgres://h:5432", "db.public.t")],
            ),
            link(
                JobRef::Foreign { namespace: "dbt".into(), name: "marts".into() },
                vec![DatasetRef::new("postgres://h:5432", "db.public.t")],
                vec![DatasetRef::new("postgres://h:5432", "db.public.mart")],
            ),
        ],
    )
    .await;
    let found = lineage(&world, None).await;
    let standing = |from: &str, to: &str| {
        let is_it = |edge: &&crate::types::view::LineageEdge| edge.from == from && edge.to == to;
        let edge = found.edges.iter().find(is_it).unwrap_or_else(|| panic!("{from} {to}"));
        (edge.standing, edge.by.join(" "))
    };
    assert_eq!(standing("asset:csv", "dag:etl"), (LinkStanding::Both, "extract".into()));
    assert_eq!(standing("dag:etl", "asset:employees"), (LinkStanding::Declared, "load".into()));
    let more = format!("file:{}", file("data/more.csv").name);
    assert_eq!(standing(&more, "dag:etl"), (LinkStanding::Seen, "extract".into()));
    let table = "table:postgres://h:5432/db.public.t";
    assert_eq!(standing("dag:basic", table).0, LinkStanding::Seen);
    assert_eq!(standing(table, "job:dbt/marts"), (LinkStanding::Seen, "elsewhere".into()));
    let name = |id: &str| found.nodes.iter().find(|node| node.id == id).unwrap().name.clone();
    assert_eq!((name(&more), name("job:dbt/marts")), ("data/more.csv".into(), "marts".into()));
    let around = lineage(&world, Some("mart")).await;
    assert_eq!(around.focus.as_deref(), Some("table:postgres://h:5432/db.public.mart"));
    assert!(ids(&around).contains(&"dag:basic"), "the chain goes through the foreign job");
}

/// A table whose column comes from others.
fn table(name: &str, column: &str, origins: &[(&str, &str)]) -> DatasetRef {
    let origin = |(name, column): &(&str, &str)| crate::types::io::ColumnOrigin {
        namespace: "pg".into(),
        name: (*name).into(),
        column: (*column).into(),
        computed: false,
    };
    let column = crate::types::io::ColumnRef {
        name: column.into(),
        column_type: "int".into(),
        origins: origins.iter().map(origin).collect(),
    };
    DatasetRef { columns: vec![column], ..DatasetRef::new("pg", name) }
}

#[tokio::test]
async fn columns_that_come_from_themselves_end_and_long_ways_are_cut() {
    let world = World::new();
    let link = |output| link(task("basic", "say"), vec![], vec![output]);
    told(&world, vec![link(table("round", "a", &[("round", "a"), ("other", "b")]))]).await;
    let chain =
        (0..80).map(|n| link(table(&format!("t{n}"), "a", &[(&format!("t{}", n + 1), "a")])));
    told(&world, chain.collect()).await;
    let columns = async |of: &str| match world
        .ask(Request::ListColumns { of: of.into(), column: None })
        .await
    {
        Answer::Columns(columns) => columns,
        other => panic!("{other:?}"),
    };
    let round = columns("pg/round").await;
    let way: Vec<_> =
        round.columns[0].origins.iter().map(|step| (step.depth, &*step.name)).collect();
    assert_eq!(way, [(1, "round"), (1, "other")]);
    let long = columns("pg/t0").await;
    assert_eq!(long.columns[0].origins.last().unwrap().depth, 80);
    // A table of which nothing is known but that it was read.
    assert_eq!(columns("asset:csv").await.columns, []);
    let request = Request::ListColumns { of: "pg/round".into(), column: Some("aa".into()) };
    let fault = world.refusal(request).await;
    assert!(fault.hint.is_some_and(|hint| hint.contains("`a`") || hint.contains("it has a")));
}

#[tokio::test]
async fn a_chain_ends_where_nothing_is_known_and_says_so() {
    let world = World::new();
    models::version(&world.parts.store);
    let trace = async |of: &str| match world.ask(Request::TraceLineage { of: of.into() }).await {
        Answer::Trace(trace) => *trace,
        other => panic!("{other:?}"),
    };
    let version = trace("models:/iris/1").await;
    assert_eq!((version.id.as_str(), version.is_cut), ("version:iris/1", false));
    assert_eq!((version.upstream, version.downstream), (vec![], vec![]));
    let endpoint = trace("endpoint:iris").await;
    assert_eq!(endpoint.upstream, [], "version 3, that serves, is not registered here");
    let fault = world.refusal(Request::TraceLineage { of: "irsi".into() }).await;
    assert_eq!(fault.kind, FaultKind::NotFound);
}
