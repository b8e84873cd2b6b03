//! Charts of lines: several series over one axis, told apart by line, letter and colour; a scale
//! that may be logarithmic; a cursor.
//!
//! ```text
//! 0.9┤      ⢀⡠⠤⠒⠒⠉ a     points ─ finite ones, scaled ─► canvas (Braille)
//!    │  ⡠⠒⠉⠁             ends of the axes ─► labels round it
//! 0.5┤⠔⠉
//!    └0──────40──────80
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::symbols::Marker;
use ratatui::widgets::Widget;
use ratatui::widgets::canvas::{Canvas, Context, Line as Stroke, Points};

use crate::text;
use crate::theme;
use crate::widget::paint;

/// Series that can be told apart in one chart.
pub(crate) const SERIES_MAX: usize = 5;

/// Cells that are drawn and left out, of each series' line; the first is whole.
const DASHES: [(usize, usize); SERIES_MAX] = [(1, 0), (5, 3), (1, 2), (9, 3), (3, 5)];

/// The smallest area that holds more than axes.
const WIDTH_MIN: u16 = 12;
const HEIGHT_MIN: u16 = 3;

/// One line.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    /// Which of the lines it looks like: 0 to 4.
    pub(crate) look: usize,
    /// Written at its end.
    pub(crate) letter: Option<char>,
    /// Written at each point, which no line joins.
    pub(crate) mark: Option<char>,
    /// By x; a y that is no number is a gap.
    pub(crate) points: Vec<(f64, f64)>,
}

impl Series {
    /// A line without a letter.
    pub(crate) fn plain(look: usize, points: Vec<(f64, f64)>) -> Self {
        Self { look, letter: None, mark: None, points }
    }

    /// Points that no line joins; of those that fall together the first series' are seen.
    pub(crate) fn marks(look: usize, points: Vec<(f64, f64)>, mark: char) -> Self {
        Self { look, letter: None, mark: Some(mark), points }
    }

    /// Returns its style.
    pub(crate) fn style(look: usize) -> Style {
        theme::SERIES[look % theme::SERIES.len()]
    }
}

/// A chart.
pub(crate) struct Chart<'a> {
    pub(crate) series: &'a [Series],
    /// The part of the x axis that is shown.
    pub(crate) x: (f64, f64),
    /// Writes a place of the x axis.
    pub(crate) x_label: &'a dyn Fn(f64) -> String,
    /// The y axis begins at 0.
    pub(crate) from_zero: bool,
    pub(crate) is_log: bool,
    pub(crate) cursor: Option<f64>,
}

/// Returns the ends of the x axis of some series; `None` where there is no point.
pub(crate) fn span(series: &[Series]) -> Option<(f64, f64)> {
    let xs = series.iter().flat_map(|series| &series.points).map(|point| point.0);
    let (low, high) =
        xs.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    low.is_finite().then_some((low, high))
}

/// Smooths by an exponential moving average; `weight` is the share of what was before, 0 to 1. As
/// TensorBoard does it, the beginning is not drawn towards 0.
pub(crate) fn smooth(points: &[(f64, f64)], weight: f64) -> Vec<(f64, f64)> {
    let (mut mean, mut sum) = (0.0, 0.0);
    let each = points.iter().map(|(x, y)| {
        if !y.is_finite() {
            return (*x, *y);
        }
        mean = mean * weight + (1.0 - weight) * y;
        sum = sum * weight + (1.0 - weight);
        (*x, mean / sum)
    });
    each.collect()
}

/// Returns the value of a series at the point nearest to `x`.
pub(crate) fn nearest(points: &[(f64, f64)], x: f64) -> Option<(f64, f64)> {
    let finite = points.iter().filter(|(_, y)| y.is_finite());
    finite.min_by(|a, b| (a.0 - x).abs().total_cmp(&(b.0 - x).abs())).copied()
}

