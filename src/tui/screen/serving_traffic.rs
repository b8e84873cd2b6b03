//! How the requests of the selected version's model are divided: the percents with each version's
//! figures, the rollout that is under way, copies, and what later truth says.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::keymap::with_keys;
use crate::rows;
use crate::screen::serving::siblings;
use crate::state::{State, View};
use crate::text;
use crate::theme;
use crate::types::serving::{RolloutState, RolloutView, ShadowView, TrafficView, VerdictView};
use crate::widget::chart::Series;
use crate::widget::paint;

/// The width that a line's name takes.
const NAME: usize = 9;

/// Returns what is told of the selected version's model.
pub(crate) fn traffic_here(state: &State) -> Option<&TrafficView> {
    state.cache.serving()?.traffic_of(&rows::served_here(state)?.model)
}

/// Returns the rollout of the selected version's model, where one is under way.
pub(crate) fn rollout_here(state: &State) -> Option<&RolloutView> {
    traffic_here(state)?.rollout.as_ref().filter(|rollout| rollout.state.is_open())
}

/// Returns the rows that the panel takes in a width; none without a version.
pub(crate) fn rows_of(state: &State, width: u16) -> u16 {
    match siblings(state).len() {
        0 => 0,
        count => {
            let lines = count + told(state, usize::from(width.saturating_sub(4))).len();
            u16::try_from(lines).unwrap_or(1) + 2
        }
    }
}

/// Draws the panel.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let versions = siblings(state);
    let Some(first) = versions.first() else { return };
    let title = format!("Traffic of {}", first.model);
    let note = with_keys!(
        state,
        "{} splits, {} rolls back, {} promotes",
        Split,
        Rollback,
        Show(View::Models)
    );
    let inside = paint::panel(buf, area, &title, &note, false);
    let bars = usize::from(inside.width).saturating_sub(58).clamp(8, 60);
    let mut lines: Vec<Line<'_>> = Vec::new();
    for (at, version) in versions.iter().enumerate() {
        let letter = char::from(b'a' + u8::try_from(at).unwrap_or(0));
        let style = Series::style(at);
        let p99 = version.p99_ms.map_or("—".to_owned(), |ms| format!("{ms:.1} ms"));
        lines.push(Line::from(vec![
            Span::styled(format!("{letter} "), style.patch(theme::BOLD)),
            paint::span(format!("v{:<4} ", version.version), theme::BOLD),
            Span::styled(paint::bar(f64::from(version.weight) / 100.0, bars), style),
            paint::span(format!(" {:>3}%  ", version.weight), theme::PLAIN),
            paint::span(
                format!(
                    "{:>7.1}/s  p99 {p99:<10} {} errors",
                    version.requests_per_sec, version.errors_total
                ),
                theme::DIM,
            ),
        ]));
    }
    lines.extend(told(state, usize::from(inside.width)));
    paint::put_all(buf, inside, lines, 0);
}

/// The rollout in one line, where there is room for no more.
pub(crate) fn short(state: &State) -> Option<Line<'static>> {
    let rollout = rollout_here(state)?;
    let mut spans = vec![paint::span(" ", theme::PLAIN)];
    spans.extend(rollout_line(state, rollout));
    Some(Line::from(spans))
}

/// What stands below the percents, a line for each thing that there is.
fn told(state: &State, width: usize) -> Vec<Line<'static>> {
    let Some(traffic) = traffic_here(state) else { return Vec::new() };
    let mut lines = Vec::new();
    if let Some(rollout) = &traffic.rollout {
        lines.push(named("rollout", rollout_line(state, rollout)));
    }
    if let Some(sticky) = &traffic.sticky {
        let text = format!("the same {sticky} gets the same version");
        lines.push(named("sticky", vec![paint::span(text, theme::PLAIN)]));
    }
    if let Some(shadow) = &traffic.shadow {
        lines.push(named("copies", copies(shadow)));
    }
    for verdict in &traffic.verdicts {
        let style = style_of(verdict);
        let pieces = text::wrap(&verdict.text, width.saturating_sub(NAME + 1).max(20));
        for (at, piece) in pieces.into_iter().enumerate() {
            let name = if at == 0 { "truth" } else { "" };
            lines.push(named(name, vec![Span::styled(piece, style)]));
        }
    }
    lines
}

fn named(name: &str, mut spans: Vec<Span<'static>>) -> Line<'static> {
    spans.insert(0, paint::span(format!("{name:<NAME$}"), theme::DIM));
    Line::from(spans)
}

fn rollout_line(state: &State, rollout: &RolloutView) -> Vec<Span<'static>> {
    let style = match rollout.state {
        RolloutState::Running => theme::ACCENT,
        RolloutState::Paused => theme::WARN,
        RolloutState::Done => theme::GOOD,
        RolloutState::RolledBack => theme::BAD,
    };
    let word = format!("v{} {}  ", rollout.version, rollout.state.word());
    let mut spans = vec![Span::styled(word, style)];
    if !rollout.state.is_open() {
        let ended = rollout.ended_at.map(|at| text::ago(state.now, at)).unwrap_or_default();
        let reason = rollout.reason.as_ref().map(|reason| format!("  {reason}"));
        spans.push(paint::span(format!("{ended}{}", reason.unwrap_or_default()), theme::DIM));
        return spans;
    }
    for (at, percent) in (0..).zip(&rollout.percents) {
        let style = match at {
            at if at == rollout.step => theme::BOLD,
            _ => theme::DIM,
        };
        let mark = if at == rollout.step { "▸" } else { "" };
        spans.push(paint::span(format!("{mark}{percent}% "), style));
    }
    if let Some(left) = rollout.left_ms(state.now) {
        let left = text::running(left as f64 / 1000.0);
        spans.push(paint::span(format!(" {left} left  "), theme::PLAIN));
    }
    let keys = match rollout.state {
        RolloutState::Paused => {
            with_keys!(state, "{} resumes, {} next step, {} aborts", Pause, Advance, Cancel)
        }
        _ => with_keys!(state, "{} pauses, {} next step, {} aborts", Pause, Advance, Cancel),
    };
    spans.push(paint::span(keys, theme::DIM));
    spans
}

fn copies(shadow: &ShadowView) -> Vec<Span<'static>> {
    let mut text = format!(
        "v{} {}%  {} answered",
        shadow.version,
        shadow.percent,
        shadow.requests - shadow.errors.min(shadow.requests)
    );
    if let Some(agreement) = shadow.agreement {
        text.push_str(&format!("  {:.1}% the same label", agreement * 100.0));
    }
    if let Some(difference) = shadow.difference {
        text.push_str(&format!("  {difference:.4} apart"));
    }
    if let Some(p99) = shadow.p99_ms {
        text.push_str(&format!("  p99 {p99:.1} ms"));
    }
    let mut spans = vec![paint::span(text, theme::PLAIN)];
    if shadow.errors > 0 {
        spans.push(paint::span(format!("  {} errors", shadow.errors), theme::BAD));
    }
    if shadow.dropped > 0 {
        spans.push(paint::span(format!("  {} dropped", shadow.dropped), theme::WARN));
    }
    spans
}

fn style_of(verdict: &VerdictView) -> ratatui::style::Style {
    match verdict.verdict.as_str() {
        "better" => theme::GOOD,
        "worse" => theme::BAD,
        _ => theme::PLAIN,
    }
}
