//! One tracked run in full: its figures, the charts of its metrics, what was found out about its
//! model; and an artifact as text.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::keymap::with_keys;
use crate::rows::tracking::Fact;
use crate::rows::{self, tracking};
use crate::screen::tracking_runs::nested::{count, short, words};
use crate::screen::{figures, missing, plots};
use crate::state::{Level, Slot, State, Zoom};
use crate::text;
use crate::theme;
use crate::types::TrackingRunId;
use crate::types::view::{ArtifactView, TrackingRunView};
use crate::widget::chart;
use crate::widget::paint;
use crate::widget::table;

/// Parts of the page that `tab` goes through: figures, charts, model.
pub(crate) const PARTS: usize = 3;
pub(crate) const CHARTS: usize = 1;

/// Cells of a metric's trend.
const TREND: usize = 12;

/// Draws the page.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State, run_id: &TrackingRunId) {
    let Some(run) = state.cache.tracking_run(run_id) else {
        let inside = paint::panel(buf, area, run_id.as_str(), "", true);
        return missing(buf, inside, state, &Slot::TrackingRun(run_id.clone()));
    };
    let level = state.level();
    let plots = tracking::plots(state, &[run]);
    // What is found in the list is what is drawn first.
    let skip = chosen_plot(state, level, run, &plots);
    if level.zoom == Zoom::Full || area.width < 100 {
        return match level.part {
            0 => draw_facts(buf, area, state, run),
            CHARTS => plots::grid(buf, area, state, &plots, skip.max(level.scroll)),
            _ => figures::grid(buf, area, state, run, level.scroll),
        };
    }
    let wide = area.width >= 160;
    let list = if wide { 72 } else { 46 };
    let [left, right] =
        Layout::horizontal([Constraint::Length(list), Constraint::Min(0)]).areas(area);
    draw_facts(buf, left, state, run);
    let [top, bottom] =
        Layout::vertical([Constraint::Percentage(50), Constraint::Min(0)]).areas(right);
    let skip = if level.part == CHARTS { skip.max(level.scroll) } else { skip };
    plots::grid(buf, top, state, &plots, skip);
    figures::grid(buf, bottom, state, run, if level.part == 2 { level.scroll } else { 0 });
}

/// Returns the chart of the selected metric.
fn chosen_plot(
    state: &State,
    level: &Level,
    run: &TrackingRunView,
    plots: &[tracking::Plot],
) -> usize {
    let facts = tracking::facts(run);
    let Some(Fact::Metric(name, _)) = facts.get(level.cursor(&rows::keys(state, level))) else {
        return 0;
    };
    let is_it =
        |plot: &tracking::Plot| plot.title == *name || name.ends_with(&format!("-{}", plot.title));
    plots.iter().position(is_it).unwrap_or(0)
}

fn draw_facts(buf: &mut Buffer, area: Rect, state: &State, run: &TrackingRunView) {
    let level = state.level();
    let facts = tracking::facts(run);
    let selected = level.cursor(&rows::keys(state, level));
    let note = table::position(selected, facts.len());
    let inside = paint::panel(buf, area, &format!("Run {}", run.run_name), &note, level.part == 0);
    let head = head(state, run);
    let head_rows = u16::try_from(head.len()).unwrap_or(0).min(inside.height / 3);
    paint::put_all(buf, Rect { height: head_rows, ..inside }, head, 0);
    let list =
        Rect { y: inside.y + head_rows, height: inside.height.saturating_sub(head_rows), ..inside };
    let lines = lines(state, run, &facts, usize::from(list.width));
    let at = lines.iter().position(|(fact, _)| *fact == Some(selected)).unwrap_or(0);
    let first = table::offset(at, lines.len(), usize::from(list.height));
    for (row, (fact, line)) in (0..list.height).zip(lines.into_iter().skip(first)) {
        paint::put_at(buf, list, 1, row, line);
        if fact == Some(selected) {
            paint::put(buf, list, row, paint::line("▸", theme::ACCENT));
            if level.part == 0 {
                table::highlight(buf, Rect { y: list.y + row, height: 1, ..list });
            }
        }
    }
}

fn head(state: &State, run: &TrackingRunView) -> Vec<Line<'static>> {
    let end = run.end_time.unwrap_or(state.now);
    let mut status = paint::worded(theme::tracking_mark(&run.status)).to_vec();
    status.push(paint::span(
        format!(
            "  {}  took {}",
            text::ago(state.now, run.start_time),
            text::duration(text::seconds(run.start_time, end))
        ),
        theme::DIM,
    ));
    let mut lines = vec![Line::from(status), paint::pair("run id", run.run_id.as_str())];
    if let Some((dag_id, dag_run_id)) = producer(run) {
        lines.push(Line::from(vec![
            paint::span(format!("{:<11} ", "made by"), theme::DIM),
            paint::span(format!("{dag_id} {}", text::run_name(dag_run_id)), theme::PLAIN),
            paint::span(with_keys!(state, "  {}", ProducingRun), theme::KEY),
        ]));
    }
    if let Some(nested) = &run.nested {
        let mut spans = vec![
            paint::span(format!("{:<11} ", "nested"), theme::DIM),
            paint::span(count(nested), theme::PLAIN),
        ];
        spans.extend(words(nested).into_iter().map(|(word, style)| paint::span(word, style)));
        spans.push(paint::span(with_keys!(state, "  {}", Trials), theme::KEY));
        lines.push(Line::from(spans));
        if let (Some(metric), Some((best, _))) = (&nested.metric, &nested.best) {
            let told = format!("{} {}", short(metric), text::figure(*best));
            lines.push(paint::pair("best", told));
        }
    }
    if state.lab.baseline.as_ref() == Some(&run.run_id) {
        lines.push(paint::line("the baseline that others are measured by", theme::ACCENT));
    }
    lines
}

