//! Why a task, a run or a DAG does or does not go on, over the screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::keymap::scroll_note;
use crate::screen::missing;
use crate::state::{Slot, State};
use crate::text;
use crate::theme;
use crate::types::ids::UNMAPPED;
use crate::types::why::{ReasonKind, WhySubject, WhyView};
use crate::widget::paint;

/// Draws the popup.
pub(crate) fn popup(
    buf: &mut Buffer,
    area: Rect,
    state: &State,
    subject: &WhySubject,
    scroll: usize,
) {
    let width = area.width.saturating_sub(4).min(96);
    let title = format!("Why {}", name(subject));
    let Some(views) = state.cache.why(subject) else {
        let place = paint::popup(buf, area, width, 8);
        let inside = paint::panel(buf, place, &title, &scroll_note(state, 0), true);
        return missing(buf, inside, state, &Slot::Why(subject.clone()));
    };
    let lines = lines(views, usize::from(width.saturating_sub(4)));
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).min(area.height);
    let place = paint::popup(buf, area, width, height);
    let hidden = lines.len().saturating_sub(usize::from(height.saturating_sub(2)));
    let inside = paint::panel(buf, place, &title, &scroll_note(state, hidden), true);
    paint::put_all(buf, inside, lines, scroll.min(hidden));
}

fn name(subject: &WhySubject) -> String {
    let index = subject.map_index.filter(|index| *index != UNMAPPED);
    let index = index.map(|index| format!("[{index}]")).unwrap_or_default();
    match (&subject.task_id, &subject.dag_run_id) {
        (Some(task_id), _) => format!("{task_id}{index}"),
        (None, Some(run)) => text::run_name(run.as_str()),
        (None, None) => subject.dag_id.to_string(),
    }
}

fn lines(views: &[WhyView], width: usize) -> Vec<Line<'static>> {
    if views.is_empty() {
        return vec![paint::line("There is nothing of the kind to tell of.", theme::DIM)];
    }
    let mut lines = Vec::new();
    for view in views {
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        let mark = match (view.state, view.run_state, &view.subject.task_id) {
            (Some(state), ..) => theme::task_mark(Some(state)),
            (None, Some(state), None) => theme::run_mark(state),
            _ => theme::task_mark(None),
        };
        let mut head = Vec::new();
        if view.subject.dag_run_id.is_some() {
            head.extend(paint::worded(mark));
            head.push(Span::raw("  "));
        }
        head.push(paint::span(name(&view.subject), theme::BOLD));
        lines.push(Line::from(head));
        for reason in &view.reasons {
            let (glyph, style) = glyph(reason.kind);
            push(&mut lines, (glyph, style), &reason.text, theme::PLAIN, width);
            if let Some(remedy) = &reason.remedy {
                push(&mut lines, ("  →", theme::ACCENT), remedy, theme::ACCENT, width);
            }
        }
    }
    lines
}

fn push(
    lines: &mut Vec<Line<'static>>,
    (glyph, tone): (&'static str, ratatui::style::Style),
    words: &str,
    style: ratatui::style::Style,
    width: usize,
) {
    let indent = text::width(glyph) + 1;
    for (at, piece) in text::wrap_words(words, width.saturating_sub(indent)).iter().enumerate() {
        let lead = if at == 0 { format!("{glyph} ") } else { " ".repeat(indent) };
        lines.push(Line::from(vec![Span::styled(lead, tone), paint::span(piece, style)]));
    }
}

/// Tells what goes on by itself from what waits and from what somebody must change.
const fn glyph(kind: ReasonKind) -> (&'static str, ratatui::style::Style) {
    match kind {
        ReasonKind::InFlight | ReasonKind::Running | ReasonKind::Nothing => ("►", theme::GOOD),
        ReasonKind::Ended => ("·", theme::DIM),
        ReasonKind::Paused | ReasonKind::Stale | ReasonKind::Manual => ("!", theme::WARN),
        _ => ("◌", theme::PLAIN),
    }
}
