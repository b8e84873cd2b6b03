//! The chain from a file to an answer through one thing, and where its columns come from.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::keymap::with_keys;
use crate::rows::origin::{ChainRow, chain, columns};
use crate::screen::{filtered_out, missing};
use crate::state::{Slot, State};
use crate::text;
use crate::theme::{self, Mark};
use crate::types::view::{ColumnTrace, TraceKind, TraceStep};
use crate::widget::paint;
use crate::widget::table::{offset, position};

pub(crate) fn draw_chain(buf: &mut Buffer, area: Rect, state: &State, id: &str) {
    let slot = Slot::Trace(id.to_owned());
    let shown = id.split_once(':').map_or(id, |(_, name)| name);
    let Some(trace) = state.cache.trace(id) else {
        let inside = paint::panel(buf, area, &format!("The chain through {shown}"), "", true);
        return missing(buf, inside, state, &slot);
    };
    let rows = chain(trace);
    let selected = state.level().cursor(&crate::rows::keys(state, state.level()));
    let keys = with_keys!(state, "{} opens it  {} goes on from it", Open, Chain);
    let title = format!("The chain through {}", trace.name);
    let note = format!("{keys}  {}", position(selected, rows.len()));
    let inside = paint::panel(buf, area, &title, &note, true);
    if rows.is_empty() {
        return paint::empty(
            buf,
            inside,
            "No run here made it or read it",
            "runs tell what they read and write: see docs/lineage.md",
        );
    }
    let mut lines = vec![paint::line("MADE OF", theme::DIM)];
    let mut at_selected = 0;
    let mut downstream_begins = false;
    if !rows.iter().any(|row| row.is_upstream) {
        lines.push(paint::line("  nothing that is known", theme::DIM));
    }
    for (at, row) in rows.iter().enumerate() {
        if !row.is_upstream && !downstream_begins {
            downstream_begins = true;
            lines.extend(middle(trace.kind.as_str(), &trace.name));
        }
        if at == selected {
            at_selected = lines.len();
        }
        lines.push(step_line(state, row, at == selected, usize::from(inside.width)));
    }
    if !downstream_begins {
        lines.extend(middle(trace.kind.as_str(), &trace.name));
        lines.push(paint::line("  nothing that is known", theme::DIM));
    }
    if trace.is_cut {
        lines.push(paint::line("  … there is more: go on from one of the steps", theme::DIM));
    }
    let first = offset(at_selected, lines.len(), usize::from(inside.height));
    paint::put_all(buf, inside, lines, first);
}

fn middle(kind: &str, name: &str) -> Vec<Line<'static>> {
    let own = Line::from(vec![
        paint::span(format!("{kind} "), theme::DIM),
        paint::span(name, theme::BOLD),
    ]);
    vec![Line::default(), own, Line::default(), paint::line("BECAME", theme::DIM)]
}

