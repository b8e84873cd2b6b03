//! How far a served version has drifted: its columns, the worst first, and of the selected one how
//! its values are spread, in training and now.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::keymap::with_keys;
use crate::rows;
use crate::screen::{filtered_out, missing};
use crate::state::{Slot, State};
use crate::text;
use crate::theme;
use crate::types::drift::{ColumnDrift, DriftFigureKind, DriftReport};
use crate::widget::list::{Field, List, Shown, Value};
use crate::widget::paint;
use crate::widget::table::{Column, fixed, growing, position, right};

/// A screen that is lower shows the list alone.
const HEIGHT_MIN: u16 = 18;

/// Draws the screen.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State, model: &str, version: u32) {
    let Some(report) = state.cache.drift(model, version) else {
        let title = format!("Drift of {model} v{version}");
        let inside = paint::panel(buf, area, &title, "", true);
        return missing(buf, inside, state, &Slot::Drift(model.to_owned(), version));
    };
    let [head, rest] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
    paint::put_at(buf, head, 1, 0, summary(report, state));
    let [place, detail] = if area.width >= 140 {
        Layout::horizontal([Constraint::Min(0), Constraint::Percentage(42)]).areas(rest)
    } else {
        // The list has what it needs, at most half; the spread the rest.
        let needed = u16::try_from(report.columns.len()).unwrap_or(u16::MAX).saturating_add(3);
        let is_high = area.height >= HEIGHT_MIN;
        let rows = if is_high { needed.clamp(5, rest.height / 2) } else { rest.height };
        Layout::vertical([Constraint::Length(rows), Constraint::Min(0)]).areas(rest)
    };
    let level = state.level();
    let columns = rows::drifted(state, level, model, version);
    let selected = rows::place(level, &columns);
    let list = list();
    let title = list.title(state, level, columns.len(), report.columns.len());
    let inside = paint::panel(buf, place, &title, &position(selected, columns.len()), true);
    if report.columns.is_empty() {
        let why = report.problem.as_deref().unwrap_or("it has answered no rows yet");
        return paint::empty(buf, inside, "Nothing is measured", why);
    }
    if columns.is_empty() {
        return filtered_out(buf, inside, state, "No column passes the filter");
    }
    list.draw(buf, inside, state, &columns, &Shown::focused(level, selected));
    if let Some(column) = columns.get(selected).filter(|_| !detail.is_empty()) {
        draw_bins(buf, detail, state, column);
    }
}

/// What the figures are of, and the verdict.
fn summary(report: &DriftReport, state: &State) -> Line<'static> {
    let in_trouble = report.columns.iter().filter(|column| column.trouble_since.is_some()).count();
    let verdict = if report.problem.is_some() && report.columns.is_empty() {
        paint::span("◌ not measured", theme::DIM)
    } else if in_trouble > 0 {
        let verb = if in_trouble == 1 { "drifts" } else { "drift" };
        paint::span(format!("✗ {} {verb}", text::count(in_trouble, "column")), theme::BAD)
    } else if !report.is_judged() {
        let least = report.limits.min_rows;
        paint::span(format!("◌ no verdict yet: it takes {least} rows"), theme::WARN)
    } else {
        paint::span("✓ as in training", theme::GOOD)
    };
    let window = text::duration(report.window_secs);
    let since = text::ago(state.now, report.since);
    Line::from(vec![
        verdict,
        paint::span(
            format!(
                "  {} rows of the last {window} (since {since})  learnt from {} rows",
                report.rows, report.trained_rows
            ),
            theme::DIM,
        ),
    ])
}

/// Describes the list of columns.
pub(crate) fn list() -> List<'static, ColumnDrift> {
    List::new("drift", "Columns", key)
        .words(key)
        .field(Field::new("state", fixed("S", 1, 0), |_, column: &ColumnDrift| {
            Line::from(mark(column))
        }))
        .field(Field::words("column", growing("COLUMN", 14, 0), theme::BOLD, key))
        .field(figure("psi", right("PSI", 7, 0), DriftFigureKind::Psi))
        .field(figure("ks", right("KS", 6, 1), DriftFigureKind::Ks))
        .field(figure("missing", right("MISSING", 8, 2), DriftFigureKind::Missing))
        .field(figure("unseen", right("UNSEEN", 7, 2), DriftFigureKind::Unseen))
        .field(
            Field::new("limit", right("× LIMIT", 8, 3), |_, column: &ColumnDrift| {
                paint::line(format!("{:.1}", column.times()), theme::PLAIN)
            })
            .sorted_down(|_, column| Value::number(column.times())),
        )
        .field(Field::new("trained", fixed("TRAINED", 20, 4), |look, column: &ColumnDrift| {
            spread(column, usize::from(look.width), |bin| bin.0, theme::DIM)
        }))
        .field(Field::new("now", fixed("NOW", 20, 4), |look, column: &ColumnDrift| {
            spread(column, usize::from(look.width), |bin| bin.1, theme::ACCENT)
        }))
        .field(
            Field::new("rows", right("ROWS", 9, 5), |_, column: &ColumnDrift| {
                paint::line(column.rows.to_string(), theme::DIM)
            })
            .sorted_down(|_, column| Value::number(column.rows as f64)),
        )
        .field(Field::ago("since", right("SINCE", 8, 1), theme::WARN, |column: &ColumnDrift| {
            column.trouble_since
        }))
}

