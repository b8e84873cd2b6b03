//! A run: its tasks over the last runs, its graph drawn live, its tasks over time, the followed
//! log, the selected task in full. One selection, many views of it.
//!
//! Below 100 columns one pane at a time, the tasks with the end of the log below them; from 100 two
//! columns, the tasks over the task's details, beside them the graph over the log; from 180 three.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::hit::{self, Target};
use crate::screen::{details, log, missing};
use crate::state::{Pane, Slot, State, Zoom};
use crate::text;
use crate::theme;
use crate::types::DagRunState;
use crate::types::run::DagRunKey;
use crate::types::view::RunDetailView;
use crate::update::run::travel;
use crate::view;
use crate::widget::paint;

pub(crate) mod cell;
mod gantt;
pub(crate) mod graph;
mod grid;
mod heat;
pub(crate) mod page;
pub(crate) mod places;

/// The least height at which the log, and the task's details, are worth their room.
const LOG_MIN: u16 = 6;
const DETAILS_MIN: u16 = 10;
const BARS_MIN: u16 = 8;

/// From how many columns on there are two columns of panes, and three.
const TWO_COLUMNS: u16 = 100;
const THREE_COLUMNS: u16 = 180;

/// Where the panes are; an empty one is not shown.
#[derive(Debug, Clone, Copy, Default)]
struct Panes {
    tasks: Rect,
    graph: Rect,
    bars: Rect,
    log: Rect,
    details: Rect,
}

/// Says whether the task's details have a pane of their own.
pub(crate) fn shows_details(state: &State) -> bool {
    state.run.is_some() && !panes(state, rest(view::body(state, state.size))).details.is_empty()
}

/// Returns where the log is; empty where it is not shown.
pub(crate) fn log_area(state: &State) -> Rect {
    panes(state, rest(view::body(state, state.size))).log
}

/// Returns the room that the graph has.
pub(crate) fn graph_room(state: &State) -> Rect {
    let area = panes(state, rest(view::body(state, state.size))).graph;
    // A frame with a cell of air at both sides.
    Rect { width: area.width.saturating_sub(4), height: area.height.saturating_sub(2), ..area }
}

/// What is below the header.
fn rest(area: Rect) -> Rect {
    Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }
}

/// Rows that the list of tasks would fill.
fn list_rows(state: &State) -> u16 {
    let rows = state.run.as_ref().map_or(0, |index| index.fold.rows.len());
    u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(grid::FRAME as u16)
}

fn panes(state: &State, area: Rect) -> Panes {
    let level = state.level();
    match (level.zoom, state.size.width) {
        (Zoom::Full, _) => alone(level.pane, area),
        (Zoom::Half, width) if width >= TWO_COLUMNS => half(level.pane, area),
        (_, 0..TWO_COLUMNS) => narrow(state, area),
        (_, TWO_COLUMNS..THREE_COLUMNS) => two_columns(state, area),
        _ => three_columns(state, area),
    }
}

fn alone(pane: Pane, area: Rect) -> Panes {
    let mut panes = Panes::default();
    match pane {
        Pane::Tasks => panes.tasks = area,
        Pane::Graph => panes.graph = area,
        Pane::Log => panes.log = area,
    }
    panes
}

/// The pane with the cursor takes two thirds, the next one the rest.
fn half(pane: Pane, area: Rect) -> Panes {
    let [large, small] =
        Layout::horizontal([Constraint::Percentage(66), Constraint::Min(0)]).areas(area);
    let mut panes = alone(pane, large);
    match pane {
        Pane::Tasks => panes.log = small,
        Pane::Graph | Pane::Log => panes.tasks = small,
    }
    panes
}

fn narrow(state: &State, area: Rect) -> Panes {
    let pane = state.level().pane;
    let rows = list_rows(state);
    let mut panes = alone(pane, area);
    let is_half = state.level().zoom == Zoom::Half;
    if pane == Pane::Tasks && !is_half && rows + LOG_MIN <= area.height {
        [panes.tasks, panes.log] =
            Layout::vertical([Constraint::Length(rows), Constraint::Min(0)]).areas(area);
    }
    panes
}

fn two_columns(state: &State, area: Rect) -> Panes {
    let left = if state.size.width < 120 { 34 } else { 52 };
    let [left, right] =
        Layout::horizontal([Constraint::Length(left), Constraint::Min(0)]).areas(area);
    let upper = graph_rows(state, area.height / 2);
    let [graph, log] =
        Layout::vertical([Constraint::Length(upper), Constraint::Min(0)]).areas(right);
    let (tasks, details) = over_details(state, left, upper);
    Panes { tasks, graph, log, details, bars: Rect::default() }
}

fn three_columns(state: &State, area: Rect) -> Panes {
    let left = 58 + area.width.saturating_sub(THREE_COLUMNS) / 4;
    let [left, middle, right] =
        Layout::horizontal([Constraint::Length(left), Constraint::Fill(11), Constraint::Fill(10)])
            .areas(area);
    let rows = list_rows(state);
    // As many rows as the tasks have, so that bars and tasks are seen alike.
    let most = (area.height * 45 / 100).max(BARS_MIN);
    let bars = rows.saturating_sub(1).clamp(most.min(area.height * 2 / 5), most);
    let [graph, bars] =
        Layout::vertical([Constraint::Min(0), Constraint::Length(bars)]).areas(middle);
    // Below the tasks where they leave room, else below the log.
    if rows + DETAILS_MIN * 2 <= area.height {
        let [tasks, details] =
            Layout::vertical([Constraint::Length(graph.height), Constraint::Min(0)]).areas(left);
        return Panes { tasks, graph, bars, log: right, details };
    }
    let [log, details] =
        Layout::vertical([Constraint::Percentage(62), Constraint::Min(0)]).areas(right);
    Panes { tasks: left, graph, bars, log, details }
}

