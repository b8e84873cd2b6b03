//! The daemon: what it is, what it uses, its pools, its problems.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::tui::screen::missing;
use crate::tui::state::{Slot, State};
use crate::tui::text;
use crate::tui::theme;
use crate::tui::widget::paint;
use crate::types::view::{PoolView, StatusView};

/// Draws the screen.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let Some(status) = state.status() else {
        let inside = paint::panel(buf, area, "System", "", true);
        return missing(buf, inside, state, &Slot::Status);
    };
    let [left, right] = if area.width >= 120 {
        Layout::horizontal([Constraint::Percentage(50), Constraint::Min(0)]).areas(area)
    } else {
        Layout::vertical([Constraint::Length(12), Constraint::Min(0)]).areas(area)
    };
    let inside = paint::panel(buf, left, "Daemon", "", true);
    paint::put_all(buf, inside, facts(state, status), 0);
    let pools = u16::try_from(status.pools.len()).unwrap_or(8).clamp(1, 8) + 2;
    let [pools, problems] =
        Layout::vertical([Constraint::Length(pools), Constraint::Min(0)]).areas(right);
    let inside = paint::panel(buf, pools, "Pools", "", false);
    if status.pools.is_empty() {
        paint::put(buf, inside, 0, paint::line("none but the default one", theme::DIM));
    }
    paint::put_all(buf, inside, status.pools.iter().map(pool_line).collect(), 0);
    let inside = paint::panel(buf, problems, "Problems", "", false);
    draw_problems(buf, inside, state, status);
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

fn pool_line(pool: &PoolView) -> Line<'static> {
    let share = f64::from(pool.running) / f64::from(pool.slots.max(1));
    Line::from(vec![
        paint::span(format!("{:<16} ", text::cut(&pool.name, 16)), theme::PLAIN),
        Span::styled(paint::bar(share, 10), theme::ACCENT),
        paint::span(
            format!(" {}/{} running, {} queued", pool.running, pool.slots, pool.queued),
            theme::DIM,
        ),
    ])
}

fn draw_problems(buf: &mut Buffer, area: Rect, state: &State, status: &StatusView) {
    let mut lines: Vec<Line<'static>> = status
        .problems
        .iter()
        .map(|problem| {
            Line::from(vec![Span::styled("! ", theme::WARN), paint::span(problem, theme::PLAIN)])
        })
        .collect();
    let definitions = state.definitions();
    for diagnostic in definitions.map(|d| d.diagnostics.as_slice()).unwrap_or_default() {
        lines.push(Line::from(vec![
            Span::styled("✗ ", theme::BAD),
            paint::span(
                format!("{}:{} {}", diagnostic.file, diagnostic.line, diagnostic.message),
                theme::PLAIN,
            ),
        ]));
    }
    if lines.is_empty() {
        let loaded = definitions.and_then(|d| d.loaded_at).map(|at| text::ago(state.now, at));
        let how = loaded.map(|when| format!("dags.toml was read {when}")).unwrap_or_default();
        return paint::empty(buf, area, "✓ None", &how);
    }
    if definitions.is_some_and(|d| !d.diagnostics.is_empty()) {
        lines.push(paint::line("E shows the places in dags.toml", theme::DIM));
    }
    paint::put_all(buf, area, lines, 0);
}
