//! One operation: what was asked, by whom, and what it did to each task or run.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::rows::{self, operation as moves};
use crate::screen::{missing, operations};
use crate::state::{Slot, State};
use crate::text;
use crate::theme::{self, Mark};
use crate::types::operation::{Moves, OperationDetailView};
use crate::widget::paint;
use crate::widget::table::{Table, fixed, growing, position, right};

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
    let all = moves::of(detail);
    let selected = level.cursor(&rows::keys(state, level));
    let Some(kept) = &detail.moves else {
        let inside = paint::panel(buf, area, "What it did", "", true);
        let how = "it was done before that was kept; what was asked is known";
        return paint::empty(buf, inside, "What it did to each is not known", how);
    };
    let title = format!("What it did to {}", said(kept));
    let inside = paint::panel(buf, area, &title, &position(selected, all.len()), true);
    if all.is_empty() {
        return paint::empty(buf, inside, "It touched nothing", "esc goes back");
    }
    let columns = [
        growing("TASK", 16, 0),
        right("TRY", 3, 2),
        fixed("BEFORE", 18, 0),
        fixed("AFTER", 18, 0),
        growing("RUN", 20, 1),
    ];
    let row = |at: usize| {
        let one = &all[at];
        vec![
            paint::line(&one.name, theme::BOLD),
            paint::line(one.try_number.map(|n| n.to_string()).unwrap_or_default(), theme::DIM),
            worded(one.before),
            one.after.map_or_else(|| paint::line("deleted", theme::BAD), worded),
            paint::line(format!("{} {}", one.run.dag_id, one.run.dag_run_id), theme::DIM),
        ]
    };
    Table {
        columns: &columns,
        len: all.len(),
        selected: Some(selected),
        is_focused: true,
        row: &row,
    }
    .draw(buf, inside);
}

fn worded(mark: Mark) -> Line<'static> {
    let [glyph, blank, word]: [Span<'static>; 3] = paint::worded(mark);
    Line::from(vec![glyph, blank, word])
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
