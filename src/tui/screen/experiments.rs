//! Experiments, their tracked runs, and one run in full.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

use crate::rows;
use crate::screen::missing;
use crate::state::{Slot, State};
use crate::text;
use crate::theme;
use crate::types::TrackingRunId;
use crate::types::view::TrackingRunView;
use crate::widget::paint;
use crate::widget::table::{Column, Table, fixed, growing, position, right};

/// Metrics that a table has room for.
const METRIC_COLUMNS: usize = 4;

/// The metrics that say most, first.
const MAIN_METRICS: [&str; 10] =
    ["accuracy", "f1_macro", "f1", "roc_auc", "log_loss", "r2", "rmse", "mae", "mape", "precision"];

/// Draws the list of experiments with the runs of the selected one.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let level = state.level();
    let experiments = rows::experiments(state, level);
    let selected = level.cursor(&rows::keys(state, level));
    let list_rows = u16::try_from(experiments.len() + 3).unwrap_or(u16::MAX);
    let [list, runs] = if area.width >= 140 {
        Layout::horizontal([Constraint::Length(60), Constraint::Min(0)]).areas(area)
    } else {
        let rows = list_rows.clamp(6, area.height.max(12) / 2);
        Layout::vertical([Constraint::Length(rows), Constraint::Min(0)]).areas(area)
    };
    let mut title = format!("Experiments {}", experiments.len());
    if !level.filter.is_empty() {
        title.push_str(&format!(" · /{}", level.filter));
    }
    let inside = paint::panel(buf, list, &title, &position(selected, experiments.len()), true);
    if state.cache.experiments().is_none() {
        return missing(buf, inside, state, &Slot::Experiments);
    }
    if experiments.is_empty() {
        let how = "a run of a DAG with an ml.train task makes one: 1, then t on mlops_pipeline";
        return paint::empty(buf, inside, "No experiments yet", how);
    }
    let columns = [growing("EXPERIMENT", 24, 0), right("RUNS", 6, 0), right("UPDATED", 8, 0)];
    let row = |at: usize| {
        let experiment = experiments[at];
        let updated = experiment.last_update_time.map(|when| text::ago(state.now, when));
        vec![
            paint::line(&experiment.name, theme::PLAIN),
            paint::line(experiment.run_count.to_string(), theme::PLAIN),
            paint::line(updated.unwrap_or_else(|| "—".to_owned()), theme::DIM),
        ]
    };
    Table {
        columns: &columns,
        len: experiments.len(),
        selected: Some(selected),
        is_focused: true,
        row: &row,
    }
    .draw(buf, inside);
    if let Some(experiment) = experiments.get(selected) {
        let title = format!("Runs of {}", experiment.name);
        let inside = paint::panel(buf, runs, &title, "enter opens", false);
        let mut list: Vec<&TrackingRunView> =
            state.cache.tracking_runs(&experiment.name).unwrap_or_default().iter().collect();
        list.sort_by_key(|run| std::cmp::Reverse(run.start_time));
        if list.is_empty() && state.cache.tracking_runs(&experiment.name).is_some() {
            let how = "ml.train tasks log theirs to the experiment that they name";
            return paint::empty(buf, inside, "No runs in this experiment", how);
        }
        draw_table(buf, inside, state, &list, None);
    }
}

/// Draws the runs of one experiment.
pub(crate) fn draw_runs(buf: &mut Buffer, area: Rect, state: &State, name: &str) {
    let level = state.level();
    let runs = rows::tracking_runs(state, level, name);
    let selected = level.cursor(&rows::keys(state, level));
    let mut title = format!("Runs of {name} {}", runs.len());
    if !level.filter.is_empty() {
        title.push_str(&format!(" · /{}", level.filter));
    }
    let inside = paint::panel(buf, area, &title, &position(selected, runs.len()), true);
    match state.cache.tracking_runs(name) {
        None => missing(buf, inside, state, &Slot::TrackingRuns(name.to_owned())),
        Some([]) => paint::empty(
            buf,
            inside,
            "No runs in this experiment",
            "ml.train tasks log theirs here",
        ),
        Some(_) if runs.is_empty() => {
            paint::empty(buf, inside, "No run passes the filter", "esc clears it");
        }
        Some(_) => draw_table(buf, inside, state, &runs, Some(selected)),
    }
}

/// Returns the metrics to show of `all`, those that say most first.
pub(crate) fn main_metrics<'a>(all: impl Iterator<Item = &'a [(String, f64)]>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (name, _) in all.flatten() {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names.sort_by_key(|name| metric_rank(name));
    names.truncate(METRIC_COLUMNS);
    names
}

/// Says how much a metric tells, less being more: first the main ones, then what else was
/// measured once, then what was found over the folds.
pub(crate) fn metric_rank(name: &str) -> usize {
    let last = MAIN_METRICS.len() + usize::from(name.starts_with("cv_"));
    MAIN_METRICS.iter().position(|main| *main == name).unwrap_or(last)
}

/// Returns a figure by its name.
pub(crate) fn metric(metrics: &[(String, f64)], name: &str) -> String {
    let found = metrics.iter().find(|(other, _)| other == name);
    found.map_or("—".to_owned(), |(_, value)| text::figure(*value))
}

