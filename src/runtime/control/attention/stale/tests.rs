//! Which stale assets are told, in how many lines, and which are not.

use super::*;
use crate::runtime::control::freshness::tests::{chain, changed};
use crate::runtime::control::tests::world::World;
use crate::sched::Change;
use crate::store::sample::{at, run};
use crate::types::DagRunState;
use crate::types::ask::{Answer, Request};

async fn told(world: &World) -> Vec<AttentionItem> {
    let Answer::Attention(items) = world.ask(Request::ListAttention).await else { panic!() };
    items.into_iter().filter(|item| item.kind == AttentionKind::StaleAsset).collect()
}

#[tokio::test]
async fn a_root_cause_is_one_line_that_names_what_is_stale_with_it() {
    let world = chain(["ingest", "stage", "build"]);
    changed(&world, &["click", "raw", "stg", "rfm"]).await;
    assert!(told(&world).await.is_empty());
    let failed = Change::PutDagRun(run("ingest", "r2", 9, DagRunState::Failed));
    world.commit(vec![failed]).await;
    let items = told(&world).await;
    let [item] = items.as_slice() else { panic!("{items:#?}") };
    assert_eq!((item.severity, item.subject.as_str()), (Severity::Warning, "raw"));
    assert_eq!(item.text, "stale: `ingest` failed to make it; stg, rfm are stale with it");
    assert_eq!(item.since, Some(at(19)));
    assert_eq!(item.target, AttentionTarget::Asset { name: "raw".into() });
    assert_eq!(item.remedy, "dagdeck assets why raw");
}

#[tokio::test]
async fn a_changed_input_is_told_where_nothing_will_make_the_asset_again() {
    let by_hand = chain(["ingest", "stage", "build"]);
    changed(&by_hand, &["raw", "stg", "rfm", "click"]).await;
    let items = told(&by_hand).await;
    assert_eq!(items.len(), 1);
    assert!(items[0].text.starts_with("stale: `click` has changed since"), "{}", items[0].text);
    // A run that waits for its turn will make it.
    let queued = Change::PutDagRun(run("ingest", "r2", 9, DagRunState::Queued));
    by_hand.commit(vec![queued]).await;
    assert!(told(&by_hand).await.is_empty());
    // So will the schedule; what is paused will not be made.
    for (maker, told_of) in [("serving", 0), ("paused_serving", 1)] {
        let world = chain([maker, "stage", "build"]);
        changed(&world, &["raw", "stg", "rfm", "click"]).await;
        assert_eq!(told(&world).await.len(), told_of, "{maker}");
    }
}

#[tokio::test]
async fn an_input_that_changed_a_moment_ago_may_start_its_run_yet() {
    let world = chain(["ingest", "stage", "build"]);
    changed(&world, &["raw", "stg", "rfm"]).await;
    let lately = crate::types::asset::AssetEvent {
        timestamp: at(990),
        ..crate::store::sample::asset_event(4, "click")
    };
    world.commit(vec![Change::InsertAssetEvent(lately)]).await;
    assert!(told(&world).await.is_empty());
}

#[test]
fn of_many_some_are_named() {
    let names: Vec<AssetName> = (1..6).map(|n| AssetName::new(format!("a{n}"))).collect();
    assert_eq!(also(&names), "; a1, a2, a3 and 2 more are stale with it");
    assert_eq!(also(&names[..1]), "; a1 is stale with it");
}