/// Draws values as a row of bars between the least and the greatest of them.
pub(crate) fn trend(values: &[f64], cells: usize) -> String {
    let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    let (low, high) = finite
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(*v), high.max(*v)));
    if finite.len() < 2 || cells == 0 {
        return String::new();
    }
    // Each bar stands for the last value of its stretch, so that the end is the last value.
    let cells = cells.min(finite.len());
    let picked = (1..=cells).map(|cell| finite[cell * finite.len() / cells - 1]);
    let span = if high > low { high - low } else { 1.0 };
    let scaled: Vec<f64> = picked.map(|value| (value - low) / span).collect();
    // The scale of `spark` begins at 0 and ends at the greatest: both stand in here.
    text::spark_of(&scaled, 1.0)
}

impl Chart<'_> {
    /// Draws it into `area`.
    pub(crate) fn draw(&self, buf: &mut Buffer, area: Rect) {
        let area = area.intersection(buf.area);
        let Some((low, high)) = self.y_span() else {
            return paint::empty(buf, area, "No values", "");
        };
        if area.width < WIDTH_MIN || area.height < HEIGHT_MIN {
            return;
        }
        let labels = self.y_labels(low, high, usize::from(area.height - 1));
        let left = labels.iter().map(|(_, label)| text::width(label)).max().unwrap_or(0);
        let left = u16::try_from(left).unwrap_or(0).min(area.width / 2);
        let plot = Rect {
            x: area.x + left + 1,
            y: area.y,
            width: area.width.saturating_sub(left + 1),
            height: area.height - 1,
        };
        self.axes(buf, area, plot, &labels);
        let (x0, x1) = self.x;
        Canvas::default()
            .marker(Marker::Braille)
            .x_bounds([x0, x1])
            .y_bounds([low, high])
            .paint(|context| self.lines(context, plot, (low, high)))
            .render(plot, buf);
        self.marks(buf, plot, (low, high));
        self.letters(buf, plot, (low, high));
    }

    /// Returns a value's place on the y axis; `None` where it has none.
    fn scaled(&self, y: f64) -> Option<f64> {
        let y = if self.is_log { y.log10() } else { y };
        y.is_finite().then_some(y)
    }

    fn is_seen(&self, x: f64) -> bool {
        (self.x.0..=self.x.1).contains(&x)
    }

    /// Returns the ends of the y axis, with a little air.
    fn y_span(&self) -> Option<(f64, f64)> {
        let points = self.series.iter().flat_map(|series| &series.points);
        let seen = points.filter(|(x, _)| self.is_seen(*x)).filter_map(|(_, y)| self.scaled(*y));
        let (mut low, mut high) = seen
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| (low.min(y), high.max(y)));
        if !low.is_finite() {
            return None;
        }
        if self.from_zero && !self.is_log {
            low = low.min(0.0);
        }
        if high <= low {
            high = low + low.abs().max(1.0) * 0.1;
            if !self.from_zero {
                low -= low.abs().max(1.0) * 0.1;
            }
        }
        Some((low, high))
    }

    /// Returns rows with what is written at them, from the top.
    fn y_labels(&self, low: f64, high: f64, rows: usize) -> Vec<(usize, String)> {
        let steps = match rows {
            0..=4 => 1,
            5..=9 => 2,
            10..=17 => 4,
            _ => 6,
        };
        if !self.is_log {
            return round_labels((low, high), rows, steps);
        }
        let each = (0..=steps).map(|step| {
            let row = step * (rows - 1) / steps;
            let share = 1.0 - row as f64 / (rows - 1).max(1) as f64;
            let value = 10_f64.powf(low + (high - low) * share);
            (row, label(value, value))
        });
        each.collect()
    }

    fn axes(&self, buf: &mut Buffer, area: Rect, plot: Rect, labels: &[(usize, String)]) {
        let left = plot.x - area.x - 1;
        for row in 0..plot.height {
            let label = labels.iter().find(|(at, _)| *at == usize::from(row));
            let tick = if label.is_some() { "┤" } else { "│" };
            if let Some((_, label)) = label {
                let indent = left.saturating_sub(u16::try_from(text::width(label)).unwrap_or(0));
                paint::put_at(buf, area, indent, row, paint::line(label, theme::DIM));
            }
            paint::put_at(buf, area, left, row, paint::line(tick, theme::DIM));
        }
        let width = usize::from(plot.width);
        let mut line: Vec<char> = "─".repeat(width).chars().collect();
        for (start, label) in self.x_labels(width) {
            for (at, c) in label.chars().enumerate() {
                if let Some(cell) = line.get_mut(start + at) {
                    *cell = c;
                }
            }
        }
        let line: String = std::iter::once('└').chain(line).collect();
        paint::put_at(buf, area, left, plot.height, paint::line(line, theme::DIM));
    }

    /// Returns as many labels of the lower axis as stand apart, each with the cell it begins at.
    fn x_labels(&self, width: usize) -> Vec<(usize, String)> {
        let labels = |steps: u32| -> Vec<(usize, String)> {
            (0..=steps)
                .map(|step| {
                    let share = f64::from(step) / f64::from(steps);
                    let label = (self.x_label)(self.x.0 + (self.x.1 - self.x.0) * share);
                    let cells = text::width(&label);
                    let before = if step == 0 { 0 } else { cells / 2 };
                    let start = ((share * width as f64) as usize).saturating_sub(before);
                    (start.min(width.saturating_sub(cells)), label)
                })
                .collect()
        };
        let is_apart = |labels: &Vec<(usize, String)>| {
            labels.windows(2).all(|two| two[0].0 + text::width(&two[0].1) + 2 <= two[1].0)
        };
        [4, 2].into_iter().map(labels).find(is_apart).unwrap_or_else(|| labels(1))
    }

    fn lines(&self, context: &mut Context<'_>, plot: Rect, y: (f64, f64)) {
        if let Some(cursor) = self.cursor.filter(|x| self.is_seen(*x)) {
            let color = theme::DIM.fg.unwrap_or_default();
            let dots = usize::from(plot.height) * 2;
            let place = |dot: usize| (cursor, y.0 + (y.1 - y.0) * dot as f64 / dots as f64);
            let coords: Vec<(f64, f64)> = (0..=dots).map(place).collect();
            context.draw(&Points { coords: &coords, color });
            context.layer();
        }
        for series in self.series.iter().rev().filter(|series| series.mark.is_none()) {
            let color = Series::style(series.look).fg.unwrap_or_default();
            let (on, off) = DASHES[series.look % SERIES_MAX];
            let pixel = (self.x.1 - self.x.0) / (f64::from(plot.width) * 2.0);
            let mut dots = Vec::new();
            let mut before: Option<(f64, f64)> = None;
            for (x, value) in &series.points {
                let point = self.scaled(*value).filter(|_| self.is_seen(*x)).map(|y| (*x, y));
                match (before, point) {
                    (Some((x1, y1)), Some((x2, y2))) if off == 0 => {
                        context.draw(&Stroke { x1, y1, x2, y2, color });
                    }
                    (Some(from), Some(to)) => dash(&mut dots, from, to, (pixel, on, off)),
                    (None, Some(point)) => dots.push(point),
                    (_, None) => {}
                }
                before = point;
            }
            context.draw(&Points { coords: &dots, color });
            context.layer();
        }
    }

    /// Writes the marks of those series that are no lines.
    fn marks(&self, buf: &mut Buffer, plot: Rect, (low, high): (f64, f64)) {
        let (x0, x1) = self.x;
        for series in self.series.iter().rev() {
            let Some(mark) = series.mark else { continue };
            for (x, value) in series.points.iter().filter(|(x, _)| self.is_seen(*x)) {
                let Some(y) = self.scaled(*value) else { continue };
                let column = cell((x - x0) / (x1 - x0), plot.width);
                let row = cell(1.0 - (y - low) / (high - low), plot.height);
                let style = Series::style(series.look);
                paint::put_at(buf, plot, column, row, paint::line(mark.to_string(), style));
            }
        }
    }

    /// Writes each series' letter where its line ends; where two would lie upon each other, below.
    fn letters(&self, buf: &mut Buffer, plot: Rect, (low, high): (f64, f64)) {
        let mut taken: Vec<(u16, u16)> = Vec::new();
        for series in self.series {
            let Some(letter) = series.letter else { continue };
            let seen = series.points.iter().rev().find_map(|(x, value)| {
                self.scaled(*value).filter(|_| self.is_seen(*x)).map(|y| (*x, y))
            });
            let Some((x, y)) = seen else { continue };
            let (x0, x1) = self.x;
            let column = cell((x - x0) / (x1 - x0), plot.width);
            let mut row = cell(1.0 - (y - low) / (high - low), plot.height);
            while taken.contains(&(column, row)) && row + 1 < plot.height {
                row += 1;
            }
            taken.push((column, row));
            let style = Series::style(series.look).patch(theme::BOLD);
            paint::put_at(buf, plot, column, row, paint::line(letter.to_string(), style));
        }
    }
}

