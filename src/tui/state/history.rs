//! The places the operator came through, to go back and forward among them.

use crate::state::{Level, Screen, State, View};

/// So many places are kept.
const PLACES_MAX: usize = 50;

/// A view with its levels as they were left.
#[derive(Debug, Clone)]
struct Visited {
    view: View,
    levels: Vec<Level>,
}

/// Where the operator was.
#[derive(Debug, Default)]
pub(crate) struct History {
    past: Vec<Visited>,
    here: Option<Visited>,
    /// What going back left, the next one last.
    future: Vec<Visited>,
    /// The view that was shown before this one.
    view_before: Option<View>,
}

impl State {
    /// Notes where the operator is now; a move to another place is one step of the history.
    pub(crate) fn note_place(&mut self) {
        let now = Visited { view: self.view, levels: self.levels().to_vec() };
        let Some(before) = self.history.here.replace(now) else { return };
        if before.view != self.view {
            self.history.view_before = Some(before.view);
        }
        if is_same(&before, self.view, self.levels()) {
            return;
        }
        self.history.future.clear();
        self.history.past.push(before);
        if self.history.past.len() > PLACES_MAX {
            self.history.past.remove(0);
        }
    }

    /// Goes back to the place before, or forward again; says `false` where there is none.
    pub(crate) fn revisit(&mut self, backward: bool) -> bool {
        let History { past, future, .. } = &mut self.history;
        let (from, to) = if backward { (past, future) } else { (future, past) };
        let Some(visited) = from.pop() else { return false };
        to.push(Visited { view: self.view, levels: self.stacks[self.view as usize].clone() });
        if visited.view != self.view {
            self.history.view_before = Some(self.view);
        }
        self.view = visited.view;
        self.stacks[visited.view as usize].clone_from(&visited.levels);
        self.history.here = Some(visited);
        true
    }

    /// Returns the view that was shown before this one.
    pub(crate) fn view_before(&self) -> Option<View> {
        self.history.view_before
    }
}

/// Says whether two places are one as far as going back is concerned: the runs of a DAG that are
/// looked through one after the other are.
fn is_same(one: &Visited, view: View, levels: &[Level]) -> bool {
    one.view == view
        && one.levels.len() == levels.len()
        && one.levels.iter().zip(levels).all(|(one, other)| match (&one.screen, &other.screen) {
            (Screen::Run(one), Screen::Run(other)) => one.dag_id == other.dag_id,
            (one, other) => one == other,
        })
}
