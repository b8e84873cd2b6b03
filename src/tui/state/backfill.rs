//! How many of a backfill's dates are there: more of them as the cursor nears the last one.

use crate::state::{Level, Slot, State};
use crate::types::backfill::{BackfillDetailView, BackfillId};

/// Dates of a page.
pub(crate) const DATES: u32 = 100;

/// More than this the daemon does not send at once.
pub(crate) const PAGES_MAX: u32 = 10;

/// Returns what the page of a backfill is made of.
pub(crate) fn slot(level: &Level, id: BackfillId) -> Slot {
    Slot::Backfill(id, level.pages)
}

/// Returns the backfill with as many dates as there are by now.
pub(crate) fn shown<'a>(
    state: &'a State,
    level: &Level,
    id: BackfillId,
) -> Option<&'a BackfillDetailView> {
    (1..=level.pages).rev().find_map(|pages| state.cache.backfill(id, pages))
}