/// Returns the DAG and the run of it that a tracked run was made by.
pub(crate) fn producer(run: &TrackingRunView) -> Option<(&str, &str)> {
    let tag =
        |name: &str| run.tags.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    tag("dagdeck.dag_id").zip(tag("dagdeck.dag_run_id"))
}

/// Returns the lines of the list, headings between them, each with the fact that it stands for.
fn lines(
    state: &State,
    run: &TrackingRunView,
    facts: &[Fact<'_>],
    width: usize,
) -> Vec<(Option<usize>, Line<'static>)> {
    let mut lines = Vec::new();
    let mut heading = "";
    for (at, fact) in facts.iter().enumerate() {
        let of = match fact {
            Fact::Metric(..) => "METRICS",
            Fact::Param(..) => "PARAMS",
            Fact::Tag(..) => "TAGS",
            Fact::Artifact(..) => "ARTIFACTS",
        };
        if of != heading {
            if !heading.is_empty() {
                lines.push((None, Line::default()));
            }
            lines.push((None, paint::line(of, theme::DIM)));
            heading = of;
        }
        lines.push((Some(at), fact_line(state, run, fact, width)));
    }
    if !matches!(facts.first(), Some(Fact::Metric(..))) {
        lines.insert(0, (None, paint::line("no metric was logged", theme::DIM)));
    }
    lines
}

fn fact_line(state: &State, run: &TrackingRunView, fact: &Fact<'_>, width: usize) -> Line<'static> {
    let names = (width / 2).clamp(12, 30);
    let name = |name: &str| {
        paint::span(
            format!(" {:<names$} ", text::cut_middle(&text::clean(name), names)),
            theme::PLAIN,
        )
    };
    match fact {
        Fact::Metric(key, value) => {
            let slot = (run.run_id.clone(), (*key).to_owned());
            let history = state.cache.metric(&slot);
            let values: Vec<f64> = history
                .map(|history| history.points.iter().map(|point| point.value).collect())
                .unwrap_or_default();
            Line::from(vec![
                name(key),
                paint::span(format!("{:>10} ", text::figure(*value)), theme::PLAIN),
                Span::styled(chart::trend(&values, TREND), theme::ACCENT),
            ])
        }
        Fact::Param(key, value) | Fact::Tag(key, value) => {
            Line::from(vec![name(key), paint::span(value, theme::PLAIN)])
        }
        Fact::Artifact(path, size) => Line::from(vec![
            name(path),
            paint::span(format!("{:>10}", text::bytes(*size)), theme::DIM),
        ]),
    }
}

/// Draws an artifact as text.
pub(crate) fn draw_artifact(
    buf: &mut Buffer,
    area: Rect,
    state: &State,
    key: &(TrackingRunId, String),
) {
    let Some(artifact) = state.cache.artifact(key) else {
        let inside = paint::panel(buf, area, &key.1, "", true);
        return missing(buf, inside, state, &Slot::Artifact(key.clone()));
    };
    let size = text::bytes(artifact.size);
    let note = with_keys!(state, "{} {} scroll", Down, Up);
    let inside = paint::panel(buf, area, &format!("{} · {size}", artifact.path), &note, true);
    let Some(lines) = artifact_lines(artifact, usize::from(inside.width)) else {
        return paint::empty(buf, inside, "This file is no text", "its path is in the run's page");
    };
    let hidden = lines.len().saturating_sub(usize::from(inside.height));
    paint::put_all(buf, inside, lines, state.level().scroll.min(hidden));
}

/// Returns the lines of an artifact: JSON indented, all else as it is.
fn artifact_lines(artifact: &ArtifactView, width: usize) -> Option<Vec<Line<'static>>> {
    let content = artifact.text.as_ref()?;
    let pretty = serde_json::from_str::<serde_json::Value>(content)
        .ok()
        .and_then(|value| serde_json::to_string_pretty(&value).ok());
    let content = pretty.unwrap_or_else(|| content.clone());
    let mut lines: Vec<Line<'static>> = content
        .lines()
        .flat_map(|line| text::wrap(&text::clean(line), width))
        .map(|line| paint::line(line, theme::PLAIN))
        .collect();
    if (content.len() as u64) < artifact.size
        && artifact.text.as_ref().is_some_and(|t| (t.len() as u64) < artifact.size)
    {
        lines.push(paint::line("… the file goes on", theme::DIM));
    }
    Some(lines)
}
