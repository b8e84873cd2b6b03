//! Draws the lineage as text: a tree, Mermaid's flowchart, Graphviz's dot.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::command::graph::{dot_quoted, mermaid_label};
use crate::types::view::{LineageKind, LineageNode, LineageView};

/// Says what a node is.
pub(super) const fn kind(node: &LineageNode) -> &'static str {
    match node.kind {
        LineageKind::Asset => "asset",
        LineageKind::Dag => "dag",
        LineageKind::Model => "model",
        LineageKind::Endpoint => "endpoint",
    }
}

/// Draws a tree, from what nothing comes before.
pub(super) fn tree(lineage: &LineageView) -> String {
    if lineage.nodes.is_empty() {
        return "no lineage: name inlets and outlets in dags.toml".to_owned();
    }
    let mut lines = Vec::new();
    let mut drawn = BTreeSet::new();
    let is_root = |node: &&LineageNode| !lineage.edges.iter().any(|(_, to)| *to == node.id);
    for root in lineage.nodes.iter().filter(is_root) {
        branch(lineage, root, 0, &mut drawn, &mut lines);
    }
    // What only stands in a circle has no root: begin anywhere.
    for node in &lineage.nodes {
        if !drawn.contains(&node.id) {
            branch(lineage, node, 0, &mut drawn, &mut lines);
        }
    }
    lines.join("\n")
}

fn branch(
    lineage: &LineageView,
    node: &LineageNode,
    depth: usize,
    drawn: &mut BTreeSet<String>,
    lines: &mut Vec<String>,
) {
    let seen = !drawn.insert(node.id.clone());
    let again = if seen { "  (see above)" } else { "" };
    let (up, down) = node.hidden;
    let more = match (up, down) {
        (0, 0) => String::new(),
        (up, 0) => format!("  (+{up} upstream)"),
        (0, down) => format!("  (+{down} downstream)"),
        (up, down) => format!("  (+{up} upstream, +{down} downstream)"),
    };
    lines.push(format!("{}{} {}{more}{again}", "  ".repeat(depth), kind(node), node.name));
    if seen {
        return;
    }
    for (_, to) in lineage.edges.iter().filter(|(from, _)| *from == node.id) {
        if let Some(next) = lineage.nodes.iter().find(|next| next.id == *to) {
            branch(lineage, next, depth + 1, drawn, lines);
        }
    }
}

/// Draws a flowchart as Mermaid reads it.
pub(super) fn mermaid(lineage: &LineageView) -> String {
    let names = numbered(lineage);
    let mut lines = vec!["flowchart LR".to_owned()];
    for node in &lineage.nodes {
        let label = mermaid_label(&node.name);
        let shape = match node.kind {
            LineageKind::Asset => format!("[\"{label}\"]"),
            LineageKind::Dag => format!("([\"{label}\"])"),
            LineageKind::Model => format!("{{{{\"{label}\"}}}}"),
            LineageKind::Endpoint => format!("[/\"{label}\"/]"),
        };
        lines.push(format!("    {}{shape}", names[node.id.as_str()]));
    }
    for (from, to) in known(lineage, &names) {
        lines.push(format!("    {from} --> {to}"));
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
            LineageKind::Dag => "oval",
            LineageKind::Model => "hexagon",
            LineageKind::Endpoint => "parallelogram",
        };
        let name = &names[node.id.as_str()];
        lines.push(format!("    {name} [shape={shape}, label={label}];"));
    }
    for (from, to) in known(lineage, &names) {
        lines.push(format!("    {from} -> {to};"));
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
) -> impl Iterator<Item = (&'a String, &'a String)> {
    let name = |id: &String| names.get(id.as_str());
    lineage.edges.iter().filter_map(move |(from, to)| name(from).zip(name(to)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lineage() -> LineageView {
        let node = |kind, id: &str, name: &str| LineageNode {
            id: id.into(),
            kind,
            name: name.into(),
            last: None,
            state: None,
            freshness: None,
            is_paused: false,
            hop: 0,
            hidden: (0, u32::from(id == "asset:b")),
        };
        LineageView {
            nodes: vec![
                node(LineageKind::Asset, "asset:a", "say \"a\""),
                node(LineageKind::Dag, "dag:d", "d"),
                node(LineageKind::Asset, "asset:b", "b"),
            ],
            edges: vec![
                ("asset:a".into(), "dag:d".into()),
                ("dag:d".into(), "asset:b".into()),
                ("asset:b".into(), "asset:gone".into()),
            ],
            total: 9,
        }
    }

    #[test]
    fn the_lineage_is_drawn_as_a_tree_for_markdown_and_for_graphviz() {
        let lineage = lineage();
        assert_eq!(tree(&lineage), "asset say \"a\"\n  dag d\n    asset b  (+1 downstream)");
        assert_eq!(
            mermaid(&lineage),
            "flowchart LR\n    n0[\"say #quot;a#quot;\"]\n    n1([\"d\"])\n    n2[\"b\"]\n    \
             n0 --> n1\n    n1 --> n2"
        );
        assert!(dot(&lineage).contains("n0 [shape=box, label=\"say \\\"a\\\"\"];"));
        assert!(dot(&lineage).ends_with("n1 -> n2;\n}"));
    }
}
