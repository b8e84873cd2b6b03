//! Which lines stand where. Only those that are seen are measured, however many there are.

use crate::state::LogPane;
use crate::state::log::{LogOptions, Number, Spot};
use crate::widget::log::rows;

/// A log in an area.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout<'a> {
    pub(crate) log: &'a LogPane,
    pub(crate) options: &'a LogOptions,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl Layout<'_> {
    /// Returns the number of things that can be scrolled to: lines, and the edges.
    pub(crate) fn len(&self) -> usize {
        self.log.shown.len()
            + usize::from(self.log.has_edge_above())
            + usize::from(self.log.has_edge_below())
    }

    /// Returns the number of the line at a place; of the edges those of [`Spot`].
    pub(crate) fn number(&self, index: usize) -> Number {
        let above = usize::from(self.log.has_edge_above());
        match index.checked_sub(above) {
            None => Spot::ABOVE.number,
            Some(at) => self.log.shown.get(at).copied().unwrap_or(Spot::BELOW.number),
        }
    }

    /// Returns the place of a line, or of the first one after it that is shown.
    pub(crate) fn index(&self, number: Number) -> usize {
        let above = usize::from(self.log.has_edge_above());
        let last = self.len().saturating_sub(1);
        if number == Spot::ABOVE.number {
            return 0;
        }
        (above + self.log.shown.partition_point(|other| *other < number)).min(last)
    }

    fn rows(&self, index: usize) -> usize {
        let number = self.number(index);
        let Some(line) = self.log.line(number) else { return 1 };
        rows::height(line, self.options, self.width)
            + usize::from(self.log.markers.contains(&line.offset))
    }

    /// Returns the first row where the last one is at the bottom.
    pub(crate) fn last_top(&self) -> Spot {
        let mut left = self.height;
        let mut index = self.len();
        while index > 0 && left > 0 {
            index -= 1;
            let rows = self.rows(index);
            if rows >= left {
                return Spot { number: self.number(index), row: rows - left };
            }
            left -= rows;
        }
        Spot { number: self.number(0), row: 0 }
    }

    /// Returns the first row that is seen.
    pub(crate) fn top(&self) -> Spot {
        if self.log.follows { self.last_top() } else { self.log.top }
    }

    /// Goes `by` rows up or down from a spot, not beyond either end.
    pub(crate) fn moved(&self, from: Spot, by: isize) -> Spot {
        let mut index = self.index(from.number);
        let mut row = if self.number(index) == from.number { from.row } else { 0 };
        let mut left = by.unsigned_abs();
        while left > 0 {
            if by > 0 {
                let below = self.rows(index).saturating_sub(row + 1);
                if left <= below {
                    row += left;
                    break;
                }
                if index + 1 >= self.len() {
                    row += below;
                    break;
                }
                left -= below + 1;
                (index, row) = (index + 1, 0);
            } else {
                if left <= row {
                    row -= left;
                    break;
                }
                left -= row;
                row = 0;
                let Some(before) = index.checked_sub(1) else { break };
                index = before;
                row = self.rows(index);
            }
        }
        let here = Spot { number: self.number(index), row };
        let (last, at) = (self.last_top(), index);
        let last_at = self.index(last.number);
        if (at, row) > (last_at, last.row) { last } else { here }
    }

    /// Returns the lines that are seen, from `top` on.
    pub(crate) fn seen(&self) -> Vec<Number> {
        let top = self.top();
        let mut index = self.index(top.number);
        let mut left = self.height + top.row;
        let mut seen = Vec::new();
        while index < self.len() && left > 0 {
            seen.push(self.number(index));
            left = left.saturating_sub(self.rows(index));
            index += 1;
        }
        seen
    }
}
