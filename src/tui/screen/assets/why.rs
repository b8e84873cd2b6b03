//! Why an asset is old: the way from the root cause down to it, a step below the other.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::keymap::with_keys;
use crate::screen::assets::mark;
use crate::screen::missing;
use crate::state::{Slot, State};
use crate::text;
use crate::theme;
use crate::types::AssetName;
use crate::types::callback::CallbackState;
use crate::types::freshness::{AssetWhy, StaleCause, StaleStep};
use crate::widget::paint;

/// What old means.
const MEANING: &str = "Old means: an input changed since, the run that was to make it failed, or \
                       it is older than its `freshness` allows.";

pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State, name: &AssetName) {
    let title = format!("Why {name} is as it is");
    let keys = with_keys!(state, "{} the run or DAG of the step", Open);
    let inside = paint::panel(buf, area, &title, &keys, true);
    let Some(why) = state.cache.asset_why(name) else {
        return missing(buf, inside, state, &Slot::AssetWhy(name.clone()));
    };
    let selected = state.level().cursor(&crate::rows::keys(state, state.level()));
    let lines = lines(state, why, selected, usize::from(inside.width));
    paint::put_all(buf, inside, lines, 0);
}

fn lines(state: &State, why: &AssetWhy, selected: usize, width: usize) -> Vec<Line<'static>> {
    let standing = mark(why.freshness);
    let mut spans = vec![paint::span(format!("{} is ", why.name), theme::BOLD)];
    spans.extend(paint::worded(standing));
    let made_of_it = match why.downstream_assets {
        0 => ", and no asset is made of it".to_owned(),
        1 => with_keys!(state, ", and one asset is made of it ({})", Impact),
        n => with_keys!(state, ", and {n} assets are made of it ({})", Impact),
    };
    spans.push(paint::span(made_of_it, theme::PLAIN));
    let mut lines = vec![Line::from(spans), Line::default()];
    if why.path.len() > 1 {
        for piece in text::wrap_words(&format!("Root cause: {}", why.way()), width) {
            lines.push(paint::line(piece, theme::WARN));
        }
        lines.push(Line::default());
    }
    for (at, step) in why.path.iter().enumerate() {
        lines.extend(step_lines(state, step, (at, selected == at), width));
    }
    lines.push(Line::default());
    for told in &why.callbacks {
        let (event, action) = (told.event.as_str(), told.spec.action.name());
        let (ago, state_word) = (text::ago(state.now, told.created_at), told.state.as_str());
        let style = match told.state {
            CallbackState::Failed => theme::BAD,
            CallbackState::Pending | CallbackState::Done => theme::DIM,
        };
        lines.push(paint::line(format!("told {ago}: {event}, {action} {state_word}"), style));
    }
    for piece in text::wrap_words(MEANING, width) {
        lines.push(paint::line(piece, theme::DIM));
    }
    lines
}

/// Writes a step, with what would mend it below.
fn step_lines(
    state: &State,
    step: &StaleStep,
    (at, is_selected): (usize, bool),
    width: usize,
) -> Vec<Line<'static>> {
    let (glyph, style) = match step.cause {
        Some(StaleCause::RunFailed) => ("✗", theme::BAD),
        Some(StaleCause::Paused) => ("=", theme::WARN),
        Some(StaleCause::InputChanged | StaleCause::NeverRun | StaleCause::TooOld) => {
            ("!", theme::WARN)
        }
        None if at == 0 => ("·", theme::DIM),
        None => ("↓", theme::DIM),
    };
    let ago = step.last.map_or("never made".to_owned(), |last| text::ago(state.now, last));
    let name = if is_selected { theme::REVERSED.patch(theme::BOLD) } else { theme::BOLD };
    let mut lines = vec![Line::from(vec![
        paint::span(format!("{glyph} "), style),
        paint::span(step.asset.as_str(), name),
        paint::span(format!("  {ago}"), theme::DIM),
    ])];
    let indented = |told: &str, style| {
        let pieces = text::wrap_words(told, width.saturating_sub(4).max(8));
        pieces.into_iter().map(move |piece| paint::line(format!("    {piece}"), style))
    };
    lines.extend(indented(&step.text, style));
    if let Some(run) = &step.dag_run_id {
        lines.extend(indented(&format!("run {run}"), theme::DIM));
    }
    if let Some(remedy) = &step.remedy {
        lines.extend(indented(&format!("→ {remedy}"), theme::ACCENT));
    }
    lines
}
