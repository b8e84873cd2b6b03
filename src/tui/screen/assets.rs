//! Assets: what data there is and whether it is old, where it comes from and goes, what happened
//! to it. One pane below a hundred columns, three beside each other where there is room.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};

use crate::keymap::with_keys;
use crate::rows::assets as rows;
use crate::screen::missing;
use crate::state::level::Zoom;
use crate::state::lineage::AssetPane;
use crate::state::{Screen, Slot, State};
use crate::theme::{self, Mark};
use crate::types::AssetName;
use crate::types::freshness::Freshness;
use crate::update::assets::pane_of;
use crate::widget::paint;

mod details;
pub(crate) mod impact;
mod lineage;
pub(crate) mod tree;
mod why;

pub(crate) use impact::draw as draw_impact;
pub(crate) use why::draw as draw_why;

/// Below this there is one pane at a time.
const WIDTH_OF_TWO: u16 = 100;
/// From here on the details have a column of their own.
const WIDTH_OF_THREE: u16 = 170;

/// Returns the panes that tab goes round.
pub(crate) fn panes(state: &State) -> &'static [AssetPane] {
    match state.level().screen {
        Screen::Asset(_) => &[AssetPane::Lineage, AssetPane::Details],
        _ => &[AssetPane::Tree, AssetPane::Lineage, AssetPane::Details],
    }
}

/// Draws the tree with the lineage and the details of the selection.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let is_empty = state.cache.assets().is_none_or(<[_]>::is_empty);
    if is_alone(area, state) || is_empty {
        return pane(buf, area, state, if is_empty { AssetPane::Tree } else { pane_of(state) });
    }
    let tree_width = match area.width {
        WIDTH_OF_THREE.. => 60,
        140.. => 48,
        _ => 34,
    };
    let [list, rest] =
        Layout::horizontal([Constraint::Length(tree_width), Constraint::Min(0)]).areas(area);
    pane(buf, list, state, AssetPane::Tree);
    draw_rest(buf, rest, state, area.width >= WIDTH_OF_THREE);
}

/// Draws one asset: its lineage and what happened to it.
pub(crate) fn draw_page(buf: &mut Buffer, area: Rect, state: &State, name: &AssetName) {
    if rows::find(state, name).is_none() {
        let inside = paint::panel(buf, area, name.as_str(), "", true);
        if state.cache.assets().is_some() {
            paint::empty(
                buf,
                inside,
                "This asset is gone from dags.toml",
                &with_keys!(state, "{} goes back", Back),
            );
        } else {
            missing(buf, inside, state, &Slot::Assets);
        }
        return;
    }
    if is_alone(area, state) {
        return pane(buf, area, state, pane_of(state));
    }
    draw_rest(buf, area, state, area.width >= WIDTH_OF_THREE);
}

fn is_alone(area: Rect, state: &State) -> bool {
    area.width < WIDTH_OF_TWO || state.level().zoom != Zoom::Normal
}

fn draw_rest(buf: &mut Buffer, area: Rect, state: &State, side_by_side: bool) {
    let [graph, facts] = match side_by_side {
        true => Layout::horizontal([Constraint::Min(0), Constraint::Length(56)]).areas(area),
        false => Layout::vertical([Constraint::Percentage(52), Constraint::Min(0)]).areas(area),
    };
    pane(buf, graph, state, AssetPane::Lineage);
    pane(buf, facts, state, AssetPane::Details);
}

fn pane(buf: &mut Buffer, area: Rect, state: &State, which: AssetPane) {
    let is_focused = pane_of(state) == which;
    match which {
        AssetPane::Tree => tree::draw(buf, area, state, is_focused),
        AssetPane::Lineage => lineage::draw(buf, area, state, is_focused),
        AssetPane::Details => details::draw(buf, area, state, is_focused),
    }
}

/// Shows how an asset stands.
pub(crate) fn mark(freshness: Freshness) -> Mark {
    theme::freshness_mark(freshness)
}
