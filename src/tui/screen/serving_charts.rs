//! The last quarter of an hour of the model server: requests of each version of a model, latency
//! and errors of the selected one.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::keymap::with_keys;
use crate::rows;
use crate::screen::serving::siblings;
use crate::state::State;
use crate::text;
use crate::theme;
use crate::types::serving::{SAMPLE_SECS, ServedVersion};
use crate::widget::chart::{Chart, Series};
use crate::widget::paint;

/// What a chart shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Rate,
    Latency,
    Errors,
}

/// The charts, in the order that `tab` goes through them.
pub(crate) const CHARTS: [What; 3] = [What::Rate, What::Latency, What::Errors];

/// Seconds of the window.
const WINDOW_SECS: f64 = 900.0;

/// The width that one chart needs at least, beside others.
const WIDTH_MIN: u16 = 44;

/// Draws as many charts as fit beside each other, beginning with the one that was tabbed to.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let fitting = usize::from((area.width / WIDTH_MIN).max(1)).min(CHARTS.len());
    let first = if fitting == CHARTS.len() { 0 } else { state.level().part % CHARTS.len() };
    let places = Layout::horizontal(vec![Constraint::Fill(1); fitting]).split(area);
    for (at, place) in places.iter().enumerate() {
        let what = CHARTS[(first + at) % CHARTS.len()];
        let note = match at + 1 == fitting && fitting < CHARTS.len() {
            true => with_keys!(state, "{}: the other charts", NextPane),
            false => String::new(),
        };
        draw_one(buf, *place, state, what, &note);
    }
}

fn draw_one(buf: &mut Buffer, area: Rect, state: &State, what: What, note: &str) {
    let Some(here) = rows::served_here(state) else {
        paint::panel(buf, area, title(what), note, false);
        return;
    };
    let named = match what {
        What::Rate => format!("{} · {} · 15m", title(what), here.model),
        What::Latency | What::Errors => {
            format!("{} · {} v{} · 15m", title(what), here.model, here.version)
        }
    };
    let inside = paint::panel(buf, area, &named, note, false);
    let (series, legend) = match what {
        What::Rate => rate(state),
        What::Latency => latency(here),
        What::Errors => errors(here),
    };
    paint::put(buf, inside, 0, legend);
    let below = Rect { y: inside.y + 1, height: inside.height.saturating_sub(1), ..inside };
    let is_quiet =
        series.iter().flat_map(|line| &line.points).all(|(_, y)| *y == 0.0 || y.is_nan());
    if is_quiet {
        let words = match what {
            What::Errors => "No errors in this window",
            What::Rate | What::Latency => "No requests in this window",
        };
        let how = match what {
            What::Errors => String::new(),
            What::Rate | What::Latency => with_keys!(state, "{} asks the model yourself", TryIt),
        };
        return paint::empty(buf, below, words, &how);
    }
    let x_label = |x: f64| match x {
        x if x > -1.0 => "now".to_owned(),
        x => format!("{} ago", text::running(-x)),
    };
    Chart {
        series: &series,
        x: (-WINDOW_SECS, 0.0),
        x_label: &x_label,
        from_zero: true,
        is_log: false,
        cursor: None,
    }
    .draw(buf, below);
}

fn title(what: What) -> &'static str {
    match what {
        What::Rate => "Requests per second",
        What::Latency => "Latency in ms",
        What::Errors => "Errors each 10s",
    }
}

/// Places samples on the time axis, the last one now.
fn points(values: impl ExactSizeIterator<Item = f64>) -> Vec<(f64, f64)> {
    let count = values.len();
    let x = |at: usize| -((count - 1 - at) as f64) * f64::from(SAMPLE_SECS);
    values.enumerate().map(|(at, value)| (x(at), value)).collect()
}

fn rate(state: &State) -> (Vec<Series>, Line<'static>) {
    let versions = siblings(state);
    let mut series = Vec::new();
    let mut legend = Vec::new();
    for (at, version) in versions.iter().enumerate() {
        let letter = char::from(b'a' + u8::try_from(at).unwrap_or(0));
        let letter = (versions.len() > 1).then_some(letter);
        let most = version.history.requests.iter().copied().fold(0.0, f64::max);
        legend.extend(name(letter, &format!("v{}", version.version), at));
        let figures = format!("{:.1} most {most:.1}  ", version.requests_per_sec);
        legend.push(paint::span(figures, Series::style(at)));
        let points = points(version.history.requests.iter().copied());
        series.push(Series { look: at, letter, mark: None, points });
    }
    (series, Line::from(legend))
}

fn name(letter: Option<char>, name: &str, look: usize) -> Vec<Span<'static>> {
    let style = Series::style(look).patch(theme::BOLD);
    let letter = letter.map(|letter| Span::styled(format!("{letter} "), style));
    letter.into_iter().chain([paint::span(format!("{name} "), theme::PLAIN)]).collect()
}

/// Where nothing was asked there is no latency, which is not one of 0.
fn gaps(values: &[f64]) -> Vec<(f64, f64)> {
    points(values.iter().map(|value| if *value > 0.0 { *value } else { f64::NAN }))
}

fn latency(version: &ServedVersion) -> (Vec<Series>, Line<'static>) {
    let history = &version.history;
    let ms = |value: Option<f64>| value.map_or("—  ".to_owned(), |ms| format!("{ms:.2}  "));
    let mut legend = name(Some('a'), "p50", 0);
    legend.push(paint::span(ms(version.p50_ms), Series::style(0)));
    legend.extend(name(Some('b'), "p99", 1));
    legend.push(paint::span(ms(version.p99_ms), Series::style(1)));
    let line = |look: usize, letter: char, values: &[f64]| Series {
        look,
        letter: Some(letter),
        mark: None,
        points: gaps(values),
    };
    (vec![line(0, 'a', &history.p50_ms), line(1, 'b', &history.p99_ms)], Line::from(legend))
}

fn errors(version: &ServedVersion) -> (Vec<Series>, Line<'static>) {
    let history = &version.history;
    let sum = |counts: &[u32]| counts.iter().map(|count| u64::from(*count)).sum::<u64>();
    let mut legend = name(Some('a'), "refused 4xx", 1);
    legend.push(paint::span(format!("{}  ", sum(&history.refused)), Series::style(1)));
    legend.extend(name(Some('b'), "failed 5xx", 4));
    legend.push(paint::span(sum(&history.failed).to_string(), Series::style(4)));
    let line = |look: usize, letter: char, counts: &[u32]| Series {
        look,
        letter: Some(letter),
        mark: None,
        points: points(counts.iter().map(|count| f64::from(*count))),
    };
    (vec![line(1, 'a', &history.refused), line(4, 'b', &history.failed)], Line::from(legend))
}
