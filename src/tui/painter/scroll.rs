//! Finds out that rows only moved up or down, so that the terminal moves them instead of getting
//! them again: a followed log, a list under its cursor.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use ratatui::buffer::{Buffer, Cell};

/// Rows that move less than this save are not worth the sequences.
const CELLS_MIN: usize = 120;

/// Rows `top..bottom` that move `by` rows, up where that is positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scroll {
    top: usize,
    bottom: usize,
    by: isize,
}

/// Returns the move that makes most of `next` out of `shown`, where one saves much.
pub(crate) fn find(shown: &Buffer, next: &Buffer) -> Option<Scroll> {
    let width = usize::from(next.area.width);
    if width == 0 || shown.area != next.area {
        return None;
    }
    let (old, new) = (rows(shown), rows(next));
    let mut places: HashMap<u64, Option<usize>> = HashMap::new();
    for (y, hash) in old.iter().enumerate() {
        // A row that occurs twice, such as a blank one, tells nothing.
        places.entry(*hash).and_modify(|place| *place = None).or_insert(Some(y));
    }
    let mut moves: HashMap<isize, (usize, usize, usize)> = HashMap::new();
    for (y, hash) in new.iter().enumerate() {
        if let Some(Some(from)) = places.get(hash)
            && *from != y
        {
            let by = from.cast_signed() - y.cast_signed();
            let (count, first, last) = moves.entry(by).or_insert((0, y, y));
            *count += 1;
            (*first, *last) = ((*first).min(y), (*last).max(y));
        }
    }
    let (by, (_, first, last)) = moves.into_iter().max_by_key(|(by, (count, ..))| (*count, *by))?;
    let scroll = match by {
        1.. => Scroll { top: first, bottom: last + 1 + by.unsigned_abs(), by },
        _ => Scroll { top: first.checked_sub(by.unsigned_abs())?, bottom: last + 1, by },
    };
    let changed = |other: &dyn Fn(usize) -> Option<usize>| -> usize {
        (scroll.top..scroll.bottom)
            .map(|y| {
                let row = &next.content[y * width..(y + 1) * width];
                match other(y) {
                    Some(from) => {
                        let other = &shown.content[from * width..(from + 1) * width];
                        row.iter().zip(other).filter(|(a, b)| a != b).count()
                    }
                    None => row.iter().filter(|cell| **cell != Cell::EMPTY).count(),
                }
            })
            .sum()
    };
    let without = changed(&Some);
    let with = changed(&|y| scroll.source(y));
    (with + CELLS_MIN < without).then_some(scroll)
}

fn rows(buffer: &Buffer) -> Vec<u64> {
    let hash = |row: &[Cell]| {
        let mut hasher = DefaultHasher::new();
        for cell in row {
            (cell.symbol(), cell.fg, cell.bg, cell.modifier).hash(&mut hasher);
        }
        hasher.finish()
    };
    buffer.content.chunks(usize::from(buffer.area.width)).map(hash).collect()
}

impl Scroll {
    /// Returns the row whose content row `y` gets; `None` where it becomes blank.
    fn source(self, y: usize) -> Option<usize> {
        y.checked_add_signed(self.by).filter(|from| (self.top..self.bottom).contains(from))
    }

    /// Writes the move.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        let (top, bottom) = (self.top + 1, self.bottom);
        let (rows, order) = (self.by.unsigned_abs(), if self.by > 0 { 'S' } else { 'T' });
        out.extend_from_slice(
            format!("\x1b[m\x1b[{top};{bottom}r\x1b[{rows}{order}\x1b[r").as_bytes(),
        );
    }

    /// Does to the buffer what the terminal does to its rows.
    pub(crate) fn apply(self, shown: &Buffer) -> Buffer {
        let width = usize::from(shown.area.width);
        let mut moved = shown.clone();
        for y in self.top..self.bottom {
            let row = &mut moved.content[y * width..(y + 1) * width];
            match self.source(y) {
                Some(from) => {
                    row.clone_from_slice(&shown.content[from * width..(from + 1) * width]);
                }
                None => row.fill(Cell::EMPTY),
            }
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffer(lines: impl IntoIterator<Item = usize>, head: &str) -> Buffer {
        let lines = lines.into_iter().map(|n| {
            let word = ["ingest", "train", "evaluate"][n % 3];
            format!("line {n} {}", word.repeat(n % 5 + 3))
        });
        let mut all = vec![format!("{head:60}")];
        all.extend(lines);
        all.push("foot".to_owned());
        Buffer::with_lines(all)
    }

    #[test]
    fn a_log_that_went_on_is_moved_and_not_sent_again() {
        let (before, after) = (buffer(0..20, "log"), buffer(3..23, "log"));
        let scroll = find(&before, &after).unwrap();
        assert_eq!(scroll, Scroll { top: 1, bottom: 21, by: 3 });
        let moved = scroll.apply(&before);
        let changed: Vec<u16> = moved.diff(&after).iter().map(|(_, y, _)| *y).collect();
        assert!(changed.iter().all(|y| (18..21).contains(y)), "{changed:?}");
        let mut out = Vec::new();
        scroll.write(&mut out);
        assert_eq!(out, b"\x1b[m\x1b[2;21r\x1b[3S\x1b[r");
    }

    #[test]
    fn going_back_moves_down() {
        let scroll = find(&buffer(3..23, "log"), &buffer(0..20, "log")).unwrap();
        assert_eq!(scroll, Scroll { top: 1, bottom: 21, by: -3 });
        let moved = scroll.apply(&buffer(3..23, "log"));
        let after = buffer(0..20, "log");
        assert!(moved.diff(&after).iter().all(|(_, y, _)| (1..4).contains(y)));
    }

    #[test]
    fn what_did_not_move_or_hardly_is_sent_as_it_is() {
        let before = buffer(0..20, "log");
        assert_eq!(find(&before, &before), None);
        assert_eq!(find(&before, &buffer(0..20, "other")), None);
        assert_eq!(find(&before, &buffer(40..60, "log")), None);
        let empty = Buffer::empty(ratatui::layout::Rect::new(0, 0, 0, 0));
        assert_eq!(find(&empty, &empty), None);
    }
}
