//! One operation: what was asked, by whom, and what it did to each task or run.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

use crate::keymap::with_keys;
use crate::rows::operation::{self as moves, Moved};
use crate::screen::{filtered_out, missing, operations};
use crate::state::{Slot, State};
use crate::text;
use crate::theme::{self, Mark};
use crate::types::operation::{Moves, OperationDetailView};
use crate::widget::list::{Field, List, Shown, Value};
use crate::widget::paint;
use crate::widget::table::{fixed, growing, position, right};

/// Columns from which the wish stands beside what it did.
const WIDE: u16 = 120;
/// Rows of the wish above it, with its frame.
const WISH_ROWS: u16 = 8;

/// Draws the page.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State, id: i64) {
    let Some(detail) = state.cache.operation(id) else {
        let inside = paint::panel(buf, area, &format!("Operation {id}"), "", true);
        return missing(buf, inside, state, &Slot::Operation(id));
    };
    let (wish, did) = if area.width >= WIDE {
        let [did, wish] =
            Layout::horizontal([Constraint::Min(0), Constraint::Percentage(36)]).areas(area);
        (wish, did)
    } else {
        let rows = if area.height >= 16 { WISH_ROWS } else { 4 };
        let [wish, did] =
            Layout::vertical([Constraint::Length(rows), Constraint::Min(0)]).areas(area);
        (wish, did)
    };
    operations::draw_detail(buf, wish, &detail.line);
    draw_moves(buf, did, state, detail);
}

fn draw_moves(buf: &mut Buffer, area: Rect, state: &State, detail: &OperationDetailView) {
    let level = state.level();
    let Some(kept) = &detail.moves else {
        let inside = paint::panel(buf, area, "What it did", "", true);
        let how = "it was done before that was kept; what was asked is known";
        return paint::empty(buf, inside, "What it did to each is not known", how);
    };
    let rows = moves::moved(state, level, detail.line.id);
    let keys: Vec<String> = rows.iter().map(moves::key).collect();
    let selected = level.cursor(&keys);
    let list = list();
    let all = kept.tasks.len() + kept.runs.len();
    let title = format!("{} · {}", list.title(state, level, rows.len(), all), said(kept));
    let inside = paint::panel(buf, area, &title, &position(selected, rows.len()), true);
    if all == 0 {
        let how = with_keys!(state, "{} goes back", Back);
        return paint::empty(buf, inside, "It touched nothing", &how);
    }
    if rows.is_empty() {
        return filtered_out(buf, inside, state, "Nothing of it passes the filter");
    }
    list.draw(buf, inside, state, &rows, &Shown::focused(level, selected));
}

/// Describes the list of what an operation did.
pub(crate) fn list() -> List<'static, Moved> {
    let worded = |mark: Mark| Line::from(paint::worded(mark).to_vec());
    List::new("operation", "What it did", moves::key)
        .field(Field::words("task", growing("TASK", 16, 0), theme::BOLD, |one: &Moved| {
            one.name.clone()
        }))
        .field(
            Field::new("try", right("TRY", 3, 2), |_, one: &Moved| {
                paint::line(one.try_number.map(|n| n.to_string()).unwrap_or_default(), theme::DIM)
            })
            .sorted_down(|_, one| Value::number(one.try_number.map(f64::from))),
        )
        .field(
            Field::new("before", fixed("BEFORE", 18, 0), move |_, one: &Moved| worded(one.before))
                .sorted(|_, one| Value::text(one.before.word)),
        )
        .field(
            Field::new("after", fixed("AFTER", 18, 0), move |_, one: &Moved| {
                one.after.map_or_else(|| paint::line("deleted", theme::BAD), worded)
            })
            .sorted(|_, one| Value::text(one.after.map_or("deleted", |mark| mark.word))),
        )
        .field(Field::words("run", growing("RUN", 20, 1), theme::DIM, |one: &Moved| {
            format!("{} {}", one.run.dag_id, one.run.dag_run_id)
        }))
}

/// Counts what it touched, also what was not kept.
fn said(kept: &Moves) -> String {
    let tasks = kept.tasks.len() + kept.more_tasks;
    let runs = kept.runs.len() + kept.more_runs;
    let more = match (kept.more_tasks, kept.more_runs) {
        (0, 0) => String::new(),
        _ => format!(", the first {} of each", crate::types::operation::MOVES_MAX),
    };
    match (tasks, runs) {
        (0, runs) => format!("{}{more}", text::count(runs, "run")),
        (tasks, 0) => format!("{}{more}", text::count(tasks, "task")),
        (tasks, runs) => {
            format!("{} of {}{more}", text::count(tasks, "task"), text::count(runs, "run"))
        }
    }
}
