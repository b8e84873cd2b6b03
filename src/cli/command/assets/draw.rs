//! Draws the lineage as text: a tree, Mermaid's flowchart, Graphviz's dot.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::command::graph::{dot_quoted, mermaid_label};
use crate::types::view::{LineageEdge, LineageKind, LineageNode, LineageView, LinkStanding};

/// Deeper branches are drawn no further to the right.
const DEPTH_MAX: usize = 40;

/// Draws a tree, from what nothing comes before. What there is to say of the way to a node stands
/// behind it.
pub(super) fn tree(lineage: &LineageView) -> String {
    if lineage.nodes.is_empty() {
        return "no lineage: name inlets and outlets in dags.toml".to_owned();
    }
    let tree = Tree::of(lineage);
    let mut lines = Vec::new();
    let mut drawn = BTreeSet::new();
    let reached: BTreeSet<&str> = lineage.edges.iter().map(|edge| edge.to.as_str()).collect();
    let roots = lineage.nodes.iter().filter(|node| !reached.contains(node.id.as_str()));
    // What only stands in a circle has no root: begin anywhere.
    for root in roots.chain(&lineage.nodes) {
        if !drawn.contains(root.id.as_str()) {
            tree.draw_from(root, &mut drawn, &mut lines);
        }
    }
    let left_out = lineage.total.saturating_sub(lineage.nodes.len());
    if lineage.focus.is_none() && left_out > 0 {
        lines.push(format!("… and {left_out} more: name one to see what lies around it"));
    }
    lines.join("\n")
}

struct Tree<'a> {
    nodes: BTreeMap<&'a str, &'a LineageNode>,
    after: BTreeMap<&'a str, Vec<&'a LineageEdge>>,
}

impl<'a> Tree<'a> {
    fn of(lineage: &'a LineageView) -> Self {
        let mut after: BTreeMap<&str, Vec<&LineageEdge>> = BTreeMap::new();
        for edge in &lineage.edges {
            after.entry(&edge.from).or_default().push(edge);
        }
        let nodes = lineage.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
        Self { nodes, after }
    }

    /// Not by itself calling itself: a chain may be thousands long.
    fn draw_from(
        &self,
        root: &'a LineageNode,
        drawn: &mut BTreeSet<&'a str>,
        lines: &mut Vec<String>,
    ) {
        let mut open: Vec<(&LineageNode, usize, Option<&LineageEdge>)> = vec![(root, 0, None)];
        while let Some((node, depth, by)) = open.pop() {
            let is_first = drawn.insert(&node.id);
            lines.push(line(node, depth, by, !is_first));
            if !is_first {
                continue;
            }
            let next = self.after.get(node.id.as_str()).into_iter().flatten().rev();
            open.extend(next.filter_map(|edge| {
                Some((*self.nodes.get(edge.to.as_str())?, depth + 1, Some(*edge)))
            }));
        }
    }
}

fn line(node: &LineageNode, depth: usize, by: Option<&LineageEdge>, again: bool) -> String {
    let mut words = Vec::new();
    if !node.note.is_empty() {
        words.push(node.note.clone());
    }
    words.extend(by.and_then(|edge| edge.standing.words()).map(str::to_owned));
    match node.hidden {
        (0, 0) => {}
        (up, 0) => words.push(format!("+{up} upstream")),
        (0, down) => words.push(format!("+{down} downstream")),
        (up, down) => words.push(format!("+{up} upstream, +{down} downstream")),
    }
    if again {
        words.push("see above".to_owned());
    }
    let words = if words.is_empty() { String::new() } else { format!("  ({})", words.join("; ")) };
    let indent = "  ".repeat(depth.min(DEPTH_MAX));
    format!("{indent}{} {}{words}", node.kind.as_str(), node.name)
}

/// Draws a flowchart as Mermaid reads it: dashed is what was declared and never seen.
pub(super) fn mermaid(lineage: &LineageView) -> String {
    let names = numbered(lineage);
    let mut lines = vec!["flowchart LR".to_owned()];
    for node in &lineage.nodes {
        let label = mermaid_label(&node.name);
        let shape = match node.kind {
            LineageKind::Asset | LineageKind::File | LineageKind::Object => {
                format!("[\"{label}\"]")
            }
            LineageKind::Table | LineageKind::Dataset => format!("[(\"{label}\")]"),
            LineageKind::Dag | LineageKind::Job => format!("([\"{label}\"])"),
            LineageKind::Model | LineageKind::Version => format!("{{{{\"{label}\"}}}}"),
            LineageKind::Endpoint => format!("[/\"{label}\"/]"),
        };
        lines.push(format!("    {}{shape}", names[node.id.as_str()]));
    }
    for (from, to, edge) in known(lineage, &names) {
        let arrow = match edge.standing {
            LinkStanding::Declared => "-.->",
            _ => "-->",
        };
        let words = edge.standing.words().map_or_else(String::new, |words| format!("|{words}|"));
        lines.push(format!("    {from} {arrow}{words} {to}"));
    }
    lines.join("\n")
}

