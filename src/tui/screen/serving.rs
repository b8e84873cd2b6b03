//! The model server: which versions answer, how much, how fast, what went wrong.
//!
//! The versions are a list; what stands below is about the selected one and its model.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::keymap::with_keys;
use crate::rows;
use crate::rows::keyed::Keyed;
use crate::screen::serving_charts::{self, CHARTS};
use crate::screen::serving_traffic;
use crate::screen::{filtered_out, first, missing};
use crate::state::{Slot, State};
use crate::text;
use crate::theme;
use crate::types::Timestamp;
use crate::types::serving::{
    ReplicaState, ReplicaView, ServedVersion, ServingError, ServingStatus,
};
use crate::widget::chart::SERIES_MAX;
use crate::widget::list::{Field, List, Shown, Value};
use crate::widget::paint;
use crate::widget::table::{Column, fixed, growing, position, right};

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
    let lines = head_lines(state.now, serving, usize::from(area.width.saturating_sub(4)));
    let head_rows = u16::try_from(lines.len() + 2).unwrap_or(4);
    let charts = if area.height >= 40 { area.height / 3 } else { 9 };
    let split = serving_traffic::rows_of(state, area.width);
    let [head, list, middle, traffic, bottom] = Layout::vertical([
        Constraint::Length(head_rows),
        Constraint::Length(versions),
        Constraint::Length(charts),
        Constraint::Length(split),
        Constraint::Min(0),
    ])
    .areas(area);
    let note = match serving.example_command() {
        Some(_) => with_keys!(state, "{} y copies the command", Copy),
        None => String::new(),
    };
    let inside = paint::panel(buf, head, "Model server", &note, false);
    paint::put_all(buf, inside, lines, 0);
    draw_versions(buf, list, state, serving);
    serving_charts::draw(buf, middle, state);
    serving_traffic::draw(buf, traffic, state);
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
    let line = match (serving_traffic::short(state), serving.recent_errors.first()) {
        (Some(rollout), _) => rollout,
        (None, Some(error)) => Line::from(vec![
            paint::span(format!(" {} ", error.status), theme::BAD),
            paint::span(format!("{} ", text::ago(state.now, error.when)), theme::DIM),
            paint::span(&error.message, theme::PLAIN),
        ]),
        (None, None) => paint::line(" no request was refused", theme::DIM),
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
                    "  answers from {}  {} in flight{}",
                    serving.default_model.as_deref().unwrap_or("no model yet"),
                    serving.in_flight,
                    ready_replicas(serving)
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

fn ready_replicas(serving: &ServingStatus) -> String {
    if serving.replicas.is_empty() {
        return String::new();
    }
    let ready = serving.replicas.iter().filter(|found| found.state == ReplicaState::Ready).count();
    format!("  {ready} of {} replicas", serving.replicas.len())
}

fn head_lines(now: Timestamp, serving: &ServingStatus, width: usize) -> Vec<Line<'static>> {
    let mut lines = vec![listening(serving)];
    lines.extend(serving.replicas.iter().map(|replica| replica_line(now, replica)));
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

/// A process that answers: how it is, and what it does.
fn replica_line(now: Timestamp, replica: &ReplicaView) -> Line<'static> {
    let (sign, style) = match replica.state {
        ReplicaState::Ready => ("✓", theme::GOOD),
        ReplicaState::Starting => ("◌", theme::WARN),
        ReplicaState::Waiting => ("✗", theme::BAD),
    };
    let mut spans = vec![
        paint::span(format!("{sign} replica {:<3} ", replica.replica), style),
        paint::span(format!("{:<9}", replica.state.name()), style),
    ];
    if let (Some(pid), Some(since)) = (replica.pid, replica.since) {
        let memory = replica.memory_bytes.map(text::bytes).unwrap_or_default();
        let (rate, in_flight) = (replica.requests_per_sec, replica.in_flight);
        let does = format!("{rate:>8.1}/s  {in_flight} in flight  {memory:>8}");
        spans.push(paint::span(does, theme::PLAIN));
        let whose = format!("  pid {pid}, started {}", text::ago(now, since));
        spans.push(paint::span(whose, theme::DIM));
    }
    if replica.deaths > 0 {
        let problem = replica.problem.as_deref().unwrap_or("died");
        spans.push(paint::span(format!("  died {}×: {problem}", replica.deaths), theme::BAD));
    }
    Line::from(spans)
}

fn draw_versions(buf: &mut Buffer, area: Rect, state: &State, serving: &ServingStatus) {
    let level = state.level();
    let versions = rows::served(state, level);
    let selected = rows::place(level, &versions);
    let list = list();
    let title = list.title(state, level, versions.len(), serving.versions.len());
    let inside = paint::panel(buf, area, &title, &position(selected, versions.len()), true);
    if serving.versions.is_empty() {
        return paint::empty(buf, inside, "No model is loaded", &first::by_promoting(state));
    }
    if versions.is_empty() {
        return filtered_out(buf, inside, state, "No version passes the filter");
    }
    list.draw(buf, inside, state, &versions, &Shown::focused(level, selected));
}

