//! The cells of a list: columns that give way by rank where the room is short, rows built only
//! where seen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;

use crate::theme;
use crate::widget::paint;

/// One column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    pub(crate) title: &'static str,
    /// Cells it needs at least.
    pub(crate) width: u16,
    /// Its part of the room that is left; 0 keeps it at `width`.
    pub(crate) grow: u16,
    pub(crate) is_right: bool,
    /// Columns of a higher rank go first where the room is short; 0 stays.
    pub(crate) rank: u8,
}

/// A column of fixed width.
pub(crate) const fn fixed(title: &'static str, width: u16, rank: u8) -> Column {
    Column { title, width, grow: 0, is_right: false, rank }
}

/// A column of figures.
pub(crate) const fn right(title: &'static str, width: u16, rank: u8) -> Column {
    Column { title, width, grow: 0, is_right: true, rank }
}

/// A column that takes what room is left.
pub(crate) const fn growing(title: &'static str, width: u16, rank: u8) -> Column {
    Column { title, width, grow: 1, is_right: false, rank }
}

/// Returns the first row to show, so that the selected one is seen, in the middle where it can.
pub(crate) fn offset(selected: usize, len: usize, height: usize) -> usize {
    selected.saturating_sub(height / 2).min(len.saturating_sub(height))
}

/// Says which rows are shown: `3/214`.
pub(crate) fn position(selected: usize, len: usize) -> String {
    if len == 0 { String::new() } else { format!("{}/{len}", selected.min(len - 1) + 1) }
}

/// Where the parts of a list are.
pub(crate) struct Layout<'a> {
    columns: &'a [Column],
    /// Of the rows, without the titles.
    area: Rect,
    /// Of the titles; empty where there are none.
    head: Rect,
    /// Cells of each column; 0 where it is left out.
    pub(crate) widths: Vec<u16>,
    /// The first row that is seen, and how many rows there are.
    first: usize,
    len: usize,
    selected: Option<usize>,
}

impl<'a> Layout<'a> {
    /// Shares out `area`.
    pub(crate) fn new(
        columns: &'a [Column],
        area: Rect,
        len: usize,
        selected: Option<usize>,
        has_titles: bool,
    ) -> Self {
        // The first column is for the mark of the selection.
        let widths = widths(columns, area.width.saturating_sub(1));
        let head = Rect { height: area.height.min(u16::from(has_titles)), ..area };
        let rows = area.height - head.height;
        let area = Rect { y: area.y + head.height, height: rows, ..area };
        let first = offset(selected.unwrap_or(0), len, usize::from(rows));
        Self { columns, area, head, widths, first, len, selected }
    }

    /// Draws titles and rows.
    pub(crate) fn draw(
        &self,
        buf: &mut Buffer,
        title: &dyn Fn(usize) -> Line<'static>,
        row: &dyn Fn(usize) -> Vec<Line<'static>>,
        is_focused: bool,
    ) {
        if !self.head.is_empty() {
            self.draw_cells(buf, self.head, (0..self.columns.len()).map(title).collect());
        }
        for (at, line) in self.rows() {
            self.draw_cells(buf, line, row(at));
            if self.selected == Some(at) {
                paint::put(buf, line, 0, paint::line("▸", theme::ACCENT));
                if is_focused {
                    highlight(buf, line);
                }
            }
        }
    }

    /// Returns the rows that are seen, and where.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (usize, Rect)> {
        let area = self.area;
        let line = move |y| Rect { y: area.y + y, height: 1, ..area };
        (self.first..self.len).zip(0..area.height).map(move |(at, y)| (at, line(y)))
    }

    /// Returns where each column's title is, those left out not among them.
    pub(crate) fn titles(&self) -> impl Iterator<Item = (usize, Rect)> {
        let mut x = self.head.x + 1;
        let head = self.head;
        self.widths.iter().enumerate().filter(|(_, width)| **width > 0).map(move |(at, width)| {
            let title = Rect { x, width: *width, ..head };
            x += width + 1;
            (at, title.intersection(head))
        })
    }

    fn draw_cells(&self, buf: &mut Buffer, line: Rect, cells: Vec<Line<'static>>) {
        let mut x = 1;
        for ((column, width), cell) in self.columns.iter().zip(&self.widths).zip(cells) {
            if *width == 0 {
                continue;
            }
            let cell = paint::cut(cell, usize::from(*width));
            let cells = u16::try_from(cell.width()).unwrap_or(*width);
            let indent = if column.is_right { width.saturating_sub(cells) } else { 0 };
            paint::put_at(buf, line, x + indent, 0, cell);
            x += width + 1;
        }
    }
}

/// Shows that the cursor is on a row.
pub(crate) fn highlight(buf: &mut Buffer, row: Rect) {
    // One colour for the whole row: reversed, sixteen colours of text would make sixteen of ground.
    let style = Style::new()
        .fg(Color::Reset)
        .bg(Color::Reset)
        .remove_modifier(Modifier::DIM)
        .add_modifier(Modifier::REVERSED);
    buf.set_style(row.intersection(buf.area), style);
}

/// Shares out `room`; 0 leaves a column out.
fn widths(columns: &[Column], room: u16) -> Vec<u16> {
    let mut shown: Vec<bool> = vec![true; columns.len()];
    let needed = |shown: &[bool]| -> u16 {
        columns
            .iter()
            .zip(shown)
            .filter(|(_, shown)| **shown)
            .map(|(column, _)| column.width + 1)
            .sum::<u16>()
            .saturating_sub(1)
    };
    while needed(&shown) > room {
        let last = (0..columns.len())
            .filter(|at| shown[*at] && columns[*at].rank > 0)
            .max_by_key(|at| columns[*at].rank);
        match last {
            Some(at) => shown[at] = false,
            None => break,
        }
    }
    let spare = room.saturating_sub(needed(&shown));
    let parts: u16 =
        columns.iter().zip(&shown).filter(|(_, shown)| **shown).map(|(c, _)| c.grow).sum();
    columns
        .iter()
        .zip(&shown)
        .map(|(column, shown)| match shown {
            true => column.width + (spare * column.grow).checked_div(parts).unwrap_or(0),
            false => 0,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_high_rank_give_way_first_and_the_rest_grow() {
        let columns =
            [fixed("S", 1, 0), growing("NAME", 10, 0), fixed("TAGS", 10, 2), right("DUR", 6, 1)];
        assert_eq!(widths(&columns, 40), [1, 20, 10, 6]);
        assert_eq!(widths(&columns, 22), [1, 13, 0, 6]);
        assert_eq!(widths(&columns, 15), [1, 13, 0, 0]);
        assert_eq!(widths(&columns, 3), [1, 10, 0, 0]);
    }

    #[test]
    fn the_selected_row_is_always_seen() {
        for len in 0..30 {
            for height in 1..12 {
                for selected in 0..len {
                    let first = offset(selected, len, height);
                    assert!((first..first + height).contains(&selected));
                }
            }
        }
    }
}