/// Returns about `steps + 1` round figures between the ends of an axis, with their rows.
fn round_labels((low, high): (f64, f64), rows: usize, steps: usize) -> Vec<(usize, String)> {
    let span = high - low;
    let rows = u16::try_from(rows).unwrap_or(u16::MAX);
    let place = |value: f64| usize::from(cell(1.0 - (value - low) / span, rows));
    let ends = || vec![(0, label(high, span)), (place(low), label(low, span))];
    // Beyond what figures can be counted by, the ends say enough.
    let finest = 10_f64.powf((span / (steps + 1) as f64).log10().floor());
    if !(finest.is_finite() && span.is_finite()) || finest <= low.abs().max(high.abs()) * 1e-12 {
        return ends();
    }
    let inside =
        |step: f64| (low / step - 1e-9).ceil() as i64..=(high / step + 1e-9).floor() as i64;
    let step = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0]
        .into_iter()
        .map(|times| finest * times)
        .find(|step| inside(*step).count() <= steps + 1 + usize::from(steps >= 4));
    let Some(step) = step.filter(|step| inside(*step).count() > 1) else { return ends() };
    let decimals = (-(step * 1.000_001).log10().floor()).max(0.0) as usize;
    let write = |value: f64| match value {
        0.0 => "0".to_owned(),
        _ if decimals > 4 || value.abs() >= 1e6 => label(value, span),
        _ => format!("{value:.decimals$}"),
    };
    let each = inside(step).rev().map(|at| at as f64 * step);
    each.map(|value| (place(value), write(value))).collect()
}

