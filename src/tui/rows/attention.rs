//! What needs attention, as rows: in the box of the first screen, and as a list of its own.

use crate::screen::attention::list;
use crate::state::{Level, Screen, State, View};
use crate::types::attention::AttentionItem;
use crate::types::event::Severity;
use crate::widget::list::ListInfo;

/// Returns the items as they are shown, by themselves the most urgent first.
pub(crate) fn items<'a>(state: &'a State, level: &Level) -> Vec<&'a AttentionItem> {
    let all: Vec<&AttentionItem> = state.cache.attention().unwrap_or_default().iter().collect();
    let list = list(&all);
    match level.screen {
        Screen::Attention => list.arrange(state, level, all),
        // The filter of the first screen is for its DAGs.
        _ => list.sorted(state, all),
    }
}

/// Returns what the menus of sorting and choosing need to know of it.
pub(crate) fn info(state: &State) -> ListInfo {
    list(&[]).info(state)
}

/// Returns what the selection is kept by.
pub(crate) fn key(item: &AttentionItem) -> String {
    format!("{:?} {} {:?}", item.kind, item.subject, item.target)
}

/// Says whether the keys go to the box of the first screen.
pub(crate) fn is_in_box(state: &State) -> bool {
    state.level().screen == Screen::Root(View::Dags)
        && state.home.is_in_box
        && crate::screen::home::has_box(state)
}

/// Returns the selected item, in the box or in the list.
pub(crate) fn selected(state: &State) -> Option<&AttentionItem> {
    let level = state.level();
    let items = items(state, level);
    let keys: Vec<String> = items.iter().map(|item| key(item)).collect();
    let at = match &level.screen {
        Screen::Attention => level.cursor(&keys),
        _ if is_in_box(state) => state.home.cursor(&keys),
        _ => return None,
    };
    items.get(at).copied()
}

/// Counts errors, warnings and questions.
pub(crate) fn counts(items: &[&AttentionItem]) -> [usize; 3] {
    let count = |wanted| items.iter().filter(|item| item.severity == wanted).count();
    [count(Severity::Error), count(Severity::Warning), count(Severity::Info)]
}
