//! What comes from what, for small decks.

use super::*;
use crate::runtime::control::tests::models;
use crate::runtime::control::tests::world::World;
use crate::sched::Change;
use crate::store::sample::{asset_event, at, run};
use crate::types::ask::Request;
use crate::types::asset::AssetEvent;
use crate::types::{DagRunState, FaultKind};

async fn lineage(world: &World, asset: Option<&str>) -> LineageView {
    let reach = LineageReach::default();
    let request = Request::ShowLineage { asset: asset.map(Into::into), node: None, reach };
    match world.ask(request).await {
        Answer::Lineage(lineage) => lineage,
        other => panic!("{other:?}"),
    }
}

fn ids(lineage: &LineageView) -> Vec<&str> {
    lineage.nodes.iter().map(|node| node.id.as_str()).collect()
}

fn edges(lineage: &LineageView) -> Vec<(&str, &str)> {
    lineage.edges.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect()
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
        let asset = Some("employes".into());
        let reach = LineageReach::default();
        world.refusal(Request::ShowLineage { asset, node: None, reach }).await
    };
    assert_eq!(fault.kind, FaultKind::NotFound);
    assert_eq!(fault.hint.as_deref(), Some("did you mean `employees`?"));
}
