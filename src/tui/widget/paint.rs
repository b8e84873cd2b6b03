//! Lines, panels and bars. All of it keeps inside its area, however small that is.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::symbols::border;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Clear, Widget};

use crate::text;
use crate::theme::{self, Mark};

/// Makes a piece of text that is safe to draw.
pub(crate) fn span(content: impl AsRef<str>, style: Style) -> Span<'static> {
    Span::styled(text::clean(content.as_ref()), style)
}

/// Makes a line of one style.
pub(crate) fn line(content: impl AsRef<str>, style: Style) -> Line<'static> {
    Line::from(span(content, style))
}

/// Makes a state's glyph.
pub(crate) fn glyph(mark: Mark) -> Span<'static> {
    Span::styled(mark.glyph, mark.style)
}

/// Makes a state's glyph with its word.
pub(crate) fn worded(mark: Mark) -> [Span<'static>; 3] {
    [glyph(mark), Span::raw(" "), Span::styled(mark.word, mark.style)]
}

/// Cuts a line to `max` cells, with `…` where something is gone.
pub(crate) fn cut(line: Line<'static>, max: usize) -> Line<'static> {
    if line.width() <= max {
        return line;
    }
    let mut left = max;
    let mut spans = Vec::new();
    for piece in line.spans {
        let cells = text::width(&piece.content);
        if cells < left {
            left -= cells;
            spans.push(piece);
            continue;
        }
        // What follows is gone, so even a piece that fits exactly gives a cell to the mark.
        let shortened = format!("{}…", text::cut(&piece.content, left));
        spans.push(Span::styled(text::cut(&shortened, left), piece.style));
        break;
    }
    Line::from(spans)
}

/// Draws a line at a row of `area`, cut to its width.
pub(crate) fn put(buf: &mut Buffer, area: Rect, row: u16, line: Line<'static>) {
    put_at(buf, area, 0, row, line);
}

/// Draws a line at a place of `area`, cut to what is left of its width.
pub(crate) fn put_at(buf: &mut Buffer, area: Rect, column: u16, row: u16, line: Line<'static>) {
    let area = area.intersection(buf.area);
    if row >= area.height || column >= area.width {
        return;
    }
    let room = area.width - column;
    buf.set_line(area.x + column, area.y + row, &cut(line, usize::from(room)), room);
}

/// Draws a line at the right end of a row.
pub(crate) fn put_right(buf: &mut Buffer, area: Rect, row: u16, line: Line<'static>) {
    let cells = u16::try_from(line.width()).unwrap_or(u16::MAX);
    put_at(buf, area, area.width.saturating_sub(cells), row, line);
}

/// Draws lines from the top of `area`, the first `skip` left out.
pub(crate) fn put_all(buf: &mut Buffer, area: Rect, lines: Vec<Line<'static>>, skip: usize) {
    for (row, line) in (0..area.height).zip(lines.into_iter().skip(skip)) {
        put(buf, area, row, line);
    }
}

/// Draws a box with a title and, at its lower edge, a note; returns the inside.
pub(crate) fn panel(
    buf: &mut Buffer,
    area: Rect,
    title: &str,
    note: &str,
    is_focused: bool,
) -> Rect {
    let (edge, name) = if is_focused {
        (theme::ACCENT, theme::ACCENT.add_modifier(Modifier::BOLD))
    } else {
        (theme::DIM, theme::BOLD)
    };
    let room = usize::from(area.width.saturating_sub(4));
    let mut block =
        Block::new().borders(Borders::ALL).border_set(border::ROUNDED).border_style(edge);
    if !title.is_empty() {
        block = block.title_top(line(format!(" {} ", text::cut(title, room)), name));
    }
    if !note.is_empty() {
        block = block.title_bottom(line(format!(" {} ", text::cut(note, room)), theme::DIM));
    }
    block.render(area, buf);
    inside(area)
}

/// Returns what a panel has inside: a cell of air on both sides.
pub(crate) fn inside(area: Rect) -> Rect {
    let inside = Block::new().borders(Borders::ALL).inner(area);
    Rect {
        x: inside.x.saturating_add(u16::from(inside.width > 2)),
        width: inside.width.saturating_sub(if inside.width > 2 { 2 } else { 0 }),
        ..inside
    }
}

/// Returns the middle of `area` in the given size, wiped.
pub(crate) fn popup(buf: &mut Buffer, area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    let place = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    wipe(buf, place);
    place
}

/// Takes away what was drawn at `place`.
pub(crate) fn wipe(buf: &mut Buffer, place: Rect) {
    Clear.render(place.intersection(buf.area), buf);
}

/// Draws a bar that is `share` (0 to 1) full.
pub(crate) fn bar(share: f64, cells: usize) -> String {
    let full = (share.clamp(0.0, 1.0) * cells as f64).round() as usize;
    format!("{}{}", "█".repeat(full), "░".repeat(cells - full))
}

/// Says in the middle of `area` what would be here and how to get it.
pub(crate) fn empty(buf: &mut Buffer, area: Rect, what: &str, how: &str) {
    let mut lines = Vec::new();
    let width = usize::from(area.width.saturating_sub(2));
    for text in text::wrap_words(what, width) {
        lines.push(line(text, theme::BOLD).centered());
    }
    for text in text::wrap_words(how, width) {
        lines.push(line(text, theme::DIM).centered());
    }
    let above = area.height.saturating_sub(u16::try_from(lines.len()).unwrap_or(0)) / 3;
    for (row, text) in (above..area.height).zip(lines) {
        let cells = u16::try_from(text.width()).unwrap_or(0);
        put_at(buf, area, area.width.saturating_sub(cells) / 2, row, text);
    }
}

/// Makes a line of `label` and value, the values of a block under each other.
pub(crate) fn pair(label: &str, value: impl AsRef<str>) -> Line<'static> {
    Line::from(vec![span(format!("{label:<11} "), theme::DIM), span(value, theme::PLAIN)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_cut_says_so_even_between_its_pieces() {
        let line = Line::from(vec![Span::raw("abc"), Span::raw("def")]);
        assert_eq!(cut(line.clone(), 6).to_string(), "abcdef");
        assert_eq!(cut(line.clone(), 4).to_string(), "abc…");
        assert_eq!(cut(line.clone(), 3).to_string(), "ab…");
        assert_eq!(cut(line, 0).to_string(), "");
    }

    #[test]
    fn nothing_is_drawn_outside_and_nothing_panics() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 3, 2));
        put_at(&mut buf, Rect::new(0, 0, 90, 90), 80, 80, Line::raw("x"));
        put(&mut buf, Rect::new(0, 0, 90, 90), 1, Line::raw("longer"));
        let inside = panel(&mut buf, Rect::new(0, 0, 3, 2), "title", "note", true);
        empty(&mut buf, inside, "nothing", "press t");
        popup(&mut buf, Rect::new(0, 0, 3, 2), 70, 70);
    }
}