fn step_line(state: &State, row: &ChainRow<'_>, is_selected: bool, width: usize) -> Line<'static> {
    let step = row.step;
    let indent = "  ".repeat(step.depth.min(12) as usize);
    let mark = mark(step);
    let ago = step.when.map(|when| text::ago(state.now, when)).unwrap_or_default();
    let name_style = if is_selected { theme::REVERSED.patch(theme::BOLD) } else { theme::PLAIN };
    let room = width.saturating_sub(indent.len() + 2 + ago.len() + 2);
    let name = text::cut_middle(&step.name, room.max(8));
    let left = room.saturating_sub(text::width(&name) + 2);
    let mut spans = vec![paint::span(indent, theme::PLAIN), paint::glyph(mark)];
    spans.push(paint::span(" ", theme::PLAIN));
    spans.push(paint::span(name, name_style));
    if !step.text.is_empty() && left > 4 {
        spans.push(paint::span(format!("  {}", text::cut(&step.text, left)), theme::DIM));
    }
    if !ago.is_empty() {
        spans.push(paint::span(format!("  {ago}"), theme::DIM));
    }
    Line::from(spans)
}

fn mark(step: &TraceStep) -> Mark {
    use crate::types::view::LineageKind;
    let kind = match step.kind {
        TraceKind::Run => LineageKind::Dag,
        TraceKind::Event => LineageKind::Asset,
        TraceKind::Version => LineageKind::Version,
        TraceKind::Endpoint => LineageKind::Endpoint,
        TraceKind::Dataset => LineageKind::Dataset,
        TraceKind::Data => {
            let kind = step.node.as_deref().and_then(|id| id.split_once(':'));
            let kind = kind.and_then(|(kind, _)| {
                LineageKind::ALL.into_iter().find(|one| one.as_str() == kind)
            });
            kind.unwrap_or(LineageKind::File)
        }
    };
    theme::kind_mark(&kind)
}

pub(crate) fn draw_columns(buf: &mut Buffer, area: Rect, state: &State, id: &str) {
    let slot = Slot::Columns(id.to_owned());
    let shown = id.split_once(':').map_or(id, |(_, name)| name);
    let Some(view) = state.cache.columns(id) else {
        let inside = paint::panel(buf, area, &format!("Columns of {shown}"), "", true);
        return missing(buf, inside, state, &slot);
    };
    let found = columns(state, id);
    let selected = state.level().cursor(&crate::rows::keys(state, state.level()));
    let keys = with_keys!(state, "{} the chain of runs", Chain);
    let note = format!("{keys}  {}", position(selected, found.len()));
    let inside = paint::panel(buf, area, &format!("Columns of {}", view.name), &note, true);
    if view.columns.is_empty() {
        return paint::empty(
            buf,
            inside,
            "Nothing was told of its columns yet",
            "extracts, transforms, loads and trainings tell them when they run",
        );
    }
    if found.is_empty() {
        return filtered_out(buf, inside, state, "No column passes the filter");
    }
    let names = found.iter().map(|column| text::width(&column.name)).max().unwrap_or(0);
    let names = names.clamp(6, usize::from(inside.width / 3).max(6));
    let mut lines =
        vec![paint::line(format!("{:<names$}  {:<12}  COMES FROM", "COLUMN", "TYPE"), theme::DIM)];
    let mut at_selected = 0;
    for (at, column) in found.iter().enumerate() {
        if at == selected {
            at_selected = lines.len();
        }
        let style = if at == selected { theme::REVERSED.patch(theme::BOLD) } else { theme::PLAIN };
        lines.extend(column_lines(column, names, style, usize::from(inside.width)));
    }
    let first = offset(at_selected, lines.len(), usize::from(inside.height));
    paint::put_all(buf, inside, lines, first);
}

/// Writes a column with its nearest origin beside it and those further up below.
fn column_lines(
    column: &ColumnTrace,
    names: usize,
    style: Style,
    width: usize,
) -> Vec<Line<'static>> {
    let name = text::cut_middle(&column.name, names);
    let pad = " ".repeat(names.saturating_sub(text::width(&name)));
    let kind = text::cut(&column.column_type, 12);
    let mut head: Vec<Span<'static>> =
        vec![paint::span(name, style), paint::span(format!("{pad}  {kind:<12}  "), theme::DIM)];
    let left = width.saturating_sub(names + 16).max(12);
    if column.origins.is_empty() {
        head.push(paint::span("nobody told", theme::DIM));
        return vec![Line::from(head)];
    }
    let mut lines = Vec::new();
    for step in &column.origins {
        let how = if step.computed { "ƒ " } else { "← " };
        let indent = "  ".repeat(step.depth.saturating_sub(1).min(8) as usize);
        let by = format!("  {}", step.by);
        let room = left.saturating_sub(indent.len() + 2 + text::width(&by)).max(8);
        let place = text::cut_middle(&format!("{}.{}", step.dataset, step.column), room);
        let spans = if lines.is_empty() && !head.is_empty() {
            std::mem::take(&mut head)
        } else {
            vec![paint::span(" ".repeat(names + 16), theme::PLAIN)]
        };
        let mut spans = spans;
        spans.extend([
            paint::span(format!("{indent}{how}"), theme::DIM),
            paint::span(place, theme::ACCENT),
            paint::span(by, theme::DIM),
        ]);
        lines.push(Line::from(spans));
    }
    lines
}
