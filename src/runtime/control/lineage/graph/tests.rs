//! Graphs of any shape: circles, chains and fans of thousands.

use proptest::prelude::*;

use super::*;

fn graph(edges: &[(usize, usize)]) -> Graph {
    let mut graph = Graph::default();
    for (from, to) in edges {
        let from = graph.add(LineageKind::Table, &from.to_string(), None);
        let to = graph.add(LineageKind::Table, &to.to_string(), None);
        graph.link(&from, &to, Reason::known());
    }
    graph
}

fn reach(up: Option<u32>, down: Option<u32>, limit: Option<u32>) -> LineageReach {
    LineageReach { up, down, limit }
}

fn ids(view: &LineageView) -> Vec<&str> {
    view.nodes.iter().map(|node| node.name.as_str()).collect()
}

#[test]
fn hops_are_counted_to_both_sides_and_end_where_they_shall() {
    let graph = graph(&[(1, 2), (2, 3), (3, 4), (4, 5), (9, 4)]);
    let view = graph.view(Some(("table:3", reach(Some(1), Some(1), None))));
    let found: Vec<_> =
        view.nodes.iter().map(|node| (node.name.as_str(), node.hop, node.hidden)).collect();
    assert_eq!(found, [("2", -1, (1, 0)), ("3", 0, (0, 0)), ("4", 1, (1, 1))]);
    assert_eq!((view.total, view.focus.as_deref()), (6, Some("table:3")));
    let all = graph.view(Some(("table:3", LineageReach::default())));
    assert_eq!(ids(&all), ["1", "2", "3", "4", "5"], "9 does not lead to 3");
}

#[test]
fn a_circle_ends_and_a_limit_keeps_the_nearest() {
    let round = graph(&[(1, 2), (2, 1)]);
    assert_eq!(round.around("table:1", LineageReach::default()).hops.len(), 2);
    let fan: Vec<(usize, usize)> = (1..=40).map(|n| (0, n)).chain([(40, 41)]).collect();
    let found = graph(&fan).around("table:0", reach(None, None, Some(10)));
    assert_eq!(found.hops.len(), 10);
    assert_eq!(found.hidden["table:0"], (0, 31));
    assert!(found.hops.values().all(|hop| *hop <= 1));
}

#[test]
fn an_answer_of_ten_thousand_nodes_is_bounded_whether_deep_or_wide() {
    let deep: Vec<(usize, usize)> = (0..10_000).map(|n| (n, n + 1)).collect();
    let view = graph(&deep).view(Some(("table:5000", LineageReach::default())));
    assert_eq!((view.nodes.len(), view.total), (NODES_MAX as usize, 10_001));
    assert_eq!(view.edges.len(), view.nodes.len() - 1);
    let wide: Vec<(usize, usize)> = (0..10_000).map(|n| (10_000, n)).collect();
    let wide = graph(&wide);
    let view = wide.view(Some(("table:10000", reach(Some(0), None, Some(60)))));
    let hub = view.nodes.iter().find(|node| node.name == "10000").unwrap();
    assert_eq!((view.nodes.len(), hub.hidden), (60, (0, 9_941)));
    assert_eq!(wide.view(None).nodes.len(), NODES_MAX as usize);
}

#[test]
fn why_data_flows_is_told_apart() {
    let at = |secs| Timestamp::from_second(secs).unwrap();
    let mut graph = graph(&[]);
    let mut standing = |reasons: Vec<Reason>| {
        graph.edges.clear();
        for reason in reasons {
            graph.link("a", "b", reason);
        }
        graph.edges.values().next().unwrap().standing()
    };
    let declared = || Reason::declared("t", true);
    let seen = || Reason::seen("t".into(), at(1));
    assert_eq!(standing(vec![declared()]), LinkStanding::Declared);
    assert_eq!(standing(vec![Reason::declared("t", false)]), LinkStanding::Untold);
    assert_eq!(standing(vec![seen()]), LinkStanding::Seen);
    assert_eq!(standing(vec![seen(), declared()]), LinkStanding::Both);
    assert_eq!(standing(vec![declared(), Reason::known()]), LinkStanding::Known);
    assert_eq!(standing(vec![Reason::known(), seen()]), LinkStanding::Known);
    assert_eq!(standing(vec![Reason::known(), declared(), seen()]), LinkStanding::Both);
}

