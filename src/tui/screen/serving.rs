//! The model server: what it serves, how much, how fast, what went wrong.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::symbols::Marker;
use ratatui::text::Line;
use ratatui::widgets::{Axis, Chart, Dataset, GraphType, Widget};

use crate::screen::missing;
use crate::state::{Slot, State};
use crate::text;
use crate::theme;
use crate::types::Timestamp;
use crate::types::serving::{ServedVersion, ServingError, ServingStatus};
use crate::widget::paint;
use crate::widget::table::{Table, fixed, growing, right};

/// Seconds between two samples of the histories.
const SAMPLE_SECS: usize = 10;

/// Rows that the example command may take.
/// Parts of the page that `tab` goes through.
pub(crate) const PARTS: usize = 3;

const CURL_ROWS: usize = 3;

/// Draws the screen.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let Some(serving) = state.cache.serving() else {
        let inside = paint::panel(buf, area, "Serving", "", true);
        return missing(buf, inside, state, &Slot::Serving);
    };
    let versions = u16::try_from(serving.versions.len()).unwrap_or(8).clamp(1, 8) + 3;
    let charts = if area.height >= 36 { 14 } else { 7 };
    let lines = head_lines(serving, usize::from(area.width.saturating_sub(4)));
    let head_rows = u16::try_from(lines.len() + 2).unwrap_or(4);
    let [head, list, middle, bottom] = Layout::vertical([
        Constraint::Length(head_rows),
        Constraint::Length(if serving.versions.is_empty() { 5 } else { versions }),
        Constraint::Length(charts),
        Constraint::Min(0),
    ])
    .areas(area);
    let note = if serving.example_command().is_some() { "y copies the command" } else { "" };
    let inside = paint::panel(buf, head, "Model server", note, false);
    paint::put_all(buf, inside, lines, 0);
    draw_versions(buf, list, state, serving);
    let [left, right] =
        Layout::horizontal([Constraint::Percentage(50), Constraint::Min(0)]).areas(middle);
    draw_chart(buf, left, "Requests per second", &serving.requests_history);
    draw_chart(buf, right, "p99 in milliseconds", &serving.p99_history);
    draw_errors(buf, bottom, state.now, serving);
}

fn head_lines(serving: &ServingStatus, width: usize) -> Vec<Line<'static>> {
    let listen = match (&serving.listen, &serving.problem) {
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
    };
    let mut lines = vec![listen];
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
    let inside = paint::panel(buf, area, &format!("Serving {}", serving.versions.len()), "", true);
    if serving.versions.is_empty() {
        let how = "promoting a version starts model_serving_pipeline, which loads it: 5, then P";
        return paint::empty(buf, inside, "No model is loaded", how);
    }
    let columns = [
        fixed("MODEL", 13, 0),
        right("VER", 4, 0),
        fixed("TRAFFIC", 16, 0),
        right("REQUESTS", 8, 1),
        right("ERRORS", 6, 1),
        right("PER SEC", 7, 0),
        right("P50 MS", 7, 2),
        right("P99 MS", 7, 0),
        growing("LOADED", 8, 3),
    ];
    let row = |at: usize| version_cells(state.now, &serving.versions[at]);
    Table {
        columns: &columns,
        len: serving.versions.len(),
        selected: None,
        is_focused: false,
        row: &row,
    }
    .draw(buf, inside);
}

fn version_cells(now: Timestamp, version: &ServedVersion) -> Vec<Line<'static>> {
    let share = paint::bar(f64::from(version.weight) / 100.0, 10);
    let millis = |value: Option<f64>| value.map_or("—".to_owned(), |ms| format!("{ms:.1}"));
    let errors = if version.errors_total > 0 { theme::BAD } else { theme::DIM };
    vec![
        paint::line(&version.model, theme::PLAIN),
        paint::line(format!("v{}", version.version), theme::PLAIN),
        paint::line(format!("{share} {:>3}%", version.weight), theme::ACCENT),
        paint::line(version.requests_total.to_string(), theme::PLAIN),
        paint::line(version.errors_total.to_string(), errors),
        paint::line(format!("{:.1}", version.requests_per_sec), theme::PLAIN),
        paint::line(millis(version.p50_ms), theme::PLAIN),
        paint::line(millis(version.p99_ms), theme::PLAIN),
        paint::line(text::ago(now, version.loaded_at), theme::DIM),
    ]
}

/// Draws a history: a chart where it is tall enough, else a row of bars.
fn draw_chart(buf: &mut Buffer, area: Rect, title: &str, history: &[f64]) {
    let minutes = history.len() * SAMPLE_SECS / 60;
    let note = if history.is_empty() {
        String::new()
    } else {
        format!("last {}", text::count(minutes.max(1), "minute"))
    };
    let inside = paint::panel(buf, area, title, &note, false);
    let top = history.iter().copied().fold(0.0_f64, f64::max);
    if top <= 0.0 {
        return paint::empty(buf, inside, "No requests yet", "");
    }
    let last = history.last().copied().unwrap_or(0.0);
    let figures = format!("now {}  most {}", round(last), round(top));
    paint::put(buf, inside, 0, paint::line(figures, theme::DIM));
    let chart = Rect { y: inside.y + 1, height: inside.height.saturating_sub(1), ..inside };
    if chart.height < 6 {
        let bars = text::spark(history, usize::from(chart.width));
        paint::put(buf, chart, chart.height / 2, paint::line(bars, theme::ACCENT));
        return;
    }
    let points: Vec<(f64, f64)> =
        history.iter().enumerate().map(|(at, value)| (at as f64, *value)).collect();
    let data = Dataset::default()
        .marker(Marker::Braille)
        .graph_type(GraphType::Line)
        .style(theme::ACCENT)
        .data(&points);
    let labels = [Line::raw("0"), Line::raw(round(top))];
    Chart::new(vec![data])
        .x_axis(Axis::default().style(theme::DIM).bounds([0.0, (points.len().max(2) - 1) as f64]))
        .y_axis(Axis::default().style(theme::DIM).bounds([0.0, top * 1.05]).labels(labels))
        .render(chart, buf);
}

fn round(value: f64) -> String {
    if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.1}") }
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
