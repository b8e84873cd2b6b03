//! The versions of a DAG's definition, and what differs between two of them.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

use crate::rows;
use crate::screen::missing;
use crate::state::{Slot, State};
use crate::text;
use crate::theme;
use crate::types::DagId;
use crate::types::view::DagDiffView;
use crate::widget::paint;
use crate::widget::table::{Table, fixed, growing, position, right};

/// Draws the list, and below or beside it the difference that the selection makes.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State, dag_id: &DagId) {
    let level = state.level();
    let versions = state.cache.dag_versions(dag_id).unwrap_or_default();
    let selected = level.cursor(&rows::keys(state, level));
    let [list, diff] = if area.width >= 120 {
        Layout::horizontal([Constraint::Length(60), Constraint::Min(0)]).areas(area)
    } else {
        let rows = u16::try_from(versions.len()).unwrap_or(u16::MAX).saturating_add(3);
        let rows = rows.clamp(5, (area.height / 2).max(5));
        Layout::vertical([Constraint::Length(rows), Constraint::Min(0)]).areas(area)
    };
    let title = format!("{dag_id} · versions {}", versions.len());
    let inside = paint::panel(buf, list, &title, &position(selected, versions.len()), true);
    match state.cache.dag_versions(dag_id) {
        None => missing(buf, inside, state, &Slot::Versions(dag_id.clone())),
        Some([]) => {
            paint::empty(
                buf,
                inside,
                "No versions yet",
                "one is kept with each change that is read",
            );
        }
        Some(versions) => {
            let columns = [
                fixed("", 1, 0),
                right("V", 4, 0),
                right("SINCE", 8, 0),
                growing("DEFINED", 16, 1),
                fixed("DIGEST", 8, 2),
            ];
            let row = |at: usize| {
                let version = &versions[at];
                let number = version.version_number.to_string();
                let mark = if level.marks.contains(&number) { "*" } else { "" };
                let digest: String = version.dag_version.chars().take(8).collect();
                vec![
                    paint::line(mark, theme::KEY),
                    paint::line(format!("v{number}"), theme::BOLD),
                    paint::line(text::ago(state.now, version.created_at), theme::PLAIN),
                    paint::line(format!("{}:{}", version.fileloc, version.line), theme::DIM),
                    paint::line(digest, theme::DIM),
                ]
            };
            let len = versions.len();
            Table { columns: &columns, len, selected: Some(selected), is_focused: true, row: &row }
                .draw(buf, inside);
        }
    }
    let Some((from, to)) = rows::compared(state, dag_id) else {
        let inside = paint::panel(buf, diff, "What changed", "", false);
        return paint::empty(buf, inside, "The first version", "there is none before it");
    };
    draw_diff(buf, diff, state, (dag_id, from, to), 0);
}

/// Draws the difference of two versions on a page of its own.
pub(crate) fn draw_page(
    buf: &mut Buffer,
    area: Rect,
    state: &State,
    (dag_id, from, to): (&DagId, u32, u32),
) {
    draw_diff(buf, area, state, (dag_id, from, to), state.level().scroll);
}

fn draw_diff(
    buf: &mut Buffer,
    area: Rect,
    state: &State,
    (dag_id, from, to): (&DagId, u32, u32),
    scroll: usize,
) {
    let title = format!("v{from} → v{to}");
    let slot = Slot::Diff(dag_id.clone(), from, to);
    let Some(diff) = state.cache.dag_diff(dag_id, from, to) else {
        let inside = paint::panel(buf, area, &title, "", false);
        return missing(buf, inside, state, &slot);
    };
    let lines = lines(diff);
    let seen = usize::from(area.height.saturating_sub(2));
    let hidden = lines.len().saturating_sub(seen);
    let note = if hidden > 0 { format!("{} lines", lines.len()) } else { String::new() };
    let inside = paint::panel(buf, area, &title, &note, false);
    paint::put_all(buf, inside, lines, scroll.min(hidden));
}

fn lines(diff: &DagDiffView) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for (title, body) in
        [("AS WRITTEN IN THE FILE", &diff.source), ("AS IT IS IN FORCE", &diff.definition)]
    {
        if body.is_empty() {
            continue;
        }
        lines.push(paint::line(title, theme::DIM));
        lines.extend(body.lines().map(|line| {
            let style = match line.as_bytes().first() {
                Some(b'+') => theme::GOOD,
                Some(b'-') => theme::BAD,
                Some(b'@') => theme::ACCENT,
                _ => theme::PLAIN,
            };
            paint::line(line, style)
        }));
        lines.push(Line::default());
    }
    if lines.is_empty() {
        lines.push(paint::line("Nothing differs.", theme::DIM));
    }
    lines
}
