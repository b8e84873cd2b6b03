//! What is listed against what was told.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, json};

use crate::connection::object::Object;
use crate::types::AssetName;
use crate::types::asset::{AssetEventKind, AssetEventSource, AssetEventSpec, WatchedObject};

/// Returns what is new or has changed, in the order of the times at which that happened, and then
/// what is gone.
pub(super) fn compare(
    asset: &AssetName,
    known: &BTreeMap<String, String>,
    found: &[(String, Object)],
) -> Vec<AssetEventSpec> {
    let change = |(uri, object): &(String, Object)| match known.get(uri) {
        None => Some(AssetEventKind::Created),
        Some(before) if *before == version(object) => None,
        Some(_) => Some(AssetEventKind::Changed),
    };
    let mut came: Vec<(&(String, Object), AssetEventKind)> =
        found.iter().filter_map(|one| Some((one, change(one)?))).collect();
    came.sort_by(|((a_uri, a), _), ((b_uri, b), _)| (a.modified, a_uri).cmp(&(b.modified, b_uri)));
    let came = came.into_iter().map(|((uri, object), kind)| AssetEventSpec {
        kind,
        extra: extra(uri, object),
        ..seen(asset, uri, Some(version(object)))
    });
    let there: HashSet<&str> = found.iter().map(|(uri, _)| uri.as_str()).collect();
    let gone = known.keys().filter(|uri| !there.contains(uri.as_str()));
    let gone = gone.map(|uri| AssetEventSpec {
        kind: AssetEventKind::Deleted,
        extra: Map::from_iter([("uri".into(), json!(uri))]),
        ..seen(asset, uri, None)
    });
    came.chain(gone).collect()
}

fn seen(asset: &AssetName, uri: &str, version: Option<String>) -> AssetEventSpec {
    AssetEventSpec {
        name: Some(asset.clone()),
        object: Some(WatchedObject { version, moved_from: None }),
        ..AssetEventSpec::new(uri, AssetEventSource::Watcher)
    }
}

/// What differs when the content does. A server without ETags is taken at its size and time.
fn version(object: &Object) -> String {
    match &object.e_tag {
        Some(e_tag) => e_tag.trim_matches('"').to_owned(),
        None => {
            let time = object.modified.map_or_else(String::new, |at| at.to_string());
            format!("{}:{time}", object.size)
        }
    }
}

fn extra(uri: &str, object: &Object) -> Map<String, serde_json::Value> {
    let mut extra = Map::new();
    extra.insert("uri".into(), json!(uri));
    extra.insert("size".into(), json!(object.size));
    extra.insert("mtime".into(), json!(object.modified));
    if object.e_tag.is_some() {
        extra.insert("etag".into(), json!(version(object)));
    }
    extra
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(key: &str, e_tag: Option<&str>, at: &str) -> (String, Object) {
        let modified = Some(at.parse().unwrap());
        let e_tag = e_tag.map(|e_tag| format!("\"{e_tag}\""));
        (format!("lake:{key}"), Object { key: key.to_owned(), size: 7, e_tag, modified })
    }

    fn changes(known: &[(&str, &str)], found: &[(String, Object)]) -> Vec<AssetEventSpec> {
        let known = known.iter().map(|(key, version)| (format!("lake:{key}"), (*version).into()));
        compare(&"x".into(), &known.collect(), found)
    }

    #[test]
    fn what_came_is_told_in_the_order_of_its_time_and_then_what_is_gone() {
        let found = [
            object("a", Some("1"), "2026-01-03T00:00:00Z"),
            object("b", Some("2"), "2026-01-02T00:00:00Z"),
            object("c", Some("3"), "2026-01-01T00:00:00Z"),
        ];
        let told = changes(&[("a", "0"), ("away", "9"), ("c", "3")], &found);
        let of = |spec: &AssetEventSpec| {
            (spec.uri.clone(), spec.kind, spec.object.clone().unwrap().version)
        };
        let at = |key: &str, kind, version: Option<&str>| {
            (format!("lake:{key}"), kind, version.map(str::to_owned))
        };
        let expected = [
            at("b", AssetEventKind::Created, Some("2")),
            at("a", AssetEventKind::Changed, Some("1")),
            at("away", AssetEventKind::Deleted, None),
        ];
        assert_eq!(told.iter().map(of).collect::<Vec<_>>(), expected);
        assert!(told.iter().all(|spec| spec.name == Some("x".into())));
        assert_eq!((&told[0].extra["etag"], &told[0].extra["size"]), (&json!("2"), &json!(7)));
    }

    #[test]
    fn without_an_etag_size_and_time_tell() {
        let at = "2026-01-03T00:00:00Z";
        let first = changes(&[], &[object("a", None, at)]);
        let version = first[0].object.clone().unwrap().version.unwrap();
        assert_eq!(version, format!("7:{at}"));
        assert_eq!(changes(&[("a", &version)], &[object("a", None, at)]), []);
        let later = changes(&[("a", &version)], &[object("a", None, "2026-01-04T00:00:00Z")]);
        assert_eq!(later[0].kind, AssetEventKind::Changed);
    }
}