/// As high as the graph needs, and as the list of tasks where both fit, so that their lower edges
/// meet.
fn graph_rows(state: &State, half: u16) -> u16 {
    let wanted = state.graph.shown_height().map_or(half, |rows| rows.saturating_add(4));
    wanted.max(list_rows(state)).clamp(half.min(9), half)
}

fn over_details(state: &State, column: Rect, upper: u16) -> (Rect, Rect) {
    let rows = list_rows(state).max(upper);
    if rows + DETAILS_MIN > column.height {
        return (column, Rect::default());
    }
    let [tasks, details] =
        Layout::vertical([Constraint::Length(rows), Constraint::Min(0)]).areas(column);
    (tasks, details)
}

/// Draws the screen.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State, key: &DagRunKey) {
    let Some(run) = state.cache.run(key) else {
        let inside = paint::panel(buf, area, key.dag_run_id.as_str(), "", true);
        missing(buf, inside, state, &Slot::Run(key.clone()));
        return;
    };
    paint::put(buf, area, 0, header(state, run, usize::from(area.width)));
    let panes = panes(state, rest(area));
    let pane = state.level().pane;
    if !panes.tasks.is_empty() {
        hit::note(panes.tasks, Target::Pane(Pane::Tasks));
        grid::draw(buf, panes.tasks, state, pane == Pane::Tasks);
    }
    if !panes.graph.is_empty() {
        hit::note(panes.graph, Target::Pane(Pane::Graph));
        graph::draw(buf, panes.graph, state, pane == Pane::Graph);
    }
    if !panes.bars.is_empty() {
        hit::note(panes.bars, Target::Pane(Pane::Tasks));
        gantt::draw(buf, panes.bars, state);
    }
    if !panes.log.is_empty() {
        hit::note(panes.log, Target::Pane(Pane::Log));
        log::draw(buf, panes.log, state, pane == Pane::Log);
    }
    if !panes.details.is_empty() {
        details::draw(buf, panes.details, state);
    }
}

/// Says which deadline was missed, or when the next one is.
fn deadline(state: &State, run: &RunDetailView) -> Option<Span<'static>> {
    if let Some(missed) = run.deadlines.iter().find(|deadline| deadline.missed) {
        let when = text::ago(state.now, missed.deadline_time);
        return Some(paint::span(format!("  ! deadline missed {when}"), theme::WARN));
    }
    let open = run.deadlines.iter().filter(|deadline| deadline.met_at.is_none());
    let next = open.map(|deadline| deadline.deadline_time).min()?;
    Some(paint::span(format!("  deadline {}", text::until(state.now, next)), theme::DIM))
}

/// Says how long the rest takes: along the critical path by what each task takes usually, else by
/// what the whole run does.
fn eta(state: &State, run: &RunDetailView, secs: f64) -> Option<String> {
    if run.run.state != DagRunState::Running {
        return None;
    }
    let along = state.run.as_ref().and_then(|index| index.path.left).filter(|left| *left > 0.0);
    let left = along.or_else(|| run.median_duration.map(|usual| usual - secs))?;
    Some(match (left > 1.0, run.median_duration) {
        (true, _) => format!("  eta {}", text::running(left)),
        (false, Some(usual)) => format!("  longer than usual ({})", text::duration(usual)),
        (false, None) => "  nearly done".to_owned(),
    })
}

/// Makes the line of state, progress, time and the estimate of the rest.
fn header(state: &State, run: &RunDetailView, width: usize) -> Line<'static> {
    let mut spans = vec![Span::raw(" ")];
    spans.extend(paint::worded(theme::run_mark(run.run.state)));
    if travel::is_historic(state) {
        let badge = theme::WARN.patch(theme::BOLD).patch(theme::REVERSED);
        spans.extend([Span::raw("  "), Span::styled(" HISTORIC ", badge)]);
    }
    let counts = state.run.as_ref().map(|index| index.counts).unwrap_or_default();
    let (done, total) = (counts.finished(), counts.total());
    let share = done as f64 / total.max(1) as f64;
    let bar = paint::bar(share, (width / 6).clamp(8, 30));
    spans.push(Span::styled(format!("  {bar}"), theme::run_mark(run.run.state).style));
    spans.push(paint::span(format!(" {done}/{total}"), theme::BOLD));
    if let Some(secs) = run.run.duration_secs(state.now) {
        let took = match run.run.end_date {
            Some(_) => format!("  took {}", text::duration(secs)),
            None => format!("  {}", text::running(secs)),
        };
        spans.push(paint::span(took, theme::PLAIN));
        spans.extend(eta(state, run, secs).map(|eta| paint::span(eta, theme::DIM)));
    }
    spans.extend(deadline(state, run));
    let by = match &run.run.triggering_user_name {
        Some(user) => format!("  {} by {user}", run.run.run_type),
        None => format!("  {}", run.run.run_type),
    };
    spans.push(paint::span(by, theme::DIM));
    if let Some(key) = &run.run.partition_key {
        spans.push(paint::span(format!("  [{key}]"), theme::PLAIN));
    }
    for (name, value) in &run.run.params {
        if value.as_object().is_some_and(serde_json::Map::is_empty) {
            continue;
        }
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        spans.push(paint::span(format!("  {name}="), theme::DIM));
        spans.push(paint::span(value, theme::ACCENT));
    }
    if let Some(note) = &run.run.note {
        spans.push(paint::span(format!("  {note}"), theme::DIM));
    }
    Line::from(spans)
}
