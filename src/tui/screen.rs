//! The screens: each draws its part of the state into an area.

pub(crate) mod approvals;
pub(crate) mod assets;
pub(crate) mod attention;
pub(crate) mod backfill;
pub(crate) mod backfills;
pub(crate) mod commands;
pub(crate) mod compare;
pub(crate) mod dag;
pub(crate) mod dag_preview;
pub(crate) mod dags;
pub(crate) mod definitions;
pub(crate) mod details;
pub(crate) mod drift;
pub(crate) mod events;
pub(crate) mod executors;
pub(crate) mod experiments;
pub(crate) mod figures;
mod first;
pub(crate) mod form;
pub(crate) mod frame;
pub(crate) mod hints;
pub(crate) mod home;
pub(crate) mod log;
pub(crate) mod logged_models;
pub(crate) mod models;
pub(crate) mod operation;
pub(crate) mod operations;
pub(crate) mod plots;
mod pulse;
pub(crate) mod run;
mod run_preview;
pub(crate) mod runs;
pub(crate) mod serving;
mod serving_charts;
pub(crate) mod serving_traffic;
pub(crate) mod settings;
pub(crate) mod small;
pub(crate) mod system;
pub(crate) mod tracking_run;
pub(crate) mod tracking_runs;
pub(crate) mod trials;
pub(crate) mod versions;
pub(crate) mod why;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::keymap::with_keys;
use crate::state::{Link, Slot, State};
use crate::widget::paint;

/// Draws that there are rows, but none that passes the filter.
fn filtered_out(buf: &mut Buffer, area: Rect, state: &State, what: &str) {
    paint::empty(buf, area, what, &with_keys!(state, "{} clears it", Back));
}

/// Draws why there is nothing to show yet: it is on its way, or could not be fetched.
fn missing(buf: &mut Buffer, area: Rect, state: &State, slot: &Slot) {
    match (state.cache.fault(slot), state.link) {
        (_, Link::Down { .. }) => {
            paint::empty(buf, area, "The daemon does not answer", "this fills when it is back");
        }
        (Some(fault), _) => {
            let hint =
                fault.hint.clone().unwrap_or_else(|| with_keys!(state, "{} asks again", Refetch));
            paint::empty(buf, area, &fault.to_string(), &hint);
        }
        (None, _) => paint::empty(buf, area, "Loading…", ""),
    }
}
