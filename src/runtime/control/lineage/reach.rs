//! How much of the lineage is shown: all of it, or what lies so many hops around one node.

use std::collections::{BTreeMap, BTreeSet};

use crate::types::ask::LineageReach;

type Edges = BTreeSet<(String, String)>;

/// Returns what leads to a node and what it leads to, with the hops (below zero upstream), the
/// nearest first where there are more than may be.
pub(super) fn around(edges: &Edges, id: &str, reach: LineageReach) -> BTreeMap<String, i32> {
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
    for (from, to) in edges {
        before.entry(to).or_default().push(from);
        after.entry(from).or_default().push(to);
    }
    (before, after)
}

/// Counts what lies right before and right after a node and is not shown.
pub(super) fn hidden(edges: &Edges, id: &str, shown: impl Fn(&str) -> bool) -> (u32, u32) {
    let mut hidden = (0, 0);
    for (from, to) in edges {
        hidden.0 += u32::from(to == id && !shown(from));
        hidden.1 += u32::from(from == id && !shown(to));
    }
    hidden
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(list: &[(&str, &str)]) -> Edges {
        list.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect()
    }

    #[test]
    fn hops_are_counted_to_both_sides_and_end_where_they_shall() {
        let edges = edges(&[("a", "b"), ("b", "c"), ("c", "d"), ("d", "e"), ("x", "d")]);
        let reach = LineageReach { up: Some(1), down: Some(1), limit: None };
        let found = around(&edges, "c", reach);
        assert_eq!(found, BTreeMap::from([("b".into(), -1), ("c".into(), 0), ("d".into(), 1)]));
        let shown = |id: &str| found.contains_key(id);
        assert_eq!(hidden(&edges, "b", shown), (1, 0));
        assert_eq!(hidden(&edges, "d", shown), (1, 1));
        assert_eq!(around(&edges, "c", LineageReach::default()).len(), 5, "x leads not to c");
    }

    #[test]
    fn a_circle_ends_and_a_limit_keeps_the_nearest() {
        let round = edges(&[("a", "b"), ("b", "a")]);
        assert_eq!(around(&round, "a", LineageReach::default()).len(), 2);
        let wide: Vec<(String, String)> = (0..40).map(|n| ("a".into(), format!("n{n}"))).collect();
        let reach = LineageReach { limit: Some(10), ..LineageReach::default() };
        assert_eq!(around(&wide.into_iter().collect(), "a", reach).len(), 10);
    }
}
