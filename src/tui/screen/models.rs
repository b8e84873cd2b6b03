//! Registered models: the registry as a tree, a version in full, two of them compared, where the
//! aliases stood. One pane below a hundred columns, three where there is room.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};

use crate::keymap::{Action, Place, label_at, with_keys};
use crate::rows::models as rows;
use crate::screen::{filtered_out, missing};
use crate::state::level::Zoom;
use crate::state::models::ModelPane;
use crate::state::{Slot, State};
use crate::types::view::ModelVersionView;
use crate::widget::list::Shown;
use crate::widget::paint;
use crate::widget::table::position;

pub(crate) mod compare;
mod history;
pub(crate) mod registry;
mod version;
pub(crate) mod versions;

pub(crate) use version::told;

/// Below this there is one pane at a time.
const WIDTH_OF_TWO: u16 = 100;
/// From here on a version and a comparison stand below each other.
const HEIGHT_OF_BOTH: u16 = 36;
/// From here on the history has a column of its own.
const WIDTH_OF_THREE: u16 = 170;

/// Draws the registry with the selected version and the history of its aliases.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let pane = state.level().models.pane;
    let is_empty = state.cache.models().is_none_or(<[_]>::is_empty);
    if is_empty {
        return registry::draw(buf, area, state, true);
    }
    if area.width < WIDTH_OF_TWO || state.level().zoom != Zoom::Normal {
        return match pane {
            ModelPane::Registry => registry::draw(buf, area, state, true),
            ModelPane::Version => draw_version(buf, area, state, true),
            ModelPane::History => draw_history(buf, area, state, true),
        };
    }
    let width = if area.width >= WIDTH_OF_THREE { 70 } else { 46 };
    let [list, rest] =
        Layout::horizontal([Constraint::Length(width), Constraint::Min(0)]).areas(area);
    let [facts, history] = if area.width >= WIDTH_OF_THREE {
        Layout::horizontal([Constraint::Min(0), Constraint::Length(58)]).areas(rest)
    } else {
        let moves = moves(state).clamp(4, 9);
        Layout::vertical([Constraint::Min(0), Constraint::Length(moves)]).areas(rest)
    };
    registry::draw(buf, list, state, pane == ModelPane::Registry);
    draw_version_and_rival(buf, facts, state, pane == ModelPane::Version);
    draw_history(buf, history, state, pane == ModelPane::History);
}

/// Returns the rows that the history of the model would take.
fn moves(state: &State) -> u16 {
    let name = rows::model_here(state).unwrap_or_default();
    let moves = state.cache.model(&name).map_or(0, |model| model.history.len());
    u16::try_from(moves + 2).unwrap_or(u16::MAX)
}

fn draw_version(buf: &mut Buffer, area: Rect, state: &State, is_focused: bool) {
    if let Some(pair) = rows::marked_pair(state) {
        return compare::draw(buf, area, state, pair, is_focused);
    }
    let Some(version) = rows::version_here(state) else {
        let inside = paint::panel(buf, area, "Version", "", is_focused);
        let name = rows::model_here(state).unwrap_or_default();
        return missing(buf, inside, state, &Slot::Model(name));
    };
    let title = format!("{} v{}", version.name, version.version);
    let run = label_at(state, Place::ModelDetails, Action::Open);
    let note = with_keys!(state, "{} compare  {} promote  {run} its run", Compare, Promote);
    let inside = paint::panel(buf, area, &title, &note, is_focused);
    let scroll = if is_focused { state.level().scroll } else { 0 };
    version::draw(buf, inside, state, version, scroll);
}

/// Draws the version; below it, where there is room, how it compares with what is in production.
fn draw_version_and_rival(buf: &mut Buffer, area: Rect, state: &State, is_focused: bool) {
    let rival = match (rows::pair(state), rows::marked_pair(state)) {
        (Some((left, right)), None) if area.height >= HEIGHT_OF_BOTH => {
            let find = |of: &(String, u32)| rows::find(state, &of.0, of.1);
            find(&left).zip(find(&right))
        }
        _ => None,
    };
    let Some((one, other)) = rival else { return draw_version(buf, area, state, is_focused) };
    let [top, bottom] =
        Layout::vertical([Constraint::Percentage(50), Constraint::Min(0)]).areas(area);
    draw_version(buf, top, state, is_focused);
    compare::draw(buf, bottom, state, [one, other], false);
}

fn draw_history(buf: &mut Buffer, area: Rect, state: &State, is_focused: bool) {
    let name = rows::model_here(state).unwrap_or_default();
    let title = format!("Aliases of {name}, and who moved them");
    let inside = paint::panel(buf, area, &title, "", is_focused);
    let scroll = if is_focused { state.level().scroll } else { 0 };
    match state.cache.model(&name) {
        Some(model) => history::draw(buf, inside, state, model, scroll),
        None => missing(buf, inside, state, &Slot::Model(name)),
    }
}

/// Draws one model: its versions, the selected one in full, the moves of its aliases.
pub(crate) fn draw_page(buf: &mut Buffer, area: Rect, state: &State, name: &str) {
    let level = state.level();
    if state.cache.model(name).is_none() {
        let inside = paint::panel(buf, area, name, "", true);
        return missing(buf, inside, state, &Slot::Model(name.to_owned()));
    }
    let all = state.cache.model(name).map(|model| model.versions.as_slice()).unwrap_or_default();
    let shown: Vec<&ModelVersionView> = rows::versions(state, level, name);
    let selected = crate::rows::place(level, &shown);
    let rows = u16::try_from(all.len() + 3).unwrap_or(u16::MAX);
    let rows = rows.clamp(5, (area.height / 2).max(5));
    let [top, bottom] =
        Layout::vertical([Constraint::Length(rows), Constraint::Min(0)]).areas(area);
    let list = versions::list(name, all);
    let title = list.title(state, level, shown.len(), all.len());
    let inside = paint::panel(buf, top, &title, &position(selected, shown.len()), true);
    match shown.is_empty() {
        true if all.is_empty() => {
            paint::empty(buf, inside, "No version here", "a model.register task adds one");
        }
        true => filtered_out(buf, inside, state, "No version passes the filter"),
        false => list.draw(buf, inside, state, &shown, &Shown::focused(level, selected)),
    }
    let [left, right] = if area.width >= 120 {
        Layout::horizontal([Constraint::Percentage(50), Constraint::Min(0)]).areas(bottom)
    } else {
        let moves = moves(state).clamp(3, 6);
        Layout::vertical([Constraint::Min(0), Constraint::Length(moves)]).areas(bottom)
    };
    draw_version(buf, left, state, false);
    draw_history(buf, right, state, false);
}
