//! Tracked runs side by side: what was given to them, what came of it, and how that differs from
//! the run that they are measured by.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::keymap::with_keys;
use crate::rows::tracking;
use crate::screen::{missing, plots};
use crate::state::{Slot, State};
use crate::text;
use crate::theme;
use crate::types::TrackingRunId;
use crate::types::metric::{Better, better, is_same, rank};
use crate::types::view::TrackingRunView;
use crate::widget::chart::Series;
use crate::widget::paint;

/// Parts of the page that `tab` goes through: the table, the charts.
pub(crate) const PARTS: usize = 2;

/// Draws the page.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State, ids: &[TrackingRunId]) {
    let runs: Vec<&TrackingRunView> =
        ids.iter().filter_map(|id| state.cache.tracking_run(id)).collect();
    if let Some(absent) = ids.iter().find(|id| state.cache.tracking_run(id).is_none()) {
        let inside = paint::panel(buf, area, "Compare", "", true);
        return missing(buf, inside, state, &Slot::TrackingRun(absent.clone()));
    }
    let level = state.level();
    let plots = tracking::plots(state, &runs);
    if area.height < 40 {
        return match level.part {
            0 => draw_table(buf, area, state, &runs),
            _ => plots::grid(buf, area, state, &plots, level.scroll),
        };
    }
    let lines = u16::try_from(table(state, &runs).len() + 2).unwrap_or(u16::MAX);
    let rows = lines.clamp(10, area.height * 3 / 5);
    let [top, bottom] =
        Layout::vertical([Constraint::Length(rows), Constraint::Min(0)]).areas(area);
    draw_table(buf, top, state, &runs);
    plots::grid(buf, bottom, state, &plots, if level.part == 1 { level.scroll } else { 0 });
}

/// Returns which of the runs the others are measured by: the chosen one, else the first.
pub(crate) fn baseline(state: &State, ids: &[TrackingRunId]) -> usize {
    let chosen = state.lab.baseline.as_ref();
    chosen.and_then(|chosen| ids.iter().position(|id| id == chosen)).unwrap_or(0)
}

fn draw_table(buf: &mut Buffer, area: Rect, state: &State, runs: &[&TrackingRunView]) {
    let level = state.level();
    let what = if state.lab.only_differences { "only what differs" } else { "all" };
    let count = text::count(runs.len(), "run");
    let title = with_keys!(state, "Compare {count} · {what} ({})", OnlyDifferent);
    let note = with_keys!(state, "★ best  Δ against the baseline ({})", Baseline);
    let inside = paint::panel(buf, area, &title, &note, level.part == 0);
    let names = if inside.width >= 120 { 30 } else { 20 };
    let room = usize::from(inside.width).saturating_sub(names + 1);
    let cell = (room / runs.len().max(1)).clamp(12, 34);
    let mut head = vec![Span::raw(" ".repeat(names + 1))];
    let ids: Vec<TrackingRunId> = runs.iter().map(|run| run.run_id.clone()).collect();
    let base = baseline(state, &ids);
    for (at, run) in runs.iter().enumerate() {
        let letter = char::from(b'a' + u8::try_from(at).unwrap_or(0));
        let style = Series::style(at).patch(theme::BOLD);
        let mark = if at == base { " baseline" } else { "" };
        let name =
            text::cut_middle(&text::clean(&run.run_name), cell.saturating_sub(3 + mark.len()));
        let used = 2 + text::width(&name) + mark.len();
        head.push(Span::styled(format!("{letter} "), style));
        head.push(paint::span(name, theme::BOLD));
        head.push(paint::span(
            format!("{mark}{}", " ".repeat(cell.saturating_sub(used))),
            theme::ACCENT,
        ));
    }
    paint::put(buf, inside, 0, Line::from(head));
    let below = Rect { y: inside.y + 1, height: inside.height.saturating_sub(1), ..inside };
    let lines = table(state, runs).into_iter().map(|row| row.line(names, cell, base));
    let lines: Vec<Line<'static>> = lines.collect();
    let hidden = lines.len().saturating_sub(usize::from(below.height));
    let scroll = if level.part == 0 { level.scroll.min(hidden) } else { 0 };
    if lines.is_empty() {
        let how = with_keys!(state, "{} shows all", OnlyDifferent);
        return paint::empty(buf, below, "They differ in nothing", &how);
    }
    paint::put_all(buf, below, lines, scroll);
}

