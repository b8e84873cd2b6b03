//! One thing under several names is one node.

use super::*;
use crate::runtime::watch::tests::deck;

fn places(assets: &[(&str, &str)]) -> Places {
    let deck = deck(Path::new("/p"), assets);
    let named = assets.iter().map(|(name, uri)| ((*name).into(), (*uri).to_owned()));
    Places::new(&deck, Path::new("/p"), &named.collect::<Vec<_>>())
}

fn of(places: &Places, namespace: &str, name: &str) -> (LineageKind, String, String) {
    let place = places.of(namespace, name).unwrap();
    (place.kind, place.name, place.shown)
}

#[test]
fn an_asset_is_what_lies_at_its_uri() {
    let places = places(&[
        ("csv", "file:data/a.csv"),
        ("readings", "lake:readings/{date}.csv"),
        ("deep", "lake:deep/**"),
    ]);
    let asset = |name: &str| (LineageKind::Asset, name.to_owned(), name.to_owned());
    assert_eq!(of(&places, "file", "/p/data/a.csv"), asset("csv"));
    assert_eq!(of(&places, "file", "/p/data/lake/readings/2026-03-10.csv"), asset("readings"));
    assert_eq!(of(&places, "file", "/p/data/lake/deep/a/b.csv"), asset("deep"));
    assert_eq!(of(&places, "asset", "csv"), asset("csv"));
    let (kind, _, shown) = of(&places, "file", "/p/data/lake/other/x.csv");
    assert_eq!((kind, shown.as_str()), (LineageKind::File, "lake:other/x.csv"));
    let (kind, name, shown) = of(&places, "file", "/p/data/b.csv");
    assert_eq!(
        (kind, name.as_str(), shown.as_str()),
        (LineageKind::File, "/p/data/b.csv", "data/b.csv")
    );
}

#[test]
fn what_is_no_asset_is_named_by_what_it_is() {
    let places = places(&[]);
    assert_eq!(places.of("dagdeck", "etl.load"), None, "the tables of a run are its own");
    let kind = |namespace: &str| of(&places, namespace, "n").0;
    assert_eq!(kind("postgres://h:5432"), LineageKind::Table);
    assert_eq!(kind("sqlite:/w.db"), LineageKind::Table);
    assert_eq!(kind("bigquery"), LineageKind::Table);
    assert_eq!(kind("s3://bucket"), LineageKind::Object);
    assert_eq!(kind("dataset"), LineageKind::Dataset);
    assert_eq!(kind("endpoint"), LineageKind::Endpoint);
    let version = of(&places, "model", "iris/3");
    assert_eq!(version, (LineageKind::Version, "iris/3".into(), "iris v3".into()));
    let foreign = of(&places, "postgres://h:5432", "db.public.t");
    assert_eq!(foreign.1, "postgres://h:5432/db.public.t");
    assert_eq!(foreign.1, foreign.2);
}
