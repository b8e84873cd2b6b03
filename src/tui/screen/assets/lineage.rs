//! The lineage round one node: what it is made of to the left, what is made of it to the right.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::keymap::{Action, Place, label_at, with_keys};
use crate::rows::assets as rows;
use crate::screen::assets::mark;
use crate::screen::missing;
use crate::state::State;
use crate::text;
use crate::theme;
use crate::types::freshness::Freshness;
use crate::types::view::{LineageNode, LineageView};
use crate::types::{DagRunState, Timestamp};
use crate::widget::graph::{self, Node, Sketch};
use crate::widget::paint;

pub(super) fn draw(buf: &mut Buffer, area: Rect, state: &State, is_focused: bool) {
    let Some(slot) = rows::lineage_slot(state) else {
        let inside = paint::panel(buf, area, "Lineage", "", is_focused);
        let open = label_at(state, Place::Assets, Action::Right);
        let down = label_at(state, Place::Assets, Action::Down);
        let how = format!("{open} opens it; {down} goes to an asset");
        return paint::empty(buf, inside, "A group is selected", &how);
    };
    let hops = state.level().lineage.hops;
    let Some(lineage) = rows::lineage(state) else {
        let inside = paint::panel(buf, area, "Lineage", "", is_focused);
        return missing(buf, inside, state, &slot);
    };
    let focus = rows::focus(state, state.level()).unwrap_or_default();
    let title = format!(
        "Lineage ±{} · {} of {}",
        text::count(hops as usize, "hop"),
        lineage.nodes.len(),
        lineage.total
    );
    let note = match is_focused {
        true => with_keys!(
            state,
            "{} {} up and downstream  {} {} siblings  {} refocus  {} {} hops",
            Left,
            Right,
            Down,
            Up,
            Recentre,
            FewerHops,
            MoreHops
        ),
        false => "◇ asset  ≡ table  ▫ file  » dag  ◈ model  ↦ endpoint".to_owned(),
    };
    let inside = paint::panel(buf, area, &title, &note, is_focused);
    if lineage.nodes.len() < 2 {
        return paint::empty(
            buf,
            inside,
            "Nothing makes it and nothing reads it",
            "inlets, outlets and schedules in dags.toml make the lineage",
        );
    }
    let selected = rows::node(state).map(|node| node.id.as_str());
    let selected = lineage.nodes.iter().position(|node| Some(node.id.as_str()) == selected);
    let sketch = drawing(lineage, &focus, state.now);
    graph::draw(buf, inside, &sketch, state.graph.sketched(sketch.shape()), selected);
}

/// Returns the lineage as it is drawn.
pub(super) fn sketch(state: &State) -> Option<Sketch> {
    let lineage = rows::lineage(state)?;
    let focus = rows::focus(state, state.level()).unwrap_or_default();
    Some(drawing(lineage, &focus, state.now))
}

fn drawing(lineage: &LineageView, focus: &str, now: Timestamp) -> Sketch {
    let nodes: Vec<Node> = lineage.nodes.iter().map(|node| drawn(node, focus, now)).collect();
    let place = |id: &String| lineage.nodes.iter().position(|node| node.id == *id);
    // A DAG that reads and writes one asset makes a circle; its way back is not drawn.
    let mut edges: Vec<(usize, usize)> = Vec::new();
    for edge in &lineage.edges {
        if let Some((from, to)) = place(&edge.from).zip(place(&edge.to))
            && !reaches(&edges, to, from)
        {
            edges.push((from, to));
        }
    }
    Sketch { nodes, edges }
}

/// Draws a node: what it is, how it stands, its name, how old that is, what is not shown.
fn drawn(node: &LineageNode, focus: &str, now: Timestamp) -> Node {
    let mut kind = theme::kind_mark(&node.kind);
    let mut name = if node.id == focus { format!("[{}]", node.name) } else { node.name.clone() };
    let standing = match (node.freshness, node.state) {
        (Some(freshness), _) => Some(mark(freshness)),
        (None, _) if node.is_paused => Some(theme::paused()),
        (None, state) => state.map(theme::run_mark),
    };
    let mut words: Vec<String> = Vec::new();
    if node.hidden.0 > 0 {
        words.push(format!("◂ +{}", node.hidden.0));
    }
    if let Some(standing) = standing {
        // The glyph stays where there is no room for the words.
        name = format!("{} {name}", standing.glyph);
        kind.style = standing.style;
        let is_plain = node.freshness == Some(Freshness::Fresh)
            || (node.state == Some(DagRunState::Success) && !node.is_paused);
        if !is_plain {
            words.push(standing.word.to_owned());
        }
    }
    if let Some(last) = node.last {
        words.push(text::ago(now, last).trim_end_matches(" ago").to_owned());
    }
    if node.hidden.1 > 0 {
        words.push(format!("+{} ▸", node.hidden.1));
    }
    let note = words.join(" ");
    let note_width = text::width(&note).max(4);
    Node { mark: kind, name, note, note_width }
}

fn reaches(edges: &[(usize, usize)], from: usize, to: usize) -> bool {
    let mut seen = vec![from];
    let mut at = 0;
    while let Some(here) = seen.get(at).copied() {
        if here == to {
            return true;
        }
        for (_, next) in edges.iter().filter(|(start, _)| *start == here) {
            if !seen.contains(next) {
                seen.push(*next);
            }
        }
        at += 1;
    }
    false
}
