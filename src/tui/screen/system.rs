//! The daemon: what it is, what it uses, its problems, where attempts run, and what is set.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::keymap::with_keys;
use crate::screen::{executors, log, missing, settings};
use crate::state::{Slot, State, Zoom};
use crate::text;
use crate::theme;
use crate::types::view::{MirrorView, OpenLineageView, StatusView};
use crate::view;
use crate::widget::paint;

/// The least height at which the end of the log has room below the settings.
const LOG_FROM: u16 = 32;

/// Where the parts are; an empty one is not shown.
#[derive(Default)]
struct Parts {
    daemon: Rect,
    problems: Rect,
    executors: Rect,
    settings: Rect,
    log: Rect,
}

/// Returns where the daemon's log is; empty where it is not shown.
pub(crate) fn log_area(state: &State) -> Rect {
    match state.status() {
        Some(status) => parts(state, status, view::body(state, state.size)).log,
        None => Rect::default(),
    }
}

fn parts(state: &State, status: &StatusView, area: Rect) -> Parts {
    if state.level().zoom != Zoom::Normal {
        return Parts { settings: area, ..Parts::default() };
    }
    let rows = u16::try_from(facts(state, status).len()).unwrap_or(9) + 2;
    if area.width < 120 {
        let rows = rows.min(area.height / 2);
        let [top, settings] =
            Layout::vertical([Constraint::Length(rows), Constraint::Min(0)]).areas(area);
        let [daemon, problems] =
            Layout::horizontal([Constraint::Percentage(58), Constraint::Min(0)]).areas(top);
        let [executors, problems] = stacked(state, problems);
        return Parts { daemon, problems, executors, settings, log: Rect::default() };
    }
    let [upper, log] = match area.height >= LOG_FROM {
        true => Layout::vertical([Constraint::Percentage(55), Constraint::Min(0)]).areas(area),
        false => [area, Rect::default()],
    };
    let [left, settings] =
        Layout::horizontal([Constraint::Percentage(40), Constraint::Min(0)]).areas(upper);
    let [daemon, problems] =
        Layout::vertical([Constraint::Length(rows), Constraint::Min(0)]).areas(left);
    let [executors, problems] = stacked(state, problems);
    Parts { daemon, problems, executors, settings, log }
}

/// Parts executors from problems, which keep a few rows.
fn stacked(state: &State, area: Rect) -> [Rect; 2] {
    let rows = executors::height(state, area.width).min(area.height.saturating_sub(4));
    let rows = if rows < 3 { 0 } else { rows };
    Layout::vertical([Constraint::Length(rows), Constraint::Min(0)]).areas(area)
}

/// Draws the screen.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let Some(status) = state.status() else {
        let inside = paint::panel(buf, area, "System", "", true);
        return missing(buf, inside, state, &Slot::Status);
    };
    let Parts { daemon, problems, executors: running, settings: list, log: log_area } =
        parts(state, status, area);
    if !daemon.is_empty() {
        let inside = paint::panel(buf, daemon, "Daemon", "", false);
        paint::put_all(buf, inside, facts(state, status), 0);
        if !running.is_empty() {
            executors::draw(buf, running, state);
        }
        let inside = paint::panel(buf, problems, "Problems", "", false);
        draw_problems(buf, inside, state, status);
    }
    if !log_area.is_empty() {
        log::draw(buf, log_area, state, false);
    }
    settings::draw(buf, list, state);
}