fn cell(share: f64, cells: u16) -> u16 {
    if !share.is_finite() {
        return 0;
    }
    (share.clamp(0.0, 1.0) * f64::from(cells.saturating_sub(1))).round() as u16
}

/// Adds the dots of a broken line; how far it goes on decides whether a dot is drawn, so that
/// the pattern runs on over many short pieces.
fn dash(
    dots: &mut Vec<(f64, f64)>,
    from: (f64, f64),
    to: (f64, f64),
    (pixel, on, off): (f64, usize, usize),
) {
    if pixel <= 0.0 {
        return;
    }
    let (first, last) = ((from.0 / pixel).ceil(), (to.0 / pixel).floor());
    let mut at = first;
    while at <= last {
        let is_drawn = (at.rem_euclid((on + off) as f64) as usize) < on;
        let share = if to.0 > from.0 { (at * pixel - from.0) / (to.0 - from.0) } else { 0.0 };
        if is_drawn {
            dots.push((at * pixel, from.1 + (to.1 - from.1) * share));
        }
        at += 1.0;
    }
}

/// Writes a figure as fine as a scale of `size` needs.
fn label(value: f64, size: f64) -> String {
    let size = size.abs();
    if value == 0.0 {
        return "0".to_owned();
    }
    match size {
        s if value.abs() >= 1e6 || s < 1e-4 => format!("{value:.1e}"),
        s if s >= 50.0 => format!("{value:.0}"),
        s if s >= 5.0 => format!("{value:.1}"),
        s if s >= 0.5 => format!("{value:.2}"),
        s if s >= 0.05 => format!("{value:.3}"),
        _ => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::text_of;

    fn drawn(chart: &Chart<'_>, width: u16, height: u16) -> String {
        let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
        let area = buf.area;
        chart.draw(&mut buf, area);
        text_of(&buf)
    }

    fn waves() -> Vec<Series> {
        let wave = |look: usize| {
            let y = |n: i32| (f64::from(n) / 9.0 + look as f64).sin() + 2.0;
            let points = (0..60).map(|n| (f64::from(n), y(n))).collect();
            Series { look, letter: char::from_digit(10 + look as u32, 36), mark: None, points }
        };
        (0..3).map(wave).collect()
    }

    #[test]
    fn lines_axes_and_letters() {
        let series = waves();
        let chart = Chart {
            series: &series,
            x: (0.0, 59.0),
            x_label: &|x| format!("{x:.0}"),
            from_zero: true,
            is_log: false,
            cursor: Some(30.0),
        };
        insta::assert_snapshot!(drawn(&chart, 60, 12));
        let log = Chart { is_log: true, from_zero: false, ..chart };
        insta::assert_snapshot!("logarithmic", drawn(&log, 40, 8));
    }

    #[test]
    fn odd_values_and_sizes_do_not_panic() {
        let odd = [f64::NAN, f64::INFINITY, -1.0, 0.0, 1e300, -1e300];
        for is_log in [false, true] {
            for points in [vec![], vec![(0.0, 1.0)], odd.iter().map(|y| (*y, *y)).collect()] {
                let series = [Series::plain(1, points.clone()), Series::plain(0, points)];
                let x = span(&series).unwrap_or((0.0, 0.0));
                let chart = Chart {
                    series: &series,
                    x,
                    x_label: &|x| x.to_string(),
                    from_zero: false,
                    is_log,
                    cursor: Some(f64::NAN),
                };
                for (width, height) in [(0, 0), (1, 1), (12, 3), (80, 24)] {
                    drawn(&chart, width, height);
                }
            }
        }
    }

    #[test]
    fn an_axis_is_labelled_with_round_figures() {
        let labels = |ends, rows, steps| -> Vec<String> {
            round_labels(ends, rows, steps).into_iter().map(|(_, label)| label).collect()
        };
        assert_eq!(labels((0.0, 0.243), 16, 4), ["0.20", "0.15", "0.10", "0.05", "0"]);
        assert_eq!(labels((0.0, 0.1), 4, 1), ["0.1", "0"]);
        assert_eq!(labels((0.848, 0.971), 8, 2), ["0.95", "0.90", "0.85"]);
        assert_eq!(labels((0.0, 688.0), 12, 4), ["600", "400", "200", "0"]);
        assert_eq!(labels((-1.5, 1.5), 20, 6), ["1.5", "1.0", "0.5", "0", "-0.5", "-1.0", "-1.5"]);
        let rows: Vec<usize> =
            round_labels((0.0, 100.0), 11, 4).into_iter().map(|(row, _)| row).collect();
        assert_eq!(rows, [0, 2, 4, 6, 8, 10]);
        for ends in [(-1e300, 1e300), (1.0, 1.0 + 1e-15), (0.0, 1e-12), (1e17, 2e17)] {
            assert!(labels(ends, 20, 6).len() >= 2, "{ends:?}");
        }
    }

    #[test]
    fn smoothing_starts_at_the_first_value_and_leaves_gaps() {
        let smoothed = smooth(&[(0.0, 4.0), (1.0, f64::NAN), (2.0, 8.0)], 0.5);
        assert_eq!(smoothed[0], (0.0, 4.0));
        assert!(smoothed[1].1.is_nan());
        assert!(smoothed[2].1 > 4.0 && smoothed[2].1 < 8.0);
    }

    #[test]
    fn a_trend_goes_from_the_least_to_the_greatest() {
        assert_eq!(trend(&[10.0, 11.0, 12.0], 8), "▁▅█");
        assert_eq!(trend(&[1.0], 8), "");
        assert_eq!(trend(&[3.0, f64::NAN, 3.0], 8), "▁▁");
        assert_eq!(trend(&(0..100).map(f64::from).collect::<Vec<_>>(), 4).chars().count(), 4);
    }
}