fn draw_table(
    buf: &mut Buffer,
    area: Rect,
    state: &State,
    runs: &[&TrackingRunView],
    selected: Option<usize>,
) {
    let metrics = main_metrics(runs.iter().map(|run| run.metrics.as_slice()));
    let mut columns: Vec<Column> =
        vec![fixed("S", 1, 0), growing("RUN", 16, 0), growing("MODEL", 12, 1)];
    for at in 0..metrics.len() {
        columns.push(right("", 9, 2 + u8::try_from(at).unwrap_or(9)));
    }
    columns.extend([right("STARTED", 8, 0), right("TOOK", 6, 3)]);
    let row = |at: usize| run_cells(state, runs[at], &metrics);
    let table = Table { columns: &columns, len: runs.len(), selected, is_focused: true, row: &row };
    table.draw_with_titles(buf, area, &|column| match column.checked_sub(3) {
        Some(at) => metrics.get(at).map(|name| text::cut(name, 9)),
        None => None,
    });
}

fn run_cells(state: &State, run: &TrackingRunView, metrics: &[String]) -> Vec<Line<'static>> {
    let mark = theme::tracking_mark(&run.status);
    let mut cells = vec![
        Line::from(paint::glyph(mark)),
        paint::line(&run.run_name, theme::PLAIN),
        paint::line(rows::model_of(run), theme::PLAIN),
    ];
    cells.extend(metrics.iter().map(|name| paint::line(metric(&run.metrics, name), theme::PLAIN)));
    cells.push(paint::line(text::ago(state.now, run.start_time), theme::PLAIN));
    let end = run.end_time.unwrap_or(state.now);
    cells.push(paint::line(text::duration(text::seconds(run.start_time, end)), theme::DIM));
    cells
}

/// Draws one tracked run.
pub(crate) fn draw_run(buf: &mut Buffer, area: Rect, state: &State, run_id: &TrackingRunId) {
    let Some(run) = state.cache.tracking_run(run_id) else {
        let inside = paint::panel(buf, area, run_id.as_str(), "", true);
        return missing(buf, inside, state, &Slot::TrackingRun(run_id.clone()));
    };
    let scroll = state.level().scroll;
    let halves = if area.width >= 120 {
        Layout::horizontal([Constraint::Percentage(50), Constraint::Min(0)]).areas(area)
    } else {
        // One column: all of it is scrolled together.
        [area, Rect::default()]
    };
    let [left, right]: [Rect; 2] = halves;
    let (head, tail) = (run_facts(run), run_values(run));
    let title = format!("Run {}", run.run_name);
    let inside = paint::panel(buf, left, &title, "j k scroll", true);
    if right.is_empty() {
        let mut lines = head;
        lines.push(Line::default());
        lines.extend(tail);
        let hidden = lines.len().saturating_sub(usize::from(inside.height));
        return paint::put_all(buf, inside, lines, scroll.min(hidden));
    }
    let hidden = head.len().saturating_sub(usize::from(inside.height));
    paint::put_all(buf, inside, head, scroll.min(hidden));
    let inside = paint::panel(buf, right, "Params, tags, artifacts", "", false);
    let hidden = tail.len().saturating_sub(usize::from(inside.height));
    paint::put_all(buf, inside, tail, scroll.min(hidden));
}

fn run_facts(run: &TrackingRunView) -> Vec<Line<'static>> {
    let mut status = vec![paint::span(format!("{:<11} ", "status"), theme::DIM)];
    status.extend(paint::worded(theme::tracking_mark(&run.status)));
    let mut lines = vec![
        paint::pair("run id", run.run_id.as_str()),
        Line::from(status),
        paint::pair("started", text::instant(run.start_time)),
    ];
    if let Some(end) = run.end_time {
        lines.push(paint::pair("took", text::duration(text::seconds(run.start_time, end))));
    }
    lines.push(Line::default());
    lines.push(paint::line("METRICS", theme::DIM));
    if run.metrics.is_empty() {
        lines.push(paint::line("none logged", theme::DIM));
    }
    let mut metrics: Vec<&(String, f64)> = run.metrics.iter().collect();
    metrics.sort_by_key(|(name, _)| metric_rank(name));
    for (name, value) in metrics {
        let row = format!("{:<28} {:>12}", text::cut(name, 28), text::figure(*value));
        lines.push(paint::line(row, theme::PLAIN));
    }
    lines
}

fn run_values(run: &TrackingRunView) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for (title, pairs) in [("PARAMS", &run.params), ("TAGS", &run.tags)] {
        lines.push(paint::line(title, theme::DIM));
        for (name, value) in pairs {
            lines.push(paint::line(format!("{:<28} {value}", text::cut(name, 28)), theme::PLAIN));
        }
        lines.push(Line::default());
    }
    lines.push(paint::line("ARTIFACTS", theme::DIM));
    for (path, size) in &run.artifacts {
        let row = format!("{:<44} {:>10}", text::cut_middle(path, 44), text::bytes(*size));
        lines.push(paint::line(row, theme::PLAIN));
    }
    lines.push(paint::line(&run.artifact_uri, theme::DIM));
    lines
}