fn facts(state: &State, status: &StatusView) -> Vec<Line<'static>> {
    let listens = |listen: &Option<String>| listen.clone().unwrap_or_else(|| "not open".to_owned());
    let memory = status.memory_bytes.map_or("—".to_owned(), text::bytes);
    let up = text::running(text::seconds(status.started_at, state.now));
    let mut lines = vec![
        paint::pair("deck", format!("{}  {}", status.deck_name, status.project)),
        paint::pair("version", &status.version),
        paint::pair("process", format!("pid {}, up {up}", status.pid)),
        paint::pair("memory", format!("{memory}   store {}", text::bytes(status.store_bytes))),
        paint::pair(
            "runs",
            format!("{} running, {} queued", status.runs_running, status.runs_queued),
        ),
        paint::pair("slots", format!("{} of {} taken", status.slots_used, status.slots_total)),
        paint::pair("DAGs", definitions_line(state, status)),
        paint::pair("api", listens(&status.api_listen)),
        paint::pair("serving", listens(&status.serving_listen)),
    ];
    if let Some(told) = &status.openlineage {
        lines.push(paint::pair("lineage", telling(told)));
    }
    if let Some(told) = &status.mirror {
        lines.push(paint::pair("mlflow", mirroring(told)));
    }
    lines.extend([
        paint::pair(
            "kept",
            with_keys!(state, "[deck.retention] of dags.toml; {} deletes the rest", Prune),
        ),
        paint::pair("backup", "`dagdeck backup FILE`, running or not"),
        paint::pair("log", with_keys!(state, "{} on the whole screen", OpenLog)),
    ]);
    lines
}

/// Says how far those are who are told as OpenLineage: what waits first, for the place may be long.
fn telling(told: &OpenLineageView) -> String {
    let figures = match told.waiting {
        0 => format!("{} sent", told.sent),
        waiting => format!("{waiting} waiting, {} sent", told.sent),
    };
    format!("{figures}  {}", told.target)
}

/// Says how far the MLflow server is that gets what pipelines track.
fn mirroring(told: &MirrorView) -> String {
    let refused =
        if told.refused == 0 { String::new() } else { format!("{} refused, ", told.refused) };
    let waiting =
        if told.waiting == 0 { String::new() } else { format!("{} waiting, ", told.waiting) };
    format!("{refused}{waiting}{} sent  {}", told.sent, told.target)
}

/// Says what of `dags.toml` is in force.
fn definitions_line(state: &State, status: &StatusView) -> String {
    let loaded = state.definitions().and_then(|definitions| definitions.loaded_at);
    let read = loaded.map(|at| format!(", read {}", text::ago(state.now, at))).unwrap_or_default();
    match status.definition_errors {
        0 => format!("{}{read}", status.dag_count),
        n => {
            let (dags, errors) = (status.dag_count, text::count(n, "error"));
            with_keys!(state, "{dags} of the last good version; {errors} now ({})", ShowErrors)
        }
    }
}

fn draw_problems(buf: &mut Buffer, area: Rect, state: &State, status: &StatusView) {
    let width = usize::from(area.width).saturating_sub(2);
    let mut lines: Vec<Line<'static>> = Vec::new();
    let mut tell = |glyph: &'static str, style: Style, problem: &str| {
        for (at, piece) in text::wrap_words(problem, width).iter().enumerate() {
            let lead = if at == 0 { glyph } else { "  " };
            lines.push(Line::from(vec![
                Span::styled(lead, style),
                paint::span(piece, theme::PLAIN),
            ]));
        }
    };
    for problem in &status.problems {
        tell("! ", theme::WARN, problem);
    }
    let definitions = state.definitions();
    for diagnostic in definitions.map(|d| d.diagnostics.as_slice()).unwrap_or_default() {
        let place = format!("{}:{} {}", diagnostic.file, diagnostic.line, diagnostic.message);
        tell("✗ ", theme::BAD, &place);
    }
    if lines.is_empty() {
        let loaded = definitions.and_then(|d| d.loaded_at).map(|at| text::ago(state.now, at));
        let how = loaded.map(|when| format!("dags.toml was read {when}")).unwrap_or_default();
        return paint::empty(buf, area, "✓ None", &how);
    }
    if definitions.is_some_and(|d| !d.diagnostics.is_empty()) {
        lines.push(paint::line(
            with_keys!(state, "{} shows the places in dags.toml", ShowErrors),
            theme::DIM,
        ));
    }
    paint::put_all(buf, area, lines, 0);
}