/// Draws a graph as Graphviz reads it.
pub(super) fn dot(lineage: &LineageView) -> String {
    let names = numbered(lineage);
    let mut lines = vec!["digraph lineage {".to_owned(), "    rankdir=LR;".to_owned()];
    for node in &lineage.nodes {
        let label = dot_quoted(&node.name);
        let shape = match node.kind {
            LineageKind::Asset => "box",
            LineageKind::File | LineageKind::Object => "note",
            LineageKind::Table | LineageKind::Dataset => "cylinder",
            LineageKind::Dag | LineageKind::Job => "oval",
            LineageKind::Model => "hexagon",
            LineageKind::Version => "octagon",
            LineageKind::Endpoint => "parallelogram",
        };
        let name = &names[node.id.as_str()];
        lines.push(format!("    {name} [shape={shape}, label={label}];"));
    }
    for (from, to, edge) in known(lineage, &names) {
        let words = edge.standing.words().map(|words| {
            let dashed =
                if edge.standing == LinkStanding::Declared { "style=dashed, " } else { "" };
            format!(" [{dashed}label={}]", dot_quoted(words))
        });
        lines.push(format!("    {from} -> {to}{};", words.unwrap_or_default()));
    }
    lines.push("}".to_owned());
    lines.join("\n")
}

/// Ids hold what neither language takes: nodes are numbered.
fn numbered(lineage: &LineageView) -> BTreeMap<&str, String> {
    lineage
        .nodes
        .iter()
        .enumerate()
        .map(|(at, node)| (node.id.as_str(), format!("n{at}")))
        .collect()
}

fn known<'a>(
    lineage: &'a LineageView,
    names: &'a BTreeMap<&str, String>,
) -> impl Iterator<Item = (&'a String, &'a String, &'a LineageEdge)> {
    let name = |id: &String| names.get(id.as_str());
    lineage.edges.iter().filter_map(move |edge| Some((name(&edge.from)?, name(&edge.to)?, edge)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(kind: LineageKind, name: &str, hidden: (u32, u32)) -> LineageNode {
        LineageNode {
            id: kind.id(name),
            kind,
            name: name.into(),
            last: None,
            state: None,
            freshness: None,
            is_paused: false,
            hop: 0,
            hidden,
            datasets: vec![],
            note: String::new(),
        }
    }

    fn edge(from: &str, to: &str, standing: LinkStanding) -> LineageEdge {
        LineageEdge { from: from.into(), to: to.into(), standing, last_seen: None, by: vec![] }
    }

    fn lineage() -> LineageView {
        LineageView {
            nodes: vec![
                node(LineageKind::Asset, "say \"a\"", (0, 0)),
                node(LineageKind::Dag, "d", (0, 0)),
                node(LineageKind::Table, "b", (0, 1)),
            ],
            edges: vec![
                edge("asset:say \"a\"", "dag:d", LinkStanding::Declared),
                edge("dag:d", "table:b", LinkStanding::Seen),
                edge("table:b", "asset:gone", LinkStanding::Both),
            ],
            total: 9,
            focus: Some("dag:d".into()),
        }
    }

    #[test]
    fn the_lineage_is_drawn_as_a_tree_for_markdown_and_for_graphviz() {
        let lineage = lineage();
        assert_eq!(
            tree(&lineage),
            "asset say \"a\"\n  dag d  (declared, never seen)\n    \
             table b  (seen, not declared; +1 downstream)"
        );
        assert_eq!(
            mermaid(&lineage),
            "flowchart LR\n    n0[\"say #quot;a#quot;\"]\n    n1([\"d\"])\n    n2[(\"b\")]\n    \
             n0 -.->|declared, never seen| n1\n    n1 -->|seen, not declared| n2"
        );
        let dot = dot(&lineage);
        assert!(dot.contains("n0 [shape=box, label=\"say \\\"a\\\"\"];"));
        assert!(dot.contains("n0 -> n1 [style=dashed, label=\"declared, never seen\"];"), "{dot}");
        assert!(dot.ends_with("n1 -> n2 [label=\"seen, not declared\"];\n}"));
    }

    #[test]
    fn a_circle_ends_and_a_chain_of_thousands_is_drawn() {
        let name = |n: usize| format!("n{n}");
        let nodes = (0..5_000).map(|n| node(LineageKind::Table, &name(n), (0, 0))).collect();
        let next = |n: usize| {
            edge(&format!("table:n{n}"), &format!("table:n{}", n + 1), LinkStanding::Both)
        };
        let mut edges: Vec<_> = (0..4_999).map(next).collect();
        edges.push(edge("table:n4999", "table:n0", LinkStanding::Both));
        let drawn = tree(&LineageView { nodes, edges, total: 7_000, focus: None });
        assert_eq!(drawn.lines().count(), 5_002);
        assert!(drawn.contains("table n0  (see above)"), "the circle is closed");
        assert!(drawn.ends_with("… and 2000 more: name one to see what lies around it"));
    }
}
