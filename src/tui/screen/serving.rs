//! The model server: which versions answer, how much, how fast, what went wrong.
//!
//! The versions are a list; what stands below is about the selected one and its model.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::rows;
use crate::screen::serving_charts::{self, CHARTS};
use crate::screen::{first, missing};
use crate::state::{Slot, State};
use crate::text;
use crate::theme;
use crate::types::Timestamp;
use crate::types::serving::{ServedVersion, ServingError, ServingStatus};
use crate::widget::chart::{SERIES_MAX, Series};
use crate::widget::paint;
use crate::widget::table::{Table, fixed, growing, position, right};

/// Parts of the page that `tab` goes through: a chart each, where not all fit.
pub(crate) const PARTS: usize = CHARTS.len();

/// Rows that the example command may take.
const CURL_ROWS: usize = 3;

/// Draws the screen.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let Some(serving) = state.cache.serving() else {
        let inside = paint::panel(buf, area, "Serving", "", true);
        return missing(buf, inside, state, &Slot::Serving);
    };
    let versions = u16::try_from(serving.versions.len()).unwrap_or(8).clamp(1, 8) + 3;
    let versions = if serving.versions.is_empty() { 5 } else { versions };
    if area.height < 26 {
        return draw_small(buf, area, state, serving, versions);
    }
    let lines = head_lines(serving, usize::from(area.width.saturating_sub(4)));
    let head_rows = u16::try_from(lines.len() + 2).unwrap_or(4);
    let charts = if area.height >= 40 { area.height / 3 } else { 9 };
    let split = split_rows(state);
    let [head, list, middle, traffic, bottom] = Layout::vertical([
        Constraint::Length(head_rows),
        Constraint::Length(versions),
        Constraint::Length(charts),
        Constraint::Length(split),
        Constraint::Min(0),
    ])
    .areas(area);
    let note = if serving.example_command().is_some() { "y copies the command" } else { "" };
    let inside = paint::panel(buf, head, "Model server", note, false);
    paint::put_all(buf, inside, lines, 0);
    draw_versions(buf, list, state, serving);
    serving_charts::draw(buf, middle, state);
    draw_split(buf, traffic, state);
    draw_errors(buf, bottom, state.now, serving);
}

/// The versions and one chart, where there is no room for more; what is wrong in a line.
fn draw_small(buf: &mut Buffer, area: Rect, state: &State, serving: &ServingStatus, versions: u16) {
    let [head, list, chart, last] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(versions.min(area.height / 2)),
        Constraint::Min(6),
        Constraint::Length(1),
    ])
    .areas(area);
    paint::put_at(buf, head, 1, 0, listening(serving));
    draw_versions(buf, list, state, serving);
    serving_charts::draw(buf, chart, state);
    let line = match serving.recent_errors.first() {
        Some(error) => Line::from(vec![
            paint::span(format!(" {} ", error.status), theme::BAD),
            paint::span(format!("{} ", text::ago(state.now, error.when)), theme::DIM),
            paint::span(&error.message, theme::PLAIN),
        ]),
        None => paint::line(" no request was refused", theme::DIM),
    };
    paint::put(buf, last, 0, line);
}

fn listening(serving: &ServingStatus) -> Line<'static> {
    match (&serving.listen, &serving.problem) {
        (Some(listen), _) => Line::from(vec![
            paint::span("✓ listens on ", theme::GOOD),
            paint::span(listen, theme::BOLD),
            paint::span(
                format!(
                    "  answers from {}  {} in flight",
                    serving.default_model.as_deref().unwrap_or("no model yet"),
                    serving.in_flight
                ),
                theme::DIM,
            ),
        ]),
        (None, Some(problem)) => paint::line(format!("✗ does not listen: {problem}"), theme::BAD),
        (None, None) => {
            paint::line("◌ does not listen: [serving] listen in dags.toml opens it", theme::WARN)
        }
    }
}

fn head_lines(serving: &ServingStatus, width: usize) -> Vec<Line<'static>> {
    let mut lines = vec![listening(serving)];
    if let Some(listen) = &serving.listen {
        let curl = serving.example_command().unwrap_or_else(|| format!("curl {listen}/docs.json"));
        // Whole where it can be, since it is there to be copied.
        let pieces = text::wrap(&curl, width.saturating_sub(12).max(8));
        for (at, piece) in pieces.into_iter().take(CURL_ROWS).enumerate() {
            lines.push(paint::pair(if at == 0 { "try" } else { "" }, piece));
        }
    }
    lines
}

fn draw_versions(buf: &mut Buffer, area: Rect, state: &State, serving: &ServingStatus) {
    let level = state.level();
    let selected = level.cursor(&rows::keys(state, level));
    let count = serving.versions.len();
    let title = format!("Serving {}", text::count(count, "version"));
    let inside = paint::panel(buf, area, &title, &position(selected, count), true);
    if serving.versions.is_empty() {
        return paint::empty(buf, inside, "No model is loaded", first::by_promoting(state));
    }
    let columns = [
        fixed("S", 1, 0),
        growing("MODEL", 12, 0),
        right("VER", 4, 0),
        fixed("TRAFFIC", 12, 4),
        right("%", 4, 0),
        right("REQ/S", 7, 0),
        right("P50 MS", 7, 2),
        right("P99 MS", 7, 0),
        right("ERR %", 6, 0),
        right("REQUESTS", 9, 1),
        right("4XX", 5, 3),
        right("5XX", 5, 3),
        right("LOADED", 8, 5),
    ];
    let row = |at: usize| version_cells(state.now, &serving.versions[at]);
    Table { columns: &columns, len: count, selected: Some(selected), is_focused: true, row: &row }
        .draw(buf, inside);
}