/// Describes the list of versions that answer.
pub(crate) fn list() -> List<'static, ServedVersion> {
    let (dim, plain) = (theme::DIM, theme::PLAIN);
    List::new("serving", "Serving versions", |version: &ServedVersion| version.row_key())
        .words(ServedVersion::row_key)
        .field(Field::new("state", fixed("S", 1, 0), |_, version: &ServedVersion| {
            Line::from(health(version))
        }))
        .field(Field::words("model", growing("MODEL", 12, 0), plain, |version: &ServedVersion| {
            version.model.clone()
        }))
        .field(
            Field::new("version", right("VER", 4, 0), move |_, version: &ServedVersion| {
                paint::line(format!("v{}", version.version), plain)
            })
            .sorted_down(|_, version| Value::number(f64::from(version.version))),
        )
        .field(
            Field::new("traffic", fixed("TRAFFIC", 12, 4), |_, version: &ServedVersion| {
                paint::line(paint::bar(f64::from(version.weight) / 100.0, 12), theme::ACCENT)
            })
            .sorted_down(|_, version| Value::number(f64::from(version.weight))),
        )
        .field(Field::new("%", right("%", 4, 0), move |_, version: &ServedVersion| {
            paint::line(version.weight.to_string(), plain)
        }))
        .field(
            Field::new("req/s", right("REQ/S", 7, 0), move |_, version: &ServedVersion| {
                paint::line(format!("{:.1}", version.requests_per_sec), plain)
            })
            .sorted_down(|_, version| Value::number(version.requests_per_sec)),
        )
        .field(millis("p50", right("P50 MS", 7, 2), |version| version.p50_ms))
        .field(millis("p99", right("P99 MS", 7, 0), |version| version.p99_ms))
        .field(
            Field::new("errors", right("ERR %", 6, 0), |_, version: &ServedVersion| {
                let style = if version.errors_total > 0 { theme::BAD } else { theme::DIM };
                paint::line(format!("{:.2}", share(version)), style)
            })
            .sorted_down(|_, version| Value::number(share(version))),
        )
        .field(
            Field::new("requests", right("REQUESTS", 9, 1), move |_, version: &ServedVersion| {
                paint::line(version.requests_total.to_string(), plain)
            })
            .sorted_down(|_, version| Value::number(version.requests_total as f64)),
        )
        .field(
            Field::new("drift", right("DRIFT", 6, 1), |_, version: &ServedVersion| {
                let drift = version.drift.as_ref();
                let style = match drift {
                    Some(drift) if drift.in_trouble > 0 => theme::BAD,
                    Some(drift) if drift.psi.is_some() => theme::GOOD,
                    _ => theme::DIM,
                };
                let psi = drift.and_then(|drift| drift.psi);
                paint::line(psi.map_or("—".to_owned(), |psi| format!("{psi:.2}")), style)
            })
            .sorted_down(|_, version| Value::number(version.drift.as_ref().and_then(|d| d.psi))),
        )
        .field(errors("4xx", right("4XX", 5, 3), |version| {
            version.errors_total.saturating_sub(version.failed_total)
        }))
        .field(errors("5xx", right("5XX", 5, 3), |version| version.failed_total))
        .field(Field::ago("loaded", right("LOADED", 8, 5), dim, |version: &ServedVersion| {
            Some(version.loaded_at)
        }))
}

/// A column of milliseconds.
fn millis(
    name: &str,
    column: Column,
    of: fn(&ServedVersion) -> Option<f64>,
) -> Field<'static, ServedVersion> {
    Field::new(name, column, move |_, version: &ServedVersion| {
        paint::line(of(version).map_or("—".to_owned(), |ms| format!("{ms:.1}")), theme::PLAIN)
    })
    .sorted_down(move |_, version| Value::number(of(version)))
}

/// A column of requests that went wrong.
fn errors(
    name: &str,
    column: Column,
    of: fn(&ServedVersion) -> u64,
) -> Field<'static, ServedVersion> {
    Field::new(name, column, move |_, version: &ServedVersion| {
        let count = of(version);
        paint::line(count.to_string(), if count > 0 { theme::BAD } else { theme::DIM })
    })
    .sorted_down(move |_, version| Value::number(of(version) as f64))
}

/// Returns how many of a hundred requests went wrong.
fn share(version: &ServedVersion) -> f64 {
    match version.requests_total {
        0 => 0.0,
        all => version.errors_total as f64 / all as f64 * 100.0,
    }
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

/// Returns the versions of the selected one's model.
pub(crate) fn siblings(state: &State) -> Vec<&ServedVersion> {
    let Some(here) = rows::served_here(state) else { return Vec::new() };
    let all = state.cache.serving().map(|serving| serving.versions.as_slice()).unwrap_or_default();
    all.iter().filter(|version| version.model == here.model).take(SERIES_MAX).collect()
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
