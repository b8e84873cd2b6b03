//! What was done to runs: by whom, when, and whether it can be taken back; the selected one in
//! full.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

use crate::keymap::with_keys;
use crate::rows;
use crate::screen::{filtered_out, missing};
use crate::state::{Slot, State};
use crate::text;
use crate::theme;
use crate::types::operation::OperationLine;
use crate::widget::list::{Field, List, Shown, Value};
use crate::widget::paint;
use crate::widget::table::{fixed, growing, position, right};

/// Rows of the wish, below 120 columns.
const DETAIL_ROWS: u16 = 8;

/// Draws the screen.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let level = state.level();
    let lines = rows::operations(state, level);
    let selected = rows::place(level, &lines);
    let [place, detail] = if area.width >= 120 {
        Layout::horizontal([Constraint::Min(0), Constraint::Percentage(36)]).areas(area)
    } else {
        let rows = if area.height >= 16 { DETAIL_ROWS } else { 0 };
        Layout::vertical([Constraint::Min(0), Constraint::Length(rows)]).areas(area)
    };
    let list = list();
    let all = state.cache.operations();
    let title = list.title(state, level, lines.len(), all.map_or(0, <[_]>::len));
    let inside = paint::panel(buf, place, &title, &position(selected, lines.len()), true);
    match all {
        None => return missing(buf, inside, state, &Slot::Operations),
        Some([]) => {
            let how = with_keys!(
                state,
                "{} clears, {} marks, {} notes, {} deletes: what was done is kept here",
                Clear,
                Mark,
                Note,
                Delete
            );
            return paint::empty(buf, inside, "Nobody has done anything to a run yet", &how);
        }
        Some(_) if lines.is_empty() => {
            return filtered_out(buf, inside, state, "No operation passes the filter");
        }
        Some(_) => {}
    }
    list.draw(buf, inside, state, &lines, &Shown::focused(level, selected));
    if let Some(line) = lines.get(selected).filter(|_| !detail.is_empty()) {
        draw_detail(buf, detail, line);
    }
}

/// Describes the list.
pub(crate) fn list() -> List<'static, OperationLine> {
    List::new("operations", "Operations", |line: &OperationLine| line.id.to_string())
        .words(words)
        .field(
            Field::new("id", right("ID", 5, 0), |_, line: &OperationLine| {
                paint::line(line.id.to_string(), theme::DIM)
            })
            .sorted_down(|_, line| Value::number(line.id as f64)),
        )
        .field(Field::ago("when", right("WHEN", 8, 0), theme::PLAIN, |line: &OperationLine| {
            Some(line.when)
        }))
        .field(Field::words("who", fixed("WHO", 10, 1), theme::PLAIN, |line: &OperationLine| {
            line.owner.clone().unwrap_or_else(|| "—".to_owned())
        }))
        .field(Field::words("what", growing("WHAT", 30, 0), theme::BOLD, |line: &OperationLine| {
            line.description.clone()
        }))
        .field(
            Field::new("undo", fixed("UNDO", 18, 2), |look, line: &OperationLine| {
                undo(look.state, line)
            })
            .sorted(|state, line| Value::text(undo(state, line).to_string())),
        )
}

/// Returns what an operation is found by.
fn words(line: &OperationLine) -> String {
    let owner = line.owner.as_deref().unwrap_or_default();
    format!("by:{owner} kind:{} {}", line.kind, line.description)
}

/// Says whether it can be taken back.
fn undo(state: &State, line: &OperationLine) -> Line<'static> {
    match (line.undone_by, &line.final_since) {
        (Some(by), _) => paint::line(format!("undone by {by}"), theme::DIM),
        (None, Some(_)) => paint::line("no longer", theme::WARN),
        (None, None) if line.kind == "undo" => paint::line("—", theme::DIM),
        (None, None) => paint::line(with_keys!(state, "{} takes it back", Undo), theme::GOOD),
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

fn is_nothing(value: &serde_json::Value) -> bool {
    use serde_json::Value;
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(true) | Value::Number(_) | Value::String(_) => false,
    }
}
