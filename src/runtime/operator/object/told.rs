//! What is told of the objects that were touched.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::act::Wish;
use super::place::Place;
use crate::connection::dataset;
use crate::connection::object::Object;
use crate::runtime::attempt::{Order, Private};
use crate::sched::Outcome;
use crate::types::asset::{AssetEventSource, AssetEventSpec};
use crate::types::io::{DatasetRef, Observed};

/// So many are named in the log.
pub(super) const SAID_MAX: usize = 100;

/// So many are told in the result: `count` is of all.
const TOLD_MAX: usize = 10_000;

/// So many are told to the lineage.
const SEEN_MAX: usize = 1_000;

/// So many changes one task tells of each of its outlets.
const EVENTS_LEN_MAX: usize = 1_000;

/// An object that was copied or moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Carried {
    pub(super) source: String,
    pub(super) target: String,
    pub(super) size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) e_tag: Option<String>,
    /// Of its content, where that went through our hands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sha256: Option<String>,
}

impl Carried {
    pub(super) fn of(source: &str, target: &str, found: &Object) -> Self {
        Self {
            source: source.to_owned(),
            target: target.to_owned(),
            size: found.size,
            e_tag: found.e_tag.clone(),
            sha256: None,
        }
    }
}

/// Tells of objects that were found.
pub(super) fn listed(source: &Place, found: &[Object]) -> Value {
    let one = |object: &Object| {
        json!({
            "uri": source.lake.uri(&object.key),
            "size": object.size,
            "e_tag": object.e_tag,
            "modified": object.modified,
        })
    };
    json!({
        "source": source.shown(),
        "count": found.len(),
        "size": found.iter().map(|object| object.size).sum::<u64>(),
        "objects": found.iter().take(TOLD_MAX).map(one).collect::<Vec<_>>(),
    })
}

/// Tells of objects that were copied or moved: one by its own names, several by those that were
/// asked for.
pub(super) fn carried(wish: &Wish, order: &Order, carried: &[Carried]) -> Outcome {
    let (source, target) = match carried {
        [one] if !wish.source.is_pattern() => (one.source.clone(), one.target.clone()),
        _ => (wish.source.shown(), wish.target.shown()),
    };
    let output = json!({
        "source": source,
        "target": target,
        "count": carried.len(),
        "size": carried.iter().map(|one| one.size).sum::<u64>(),
        "objects": carried.iter().take(TOLD_MAX).collect::<Vec<_>>(),
    });
    Outcome::Success {
        output,
        outputs: std::collections::BTreeMap::new(),
        chosen: None,
        skip_all_downstream: false,
        asset_events: asset_events(order, carried),
    }
}

/// What was read and written, by the names that the lineage has for it.
pub(super) fn seen(order: &Order, private: &Private, carried: &[Carried]) -> Observed {
    let named = |uri: &str, one: &Carried| {
        let at = dataset::of_uri(uri, &private.connections, &order.project)?;
        let digest = one.sha256.clone().or_else(|| one.e_tag.clone());
        Some(DatasetRef { bytes: Some(one.size), digest, ..DatasetRef::new(at.namespace, at.name) })
    };
    let some = || carried.iter().take(SEEN_MAX);
    Observed {
        inputs: some().filter_map(|one| named(&one.source, one)).collect(),
        outputs: some().filter_map(|one| named(&one.target, one)).collect(),
        ..Observed::default()
    }
}

/// One change for each object, of each outlet.
fn asset_events(order: &Order, carried: &[Carried]) -> Vec<AssetEventSpec> {
    let of = |outlet: &crate::types::AssetName, one: &Carried| {
        let mut extra = Map::new();
        extra.insert("uri".into(), json!(one.target));
        extra.insert("size".into(), json!(one.size));
        extra.insert("source".into(), json!(one.source));
        for (name, value) in [("e_tag", &one.e_tag), ("sha256", &one.sha256)] {
            if let Some(value) = value {
                extra.insert(name.into(), json!(value));
            }
        }
        AssetEventSpec {
            name: Some(outlet.clone()),
            extra,
            dedupe_key: Some(format!("{}:{outlet}:{}", order.token, one.target)),
            ..AssetEventSpec::new(
                one.target.clone(),
                AssetEventSource::Task(order.key.task.clone()),
            )
        }
    };
    let each = carried.iter().take(EVENTS_LEN_MAX);
    each.flat_map(|one| order.outlets.iter().map(move |outlet| of(outlet, one))).collect()
}
