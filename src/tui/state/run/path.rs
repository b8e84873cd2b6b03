//! How long the rest takes, and through which tasks: the critical path.

use crate::state::run::RunIndex;
use crate::types::view::RunDetailView;
use crate::types::{TaskInstanceState, Timestamp};

/// The longest way through the run, by what was measured and what is usual.
#[derive(Debug, Clone, Default)]
pub(crate) struct Path {
    pub(crate) is_old: bool,
    /// The second for which it was made.
    at: Option<i64>,
    /// Seconds until the last task ends, where each takes as long as it does usually; `None`
    /// where for one of those that are left nothing is known.
    pub(crate) left: Option<f64>,
    /// Of each task whether it lies on the way.
    pub(crate) critical: Vec<bool>,
    /// Each task's own place, so that a task can stand for a list of itself.
    pub(crate) identity: Vec<u32>,
}

impl RunIndex {
    /// Finds the path again where a state or the second has changed.
    pub(crate) fn find_path(&mut self, detail: &RunDetailView, now: Timestamp) {
        let second = if detail.run.end_date.is_some() { 0 } else { now.as_second() };
        if !self.path.is_old && self.path.at == Some(second) {
            return;
        }
        let count = self.tasks.len();
        if self.path.identity.len() != count {
            self.path.identity = (0..u32::try_from(count).unwrap_or(u32::MAX)).collect();
        }
        // The length of a task within the path, and how much of that is still to come.
        let lengths: Vec<(f64, Option<f64>)> =
            (0..count).map(|at| self.length(detail, at, now)).collect();
        let mut ends = vec![0.0_f64; count];
        let mut left = vec![Some(0.0_f64); count];
        let mut before: Vec<Option<u32>> = vec![None; count];
        for at in 0..count {
            let longest = self.up[at].iter().copied().filter(|up| (*up as usize) < at);
            before[at] = longest.max_by(|a, b| ends[*a as usize].total_cmp(&ends[*b as usize]));
            let start = before[at].map_or(0.0, |up| ends[up as usize]);
            ends[at] = start + lengths[at].0;
            let waits = self.up[at].iter().filter(|up| (**up as usize) < at);
            let mut waits = waits.map(|up| left[*up as usize]);
            let wait = waits.try_fold(0.0_f64, |most, next| Some(most.max(next?)));
            left[at] = match lengths[at].1 {
                Some(0.0) => Some(0.0),
                own => wait.zip(own).map(|(wait, own)| wait + own),
            };
        }
        let mut critical = vec![false; count];
        let mut next = (0..count).max_by(|a, b| ends[*a].total_cmp(&ends[*b]));
        while let Some(at) = next {
            critical[at] = true;
            next = before[at].map(|up| up as usize);
        }
        self.path.left = left.into_iter().try_fold(0.0_f64, |most, next| Some(most.max(next?)));
        self.path.critical = critical;
        self.path.at = Some(second);
        self.path.is_old = false;
    }

    /// Returns how long a task takes in all, and how much of that is still to come.
    fn length(&self, detail: &RunDetailView, at: usize, now: Timestamp) -> (f64, Option<f64>) {
        let task = &self.tasks[at];
        let slots = task.slots.start as usize..task.slots.end as usize;
        let of_task = detail.tasks.get(slots).unwrap_or(&[]);
        let took = of_task.iter().filter_map(|one| one.duration_secs(now)).fold(0.0, f64::max);
        let usual = self.past.medians.get(at).copied().flatten();
        let is_open = task.counts.finished() < task.counts.total();
        match (is_open, usual) {
            (false, _) => (took, Some(0.0)),
            // One that waits has run before: what it took then is no part of the rest.
            (true, Some(usual)) if task.counts.of(Some(TaskInstanceState::Running)) == 0 => {
                (usual, Some(usual))
            }
            (true, Some(usual)) => (usual.max(took), Some((usual - took).max(0.0))),
            (true, None) => (took, None),
        }
    }
}
