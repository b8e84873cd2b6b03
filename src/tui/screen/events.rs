//! The feed: what happened, newest first; from 120 columns with the selected line in full. As a
//! rail it stands at the right of any other view.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::rows;
use crate::screen::missing;
use crate::state::{Screen, Slot, State, View};
use crate::text;
use crate::theme;
use crate::types::DagId;
use crate::types::event::EventLog;
use crate::widget::paint;
use crate::widget::table::{Table, fixed, growing, position, right};

/// From this width on there is room for the detail, and for the rail.
const WIDE: u16 = 120;
const RAIL: u16 = 42;

/// Draws the screen.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let level = state.level();
    let events = rows::events(state, level);
    let selected = rows::place(level, &events);
    let (list, detail) = match area.width >= WIDE && !events.is_empty() {
        true => {
            let [list, detail] =
                Layout::horizontal([Constraint::Min(0), Constraint::Percentage(34)]).areas(area);
            (list, detail)
        }
        false => (area, Rect::default()),
    };
    let note = match (state.feed.is_loading, state.feed.is_whole) {
        (true, _) => "older ones are read…".to_owned(),
        (false, true) => position(selected, events.len()),
        (false, false) => format!("{} · older ones below", position(selected, events.len())),
    };
    let mut title = format!("Events {}", events.len());
    if !level.filter.is_empty() {
        title.push_str(&format!(" · /{}", level.filter));
    }
    if level.attention_only {
        title.push_str(" · warnings and errors");
    }
    let inside = paint::panel(buf, list, &title, &note, true);
    if state.cache.is_new(&Slot::Events) && events.is_empty() {
        return missing(buf, inside, state, &Slot::Events);
    }
    if state.feed.entries().is_empty() {
        let how = "runs, retries, promotions and reloads are told here";
        return paint::empty(buf, inside, "Nothing has happened yet", how);
    }
    if events.is_empty() {
        return paint::empty(buf, inside, "No event passes the filter", "esc clears it");
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
    let len = events.len();
    Table { columns: &columns, len, selected: Some(selected), is_focused: true, row: &row }
        .draw(buf, inside);
    if let Some(event) = events.get(selected).filter(|_| !detail.is_empty()) {
        draw_detail(buf, detail, event);
    }
}

fn draw_detail(buf: &mut Buffer, area: Rect, event: &EventLog) {
    let inside = paint::panel(buf, area, "Event", "enter goes there", false);
    let mark = theme::severity_mark(event.severity);
    let mut head = vec![paint::glyph(mark), Span::raw(" ")];
    head.push(paint::span(&event.event, theme::BOLD));
    let mut lines = vec![Line::from(head), Line::raw("")];
    let width = usize::from(inside.width);
    for piece in text::wrap_words(&event.message, width) {
        lines.push(paint::line(piece, theme::PLAIN));
    }
    lines.push(Line::raw(""));
    lines.push(paint::pair("when", event.when.strftime("%Y-%m-%d %H:%M:%SZ").to_string()));
    let mut add = |label: &str, value: Option<String>| {
        lines.extend(value.map(|value| paint::pair(label, value)));
    };
    add("severity", Some(mark.word.to_owned()));
    add("dag", event.dag_id.as_ref().map(ToString::to_string));
    add("run", event.dag_run_id.as_ref().map(ToString::to_string));
    add("task", event.task_id.as_ref().map(ToString::to_string));
    add("who", event.owner.clone());
    paint::put_all(buf, inside, lines, 0);
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

/// Says whether the rail stands beside the screen.
pub(crate) fn has_rail(state: &State) -> bool {
    let is_feed = state.level().screen == Screen::Root(View::Events);
    state.has_rail && state.size.width >= WIDE && !is_feed
}

/// Returns what of the body is left to the screen, and the rail's part, which may be empty.
pub(crate) fn beside_rail(state: &State, body: Rect) -> (Rect, Rect) {
    if !has_rail(state) {
        return (body, Rect::default());
    }
    let [screen, rail] =
        Layout::horizontal([Constraint::Min(0), Constraint::Length(RAIL)]).areas(body);
    (screen, rail)
}

/// Draws the rail: two rows for each event.
pub(crate) fn draw_rail(buf: &mut Buffer, area: Rect, state: &State) {
    let inside = paint::panel(buf, area, "Events", "E closes  7 opens all", false);
    if state.feed.entries().is_empty() {
        return missing(buf, inside, state, &Slot::Events);
    }
    let lines = lines(state, usize::from(inside.width), usize::from(inside.height));
    paint::put_all(buf, inside, lines, 0);
}

/// Draws the feed over a screen that has no room for a rail.
pub(crate) fn popup(buf: &mut Buffer, body: Rect, state: &State, scroll: usize) {
    let place = paint::popup(buf, body, body.width.saturating_sub(8), body.height);
    let inside = paint::panel(buf, place, "Events", "j k scroll  7 opens all  esc closes", true);
    if state.feed.entries().is_empty() {
        return missing(buf, inside, state, &Slot::Events);
    }
    let lines = lines(state, usize::from(inside.width), usize::MAX);
    let last = lines.len().saturating_sub(usize::from(inside.height));
    paint::put_all(buf, inside, lines, scroll.min(last));
}

fn lines(state: &State, width: usize, max: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for event in state.feed.entries().iter().take(200) {
        let mark = theme::severity_mark(event.severity);
        let about = event.dag_id.as_ref().map_or(event.event.as_str(), DagId::as_str);
        lines.push(Line::from(vec![
            paint::glyph(mark),
            paint::span(format!(" {:>7} ", text::ago(state.now, event.when)), theme::DIM),
            paint::span(about, theme::ACCENT),
        ]));
        for piece in text::wrap_words(&message(event), width.saturating_sub(2)).iter().take(2) {
            lines.push(paint::line(format!("  {piece}"), theme::PLAIN));
        }
        if lines.len() >= max {
            break;
        }
    }
    lines
}
