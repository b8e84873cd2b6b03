//! The first screen: how busy the deck is, what needs attention, the DAGs, the selected one.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};

use crate::rows;
use crate::screen::{attention, dag_preview, dags, pulse};
use crate::state::State;
use crate::view;

/// From so many rows on what needs attention has a box, below them a line.
const BOX_HEIGHT: u16 = 24;
/// From so many columns on the preview stands beside the list.
const BESIDE_WIDTH: u16 = 180;

/// Where the parts stand.
struct Parts {
    pulse: Rect,
    attention: Rect,
    list: Rect,
    preview: Rect,
}

/// Says whether what needs attention is shown as a box that the selection can go into.
pub(crate) fn has_box(state: &State) -> bool {
    let area = view::body(state, state.size);
    area.height >= BOX_HEIGHT && state.cache.attention().is_some_and(|items| !items.is_empty())
}

/// Draws the screen.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let parts = parts(area, state);
    if !parts.pulse.is_empty() {
        pulse::draw(buf, parts.pulse, state);
    }
    match parts.attention.height {
        0 => {}
        1 => attention::draw_line(buf, parts.attention, state),
        _ => attention::draw_box(buf, parts.attention, state),
    }
    dags::draw(buf, parts.list, state);
    if !parts.preview.is_empty() {
        dag_preview::draw(buf, parts.preview, state);
    }
}

/// Returns where the preview of the selected DAG stands, where it does.
pub(crate) fn preview_area(state: &State) -> Rect {
    parts(view::body(state, state.size), state).preview
}

fn parts(area: Rect, state: &State) -> Parts {
    let count = state.cache.attention().map_or(0, <[_]>::len);
    let most = if area.height >= 40 { 8 } else { 3 };
    let box_rows = match (count, area.height >= BOX_HEIGHT) {
        (0, _) => 0,
        (_, false) => 1,
        (n, true) => u16::try_from(n.min(most)).unwrap_or(1) + 2,
    };
    let pulse_rows = u16::from(area.height >= 16 && pulse::has_any(state));
    let [pulse, attention, rest] = Layout::vertical([
        Constraint::Length(pulse_rows),
        Constraint::Length(box_rows),
        Constraint::Min(0),
    ])
    .areas(area);
    let (list, preview) = if area.width >= BESIDE_WIDTH {
        let [list, preview] =
            Layout::horizontal([Constraint::Min(0), Constraint::Length(72)]).areas(rest);
        (list, preview)
    } else if area.height >= BOX_HEIGHT && rest.height >= 14 {
        let rows = if rest.height >= 24 { 10 } else { 5 };
        let [list, preview] =
            Layout::vertical([Constraint::Min(0), Constraint::Length(rows)]).areas(rest);
        (list, preview)
    } else {
        (rest, Rect::default())
    };
    Parts { pulse, attention, list, preview }
}

/// Says whether the preview has room for what happened lately.
pub(crate) fn shows_events(state: &State) -> bool {
    state.size.width >= BESIDE_WIDTH && !rows::dags(state, state.level()).is_empty()
}
