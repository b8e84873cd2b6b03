//! Charts of tracked runs in panels: one, or as many as the room has.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::rows::tracking::Plot;
use crate::state::State;
use crate::text;
use crate::theme;
use crate::widget::chart::{Chart, Series, nearest, span};
use crate::widget::paint;

/// The smallest panel that a chart is drawn in.
const WIDTH_MIN: u16 = 36;
const HEIGHT_MIN: u16 = 9;

/// Draws the first of `plots` that fit, in a grid; `skip` are passed over.
pub(crate) fn grid(buf: &mut Buffer, area: Rect, state: &State, plots: &[Plot], skip: usize) {
    if plots.is_empty() {
        let inside = paint::panel(buf, area, "Charts", "", false);
        let how =
            "a metric that is logged more than once makes one: boosting rounds, folds, epochs";
        return paint::empty(buf, inside, "No metric has more than one value", how);
    }
    let skip = skip.min(plots.len() - 1);
    let shown = &plots[skip..];
    let places = places(area, shown.len());
    let hidden = plots.len() - places.len().min(shown.len());
    for (at, (place, plot)) in places.into_iter().zip(shown).enumerate() {
        let note = match (at, hidden) {
            (0, 1..) => format!("{} of {}", skip + 1, plots.len()),
            _ => String::new(),
        };
        draw(buf, place, state, plot, &note);
    }
}

/// Shares out an area among at most `count` panels, each large enough.
pub(crate) fn places(area: Rect, count: usize) -> Vec<Rect> {
    let across = (area.width / WIDTH_MIN).clamp(1, 4);
    let down = (area.height / HEIGHT_MIN).clamp(1, 3);
    let count = u16::try_from(count).unwrap_or(u16::MAX).clamp(1, across * down);
    // As square as terminals' cells are: a panel is twice as wide as high, or more.
    let columns = (1..=across)
        .filter(|columns| count.div_ceil(*columns) <= down)
        .min_by_key(|columns| {
            let (width, height) = (area.width / columns, area.height / count.div_ceil(*columns));
            (i32::from(width) - i32::from(height) * 4).abs()
        })
        .unwrap_or(across);
    let rows = count.div_ceil(columns);
    let bands = Layout::vertical(vec![Constraint::Fill(1); usize::from(rows)]).split(area);
    let mut places = Vec::new();
    for (row, band) in bands.iter().enumerate() {
        let left = usize::from(count) - row * usize::from(columns);
        let cells = left.min(usize::from(columns));
        places.extend(Layout::horizontal(vec![Constraint::Fill(1); cells]).split(*band).iter());
    }
    places
}

/// Draws one chart: the legend with the read-out, then the lines.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State, plot: &Plot, note: &str) {
    let view = &state.lab.chart;
    let told = view.told();
    let title =
        if told.is_empty() { plot.title.clone() } else { format!("{} · {told}", plot.title) };
    let inside = paint::panel(buf, area, &title, note, false);
    let all = span(&plot.series).unwrap_or((0.0, 1.0));
    let cursor = view.cursor(all);
    paint::put(buf, inside, 0, legend(plot, cursor));
    let below = Rect { y: inside.y + 1, height: inside.height.saturating_sub(1), ..inside };
    let x_label = |x: f64| if plot.is_time { text::duration(x) } else { format!("{x:.0}") };
    Chart {
        series: &plot.series,
        x: view.shown(all),
        x_label: &x_label,
        from_zero: false,
        is_log: view.is_log,
        cursor,
    }
    .draw(buf, below);
}

/// Returns each line's letter and name, with its value under the cursor, else its last.
fn legend(plot: &Plot, cursor: Option<f64>) -> Line<'static> {
    let mut spans = Vec::new();
    for (series, name) in plot.series.iter().zip(&plot.names) {
        let at = cursor.unwrap_or(f64::INFINITY);
        let last = series.points.iter().rev().find(|(_, y)| y.is_finite()).copied();
        let value = if at.is_finite() { nearest(&series.points, at) } else { last };
        let style = Series::style(series.look);
        if let Some(letter) = series.letter.filter(|_| plot.series.len() > 1) {
            spans.push(Span::styled(format!("{letter} "), style.patch(theme::BOLD)));
            spans.push(paint::span(format!("{} ", text::cut_middle(name, 18)), theme::PLAIN));
        }
        let figure = value.map_or("—".to_owned(), |(_, y)| text::figure(y));
        spans.push(paint::span(format!("{figure}  "), style));
    }
    if let Some(x) = cursor {
        let at = if plot.is_time { text::duration(x) } else { format!("step {x:.0}") };
        spans.insert(0, paint::span(format!("{at}  "), theme::KEY));
    }
    Line::from(spans)
}