/// One line of the table.
enum Row {
    Heading(&'static str),
    Metric { name: String, values: Vec<Option<f64>> },
    Param { name: String, values: Vec<Option<String>> },
}

/// Returns the lines: metrics, those that say most first, then params, then what else is known.
fn table(state: &State, runs: &[&TrackingRunView]) -> Vec<Row> {
    let only = state.lab.only_differences;
    let mut rows = Vec::new();
    let mut metrics = names(runs, |run| run.metrics.iter().map(|(name, _)| name));
    metrics.sort_by_key(|name| rank(name));
    let metrics: Vec<Row> = metrics
        .into_iter()
        .map(|name| {
            let value = |run: &&TrackingRunView| find(&run.metrics, &name).copied();
            Row::Metric { values: runs.iter().map(value).collect(), name }
        })
        .filter(|row| !only || row.differs())
        .collect();
    if !metrics.is_empty() {
        rows.push(Row::Heading("METRICS"));
        rows.extend(metrics);
    }
    for (heading, of) in
        [("PARAMS", params as fn(&TrackingRunView) -> &[(String, String)]), ("TAGS", tags)]
    {
        let all = names(runs, |run| of(run).iter().map(|(name, _)| name));
        let lines: Vec<Row> = all
            .into_iter()
            .filter(|name| name != "dagdeck.signature")
            .map(|name| {
                let value = |run: &&TrackingRunView| find(of(run), &name).cloned();
                Row::Param { values: runs.iter().map(value).collect(), name }
            })
            .filter(|row| !only || row.differs())
            .collect();
        if !lines.is_empty() {
            rows.push(Row::Heading(heading));
            rows.extend(lines);
        }
    }
    rows
}

fn params(run: &TrackingRunView) -> &[(String, String)] {
    &run.params
}

fn tags(run: &TrackingRunView) -> &[(String, String)] {
    &run.tags
}

fn find<'a, T>(list: &'a [(String, T)], name: &str) -> Option<&'a T> {
    list.iter().find(|(other, _)| other == name).map(|(_, value)| value)
}

fn names<'a, I: Iterator<Item = &'a String>>(
    runs: &[&'a TrackingRunView],
    of: impl Fn(&'a TrackingRunView) -> I,
) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in runs.iter().flat_map(|run| of(run)) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

impl Row {
    fn differs(&self) -> bool {
        match self {
            Self::Heading(_) => true,
            Self::Metric { values, .. } => values.windows(2).any(|pair| pair[0] != pair[1]),
            Self::Param { values, .. } => values.windows(2).any(|pair| pair[0] != pair[1]),
        }
    }

    fn line(self, names: usize, cell: usize, base: usize) -> Line<'static> {
        let title = |name: &str| {
            paint::span(
                format!("{:<names$} ", text::cut_middle(&text::clean(name), names)),
                theme::PLAIN,
            )
        };
        let fill = |used: usize| Span::raw(" ".repeat(cell.saturating_sub(used)));
        match self {
            Self::Heading(word) => paint::line(word, theme::DIM),
            Self::Metric { name, values } => {
                let mut spans = vec![title(&name)];
                let best = best(&name, &values);
                for (at, value) in values.iter().enumerate() {
                    let mut piece = metric_cell(&name, *value, values[base], at != base);
                    if best == Some(at) {
                        piece.insert(0, Span::styled("★", theme::KEY));
                    } else {
                        piece.insert(0, Span::raw(" "));
                    }
                    let cut = paint::cut(Line::from(piece), cell.saturating_sub(1));
                    let used = cut.width();
                    spans.extend(cut.spans);
                    spans.push(fill(used));
                }
                Line::from(spans)
            }
            Self::Param { name, values } => {
                let mut spans = vec![title(&name)];
                for value in &values {
                    let style = if *value == values[base] { theme::DIM } else { theme::BOLD };
                    let shown = value.as_deref().unwrap_or("—");
                    let shown = text::cut_middle(&text::clean(shown), cell.saturating_sub(2));
                    let used = text::width(&shown) + 1;
                    spans.push(paint::span(format!(" {shown}"), style));
                    spans.push(fill(used));
                }
                Line::from(spans)
            }
        }
    }
}

/// Returns which value is the best, where it is known which way is better and they differ.
fn best(name: &str, values: &[Option<f64>]) -> Option<usize> {
    let known = values.iter().enumerate().filter_map(|(at, value)| Some((at, (*value)?)));
    let known: Vec<(usize, f64)> = known.filter(|(_, value)| value.is_finite()).collect();
    if known.windows(2).all(|pair| pair[0].1 == pair[1].1) {
        return None;
    }
    let by_value = |a: &&(usize, f64), b: &&(usize, f64)| a.1.total_cmp(&b.1);
    match better(name)? {
        Better::More => known.iter().max_by(by_value),
        Better::Less => known.iter().min_by(by_value),
    }
    .map(|(at, _)| *at)
}

fn metric_cell(
    name: &str,
    value: Option<f64>,
    base: Option<f64>,
    with_change: bool,
) -> Vec<Span<'static>> {
    let Some(value) = value else { return vec![Span::styled("—", theme::DIM)] };
    let mut spans = vec![paint::span(text::figure(value), theme::PLAIN)];
    let Some(base) = base.filter(|_| with_change) else { return spans };
    let change = value - base;
    if is_same(base, value) || !change.is_finite() {
        return spans;
    }
    let sign = if change > 0.0 { "+" } else { "-" };
    let (arrow, style) = theme::gain_mark(name, base, value)
        .map_or((String::new(), theme::DIM), |mark| (format!(" {}", mark.glyph), mark.style));
    spans.push(paint::span(format!(" {sign}{}{arrow}", text::figure(change.abs())), style));
    spans
}
