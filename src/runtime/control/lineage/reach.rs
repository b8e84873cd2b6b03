//! How much of the lineage is shown: all of it, or what lies so many hops around one node.

use std::collections::BTreeMap;

use super::graph::Edges;
use crate::types::ask::LineageReach;

/// What lies around a node.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Reached {
    /// The hops to each, below zero upstream.
    pub(super) hops: BTreeMap<String, i32>,
    /// How many nodes right before and right after each are not among them.
    pub(super) hidden: BTreeMap<String, (u32, u32)>,
}

/// Returns what leads to a node and what it leads to, the nearest first where there are more than
/// may be.
pub(super) fn around(edges: &Edges, id: &str, reach: LineageReach) -> Reached {
    let hops = hops(edges, id, reach);
    let mut hidden: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for (from, to) in edges.keys() {
        match (hops.contains_key(from), hops.contains_key(to)) {
            (false, true) => hidden.entry(to.clone()).or_default().0 += 1,
            (true, false) => hidden.entry(from.clone()).or_default().1 += 1,
            _ => {}
        }
    }
    Reached { hops, hidden }
}

fn hops(edges: &Edges, id: &str, reach: LineageReach) -> BTreeMap<String, i32> {
    let mut found = BTreeMap::from([(id.to_owned(), 0)]);
    let (before, after) = neighbours(edges);
    let mut rims = [
        (-1, &before, reach.up.unwrap_or(u32::MAX), vec![id]),
        (1, &after, reach.down.unwrap_or(u32::MAX), vec![id]),
    ];
    let limit = reach.limit.map_or(usize::MAX, |limit| limit as usize);
    let mut hop = 0;
    // Both sides in step, so that a limit cuts what is far away on either.
    while rims.iter().any(|(_, _, max, rim)| hop < *max && !rim.is_empty()) {
        hop += 1;
        for (sign, next, max, rim) in &mut rims {
            if hop > *max {
                continue;
            }
            let mut further = Vec::new();
            for at in rim.iter() {
                for one in next.get(at).into_iter().flatten() {
                    if found.len() >= limit || found.contains_key(*one) {
                        continue;
                    }
                    found.insert((*one).to_owned(), *sign * i32::try_from(hop).unwrap_or(i32::MAX));
                    further.push(*one);
                }
            }
            *rim = further;
        }
    }
    found
}

type Neighbours<'a> = BTreeMap<&'a str, Vec<&'a str>>;

fn neighbours(edges: &Edges) -> (Neighbours<'_>, Neighbours<'_>) {
    let (mut before, mut after) = (Neighbours::new(), Neighbours::new());
    for (from, to) in edges.keys() {
        before.entry(to).or_default().push(from);
        after.entry(from).or_default().push(to);
    }
    (before, after)
}
