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
use crate::view;
use crate::widget::graph::Sketch;
use crate::widget::paint;

mod details;
pub(crate) mod impact;
mod lineage;
mod origin;
pub(crate) mod tree;
mod why;

pub(crate) use impact::draw as draw_impact;
pub(crate) use origin::{draw_chain, draw_columns};
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
    for (which, area) in areas(area, state) {
        if !area.is_empty() {
            pane(buf, area, state, which);
        }
    }
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
    draw(buf, area, state);
}

/// Returns where each pane stands; what is not drawn has no room.
fn areas(area: Rect, state: &State) -> [(AssetPane, Rect); 3] {
    let none = Rect::default();
    let of = |tree, lineage, details| {
        [(AssetPane::Tree, tree), (AssetPane::Lineage, lineage), (AssetPane::Details, details)]
    };
    let is_page = matches!(state.level().screen, Screen::Asset(_));
    if !is_page && state.cache.assets().is_none_or(<[_]>::is_empty) {
        return of(area, none, none);
    }
    if area.width < WIDTH_OF_TWO || state.level().zoom != Zoom::Normal {
        return match pane_of(state) {
            AssetPane::Tree => of(area, none, none),
            AssetPane::Lineage => of(none, area, none),
            AssetPane::Details => of(none, none, area),
        };
    }
    let tree_width = match area.width {
        _ if is_page => 0,
        WIDTH_OF_THREE.. => 60,
        140.. => 48,
        _ => 34,
    };
    let [tree, rest] =
        Layout::horizontal([Constraint::Length(tree_width), Constraint::Min(0)]).areas(area);
    let [lineage, details] = match area.width >= WIDTH_OF_THREE {
        true => Layout::horizontal([Constraint::Min(0), Constraint::Length(56)]).areas(rest),
        false => Layout::vertical([Constraint::Percentage(52), Constraint::Min(0)]).areas(rest),
    };
    of(tree, lineage, details)
}

/// Returns the room that a pane has on the terminal.
pub(crate) fn area_of(state: &State, pane: AssetPane) -> Rect {
    let all = areas(view::body(state, state.size), state);
    all.into_iter().find(|(which, _)| *which == pane).map(|(_, area)| area).unwrap_or_default()
}

/// Returns the lineage that is drawn, with the room that it has.
pub(crate) fn sketch(state: &State) -> Option<(Sketch, Rect)> {
    let room = paint::inside(area_of(state, AssetPane::Lineage));
    (!room.is_empty()).then(|| Some((lineage::sketch(state)?, room)))?
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
