//! A graph as text, drawn as the deck draws it: for the command line.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::state::graph::Job;
use crate::text;
use crate::theme;
use crate::types::TaskInstanceState;
use crate::widget::graph::{self, Look, Node};

/// Cells of the largest drawing: ratatui counts them in 16 bits.
const CELLS_MAX: usize = 60_000;

/// A node of a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphNode {
    pub name: String,
    /// Its state in a run; without one a definition is drawn.
    pub state: Option<Option<TaskInstanceState>>,
}

/// Draws a graph in so many columns where it fits; else as wide as it is. `None` where it is too
/// large to be drawn.
pub fn graph(nodes: &[GraphNode], edges: &[(usize, usize)], width: u16) -> Option<String> {
    let nodes: Vec<Node> = nodes.iter().map(node).collect();
    let job = Job {
        id: 0,
        widths: nodes.iter().map(Node::widths).collect(),
        edges: crate::state::graph::plan::reduced(nodes.len(), edges),
        room: (i32::from(width), i32::from(u16::MAX)),
        detail: None,
        direction: None,
    };
    let laid = graph::fit(&job, &|| false);
    let (width, height) = (laid.layout.width, laid.layout.height);
    let (width, height) = (u16::try_from(width).ok()?, u16::try_from(height).ok()?);
    if usize::from(width) * usize::from(height) > CELLS_MAX {
        return None;
    }
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
    let area = buf.area;
    graph::draw_laid(&mut buf, area, &nodes, &job.edges, &laid, Look::default());
    let rows = buf.content.chunks(usize::from(width.max(1)));
    let row = |cells: &[ratatui::buffer::Cell]| {
        cells.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned()
    };
    Some(rows.map(row).collect::<Vec<_>>().join("\n"))
}

/// Returns the glyph and the word of a state.
pub fn state_mark(state: Option<TaskInstanceState>) -> (&'static str, &'static str) {
    let mark = theme::task_mark(state);
    (mark.glyph, mark.word)
}

fn node(node: &GraphNode) -> Node {
    let mark = match node.state {
        Some(state) => theme::task_mark(state),
        None => theme::task_mark(None),
    };
    Node { mark, name: text::clean(&node.name), note: String::new(), note_width: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_graph_is_drawn_without_what_others_say_and_large_ones_are_not() {
        let node = |name: &str| GraphNode { name: name.to_owned(), state: None };
        let nodes = [node("a"), node("b"), node("c")];
        let drawn = graph(&nodes, &[(0, 1), (1, 2), (0, 2)], 80).unwrap();
        assert_eq!(drawn, "· a ─── · b ─── · c");
        let many: Vec<GraphNode> = (0..400).map(|n| node(&n.to_string())).collect();
        let edges: Vec<(usize, usize)> = (1..400).map(|n| (n / 3, n)).collect();
        assert_eq!(graph(&many, &edges, 80), None);
    }
}