/// What a column goes by: what is answered may have the name of a column that is asked.
pub(crate) fn key(column: &ColumnDrift) -> String {
    match column.is_answer {
        true => format!("{} (answers)", column.column),
        false => column.column.clone(),
    }
}

fn mark(column: &ColumnDrift) -> Span<'static> {
    if column.trouble_since.is_some() {
        return Span::styled("✗", theme::BAD);
    }
    if column.figures.iter().any(|figure| figure.value > figure.limit) {
        // Over a limit, and not by more than chance, or too few rows to say.
        return Span::styled("!", theme::WARN);
    }
    Span::styled("✓", theme::GOOD)
}

fn figure(name: &str, column: Column, kind: DriftFigureKind) -> Field<'static, ColumnDrift> {
    Field::new(name, column, move |_, column: &ColumnDrift| match column.figure(kind) {
        None => paint::line("—", theme::DIM),
        Some(figure) => {
            let style = if figure.is_crossed() { theme::BAD } else { theme::PLAIN };
            paint::line(format!("{:.3}", figure.value), style)
        }
    })
    .sorted_down(move |_, column| Value::number(column.figure(kind).map(|figure| figure.value)))
}

/// Draws the shares of the bins as a spark, all of a column on one scale.
fn spread(
    column: &ColumnDrift,
    width: usize,
    of: impl Fn((f64, f64)) -> f64,
    style: ratatui::style::Style,
) -> Line<'static> {
    let top = column.bins.iter().map(|bin| bin.trained.max(bin.live)).fold(0.0, f64::max);
    let shares: Vec<f64> =
        column.bins.iter().take(width).map(|bin| of((bin.trained, bin.live))).collect();
    paint::line(text::spark_of(&shares, top), style)
}

/// The spread of one column: a bin a line, in training and now.
fn draw_bins(buf: &mut Buffer, area: Rect, state: &State, column: &ColumnDrift) {
    let title = format!("{} · ░ in training  █ now", key(column));
    let note = with_keys!(state, "{} copies the command", Copy);
    let inside = paint::panel(buf, area, &title, &note, false);
    let labels =
        column.bins.iter().map(|bin| text::width(&bin.label)).max().unwrap_or(0).clamp(4, 24);
    // A bin has one line where not all have room for two.
    let is_tall = usize::from(inside.height) >= column.bins.len() * 2;
    let beside = if is_tall { labels + 9 } else { labels + 17 };
    let cells = usize::from(inside.width).saturating_sub(beside + 1).max(4);
    let cells = if is_tall { cells } else { cells / 2 };
    let top = column.bins.iter().map(|bin| bin.trained.max(bin.live)).fold(1e-9, f64::max);
    let bar = |share: f64, cell: &str| {
        let full = (share / top * cells as f64).round() as usize;
        format!("{:<cells$}", cell.repeat(full.min(cells)))
    };
    let mut lines = Vec::new();
    for bin in &column.bins {
        let label = format!("{:>labels$} ", text::cut(&bin.label, labels));
        let trained = [
            paint::span(format!("{:>5.1}% ", bin.trained * 100.0), theme::DIM),
            paint::span(bar(bin.trained, "░"), theme::DIM),
        ];
        let live = [
            paint::span(format!("{:>5.1}% ", bin.live * 100.0), theme::PLAIN),
            paint::span(bar(bin.live, "█"), theme::ACCENT),
        ];
        let mut spans = vec![paint::span(&label, theme::BOLD)];
        spans.extend(trained);
        if is_tall {
            lines.push(Line::from(std::mem::take(&mut spans)));
            spans.push(paint::span(" ".repeat(text::width(&label)), theme::DIM));
        }
        spans.extend(live);
        lines.push(Line::from(spans));
    }
    paint::put_all(buf, inside, lines, 0);
}
