//! Draws a stretch of a log: only the lines that are seen are measured and drawn.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::state::LogPane;
use crate::state::log::{Number, Spot};
use crate::text;
use crate::theme;
use crate::widget::paint;

mod ansi;
mod json;
mod layout;
pub(crate) mod rows;

pub(crate) use layout::Layout;

/// What stands at the edges of what is loaded.
#[derive(Debug, Default)]
pub(crate) struct Edges {
    pub(crate) above: String,
    pub(crate) below: String,
}

/// Draws the lines into `area`, and into the frame's right edge where errors are.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, layout: Layout<'_>, edges: &Edges) {
    let log = layout.log;
    let top = layout.top();
    let mut lines: Vec<Line<'static>> = Vec::new();
    for number in layout.seen() {
        match log.line(number) {
            None if number == Spot::ABOVE.number => lines.push(edge(&edges.above, area.width)),
            None => lines.push(edge(&below(log, edges), area.width)),
            Some(line) => {
                if log.markers.contains(&line.offset) {
                    lines.push(edge("marked here", area.width));
                }
                let mut rows = rows::of(line, layout.options, layout.width, log.left);
                if log.found == Some(number)
                    && let Some(first) = rows.first_mut()
                {
                    *first = std::mem::take(first).patch_style(theme::BOLD);
                }
                lines.extend(rows);
            }
        }
    }
    paint::put_all(buf, area, lines, top.row);
}

fn below(log: &LogPane, edges: &Edges) -> String {
    if edges.below.is_empty() && log.markers.contains(&log.end) {
        return "marked here".to_owned();
    }
    edges.below.clone()
}

/// Draws a line across that says what is not here.
fn edge(words: &str, width: u16) -> Line<'static> {
    let words = text::cut(&text::clean(words), usize::from(width).saturating_sub(6));
    let left = usize::from(width).saturating_sub(text::width(&words) + 4);
    paint::line(format!("── {words} {}", "─".repeat(left)), theme::DIM)
}

/// Draws at the right edge of the frame where in what is loaded the screen is, and where errors
/// are.
pub(crate) fn draw_gutter(buf: &mut Buffer, frame: Rect, layout: Layout<'_>) {
    let rows = usize::from(frame.height.saturating_sub(2));
    let log = layout.log;
    // Where all of it is seen, its own marks tell more.
    if rows == 0 || layout.last_top().number == layout.number(0) {
        return;
    }
    let len = log.shown.len();
    let row_of = |at: usize| (at * rows / len.max(rows)).min(rows - 1);
    let place = |number: Number| log.shown.partition_point(|other| *other < number);
    let mut put = |row: usize, glyph: &'static str, style| {
        let y = frame.y + 1 + u16::try_from(row).unwrap_or(0);
        buf.set_span(frame.right().saturating_sub(1), y, &Span::styled(glyph, style), 1);
    };
    let seen = layout.seen();
    let first = seen.iter().find(|number| log.line(**number).is_some());
    let last = seen.iter().rev().find(|number| log.line(**number).is_some());
    if let (Some(first), Some(last)) = (first, last) {
        for row in row_of(place(*first))..=row_of(place(*last)) {
            put(row, "█", theme::ACCENT);
        }
    }
    let mut before = None;
    for number in &log.errors {
        let at = place(*number);
        if log.shown.get(at) != Some(number) {
            continue;
        }
        let row = row_of(at);
        if before.replace(row) != Some(row) {
            put(row, "✗", theme::BAD);
        }
    }
}
