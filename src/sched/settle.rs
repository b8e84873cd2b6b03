//! After an input: moves everything that can move by itself, until nothing does.

use std::time::Duration;

use crate::dag::operator::Operator;
use crate::decision::{Decision, run_key};
use crate::judge::{Judgement, judge};
use crate::types::executor::TryPlace;
use crate::types::run::TaskTry;
use crate::types::{DagRunState, TaskInstanceKey, TaskInstanceState};
use crate::when;

/// How many generations of runs may begin in one step. Runs of nothing but `empty` tasks end in
/// the step that begins them, and may bring each other about for ever by their assets; what is
/// left waits for the next step.
const ROUNDS_MAX: usize = 16;

/// How long what a step has left over waits for the next one.
const LEFT_OVER_WAIT: Duration = Duration::from_secs(1);

/// What is noted on a `latest_only` task that left everything out.
pub(super) const OLD_RUN_NOTE: &str = "not the latest run: what comes directly after is skipped";

impl Decision<'_> {
    /// Leaves no task that could be evaluated, no run that could begin or end, and no attempt
    /// that could be launched.
    pub(super) fn settle(&mut self) {
        for round in 0.. {
            self.drain();
            self.make_due_runs();
            if round == ROUNDS_MAX || !self.promote() {
                break;
            }
        }
        self.admit();
        let is_left_over = !self.state.pending.promotable.is_empty();
        self.state.pending.left_over_at =
            is_left_over.then(|| when::after(self.now, LEFT_OVER_WAIT));
    }

    /// The end of a run has later ones look at what waits for it, so both go on in turns.
    fn drain(&mut self) {
        while !self.work.is_empty() || !self.maybe_ended.is_empty() {
            while let Some(key) = self.work.pop_front() {
                self.evaluate(&key);
            }
            for run in std::mem::take(&mut self.maybe_ended) {
                self.end_if_done(&run);
            }
        }
    }

    /// Asks the trigger rule of a task that has no status.
    fn evaluate(&mut self, key: &TaskInstanceKey) {
        let Some(active) = self.state.runs.get(&run_key(key)) else { return };
        if active.run.state != DagRunState::Running {
            return;
        }
        let Some(ti) = active.tasks.get(&(key.task_id.clone(), key.map_index)) else { return };
        let Some(spec) = active.dag.tasks.get(&key.task_id) else { return };
        if ti.state.is_some() {
            return;
        }
        let is_mapped = active.dag.mapping(&key.task_id).is_some();
        // What `run_if` says is found out where templates are rendered.
        let needs_nobody = matches!(spec.operator, Operator::Empty | Operator::LatestOnly)
            && spec.flow.run_if.is_none();
        let pool = spec.pool.clone();
        let now = self.now;
        match judge(active, &key.task_id, key.map_index) {
            Judgement::Wait => {}
            Judgement::Pass(to, why) => self.pass_over(key, to, why),
            Judgement::Run if !self.past_allows(key) => {}
            Judgement::Run if is_mapped && !self.is_mapped_right(key) => {}
            Judgement::Run if needs_nobody => self.finish_at_once(key),
            Judgement::Run => self.move_task(key, Some(TaskInstanceState::Scheduled), |ti| {
                ti.scheduled_when = Some(now);
                ti.pool = pool;
            }),
        }
    }

    /// Ends a task that was not begun, or that waits between two tries.
    pub(super) fn pass_over(&mut self, key: &TaskInstanceKey, to: TaskInstanceState, why: String) {
        let now = self.now;
        self.move_task(key, Some(to), |ti| {
            ti.start_date = ti.start_date.or(Some(now));
            ti.end_date = Some(now);
            ti.next_retry_at = None;
            ti.note = Some(why);
        });
    }

    /// An `empty` task needs no executor, nor does `latest_only`: it ends where it would begin.
    fn finish_at_once(&mut self, key: &TaskInstanceKey) {
        let left_out = self.left_out_as_old(key);
        let note = left_out.as_ref().map(|_| OLD_RUN_NOTE.to_owned());
        for task in self.instances_after(key, &left_out.unwrap_or_default()) {
            self.pass_over_not_chosen(&task, &key.task_id);
        }
        let now = self.now;
        let token = self.next_token();
        self.move_task(key, Some(TaskInstanceState::Success), |ti| {
            ti.try_number += 1;
            ti.scheduled_when = Some(now);
            ti.queued_when = Some(now);
            ti.start_date = Some(now);
            ti.end_date = Some(now);
            ti.note = note;
        });
        let Some(attempt) = self.task(key).map(|ti| ti.attempt()) else { return };
        self.draft.put_try(TaskTry {
            key: attempt,
            token: token.clone(),
            state: TaskInstanceState::Success,
            start_date: Some(now),
            end_date: Some(now),
            exit_code: None,
            error: None,
            pid: None,
            place: TryPlace::default(),
        });
        self.call_back(key, None);
        self.emit_outlets(key, &token, Vec::new());
    }
}
