//! What executors report: an attempt began, ended, or was lost. Only the attempt whose token is
//! in force is listened to.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::dag::operator::Operator;
use crate::decision::{About, Decision, end_attempt, open_try, run_key};
use crate::input::{Rejected, Reply};
use crate::report::{Outcome, Report};
use crate::settle::OLD_RUN_NOTE;
use crate::types::asset::AssetEventSpec;
use crate::types::event::{ADOPTED, LOST, Severity};
use crate::types::executor::TryPlace;
use crate::types::ids::UNMAPPED;
use crate::types::run::{TaskInstance, TaskTry};
use crate::types::xcom::{RETURN_VALUE, XcomValue};
use crate::types::{AttemptKey, LaunchToken, TaskId, TaskInstanceKey, TaskInstanceState};
use crate::{retry, when};

/// What a successful attempt has led to.
pub(super) struct Success {
    pub(super) output: Value,
    pub(super) outputs: BTreeMap<String, XcomValue>,
    pub(super) chosen: Option<Vec<TaskId>>,
    pub(super) skip_all_downstream: bool,
    pub(super) asset_events: Vec<AssetEventSpec>,
}

impl Decision<'_> {
    /// Takes a report, or drops it as a straggler's.
    pub(super) fn report(&mut self, report: Report) -> Result<Reply, Rejected> {
        match report {
            Report::Started { key, token, pid, place } => {
                self.check_in_force(&key, &token)?;
                self.started(&key, token, pid, &place);
            }
            Report::Noted { key, token, note } => {
                self.check_in_force(&key, &token)?;
                self.note_standing(&key.task, note);
            }
            Report::Deferred { key, token, deferral } => {
                self.check_in_force(&key, &token)?;
                self.defer(&key, token, deferral);
            }
            Report::Finished { key, token, outcome } => {
                self.check_in_force(&key, &token)?;
                self.finished(&key.task, &token, outcome);
            }
            Report::Lost { key, token, reason } => {
                self.check_in_force(&key, &token)?;
                let (task_id, n) = (&key.task.task_id, key.try_number);
                let message = format!("try {n} of `{task_id}` was lost: {reason}");
                let about = About::task(&key.task);
                self.log(Severity::Warning, LOST, about, None, message);
                self.fail(&key.task, format!("the attempt was lost: {reason}"), None, true);
            }
        }
        Ok(Reply::Done)
    }

    pub(super) fn check_in_force(
        &self,
        key: &AttemptKey,
        token: &LaunchToken,
    ) -> Result<(), Rejected> {
        let in_force = self.task(&key.task).is_some_and(|ti| {
            ti.state.is_some_and(TaskInstanceState::is_under_way)
                && ti.try_number == key.try_number
                && ti.token.as_ref() == Some(token)
        });
        if in_force { Ok(()) } else { Err(Rejected::Straggler { key: key.clone() }) }
    }

    fn started(
        &mut self,
        key: &AttemptKey,
        token: LaunchToken,
        pid: Option<u32>,
        place: &TryPlace,
    ) {
        let Some(ti) = self.task(&key.task) else { return };
        let is_adopted = place.adopted.is_some() && place.adopted != ti.place.adopted;
        let is_new = ti.state == Some(TaskInstanceState::Queued);
        let is_known = match is_new {
            true => {
                let now = self.now;
                self.move_task(&key.task, Some(TaskInstanceState::Running), |ti| {
                    ti.start_date = Some(now);
                    ti.pid = pid;
                    ti.place.learn(place);
                });
                self.call_back(&key.task, None);
                false
            }
            // Said again by an executor that adopted it, or that knows more by now.
            false => !self.note_place(&key.task, pid, place),
        };
        if !is_known && let Some(ti) = self.task(&key.task) {
            let state = TaskInstanceState::Running;
            let start_date = ti.start_date;
            let kept = TaskTry { start_date, ..open_try(ti, key.clone(), token, state) };
            self.draft.put_try(kept);
        }
        if is_adopted {
            self.log_adoption(key, pid, place);
        }
    }

    /// `false`: all of it was known.
    fn note_place(&mut self, key: &TaskInstanceKey, pid: Option<u32>, told: &TryPlace) -> bool {
        let place = (key.task_id.clone(), key.map_index);
        let run = self.state.runs.get_mut(&run_key(key));
        let Some(ti) = run.and_then(|active| active.tasks.get_mut(&place)) else { return false };
        let is_moved = pid.is_some() && ti.pid != pid;
        ti.pid = pid.or(ti.pid);
        let is_news = ti.place.learn(told) || is_moved;
        if is_news {
            self.draft.put_task(ti);
        }
        is_news
    }

    fn log_adoption(&mut self, key: &AttemptKey, pid: Option<u32>, place: &TryPlace) {
        let why = place.adopted.as_deref().unwrap_or_default();
        let process = pid.map(|pid| format!(", process {pid}")).unwrap_or_default();
        let (task_id, n) = (&key.task.task_id, key.try_number);
        let message = format!("try {n} of `{task_id}` goes on{process}: adopted {why}");
        self.log(Severity::Info, ADOPTED, About::task(&key.task), None, message);
    }

    fn note_standing(&mut self, key: &TaskInstanceKey, note: String) {
        let place = (key.task_id.clone(), key.map_index);
        let run = self.state.runs.get_mut(&run_key(key));
        let Some(ti) = run.and_then(|active| active.tasks.get_mut(&place)) else { return };
        let is_in_flight = ti.state.is_some_and(TaskInstanceState::is_in_flight);
        if is_in_flight && ti.note.as_ref() != Some(&note) {
            ti.note = Some(note);
            self.draft.put_task(ti);
        }
    }

    fn finished(&mut self, key: &TaskInstanceKey, token: &LaunchToken, outcome: Outcome) {
        match outcome {
            Outcome::Success { output, outputs, chosen, skip_all_downstream, asset_events } => {
                let success =
                    Success { output, outputs, chosen, skip_all_downstream, asset_events };
                self.succeed(key, token, success);
            }
            Outcome::Skipped { reason } => self.skip_attempt(key, &reason),
            Outcome::Failed { error, exit_code, retryable } => {
                self.fail(key, error, exit_code, retryable);
            }
        }
    }

    pub(super) fn succeed(&mut self, key: &TaskInstanceKey, token: &LaunchToken, success: Success) {
        let old = self.left_out_as_old(key);
        let note = old.as_ref().map(|_| OLD_RUN_NOTE.to_owned());
        let passed_over = match old.map_or_else(|| self.not_chosen(key, &success), Ok) {
            Ok(passed_over) => passed_over,
            Err(stranger) => {
                let error = format!("it chose `{stranger}`, which is not directly downstream");
                self.fail(key, error, None, false);
                return;
            }
        };
        let measured = match self.measure(key, &success.output, success.outputs.get(RETURN_VALUE)) {
            Ok(measured) => measured,
            Err(error) => {
                self.fail(key, error, None, true);
                return;
            }
        };
        if let Some(lengths) = measured {
            self.put_task_map(key, lengths);
        }
        if !success.output.is_null() {
            let output = XcomValue::Value(success.output);
            self.draft.put_xcom(key.clone(), RETURN_VALUE.to_owned(), output);
        }
        for (name, value) in success.outputs {
            self.draft.put_xcom(key.clone(), name, value);
        }
        self.close_try(key, TaskInstanceState::Success, None, None);
        for downstream in self.instances_after(key, &passed_over) {
            self.pass_over_not_chosen(&downstream, &key.task_id);
        }
        self.end_attempt(key, TaskInstanceState::Success, note);
        self.call_back(key, None);
        self.emit_outlets(key, token, success.asset_events);
    }

    /// Returns the downstream tasks that a branch or a short circuit leaves out, or a task that
    /// it cannot have chosen. As in Airflow, what lies downstream of a chosen task is not left
    /// out, even where it is directly downstream of the branch too.
    fn not_chosen(&self, key: &TaskInstanceKey, success: &Success) -> Result<Vec<TaskId>, TaskId> {
        let Some(active) = self.state.runs.get(&run_key(key)) else { return Ok(Vec::new()) };
        let graph = &active.dag.graph;
        // A short circuit leaves what is to be torn down to its teardowns, a branch does not.
        let spec_of = |task: &TaskId| active.dag.tasks.get(task);
        let cuts_short =
            spec_of(&key.task_id).is_some_and(|t| t.operator == Operator::ShortCircuit);
        let is_spared = |task: &TaskId| {
            let is_teardown = spec_of(task).is_some_and(|task| task.flow.teardown.is_some());
            is_teardown && (cuts_short || success.skip_all_downstream)
        };
        if success.skip_all_downstream {
            let all = graph.all_downstream(&key.task_id);
            return Ok(all.into_iter().filter(|task| !is_spared(task)).collect());
        }
        let Some(chosen) = &success.chosen else { return Ok(Vec::new()) };
        let chosen = active.dag.chosen(chosen);
        let direct = graph.downstream(&key.task_id);
        if let Some(stranger) = chosen.iter().find(|task| !direct.contains(task)) {
            return Err(stranger.clone());
        }
        let mut left_out: Vec<TaskId> =
            direct.iter().filter(|t| !chosen.contains(t) && !is_spared(t)).cloned().collect();
        if !left_out.is_empty() {
            for task in &chosen {
                let reached = graph.all_downstream(task);
                left_out.retain(|task| !reached.contains(task));
            }
        }
        Ok(left_out)
    }

    /// Returns the instances of tasks downstream that one instance speaks for: in a mapped group
    /// those with its own index, else all.
    pub(super) fn instances_after(
        &self,
        key: &TaskInstanceKey,
        tasks: &[TaskId],
    ) -> Vec<TaskInstanceKey> {
        let Some(active) = self.state.runs.get(&run_key(key)) else { return Vec::new() };
        let speaks_for = |ti: &&TaskInstance| {
            let is_parallel = active.dag.is_parallel(&key.task_id, &ti.key.task_id);
            !is_parallel || key.map_index == UNMAPPED || ti.key.map_index == key.map_index
        };
        let rows = tasks.iter().flat_map(|task| active.rows(task));
        rows.filter(speaks_for).map(|ti| ti.key.clone()).collect()
    }

    /// Skips a task that has not begun, whatever its trigger rule made of it. One in flight goes
    /// on: its rule did not wait for the branch.
    pub(super) fn pass_over_not_chosen(&mut self, key: &TaskInstanceKey, branch: &TaskId) {
        use TaskInstanceState as S;
        let state = self.task(key).map(|ti| ti.state);
        if let Some(None | Some(S::Scheduled | S::UpForRetry)) = state {
            self.pass_over(key, S::Skipped, not_chosen_note(branch));
        }
    }

    /// Ends a try as failed; the retry policy says whether there is another one.
    pub(super) fn fail(
        &mut self,
        key: &TaskInstanceKey,
        error: String,
        exit_code: Option<i32>,
        retryable: bool,
    ) {
        let (Some(ti), Some(spec)) = (self.task(key), self.spec(key)) else { return };
        let (try_number, max_tries) = (ti.try_number, ti.max_tries);
        let run = self.state.runs.get(&run_key(key));
        let logical_date = run.and_then(|active| active.run.logical_date);
        let delay = retry::delay(spec, key, logical_date, try_number, max_tries);
        let retryable =
            retryable && exit_code.is_none_or(|code| !spec.no_retry_exit_codes.contains(&code));
        let now = self.now;
        let reason = error.clone();
        self.close_try(key, TaskInstanceState::Failed, exit_code, Some(error.clone()));
        if retryable && try_number < max_tries {
            let message = format!(
                "`{}` failed: {error}; try {} of {max_tries} in {}",
                key.task_id,
                try_number + 1,
                when::humane(delay),
            );
            self.move_task(key, Some(TaskInstanceState::UpForRetry), |ti| {
                end_attempt(ti, now);
                ti.next_retry_at = Some(when::after(now, delay));
                ti.note = Some(error);
            });
            self.call_back(key, Some(&reason));
            let event = "task_instance.up_for_retry";
            self.log(Severity::Warning, event, About::task(key), None, message);
        } else {
            let message = format!("`{}` failed: {error}", key.task_id);
            self.end_attempt(key, TaskInstanceState::Failed, Some(error));
            self.call_back(key, Some(&reason));
            let event = "task_instance.failed";
            self.log(Severity::Error, event, About::task(key), None, message);
        }
    }

    pub(super) fn end_attempt(
        &mut self,
        key: &TaskInstanceKey,
        state: TaskInstanceState,
        note: Option<String>,
    ) {
        let now = self.now;
        self.move_task(key, Some(state), |ti| {
            // The report that it began may have been lost with the executor that made it.
            ti.start_date = ti.start_date.or(ti.queued_when);
            end_attempt(ti, now);
            ti.note = note;
        });
    }
}

/// What is noted on a task that a branch left out; a cleared run knows it by this again.
fn not_chosen_note(branch: &TaskId) -> String {
    format!("not chosen by `{branch}`")
}

/// Returns the branch that left a task out, as noted on it.
pub(super) fn left_out_by(note: &str) -> Option<TaskId> {
    note.strip_prefix("not chosen by `")?.strip_suffix('`').map(TaskId::from)
}
