//! The feed: what happened, newest first; from 120 columns with the selected line in full. As a
//! rail it stands at the right of any other view.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::keymap::with_keys;
use crate::rows;
use crate::screen::{filtered_out, missing};
use crate::state::{Screen, Slot, State, View};
use crate::text;
use crate::theme;
use crate::types::event::EventLog;
use crate::types::{DagId, TaskId};
use crate::widget::list::{Field, List, Shown, Value};
use crate::widget::paint;
use crate::widget::table::{fixed, growing, position, right};

/// From this width on there is room for the detail, and for the rail.
const WIDE: u16 = 120;
const RAIL: u16 = 42;

/// Draws the screen.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let level = state.level();
    let events = rows::events(state, level);
    let selected = rows::place(level, &events);
    let (place, detail) = match area.width >= WIDE && !events.is_empty() {
        true => {
            let [place, detail] =
                Layout::horizontal([Constraint::Min(0), Constraint::Percentage(34)]).areas(area);
            (place, detail)
        }
        false => (area, Rect::default()),
    };
    let note = match (state.feed.is_loading, state.feed.is_whole) {
        (true, _) => "older ones are read…".to_owned(),
        (false, true) => position(selected, events.len()),
        (false, false) => format!("{} · older ones below", position(selected, events.len())),
    };
    let list = list();
    let mut title = list.title(state, level, events.len(), state.feed.entries().len());
    if level.attention_only {
        title.push_str(" · warnings and errors");
    }
    let inside = paint::panel(buf, place, &title, &note, true);
    if state.cache.is_new(&Slot::Events) && events.is_empty() {
        return missing(buf, inside, state, &Slot::Events);
    }
    if state.feed.entries().is_empty() {
        let how = "runs, retries, promotions and reloads are told here";
        return paint::empty(buf, inside, "Nothing has happened yet", how);
    }
    if events.is_empty() {
        return filtered_out(buf, inside, state, "No event passes the filter");
    }
    list.draw(buf, inside, state, &events, &Shown::focused(level, selected));
    if let Some(event) = events.get(selected).filter(|_| !detail.is_empty()) {
        draw_detail(buf, detail, state, event);
    }
}

/// Describes the list.
pub(crate) fn list() -> List<'static, EventLog> {
    let dag = |event: &EventLog| event.dag_id.as_ref().map(ToString::to_string);
    List::new("events", "Events", |event: &EventLog| event.id.to_string())
        .words(words)
        .field(
            Field::new("severity", fixed("!", 1, 0), |_, event: &EventLog| {
                Line::from(paint::glyph(theme::severity_mark(event.severity)))
            })
            .sorted_down(|_, event| Value::number(f64::from(event.severity as u8))),
        )
        .field(Field::ago("when", right("WHEN", 8, 0), theme::PLAIN, |event: &EventLog| {
            Some(event.when)
        }))
        .field(Field::words("dag", fixed("DAG", 22, 1), theme::ACCENT, move |event| {
            dag(event).unwrap_or_default()
        }))
        .field(Field::words("event", fixed("EVENT", 26, 2), theme::DIM, |event: &EventLog| {
            event.event.clone()
        }))
        .field(Field::words("what", growing("WHAT", 30, 0), theme::PLAIN, message))
        .field(Field::words("who", fixed("WHO", 12, 3), theme::DIM, |event: &EventLog| {
            event.owner.clone().unwrap_or_default()
        }))
}

/// Returns what an event is found by.
fn words(event: &EventLog) -> String {
    let dag_id = event.dag_id.as_ref().map(DagId::as_str).unwrap_or_default();
    let word = theme::severity_mark(event.severity).word;
    let task_id = event.task_id.as_ref().map(TaskId::as_str).unwrap_or_default();
    let owner = event.owner.as_deref().unwrap_or_default();
    format!(
        "severity:{word} dag:{dag_id} task:{task_id} by:{owner} {} {}",
        event.event, event.message
    )
}

fn draw_detail(buf: &mut Buffer, area: Rect, state: &State, event: &EventLog) {
    let inside = paint::panel(buf, area, "Event", &with_keys!(state, "{} goes there", Open), false);
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
    let note = with_keys!(state, "{} closes  {} opens all", EventRail, Show(View::Events));
    let inside = paint::panel(buf, area, "Events", &note, false);
    if state.feed.entries().is_empty() {
        return missing(buf, inside, state, &Slot::Events);
    }
    let lines = lines(state, usize::from(inside.width), usize::from(inside.height));
    paint::put_all(buf, inside, lines, 0);
}

/// Draws the feed over a screen that has no room for a rail.
pub(crate) fn popup(buf: &mut Buffer, body: Rect, state: &State, scroll: usize) {
    let place = paint::popup(buf, body, body.width.saturating_sub(8), body.height);
    let note = with_keys!(
        state,
        "{} {} scroll  {} opens all  {} closes",
        Down,
        Up,
        Show(View::Events),
        Back
    );
    let inside = paint::panel(buf, place, "Events", &note, true);
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