/// Tells how a version is: whether it fails, refuses, answers, or is not asked.
fn health(version: &ServedVersion) -> Span<'static> {
    let recent = |counts: &[u32]| counts.iter().rev().take(6).sum::<u32>() > 0;
    if recent(&version.history.failed) {
        return Span::styled("✗", theme::BAD);
    }
    if recent(&version.history.refused) {
        return Span::styled("!", theme::WARN);
    }
    if version.weight > 0 {
        return Span::styled("✓", theme::GOOD);
    }
    Span::styled("◌", theme::DIM)
}

fn version_cells(now: Timestamp, version: &ServedVersion) -> Vec<Line<'static>> {
    let millis = |value: Option<f64>| value.map_or("—".to_owned(), |ms| format!("{ms:.1}"));
    let share = if version.requests_total > 0 {
        version.errors_total as f64 / version.requests_total as f64 * 100.0
    } else {
        0.0
    };
    let errors = if version.errors_total > 0 { theme::BAD } else { theme::DIM };
    let refused = version.errors_total.saturating_sub(version.failed_total);
    let count = |n: u64| paint::line(n.to_string(), if n > 0 { theme::BAD } else { theme::DIM });
    vec![
        Line::from(health(version)),
        paint::line(&version.model, theme::PLAIN),
        paint::line(format!("v{}", version.version), theme::PLAIN),
        paint::line(paint::bar(f64::from(version.weight) / 100.0, 12), theme::ACCENT),
        paint::line(version.weight.to_string(), theme::PLAIN),
        paint::line(format!("{:.1}", version.requests_per_sec), theme::PLAIN),
        paint::line(millis(version.p50_ms), theme::PLAIN),
        paint::line(millis(version.p99_ms), theme::PLAIN),
        paint::line(format!("{share:.2}"), errors),
        paint::line(version.requests_total.to_string(), theme::PLAIN),
        count(refused),
        count(version.failed_total),
        paint::line(text::ago(now, version.loaded_at), theme::DIM),
    ]
}

/// Returns the versions of the selected one's model.
pub(crate) fn siblings(state: &State) -> Vec<&ServedVersion> {
    let Some(here) = rows::served_here(state) else { return Vec::new() };
    let all = state.cache.serving().map(|serving| serving.versions.as_slice()).unwrap_or_default();
    all.iter().filter(|version| version.model == here.model).take(SERIES_MAX).collect()
}

fn split_rows(state: &State) -> u16 {
    match siblings(state).len() {
        0 => 0,
        count => u16::try_from(count).unwrap_or(1) + 2,
    }
}

fn draw_split(buf: &mut Buffer, area: Rect, state: &State) {
    let versions = siblings(state);
    let Some(first) = versions.first() else { return };
    let title = format!("Traffic of {}", first.model);
    let note = "R rolls back, 5 promotes";
    let inside = paint::panel(buf, area, &title, note, false);
    let bars = usize::from(inside.width).saturating_sub(58).clamp(8, 60);
    let lines = versions.iter().enumerate().map(|(at, version)| {
        let letter = char::from(b'a' + u8::try_from(at).unwrap_or(0));
        let style = Series::style(at);
        let p99 = version.p99_ms.map_or("—".to_owned(), |ms| format!("{ms:.1} ms"));
        Line::from(vec![
            Span::styled(format!("{letter} "), style.patch(theme::BOLD)),
            paint::span(format!("v{:<4} ", version.version), theme::BOLD),
            Span::styled(paint::bar(f64::from(version.weight) / 100.0, bars), style),
            paint::span(format!(" {:>3}%  ", version.weight), theme::PLAIN),
            paint::span(
                format!(
                    "{:>7.1}/s  p99 {p99:<10} {} errors",
                    version.requests_per_sec, version.errors_total
                ),
                theme::DIM,
            ),
        ])
    });
    paint::put_all(buf, inside, lines.collect(), 0);
}

fn draw_errors(buf: &mut Buffer, area: Rect, now: Timestamp, serving: &ServingStatus) {
    let inside = paint::panel(buf, area, "Recent errors", "", false);
    if serving.recent_errors.is_empty() {
        return paint::empty(buf, inside, "No request was refused", "");
    }
    let same = |a: &ServingError, b: &ServingError| {
        (a.status, &a.model, a.version, &a.message) == (b.status, &b.model, b.version, &b.message)
    };
    // A client that goes on sending what is refused takes one line, not all.
    let lines = serving.recent_errors.chunk_by(same).filter_map(|alike| {
        let error = alike.first()?;
        let times = if alike.len() > 1 { format!("×{}", alike.len()) } else { String::new() };
        let version = error.version.map(|v| format!(" v{v}")).unwrap_or_default();
        let model = error.model.clone().unwrap_or_default();
        Some(Line::from(vec![
            paint::span(format!("{:>8}  ", text::ago(now, error.when)), theme::PLAIN),
            paint::span(format!("{} ", error.status), theme::BAD),
            paint::span(format!("{times:<4} "), theme::WARN),
            paint::span(format!("{:<14} ", format!("{model}{version}")), theme::DIM),
            paint::span(&error.message, theme::PLAIN),
        ]))
    });
    paint::put_all(buf, inside, lines.collect(), 0);
}
