//! Deadlines: what each run of a DAG is to have ended by, and what follows where it has not.
//!
//! Those that are neither missed nor met lie in `State::deadlines`, each with a timer of its own.

use std::time::Duration;

use crate::callback::Told;
use crate::dag::deadline::{DeadlineReference, DeadlineSpec};
use crate::decision::{About, Decision};
use crate::index::Timer;
use crate::state::State;
use crate::types::Timestamp;
use crate::types::callback::CallbackEvent;
use crate::types::deadline::Deadline;
use crate::types::event::Severity;
use crate::types::run::{DagRun, DagRunKey};
use crate::when;

/// Of how many runs of a DAG the durations are kept, for averages.
const RUNTIMES_MAX: usize = 100;

impl Decision<'_> {
    /// Sets the deadlines of a run that was made.
    pub(super) fn set_deadlines(&mut self, key: &DagRunKey) {
        self.set_deadlines_of(key, |_| true);
    }

    /// Sets those anew that count from when a run was queued: it waits for its turn again. As in
    /// Airflow the others are not set again.
    pub(super) fn set_deadlines_again(&mut self, key: &DagRunKey) {
        self.set_deadlines_of(key, |spec| spec.reference == DeadlineReference::DagrunQueuedAt);
    }

    fn set_deadlines_of(&mut self, key: &DagRunKey, is_wanted: impl Fn(&DeadlineSpec) -> bool) {
        let Some(active) = self.state.runs.get(key) else { return };
        let dag = active.dag.clone();
        for (number, spec) in (0..).zip(&dag.deadlines) {
            let Some(active) = self.state.runs.get(key).filter(|_| is_wanted(spec)) else {
                continue;
            };
            let Some(from) = self.reference(&active.run, spec.reference) else { continue };
            let deadline = Deadline {
                dag_id: key.dag_id.clone(),
                dag_run_id: key.dag_run_id.clone(),
                number,
                reference: spec.reference.as_str().to_owned(),
                deadline_time: when::after(from, spec.interval),
                missed: false,
                met_at: None,
            };
            self.draft.put_deadline(deadline.clone());
            self.state.watch_deadline(deadline);
        }
    }

    fn reference(&self, run: &DagRun, reference: DeadlineReference) -> Option<Timestamp> {
        match reference {
            DeadlineReference::DagrunLogicalDate => run.logical_date,
            DeadlineReference::DagrunQueuedAt => Some(run.queued_at),
            DeadlineReference::FixedDatetime(at) => Some(at),
            DeadlineReference::AverageRuntime { max_runs, min_runs } => {
                let known = self.state.runtimes.get(&run.dag_id)?;
                let last = known.iter().rev().take(max_runs as usize);
                let count = u32::try_from(last.len()).unwrap_or(u32::MAX);
                if count < min_runs.max(1) {
                    return None;
                }
                Some(when::after(self.now, last.sum::<Duration>() / count))
            }
        }
    }

    /// A run has not ended by then.
    pub(super) fn deadline_missed(&mut self, key: &DagRunKey, number: u32) {
        let Some(mut deadline) = self.state.forget_deadline(key, number) else { return };
        let Some(active) = self.state.runs.get(key) else { return };
        let dag = self.state.dag_in_force(active).clone();
        let state = active.run.state;
        deadline.missed = true;
        let due = deadline.deadline_time;
        let reference = deadline.reference.clone();
        self.draft.put_deadline(deadline);
        let message = format!(
            "run `{}` missed its deadline: it is {state}, and was to have ended by {} ({reference})",
            key.dag_run_id,
            when::iso(due),
        );
        let told = Told {
            event: CallbackEvent::Deadline,
            state: state.as_str(),
            reason: Some(&message),
            deadline: Some(due),
        };
        let spec = dag.deadlines.get(number as usize);
        self.call_back_run(key, spec.map_or(&[], |spec| spec.callbacks.as_slice()), told);
        self.log(Severity::Warning, "deadline.missed", About::run(key), None, message);
    }

    /// A run has ended: what it has not missed it has met.
    pub(super) fn deadlines_end(&mut self, run: &DagRun) {
        let key = run.key();
        let open: Vec<u32> =
            self.state.deadlines.get(&key).map_or_else(Vec::new, |of| of.keys().copied().collect());
        for number in open {
            let Some(mut deadline) = self.state.forget_deadline(&key, number) else { continue };
            deadline.met_at = Some(self.now);
            self.draft.put_deadline(deadline);
        }
        let runtimes = self.state.runtimes.entry(run.dag_id.clone()).or_default();
        runtimes.extend(
            run.start_date
                .zip(run.end_date)
                .and_then(|(start, end)| Duration::try_from(end.duration_since(start)).ok()),
        );
        if runtimes.len() > RUNTIMES_MAX {
            runtimes.pop_front();
        }
    }
}

impl Decision<'_> {
    /// A run leaves the memory without having ended now: nothing waits for its deadlines.
    pub(super) fn drop_deadlines(&mut self, key: &DagRunKey) {
        let open = self.state.deadlines.get(key).into_iter().flat_map(|of| of.keys().copied());
        for number in open.collect::<Vec<u32>>() {
            let Some(mut deadline) = self.state.forget_deadline(key, number) else { continue };
            deadline.met_at = Some(self.now);
            self.draft.put_deadline(deadline);
        }
    }
}

impl State {
    /// Has a deadline come to its time.
    pub(super) fn watch_deadline(&mut self, deadline: Deadline) {
        let key =
            DagRunKey { dag_id: deadline.dag_id.clone(), dag_run_id: deadline.dag_run_id.clone() };
        self.forget_deadline(&key, deadline.number);
        self.index.timers.insert(timer(&key, &deadline));
        self.deadlines.entry(key).or_default().insert(deadline.number, deadline);
    }

    /// Stops waiting for a deadline.
    fn forget_deadline(&mut self, key: &DagRunKey, number: u32) -> Option<Deadline> {
        let of_run = self.deadlines.get_mut(key)?;
        let deadline = of_run.remove(&number)?;
        if of_run.is_empty() {
            self.deadlines.remove(key);
        }
        self.index.timers.remove(&timer(key, &deadline));
        Some(deadline)
    }

    /// Takes up the deadlines of runs under way that are neither missed nor met.
    pub(super) fn take_up_deadlines(&mut self, deadlines: Vec<Deadline>) {
        for deadline in deadlines {
            let key = DagRunKey {
                dag_id: deadline.dag_id.clone(),
                dag_run_id: deadline.dag_run_id.clone(),
            };
            if self.runs.contains_key(&key) {
                self.watch_deadline(deadline);
            }
        }
    }
}

/// Returns the timer of a deadline.
pub(super) fn timer(key: &DagRunKey, deadline: &Deadline) -> (Timestamp, Timer) {
    (deadline.deadline_time, Timer::Deadline(key.clone(), deadline.number))
}
