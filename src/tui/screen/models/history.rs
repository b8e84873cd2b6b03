//! Who moved which alias when, from where to where, and why.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::keymap::with_keys;
use crate::state::State;
use crate::text;
use crate::theme;
use crate::types::Timestamp;
use crate::types::view::{AliasMove, ModelDetailView};
use crate::widget::paint;

pub(super) fn draw(
    buf: &mut Buffer,
    area: Rect,
    state: &State,
    model: &ModelDetailView,
    scroll: usize,
) {
    if model.history.is_empty() {
        let how = with_keys!(state, "{} promotes the selected version", Promote);
        return paint::empty(buf, area, "No alias was moved yet", &how);
    }
    let mut moves: Vec<&AliasMove> = model.history.iter().collect();
    moves.sort_by_key(|step| std::cmp::Reverse((step.when, step.id)));
    let lines: Vec<Line<'static>> = moves
        .into_iter()
        .flat_map(|step| lines(state.now, step, usize::from(area.width)))
        .collect();
    let hidden = lines.len().saturating_sub(usize::from(area.height));
    paint::put_all(buf, area, lines, scroll.min(hidden));
}

fn lines(now: Timestamp, step: &AliasMove, width: usize) -> Vec<Line<'static>> {
    let word = |version: Option<u32>| version.map_or("—".to_owned(), |v| format!("v{v}"));
    let mut lines = vec![Line::from(vec![
        paint::span(format!("{:>8}  ", text::ago(now, step.when)), theme::PLAIN),
        paint::span(format!("{:<12} ", step.alias), theme::BOLD),
        paint::span(
            format!("{} → {}", word(step.from_version), word(step.to_version)),
            theme::ACCENT,
        ),
        paint::span(format!("  {} by {}", step.action, step.user), theme::DIM),
    ])];
    if let Some(reason) = &step.reason {
        let pieces = text::wrap_words(reason, width.saturating_sub(10).max(8));
        let told = pieces.into_iter().take(2);
        lines.extend(told.map(|piece| paint::line(format!("{:10}{piece}", ""), theme::WARN)));
    }
    lines
}
