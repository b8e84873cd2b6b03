//! What was done to runs: by whom, when, and whether it can be taken back; the selected one in
//! full.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use serde_json::Value;

use crate::rows;
use crate::screen::missing;
use crate::state::{Slot, State};
use crate::text;
use crate::theme;
use crate::types::operation::OperationLine;
use crate::widget::paint;
use crate::widget::table::{Table, fixed, growing, position, right};

/// Rows of the wish, below 120 columns.
const DETAIL_ROWS: u16 = 8;

/// Draws the screen.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let level = state.level();
    let lines = rows::operations(state, level);
    let selected = level.cursor(&rows::keys(state, level));
    let (list, detail) = if area.width >= 120 {
        let [list, detail] =
            Layout::horizontal([Constraint::Min(0), Constraint::Percentage(36)]).areas(area);
        (list, detail)
    } else {
        let rows = if area.height >= 16 { DETAIL_ROWS } else { 0 };
        let [list, detail] =
            Layout::vertical([Constraint::Min(0), Constraint::Length(rows)]).areas(area);
        (list, detail)
    };
    let title = format!("Operations {}", lines.len());
    let inside = paint::panel(buf, list, &title, &position(selected, lines.len()), true);
    match state.cache.operations() {
        None => return missing(buf, inside, state, &Slot::Operations),
        Some([]) => {
            let how = "c clears, m marks, n notes, D deletes: what was done is kept here";
            return paint::empty(buf, inside, "Nobody has done anything to a run yet", how);
        }
        Some(_) if lines.is_empty() => {
            return paint::empty(buf, inside, "No operation passes the filter", "esc clears it");
        }
        Some(_) => {}
    }
    let columns = [
        right("ID", 5, 0),
        right("WHEN", 8, 0),
        fixed("WHO", 10, 1),
        growing("WHAT", 30, 0),
        fixed("UNDO", 18, 2),
    ];
    let row = |at: usize| cells(state, lines[at]);
    let len = lines.len();
    Table { columns: &columns, len, selected: Some(selected), is_focused: true, row: &row }
        .draw(buf, inside);
    if let Some(line) = lines.get(selected).filter(|_| !detail.is_empty()) {
        draw_detail(buf, detail, line);
    }
}

fn cells(state: &State, line: &OperationLine) -> Vec<Line<'static>> {
    vec![
        paint::line(line.id.to_string(), theme::DIM),
        paint::line(text::ago(state.now, line.when), theme::PLAIN),
        paint::line(line.owner.as_deref().unwrap_or("—"), theme::PLAIN),
        paint::line(&line.description, theme::BOLD),
        undo(line),
    ]
}

/// Says whether it can be taken back.
fn undo(line: &OperationLine) -> Line<'static> {
    match (line.undone_by, &line.final_since) {
        (Some(by), _) => paint::line(format!("undone by {by}"), theme::DIM),
        (None, Some(_)) => paint::line("no longer", theme::WARN),
        (None, None) if line.kind == "undo" => paint::line("—", theme::DIM),
        (None, None) => paint::line("u takes it back", theme::GOOD),
    }
}

/// Draws what was asked, by whom and when.
pub(crate) fn draw_detail(buf: &mut Buffer, area: Rect, line: &OperationLine) {
    let title = format!("Operation {}", line.id);
    let inside = paint::panel(buf, area, &title, "", false);
    let width = usize::from(inside.width);
    let mut rows: Vec<Line<'static>> = text::wrap_words(&line.description, width)
        .into_iter()
        .map(|piece| paint::line(piece, theme::BOLD))
        .collect();
    let when = line.when.strftime("%Y-%m-%d %H:%M:%SZ");
    let who = line.owner.as_deref().unwrap_or("nobody said who");
    rows.push(paint::pair("done", format!("{when} by {who}")));
    rows.push(paint::pair("kind", &line.kind));
    if let Some(why) = &line.final_since {
        for piece in text::wrap_words(&format!("! cannot be undone: {why}"), width) {
            rows.push(paint::line(piece, theme::WARN));
        }
    }
    for (name, value) in line.wish.as_object().into_iter().flatten() {
        if !is_nothing(value) && name != "operation" {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            for (at, piece) in text::wrap(&value, width.saturating_sub(13)).iter().enumerate() {
                rows.push(paint::pair(if at == 0 { name } else { "" }, piece));
            }
        }
    }
    paint::put_all(buf, inside, rows, 0);
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(true) | Value::Number(_) | Value::String(_) => false,
    }
}
