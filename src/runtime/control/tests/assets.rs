//! Assets and their events.

use serde_json::json;

use super::world::World;
use super::*;
use crate::sched::{Change, Input};
use crate::store::sample::{asset_event, object};
use crate::types::asset::{AssetEvent, AssetEventSource};
use crate::types::freshness::AssetEventView;

fn model_event(id: i64) -> AssetEvent {
    let uri = "models:/iris@production".to_owned();
    AssetEvent { uri: uri.clone(), ..asset_event(id, &uri) }
}

#[tokio::test]
async fn declared_assets_come_first_then_those_that_only_have_events() {
    let world = World::new();
    let events = [asset_event(1, "csv"), asset_event(2, "csv"), model_event(3)];
    world.commit(events.map(Change::InsertAssetEvent).to_vec()).await;
    let Answer::Assets(assets) = world.ask(Request::ListAssets).await else { panic!() };
    let names: Vec<&str> = assets.iter().map(|asset| asset.name.as_str()).collect();
    assert_eq!(names, ["csv", "employees", "models:/iris@production"]);
    assert_eq!(assets[0].consuming_tasks, [("etl".into(), "extract".into())]);
    assert_eq!(assets[1].producing_tasks, [("etl".into(), "load".into())]);
    assert_eq!(assets[0].event_count, 2);
    assert_eq!(assets[0].last_event, Some(asset_event(2, "csv")));
    assert_eq!(assets[1].uri, "warehouse:employees");
    assert_eq!(assets[2].scheduled_dags, ["serving".into(), "paused_serving".into()]);
}

#[tokio::test]
async fn an_event_by_hand_names_its_asset_and_its_user() {
    let world = World::new();
    let emit = |name: &str, key: &str| Request::EmitAsset {
        name: name.into(),
        uri: None,
        extra: object(json!({"rows": 3})),
        partition_key: Some(key.into()),
        from_api: false,
    };
    let Answer::AssetEvent(event) = world.ask(emit("csv", "2026-03")).await else { panic!() };
    assert_eq!(event.extra["rows"], 3);
    let Input::AssetChanged(spec) = world.last_input() else { panic!() };
    assert_eq!(spec.uri, "file:data/employees.csv");
    assert_eq!(spec.name, Some("csv".into()));
    assert!(matches!(spec.source, AssetEventSource::Person { user } if !user.is_empty()));
    assert_eq!(spec.partition_key.as_deref(), Some("2026-03"));
    assert_eq!(world.refusal(emit("csv", " ")).await.kind, FaultKind::Invalid);
    let fault = world.refusal(emit("employes", "k")).await;
    assert_eq!(fault.kind, FaultKind::NotFound);
    assert_eq!(fault.hint.as_deref(), Some("did you mean `employees`?"));
}

#[tokio::test]
async fn events_of_an_asset_that_is_no_longer_declared_are_still_listed() {
    let world = World::new();
    world.commit(vec![Change::InsertAssetEvent(asset_event(1, "old"))]).await;
    let old = AssetEventView { event: asset_event(1, "old"), started_runs: vec![] };
    let list = |name: &str| Request::ListAssetEvents { asset: Some(name.into()), limit: 5 };
    assert_eq!(world.ask(list("old")).await, Answer::AssetEvents(vec![old.clone()]));
    assert_eq!(world.ask(list("csv")).await, Answer::AssetEvents(vec![]));
    assert_eq!(world.refusal(list("nope")).await.kind, FaultKind::NotFound);
    let all = Request::ListAssetEvents { asset: None, limit: 5 };
    assert_eq!(world.ask(all).await, Answer::AssetEvents(vec![old]));
}
