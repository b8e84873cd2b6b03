//! How many instances stand in which state.

use crate::types::TaskInstanceState as S;

/// States, `None` among them.
const STATES: usize = S::ALL.len() + 1;

/// A count for each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts([u32; STATES]);

impl Counts {
    /// Adds an instance.
    pub(crate) fn add(&mut self, state: Option<S>) {
        self.0[place(state)] += 1;
    }

    /// Takes an instance away.
    pub(crate) fn take(&mut self, state: Option<S>) {
        let count = &mut self.0[place(state)];
        *count = count.saturating_sub(1);
    }

    pub(crate) fn of(&self, state: Option<S>) -> usize {
        self.0[place(state)] as usize
    }

    /// Returns how many there are.
    pub(crate) fn total(&self) -> usize {
        self.0.iter().map(|count| *count as usize).sum()
    }

    /// Returns how many have come to an end.
    pub(crate) fn finished(&self) -> usize {
        S::ALL.iter().filter(|state| state.is_finished()).map(|s| self.of(Some(*s))).sum()
    }

    /// Returns the state that matters most.
    pub(crate) fn worst(&self) -> Option<S> {
        let there = states().filter(|state| self.of(*state) > 0);
        there.min_by_key(|state| S::weight(*state)).flatten()
    }

    /// Says whether an operator wants to see what is in here: something failed, or runs.
    pub(crate) fn is_hot(&self) -> bool {
        [S::Failed, S::UpForRetry, S::Running, S::Restarting]
            .iter()
            .any(|state| self.of(Some(*state)) > 0)
    }

    /// Says whether something went wrong.
    pub(crate) fn is_bad(&self) -> bool {
        [S::Failed, S::UpForRetry, S::UpstreamFailed].iter().any(|state| self.of(Some(*state)) > 0)
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }
}

/// Every state that an instance may be in.
pub(crate) fn states() -> impl Iterator<Item = Option<S>> {
    S::ALL.iter().copied().map(Some).chain([None])
}

const fn place(state: Option<S>) -> usize {
    match state {
        Some(state) => state as usize,
        None => S::ALL.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_several_stands_for_them_and_counts_follow_changes() {
        let mut counts = Counts::default();
        assert_eq!(counts.worst(), None);
        for state in [Some(S::Success), Some(S::Running), None] {
            counts.add(state);
        }
        assert_eq!((counts.worst(), counts.total(), counts.finished()), (Some(S::Running), 3, 1));
        counts.take(Some(S::Running));
        counts.add(Some(S::Failed));
        assert_eq!(
            (counts.worst(), counts.is_bad(), counts.is_hot()),
            (Some(S::Failed), true, true)
        );
    }
}
