//! Everything that is made of an asset, the nearest first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::rows::{self, assets};
use crate::screen::assets::mark;
use crate::screen::missing;
use crate::state::State;
use crate::text;
use crate::theme;
use crate::types::AssetName;
use crate::types::view::LineageNode;
use crate::widget::paint;
use crate::widget::table::{Table, fixed, growing, position, right};

pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State, name: &AssetName) {
    let level = state.level();
    let nodes = assets::impact(state, level, name);
    let selected = level.cursor(&rows::keys(state, level));
    let mut title = format!("Made of {name}: {}", nodes.len());
    if !level.filter.is_empty() {
        title.push_str(&format!(" · /{}", level.filter));
    }
    let inside = paint::panel(buf, area, &title, &position(selected, nodes.len()), true);
    let slot = assets::impact_slot(name);
    if state.cache.is_new(&slot) {
        return missing(buf, inside, state, &slot);
    }
    if nodes.is_empty() {
        return paint::empty(
            buf,
            inside,
            "Nothing is made of it",
            "tasks that name it in inlets, and DAGs that it starts, would be here",
        );
    }
    let columns = [
        right("HOPS", 4, 1),
        fixed("KIND", 10, 0),
        growing("NAME", 24, 0),
        fixed("STATE", 12, 0),
        right("CHANGED", 9, 1),
    ];
    let row = |at: usize| cells(state, nodes[at]);
    Table {
        columns: &columns,
        len: nodes.len(),
        selected: Some(selected),
        is_focused: true,
        row: &row,
    }
    .draw(buf, inside);
}

fn cells(state: &State, node: &LineageNode) -> Vec<Line<'static>> {
    let kind = theme::kind_mark(&node.kind);
    let standing = match (node.freshness, node.state) {
        (Some(freshness), _) => Line::from(paint::worded(mark(freshness)).to_vec()),
        (None, Some(run)) => Line::from(paint::worded(theme::run_mark(run)).to_vec()),
        (None, None) => paint::line("—", theme::DIM),
    };
    vec![
        paint::line(node.hop.to_string(), theme::DIM),
        Line::from(paint::worded(kind).to_vec()),
        paint::line(&node.name, theme::PLAIN),
        standing,
        paint::line(
            node.last.map_or("—".to_owned(), |last| text::ago(state.now, last)),
            theme::DIM,
        ),
    ]
}
