//! The box that shows how a chord can go on.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::keymap;
use crate::state::State;
use crate::text;
use crate::theme;
use crate::widget::paint;

/// Draws it in the lower right corner of `area`, where a chord was begun.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    if state.chord.is_empty() {
        return;
    }
    let lines: Vec<Line<'static>> = keymap::continuations(state, &state.chord)
        .into_iter()
        .map(|(key, bound)| {
            Line::from(vec![
                paint::span(format!("{key:<2} "), theme::KEY),
                paint::span(bound.help, theme::PLAIN),
            ])
        })
        .collect();
    let widest = lines.iter().map(Line::width).max().unwrap_or(0).max(text::width("esc stops") + 2);
    let width = u16::try_from(widest + 4).unwrap_or(u16::MAX).min(area.width);
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).min(area.height);
    let place = Rect { x: area.right() - width, y: area.bottom() - height, width, height };
    paint::wipe(buf, place);
    let inside = paint::panel(buf, place, &format!("{} …", state.chord), "esc stops", true);
    paint::put_all(buf, inside, lines, 0);
}
