//! What lies where on the screen, for the mouse: collected while a frame is drawn, by whoever
//! draws the thing, so that it is where it is seen.
//!
//! Drawing stays a function of the state: outside [`collect`] nothing is kept.

use std::cell::RefCell;

use ratatui::layout::{Position, Rect};

use crate::keymap::Action;
use crate::state::{Pane, View};

/// What a click is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A row of the level's list, by its number.
    Row(usize),
    /// A column's title: sorts by it.
    Column(String),
    /// A pane: gets the focus, and the wheel.
    Pane(Pane),
    Tab(View),
    /// A part of the way here, by its depth.
    Crumb(usize),
    /// A key that is shown with what it does.
    Action(Action),
    /// An entry of what lies over the screen, by its number.
    Entry(usize),
    /// All of what lies over the screen: what is below it is not clicked through it.
    Popup,
}

thread_local! {
    static REGIONS: RefCell<Option<Vec<(Rect, Target)>>> = const { RefCell::new(None) };
}

/// Draws by `draw` and returns what lies where, what was drawn later after what lies below it.
pub(crate) fn collect(draw: impl FnOnce()) -> Vec<(Rect, Target)> {
    REGIONS.with_borrow_mut(|regions| *regions = Some(Vec::new()));
    draw();
    REGIONS.take().unwrap_or_default()
}

/// Notes that `target` is seen at `area`.
pub(crate) fn note(area: Rect, target: Target) {
    REGIONS.with_borrow_mut(|regions| {
        if let Some(regions) = regions
            && !area.is_empty()
        {
            regions.push((area, target));
        }
    });
}

/// Returns the topmost target at a place, and the pane it stands in.
pub(crate) fn find(regions: &[(Rect, Target)], x: u16, y: u16) -> Found {
    let at = Position { x, y };
    let mut found = Found::default();
    for (_, target) in regions.iter().filter(|(area, _)| area.contains(at)) {
        match target {
            Target::Pane(pane) => found = Found { target: None, pane: Some(*pane), ..found },
            Target::Popup => found = Found { is_on_popup: true, ..Found::default() },
            target => found.target = Some(target.clone()),
        }
    }
    found
}

/// What is under the pointer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) target: Option<Target>,
    pub(crate) pane: Option<Pane>,
    pub(crate) is_on_popup: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_on_top_is_found_and_nothing_is_kept_outside() {
        note(Rect::new(0, 0, 9, 9), Target::Row(7));
        let regions = collect(|| {
            note(Rect::new(0, 0, 10, 10), Target::Pane(Pane::Log));
            note(Rect::new(1, 1, 8, 1), Target::Row(0));
            note(Rect::new(5, 0, 5, 5), Target::Popup);
            note(Rect::new(6, 1, 2, 1), Target::Entry(3));
            note(Rect::new(0, 0, 0, 5), Target::Row(9));
        });
        assert_eq!(regions.len(), 4);
        let target = |x, y| find(&regions, x, y).target;
        assert_eq!(target(1, 1), Some(Target::Row(0)));
        assert_eq!(target(6, 1), Some(Target::Entry(3)));
        assert_eq!(target(5, 1), None, "not through the popup");
        assert_eq!(find(&regions, 0, 8).pane, Some(Pane::Log));
        assert!(find(&regions, 5, 1).is_on_popup);
        assert_eq!(find(&regions, 50, 50), Found::default());
    }
}
