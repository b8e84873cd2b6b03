//! What lies over the form: a list to pick from, an editor of JSON.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use crate::state::Form;
use crate::state::form::{Editor, List};
use crate::text;
use crate::theme;
use crate::widget::dialog::typed;
use crate::widget::paint;
use crate::widget::table::{highlight, offset, position};

/// Draws a list to pick from.
pub(super) fn draw_list(buf: &mut Buffer, area: Rect, list: &List) {
    let fitting = list.fitting();
    let widest = list.entries.iter().map(|(name, _)| text::width(name)).max().unwrap_or(0);
    let width = u16::try_from(widest + 6).unwrap_or(u16::MAX).clamp(34, area.width.max(35) - 1);
    let height = u16::try_from(list.entries.len() + 3).unwrap_or(u16::MAX);
    let height = height.min(area.height.saturating_sub(2));
    let place = paint::popup(buf, area, width, height);
    let selected = list.selected.min(fitting.len().saturating_sub(1));
    let note = position(selected, fitting.len());
    let inside = paint::panel(buf, place, &list.title, &note, true);
    let [input, rows] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(inside);
    let mut spans = vec![Span::styled("/ ", theme::KEY)];
    spans.extend(typed(&list.input, usize::from(input.width.saturating_sub(3)), true));
    paint::put(buf, input, 0, Line::from(spans));
    if fitting.is_empty() {
        paint::put(buf, rows, 0, paint::line("nothing fits", theme::DIM));
    }
    let first = offset(selected, fitting.len(), usize::from(rows.height));
    for (row, (at, entry)) in (0..rows.height).zip(fitting.iter().enumerate().skip(first)) {
        paint::put(buf, rows, row, paint::line(format!(" {}", entry.0), theme::PLAIN));
        if at == selected {
            highlight(buf, Rect { y: rows.y + row, height: 1, ..rows });
        }
    }
}

/// Draws the editor over the fields.
pub(super) fn draw_editor(buf: &mut Buffer, area: Rect, form: &Form, editor: &Editor) {
    let title = match editor.field.and_then(|at| form.fields.get(at)) {
        Some(field) => format!("{} as JSON", field.name),
        None => "All params as JSON".to_owned(),
    };
    let place = paint::popup(buf, area, area.width, area.height);
    let keys = "ctrl-s takes it  esc leaves it as it was";
    let inside = paint::panel(buf, place, &title, keys, true);
    let [text, below] = Layout::vertical([Constraint::Min(0), Constraint::Length(1)]).areas(inside);
    let mut area = editor.area.clone();
    area.set_style(theme::PLAIN);
    area.set_cursor_line_style(theme::PLAIN);
    area.set_cursor_style(theme::REVERSED);
    area.set_line_number_style(theme::DIM);
    (&area).render(text, buf);
    let line = match editor.problem.clone().or_else(|| editor.read().err()) {
        Some(problem) => paint::line(format!("✗ {problem}"), theme::BAD),
        None => paint::line("✓ is JSON", theme::GOOD),
    };
    paint::put(buf, below, 0, line);
}
