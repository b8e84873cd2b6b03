//! Draws a form over the screen: what it is for, its fields, what it would do, the same as a
//! command.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::hit::{self, Target};
use crate::screen::form::value_spans;
use crate::state::form::Field;
use crate::state::sheet::{Plan, Sheet};
use crate::text;
use crate::theme;
use crate::widget::dialog::button;
use crate::widget::{paint, table};

/// Rows of a dry run that are kept free, where there is one.
const PLAN_ROWS: usize = 6;

/// Draws the form.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, sheet: &Sheet) {
    let width = area.width.saturating_sub(4).clamp(20, 96);
    let inner = usize::from(width.saturating_sub(4));
    let command: Vec<Line<'static>> = text::wrap(&sheet.command(), inner)
        .into_iter()
        .take(2)
        .map(|line| paint::line(line, theme::ACCENT))
        .collect();
    let plan = plan_lines(sheet, inner);
    let intro: Vec<Line<'static>> = sheet
        .intro
        .iter()
        .flat_map(|line| text::wrap_words(line, inner))
        .map(|line| paint::line(line, theme::DIM))
        .collect();
    let room = usize::from(area.height.saturating_sub(2));
    // Where there are more fields than room, those round the focus are seen.
    let kept = command.len() + 2 + plan.len().min(PLAN_ROWS);
    let seen = room.saturating_sub(kept).max(1).min(sheet.fields.len());
    let first = table::offset(sheet.focus.min(sheet.fields.len()), sheet.fields.len(), seen);
    let fields: Vec<Line<'static>> =
        (first..first + seen).map(|at| field_line(sheet, at, inner)).collect();
    let fixed = fields.len() + command.len() + 2;
    let plan_rows = if plan.is_empty() { 0 } else { plan.len().max(PLAN_ROWS) };
    // What is asked comes before what it is about, where the room is short.
    let free = room.saturating_sub(fixed);
    let plan_rows = plan_rows.min(free.saturating_sub(intro.len().min(2)));
    let intro_rows = intro.len().min(free - plan_rows);
    let height = u16::try_from(fixed + plan_rows + intro_rows + 2).unwrap_or(u16::MAX);
    let place = paint::popup(buf, area, width, height);
    let keys = "tab field  ← → change  ctrl-s do it  esc close  ctrl-y copy command";
    hit::note(place, Target::Popup);
    let inside = paint::panel(buf, place, &sheet.title, keys, true);
    let mut lines: Vec<Line<'static>> = intro.into_iter().take(intro_rows).collect();
    lines.extend(fields);
    lines.extend(shortened(plan, plan_rows, sheet.scroll));
    lines.push(Line::default());
    lines.extend(command);
    lines.push(Line::from(vec![
        button(sheet.verb, sheet.is_on_verb()),
        Span::raw("  "),
        button("Cancel", sheet.is_on_cancel()),
    ]));
    paint::put_all(buf, inside, lines, 0);
}

/// Cuts to `rows`, the last saying how many are not seen, or fills up to them.
fn shortened(mut lines: Vec<Line<'static>>, rows: usize, scroll: usize) -> Vec<Line<'static>> {
    if lines.len() > rows && rows > 0 {
        let seen = rows - 1;
        let above = scroll.min(lines.len() - seen);
        let below = lines.len() - seen - above;
        lines.drain(..above);
        lines.truncate(seen);
        let more = match (above, below) {
            (0, _) => format!("… and {below} more lines: pgdn"),
            (_, 0) => format!("… {above} lines above: pgup"),
            _ => format!("… {above} lines above: pgup, {below} below: pgdn"),
        };
        lines.push(paint::line(more, theme::DIM));
    }
    lines.resize(rows, Line::default());
    lines
}

fn field_line(sheet: &Sheet, at: usize, width: usize) -> Line<'static> {
    let field = &sheet.fields[at];
    let is_focused = sheet.focus == at;
    let names = sheet.fields.iter().map(|field| text::width(&field.name)).max().unwrap_or(0);
    let names = names.min(24);
    let value_width = width.saturating_sub(names + 3).min(if field.is_typed() { 44 } else { 26 });
    let mut spans = vec![
        Span::styled(if is_focused { "▸ " } else { "  " }, theme::ACCENT),
        paint::span(
            format!("{:<names$} ", text::cut(&field.name, 24)),
            if is_focused { theme::KEY } else { theme::PLAIN },
        ),
    ];
    let value = value_spans(field, value_width, is_focused);
    let used: usize = value.iter().map(Span::width).sum();
    let column = if field.is_typed() { 24 } else { 13 };
    spans.extend(value);
    spans.push(Span::raw(" ".repeat(usize::saturating_sub(column, used) + 2)));
    spans.push(about(field));
    paint::cut(Line::from(spans), width)
}

fn about(field: &Field) -> Span<'static> {
    match field.read() {
        Err(problem) => paint::span(format!("✗ {problem}"), theme::BAD),
        Ok(_) if field.description.is_empty() => paint::span(field.rule(), theme::DIM),
        Ok(_) => paint::span(&field.description, theme::DIM),
    }
}

fn plan_lines(sheet: &Sheet, width: usize) -> Vec<Line<'static>> {
    match &sheet.plan {
        Plan::None => Vec::new(),
        Plan::Asking => vec![paint::line("looking what it would touch…", theme::DIM)],
        Plan::Refused(why) => text::wrap_words(&format!("✗ {why}"), width)
            .into_iter()
            .map(|line| paint::line(line, theme::BAD))
            .collect(),
        Plan::Lines(lines) => lines
            .iter()
            .enumerate()
            .flat_map(|(at, line)| {
                let style = match at {
                    0 => theme::BOLD,
                    _ if line.starts_with('!') => theme::WARN,
                    _ if line.starts_with("- ") || line.starts_with('✗') => theme::BAD,
                    _ if line.starts_with("+ ") || line.starts_with('✓') => theme::GOOD,
                    _ => theme::PLAIN,
                };
                // What is aligned stays so, as long as it fits.
                let pieces = match text::width(line) > width {
                    true => text::wrap_words(line, width),
                    false => vec![line.clone()],
                };
                pieces.into_iter().map(move |piece| paint::line(piece, style)).collect::<Vec<_>>()
            })
            .collect(),
    }
}
