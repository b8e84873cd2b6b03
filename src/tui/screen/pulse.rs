//! The strip of figures at the top of the first screen: how busy the deck is. What has no data is
//! left out.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::state::State;
use crate::text;
use crate::theme;
use crate::widget::paint;

/// One figure with what it was before.
struct Figure {
    label: &'static str,
    history: Vec<f64>,
    value: String,
    style: Style,
}

/// Says whether there is anything to show.
pub(crate) fn has_any(state: &State) -> bool {
    !figures(state).is_empty()
}

/// Draws as many figures as fit, their history as long as it fits.
pub(crate) fn draw(buf: &mut Buffer, row: Rect, state: &State) {
    let mut figures = figures(state);
    let words = |figure: &Figure| text::width(figure.label) + text::width(&figure.value) + 3;
    let width = usize::from(row.width);
    while figures.len() > 1 && figures.iter().map(words).sum::<usize>() + 1 > width {
        figures.pop();
    }
    let drawn = figures.iter().filter(|figure| !figure.history.is_empty()).count();
    let room = width.saturating_sub(figures.iter().map(words).sum::<usize>() + 1);
    // Below four bars a history says nothing.
    let bars = match (room / drawn.max(1)).saturating_sub(1).min(24) {
        bars @ 4.. => bars,
        _ => 0,
    };
    let mut spans = vec![Span::raw(" ")];
    for figure in figures {
        spans.push(Span::styled(format!("{} ", figure.label), theme::DIM));
        if bars > 0 && !figure.history.is_empty() {
            let bars = text::spark(&figure.history, bars);
            spans.push(Span::styled(format!("{bars} "), theme::ACCENT));
        }
        spans.push(Span::styled(figure.value, figure.style));
        spans.push(Span::raw("  "));
    }
    paint::put(buf, row, 0, Line::from(spans));
}

fn figures(state: &State) -> Vec<Figure> {
    let mut figures = Vec::new();
    runs(state, &mut figures);
    if let Some(status) = state.status() {
        let queued: u32 = status.pools.iter().map(|pool| pool.queued).sum();
        if queued > 0 || !figures.is_empty() {
            let style = if queued > 0 { theme::WARN } else { theme::PLAIN };
            figures.push(figure("queue", Vec::new(), queued.to_string(), style));
        }
    }
    serving(state, &mut figures);
    figures
}

fn figure(label: &'static str, history: Vec<f64>, value: String, style: Style) -> Figure {
    Figure { label, history, value, style }
}

fn runs(state: &State, figures: &mut Vec<Figure>) {
    let hours = state.cache.pulse().map(|pulse| pulse.hours.as_slice()).unwrap_or_default();
    let ended: u64 = hours.iter().map(|hour| hour.runs).sum();
    let Some(last) = hours.last().filter(|_| ended > 0) else { return };
    let history = hours.iter().map(|hour| hour.runs as f64).collect();
    figures.push(figure("runs/h", history, last.runs.to_string(), theme::BOLD));
    let failed: u64 = hours.iter().map(|hour| hour.failed).sum();
    let share = |failed: u64, runs: u64| 100.0 * failed as f64 / (runs.max(1)) as f64;
    let history = hours.iter().map(|hour| share(hour.failed, hour.runs)).collect();
    let style = if failed > 0 { theme::BAD } else { theme::GOOD };
    let value = format!("{:.1} of {ended}", share(failed, ended));
    figures.push(figure("fail%", history, value, style));
}

fn serving(state: &State, figures: &mut Vec<Figure>) {
    let Some(serving) = state.cache.serving() else { return };
    if serving.versions.is_empty() || serving.requests_history.iter().all(|rate| *rate <= 0.0) {
        return;
    }
    let rate: f64 = serving.versions.iter().map(|version| version.requests_per_sec).sum();
    let history = serving.requests_history.clone();
    let digits = usize::from(rate < 100.0);
    figures.push(figure("rps", history, format!("{rate:.digits$}"), theme::BOLD));
    let p99 = serving.versions.iter().filter_map(|version| version.p99_ms).fold(0.0, f64::max);
    let value = if p99 > 0.0 {
        format!("{}ms", if p99 < 10.0 { format!("{p99:.1}") } else { format!("{p99:.0}") })
    } else {
        "—".to_owned()
    };
    figures.push(figure("p99", serving.p99_history.clone(), value, theme::BOLD));
}
