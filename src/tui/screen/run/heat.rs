//! A run of thousands of tasks at a glance: its levels against the states, and its groups with how
//! far they are.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::rows::run::RunRow;
use crate::screen::run::cell;
use crate::state::State;
use crate::state::run::counts::states;
use crate::state::run::{Counts, RowId, RunIndex};
use crate::text;
use crate::theme;
use crate::types::TaskInstanceState;
use crate::widget::paint;

/// From how many tasks on there is a map.
const HUGE: usize = 1500;

/// How much of its fullest cell a cell holds.
const SHADES: [&str; 4] = ["░", "▒", "▓", "█"];

/// Rows that the map takes of so many.
pub(super) fn rows(index: &RunIndex, height: u16) -> u16 {
    if index.tasks.len() < HUGE || height < 16 {
        return 0;
    }
    (height / 2).min(14)
}

/// Draws levels against states, and beside them the groups.
pub(super) fn draw(buf: &mut Buffer, area: Rect, state: &State, index: &RunIndex) {
    if area.height < 3 {
        return;
    }
    let room = if index.groups.is_empty() { 0 } else { (area.width / 2).saturating_sub(1) };
    let [levels, groups] =
        Layout::horizontal([Constraint::Min(0), Constraint::Length(room)]).areas(area);
    draw_levels(buf, levels, index);
    draw_groups(buf, groups, state, index);
}

fn draw_levels(buf: &mut Buffer, area: Rect, index: &RunIndex) {
    let depth = index.levels.iter().map(|level| *level as usize + 1).max().unwrap_or(1);
    let rows = usize::from(area.height.saturating_sub(2)).min(depth).max(1);
    let mut counts = vec![Counts::default(); rows];
    let mut all = Counts::default();
    for (task, level) in index.tasks.iter().zip(&index.levels) {
        counts[*level as usize * rows / depth] += task.counts;
        all += task.counts;
    }
    let shown: Vec<Option<TaskInstanceState>> =
        states().filter(|state| all.of(*state) > 0).collect();
    let column = (area.width.saturating_sub(9) / u16::try_from(shown.len().max(1)).unwrap_or(1))
        .clamp(3, 10);
    paint::put(buf, area, 0, paint::line("LEVEL", theme::DIM));
    for (x, state) in (9..).step_by(usize::from(column)).zip(&shown) {
        paint::put_at(buf, area, x, 0, Line::from(paint::glyph(theme::task_mark(*state))));
    }
    let most = counts.iter().flat_map(|row| shown.iter().map(|s| row.of(*s))).max().unwrap_or(1);
    for (y, (row, at)) in (1..).zip(counts.iter().zip(0..)) {
        let (from, to) = (at * depth / rows, ((at + 1) * depth / rows).max(at * depth / rows + 1));
        let name = if to - from == 1 { format!("{from}") } else { format!("{from}–{}", to - 1) };
        paint::put_at(buf, area, 0, y, paint::line(name, theme::DIM));
        for (x, state) in (9..).step_by(usize::from(column)).zip(&shown) {
            let count = row.of(*state);
            if count == 0 {
                continue;
            }
            let style = theme::task_mark(*state).style;
            let shade = SHADES[(count * 3).div_ceil(most).min(3)];
            let words = format!("{shade}{}", short(count));
            paint::put_at(buf, area, x, y, Line::from(Span::styled(words, style)));
        }
    }
}

/// Writes a count in few cells: `812`, `1.2k`.
fn short(count: usize) -> String {
    match count {
        0..1000 => count.to_string(),
        _ => format!("{:.1}k", count as f64 / 1000.0),
    }
}

/// Lists the outermost groups, those first that an operator wants to see.
fn draw_groups(buf: &mut Buffer, area: Rect, state: &State, index: &RunIndex) {
    let Some((run, _)) = crate::rows::run::shown(state) else { return };
    let mut groups: Vec<u32> = (0..).take(index.groups.len()).collect();
    groups.retain(|at| index.groups[*at as usize].parent.is_none());
    groups.sort_by_key(|at| TaskInstanceState::weight(index.groups[*at as usize].counts.worst()));
    paint::put(buf, area, 0, paint::line("GROUP", theme::DIM));
    let rows = usize::from(area.height.saturating_sub(2));
    for (y, at) in (1..).zip(groups.iter().take(rows)) {
        let Some(row) = RunRow::new(run, index, RowId::Group(*at)) else { continue };
        let counts = index.groups[*at as usize].counts;
        let name = text::cut_middle(&text::clean(&row.name(false)), 14);
        let mut line = Line::from(vec![
            paint::glyph(theme::task_mark(counts.worst())),
            paint::span(format!(" {name:<14} "), theme::PLAIN),
        ]);
        line.extend(cell::counts(counts, false).spans);
        paint::put(buf, area, y, line);
    }
    if groups.len() > rows {
        let more = format!("+{} groups more in the list", groups.len() - rows);
        paint::put(buf, area, area.height.saturating_sub(1), paint::line(more, theme::DIM));
    }
}
