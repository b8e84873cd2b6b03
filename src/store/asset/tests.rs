//! Asset events, their counts, and what waits for a run.

use super::*;
use crate::store::Store;
use crate::store::sample::{self, asset_event};

fn store_of(events: Vec<AssetEvent>) -> (tempfile::TempDir, Store) {
    let (dir, store) = sample::store();
    store.write_blocking(move |tx| events.iter().try_for_each(|e| insert(tx, e))).unwrap();
    (dir, store)
}

#[test]
fn events_are_listed_newest_first_of_one_asset_or_of_all() {
    let (_dir, store) =
        store_of((1..=6).map(|i| asset_event(i, ["x", "y"][i as usize % 2])).collect());
    let list = |asset: Option<&str>, limit| {
        let asset = asset.map(AssetName::from);
        store.read_blocking(|conn| events(conn, asset.as_ref(), limit)).unwrap()
    };
    let ids = |events: Vec<AssetEvent>| events.iter().map(|e| e.id).collect::<Vec<_>>();
    assert_eq!(ids(list(None, 4)), [6, 5, 4, 3]);
    assert_eq!(ids(list(Some("x"), 10)), [6, 4, 2]);
    assert_eq!(ids(list(Some("z"), 10)), [0_i64; 0]);
    assert_eq!(list(Some("y"), 1), [asset_event(5, "y")]);
}

#[test]
fn the_summary_has_the_last_event_and_the_count_of_each_asset() {
    let (_dir, store) =
        store_of(vec![asset_event(1, "x"), asset_event(2, "x"), asset_event(3, "y")]);
    let found = store.read_blocking(summary).unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(found["x"], (asset_event(2, "x"), 2));
    assert_eq!(found["y"], (asset_event(3, "y"), 1));
}

#[test]
fn every_kind_of_source_comes_back() {
    use crate::types::asset::AssetEventSource;
    let sources = [
        AssetEventSource::Task(sample::key("etl", "r1", "load")),
        AssetEventSource::Watcher,
        AssetEventSource::Registry,
        AssetEventSource::Person { user: "ada".into() },
    ];
    let written: Vec<AssetEvent> = (1..)
        .zip(sources)
        .map(|(id, source)| AssetEvent { source, dedupe_key: None, ..asset_event(id, "x") })
        .collect();
    let (_dir, store) = store_of(written.clone());
    let mut found = store.read_blocking(|conn| events(conn, None, 10)).unwrap();
    found.reverse();
    assert_eq!(found, written);
}
