//! The daemon: what it is, what it uses, its problems, and what is set.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::screen::{missing, settings};
use crate::state::{Slot, State};
use crate::text;
use crate::theme;
use crate::types::view::StatusView;
use crate::widget::paint;

/// Returns where the daemon's log is; empty where it is not shown.
pub(crate) fn log_area(_state: &State) -> Rect {
    Rect::default()
}

/// Draws the screen.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let Some(status) = state.status() else {
        let inside = paint::panel(buf, area, "System", "", true);
        return missing(buf, inside, state, &Slot::Status);
    };
    if state.level().is_zoomed {
        return settings::draw(buf, area, state);
    }
    let facts = facts(state, status);
    let rows = u16::try_from(facts.len()).unwrap_or(9) + 2;
    let (daemon, problems, list) = if area.width >= 120 {
        let [left, right] =
            Layout::horizontal([Constraint::Percentage(40), Constraint::Min(0)]).areas(area);
        let [daemon, problems] =
            Layout::vertical([Constraint::Length(rows), Constraint::Min(0)]).areas(left);
        (daemon, problems, right)
    } else {
        let [top, list] =
            Layout::vertical([Constraint::Length(rows.min(area.height / 2)), Constraint::Min(0)])
                .areas(area);
        let [daemon, problems] =
            Layout::horizontal([Constraint::Percentage(58), Constraint::Min(0)]).areas(top);
        (daemon, problems, list)
    };
    let inside = paint::panel(buf, daemon, "Daemon", "", false);
    paint::put_all(buf, inside, facts, 0);
    let inside = paint::panel(buf, problems, "Problems", "", false);
    draw_problems(buf, inside, state, status);
    settings::draw(buf, list, state);
}

fn facts(state: &State, status: &StatusView) -> Vec<Line<'static>> {
    let listens = |listen: &Option<String>| listen.clone().unwrap_or_else(|| "not open".to_owned());
    let memory = status.memory_bytes.map_or("—".to_owned(), text::bytes);
    let up = text::running(text::seconds(status.started_at, state.now));
    vec![
        paint::pair("deck", format!("{}  {}", status.deck_name, status.project)),
        paint::pair("version", &status.version),
        paint::pair("process", format!("pid {}, up {up}", status.pid)),
        paint::pair("memory", format!("{memory}   store {}", text::bytes(status.store_bytes))),
        paint::pair(
            "runs",
            format!("{} running, {} queued", status.runs_running, status.runs_queued),
        ),
        paint::pair("slots", format!("{} of {} taken", status.slots_used, status.slots_total)),
        paint::pair("DAGs", status.dag_count.to_string()),
        paint::pair("api", listens(&status.api_listen)),
        paint::pair("serving", listens(&status.serving_listen)),
    ]
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
        lines.push(paint::line("g e shows the places in dags.toml", theme::DIM));
    }
    paint::put_all(buf, area, lines, 0);
}
