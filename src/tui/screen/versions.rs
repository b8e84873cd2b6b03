//! The versions of a DAG's definition, and what differs between two of them.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

use crate::rows;
use crate::screen::{filtered_out, missing};
use crate::state::{Slot, State};
use crate::theme;
use crate::types::DagId;
use crate::types::view::{DagDiffView, DagVersionView};
use crate::widget::list::{Field, List, Shown, Value};
use crate::widget::paint;
use crate::widget::table::{fixed, growing, position, right};

/// Draws the list, and below or beside it the difference that the selection makes.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State, dag_id: &DagId) {
    let level = state.level();
    let versions = rows::dag_versions(state, level, dag_id);
    let selected = rows::place(level, &versions);
    let all = state.cache.dag_versions(dag_id);
    let len = all.map_or(0, <[_]>::len);
    let [place, diff] = if area.width >= 120 {
        Layout::horizontal([Constraint::Length(60), Constraint::Min(0)]).areas(area)
    } else {
        let rows = u16::try_from(len).unwrap_or(u16::MAX).saturating_add(3);
        let rows = rows.clamp(5, (area.height / 2).max(5));
        Layout::vertical([Constraint::Length(rows), Constraint::Min(0)]).areas(area)
    };
    let list = list(dag_id);
    let title = list.title(state, level, versions.len(), len);
    let inside = paint::panel(buf, place, &title, &position(selected, versions.len()), true);
    match all {
        None => missing(buf, inside, state, &Slot::Versions(dag_id.clone())),
        Some([]) => {
            paint::empty(
                buf,
                inside,
                "No versions yet",
                "one is kept with each change that is read",
            );
        }
        Some(_) if versions.is_empty() => {
            filtered_out(buf, inside, state, "No version passes the filter");
        }
        Some(_) => list.draw(buf, inside, state, &versions, &Shown::focused(level, selected)),
    }
    let Some((from, to)) = rows::compared(state, dag_id) else {
        let inside = paint::panel(buf, diff, "What changed", "", false);
        return paint::empty(buf, inside, "The first version", "there is none before it");
    };
    draw_diff(buf, diff, state, (dag_id, from, to), 0);
}

/// Describes the list.
pub(crate) fn list(dag_id: &DagId) -> List<'static, DagVersionView> {
    List::new("versions", format!("{dag_id} · versions"), |version: &DagVersionView| {
        version.version_number.to_string()
    })
    .field(
        Field::new("version", right("V", 4, 0), |_, version: &DagVersionView| {
            paint::line(format!("v{}", version.version_number), theme::BOLD)
        })
        .sorted_down(|_, version| Value::number(f64::from(version.version_number))),
    )
    .field(Field::ago("since", right("SINCE", 8, 0), theme::PLAIN, |version: &DagVersionView| {
        Some(version.created_at)
    }))
    .field(Field::words(
        "defined",
        growing("DEFINED", 16, 1),
        theme::DIM,
        |version: &DagVersionView| format!("{}:{}", version.fileloc, version.line),
    ))
    .field(Field::words(
        "digest",
        fixed("DIGEST", 8, 2),
        theme::DIM,
        |version: &DagVersionView| version.dag_version.chars().take(8).collect(),
    ))
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
