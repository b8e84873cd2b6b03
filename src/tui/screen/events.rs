//! The feed: what happened, newest first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::rows;
use crate::screen::missing;
use crate::state::{Slot, State};
use crate::text;
use crate::theme;
use crate::types::DagId;
use crate::types::event::EventLog;
use crate::widget::paint;
use crate::widget::table::{Table, fixed, growing, position, right};

/// Draws the screen.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let level = state.level();
    let events = rows::events(state, level);
    let selected = level.cursor(&rows::keys(state, level));
    let mut title = format!("Events {}", events.len());
    if !level.filter.is_empty() {
        title.push_str(&format!(" · /{}", level.filter));
    }
    let inside = paint::panel(buf, area, &title, &position(selected, events.len()), true);
    match state.cache.events() {
        None => return missing(buf, inside, state, &Slot::Events),
        Some([]) => {
            let how = "runs, retries, promotions and reloads are told here";
            return paint::empty(buf, inside, "Nothing has happened yet", how);
        }
        Some(_) if events.is_empty() => {
            return paint::empty(buf, inside, "No event passes the filter", "esc clears it");
        }
        Some(_) => {}
    }
    let columns = [
        fixed("!", 1, 0),
        right("WHEN", 8, 0),
        fixed("DAG", 22, 1),
        fixed("EVENT", 26, 2),
        growing("WHAT", 30, 0),
        fixed("WHO", 12, 3),
    ];
    let row = |at: usize| cells(state, events[at]);
    Table {
        columns: &columns,
        len: events.len(),
        selected: Some(selected),
        is_focused: true,
        row: &row,
    }
    .draw(buf, inside);
}

/// Returns what happened without the run's long name: enter opens the run.
fn message(event: &EventLog) -> String {
    match &event.dag_run_id {
        Some(run) => event.message.replace(&format!("run `{run}`"), "the run"),
        None => event.message.clone(),
    }
}

fn cells(state: &State, event: &EventLog) -> Vec<Line<'static>> {
    let mark = theme::severity_mark(event.severity);
    vec![
        Line::from(paint::glyph(mark)),
        paint::line(text::ago(state.now, event.when), theme::PLAIN),
        paint::line(event.dag_id.as_ref().map(DagId::as_str).unwrap_or_default(), theme::ACCENT),
        paint::line(&event.event, theme::DIM),
        paint::line(message(event), theme::PLAIN),
        paint::line(event.owner.as_deref().unwrap_or_default(), theme::DIM),
    ]
}