#[test]
fn a_name_that_is_unknown_or_of_several_says_what_else() {
    let mut graph = Graph::default();
    graph.add(LineageKind::Asset, "employees", None);
    graph.add(LineageKind::Model, "iris", None);
    graph.add(LineageKind::Endpoint, "iris", None);
    graph.add_as(LineageKind::File, "/p/data/a.csv", "data/a.csv", None);
    graph.add_as(LineageKind::Version, "iris/3", "iris v3", None);
    let found = |wanted: &str| graph.find(wanted).map(str::to_owned);
    for (wanted, id) in [
        ("employees", "asset:employees"),
        ("model:iris", "model:iris"),
        ("a.csv", "file:/p/data/a.csv"),
        ("data/a.csv", "file:/p/data/a.csv"),
        ("file:data/a.csv", "file:/p/data/a.csv"),
        ("/p/data/a.csv", "file:/p/data/a.csv"),
        ("models:/iris/3", "version:iris/3"),
        ("iris v3", "version:iris/3"),
    ] {
        assert_eq!(found(wanted).unwrap(), id, "{wanted}");
    }
    let several = found("iris").unwrap_err();
    assert_eq!(several.hint.as_deref(), Some("say which: `endpoint:iris`, `model:iris`"));
    let unknown = found("employes").unwrap_err();
    assert_eq!(unknown.hint.as_deref(), Some("did you mean `employees`?"));
    assert!(found("zzz").unwrap_err().hint.unwrap().contains("assets lineage"));
    assert!(found("v").is_err(), "no part of a word");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the shape: edges join what is shown, hops are what the shortest way has, what is
    /// not shown is counted.
    #[test]
    fn a_view_is_a_part_of_the_graph(
        edges in prop::collection::vec((0usize..30, 0usize..30), 1..80),
        up in 0u32..4, down in 0u32..4, limit in 1u32..40,
    ) {
        let graph = graph(&edges);
        let start = edges[0].0.to_string();
        let id = format!("table:{start}");
        let view = graph.view(Some((&id, reach(Some(up), Some(down), Some(limit)))));
        prop_assert!(view.nodes.len() <= limit as usize);
        let shown: BTreeSet<&str> = view.nodes.iter().map(|node| node.id.as_str()).collect();
        prop_assert!(shown.contains(id.as_str()));
        for node in &view.nodes {
            prop_assert!(-i64::from(up) <= i64::from(node.hop) && i64::from(node.hop) <= i64::from(down));
            let before = graph.edges.keys().filter(|(from, to)| *to == node.id && !shown.contains(from.as_str()));
            let after = graph.edges.keys().filter(|(from, to)| *from == node.id && !shown.contains(to.as_str()));
            prop_assert_eq!(node.hidden, (u32::try_from(before.count()).unwrap(), u32::try_from(after.count()).unwrap()));
            if node.hop != 0 {
                let step = node.hop.signum();
                let nearer = view.edges.iter().any(|edge| {
                    let (here, there) = if step > 0 { (&edge.to, &edge.from) } else { (&edge.from, &edge.to) };
                    *here == node.id && view.nodes.iter().any(|other| other.id == *there && other.hop == node.hop - step)
                });
                prop_assert!(nearer, "{} hangs in the air", node.id);
            }
        }
        for edge in &view.edges {
            prop_assert!(shown.contains(edge.from.as_str()) && shown.contains(edge.to.as_str()));
        }
    }
}
