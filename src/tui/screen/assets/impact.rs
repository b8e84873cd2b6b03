//! Everything that is made of an asset, the nearest first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::rows::{self, assets};
use crate::screen::assets::mark;
use crate::screen::{filtered_out, missing};
use crate::state::State;
use crate::theme::{self, Mark};
use crate::types::AssetName;
use crate::types::view::LineageNode;
use crate::widget::list::{Field, List, Shown, Value};
use crate::widget::paint;
use crate::widget::table::{fixed, growing, position, right};

pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State, name: &AssetName) {
    let level = state.level();
    let nodes = assets::impact(state, level, name);
    let selected = rows::place(level, &nodes);
    let (list, all) = (list(name), assets::impact_all(state, name).count());
    let title = list.title(state, level, nodes.len(), all);
    let inside = paint::panel(buf, area, &title, &position(selected, nodes.len()), true);
    let slot = assets::impact_slot(name);
    if state.cache.is_new(&slot) {
        return missing(buf, inside, state, &slot);
    }
    if nodes.is_empty() && all > 0 {
        return filtered_out(buf, inside, state, "Nothing passes the filter");
    }
    if nodes.is_empty() {
        return paint::empty(
            buf,
            inside,
            "Nothing is made of it",
            "tasks that name it in inlets, and DAGs that it starts, would be here",
        );
    }
    list.draw(buf, inside, state, &nodes, &Shown::focused(level, selected));
}

/// Describes the list.
pub(crate) fn list(name: &AssetName) -> List<'static, LineageNode> {
    List::new("impact", format!("Made of {name}:"), |node: &LineageNode| node.id.clone())
        .words(|node| node.id.replace(':', " "))
        .field(
            Field::new("hops", right("HOPS", 5, 1), |_, node: &LineageNode| {
                paint::line(node.hop.to_string(), theme::DIM)
            })
            .sorted(|_, node| Value::number(f64::from(node.hop))),
        )
        .field(
            Field::new("kind", fixed("KIND", 10, 0), |_, node: &LineageNode| {
                Line::from(paint::worded(theme::kind_mark(&node.kind)).to_vec())
            })
            .sorted(|_, node| Value::text(theme::kind_mark(&node.kind).word)),
        )
        .field(Field::words("name", growing("NAME", 24, 0), theme::PLAIN, |node: &LineageNode| {
            node.name.clone()
        }))
        .field(
            Field::new("state", fixed("STATE", 12, 0), |_, node: &LineageNode| {
                match standing(node) {
                    Some(mark) => Line::from(paint::worded(mark).to_vec()),
                    None => paint::line("—", theme::DIM),
                }
            })
            .sorted(|_, node| standing(node).map_or(Value::Nothing, |m| Value::text(m.word))),
        )
        .field(Field::ago("changed", right("CHANGED", 9, 1), theme::DIM, |node: &LineageNode| {
            node.last
        }))
}

/// Returns how a node stands: an asset by its freshness, another by its last run.
fn standing(node: &LineageNode) -> Option<Mark> {
    node.freshness.map(mark).or_else(|| node.state.map(theme::run_mark))
}
