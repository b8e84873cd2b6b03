//! Carries out what was planned for one run of an operation, and says so in the feed.

use crate::command::operate::{Found, RunPlan};
use crate::decision::{About, Decision};
use crate::state::ActiveRun;
use crate::transition;
use crate::types::event::Severity;
use crate::types::operation::{Operation, TaskMove};
use crate::types::run::{DagRunKey, TaskInstance};
use crate::types::{DagRunState, TaskInstanceKey, TaskInstanceState};

/// How many tasks a line of the feed names.
const NAMES_MAX: usize = 5;

impl Decision<'_> {
    pub(super) fn carry_out(
        &mut self,
        plan: RunPlan,
        operation: &Operation,
        user: Option<String>,
        by: &str,
    ) {
        let key = plan.found.key();
        self.note_run_before(&plan.found);
        match operation {
            Operation::ClearTasks(wish) => {
                if wish.run_on_latest_version {
                    self.forbid_undo("the run was put on the last version");
                }
                self.take_in(plan.found, plan.to);
                plan.tasks.iter().for_each(|task| self.clear_task(&task.key));
                let message =
                    format!("run `{}`: {} cleared{by}", key.dag_run_id, names(&plan.tasks));
                self.log(Severity::Info, "dag_run.cleared", About::run(&key), user, message);
            }
            Operation::MarkTasks(wish) => {
                self.take_in(plan.found, plan.to);
                let why = format!("marked {}{by}", wish.state);
                for task in &plan.tasks {
                    match task.to {
                        Some(state) => self.mark_task(&task.key, state, &why),
                        None => self.clear_task(&task.key),
                    }
                }
                let (marked, resumed): (Vec<_>, Vec<_>) =
                    plan.tasks.into_iter().partition(|task| task.to.is_some());
                let mut message = format!("run `{}`: {} {why}", key.dag_run_id, names(&marked));
                if !resumed.is_empty() {
                    message.push_str(&format!("; {} cleared", names(&resumed)));
                }
                let event = "task_instance.marked";
                self.log(Severity::Info, event, About::run(&key), user.clone(), message);
                self.leave_if_ended(&key, user);
            }
            Operation::MarkRuns { state } => self.mark_run_as(plan, *state, user, by),
            Operation::NoteTasks { note, .. } => {
                let names = names(&plan.tasks);
                self.note_tasks(plan, note);
                let message = format!("run `{}`: a note on {names}{by}", key.dag_run_id);
                self.log(Severity::Info, "task_instance.noted", About::run(&key), user, message);
            }
            Operation::NoteRuns { note } => {
                self.note_run(plan.found, note);
                let message = format!("a note on run `{}`{by}", key.dag_run_id);
                self.log(Severity::Info, "dag_run.noted", About::run(&key), user, message);
            }
            Operation::DeleteRuns => {
                self.delete_run(&key, &plan.found);
                let message = format!("run `{}` was deleted{by}", key.dag_run_id);
                self.log(Severity::Warning, "dag_run.deleted", About::run(&key), user, message);
            }
        }
    }

    /// Takes a run that had ended back into the memory; where it is to be queued it waits for
    /// its turn.
    pub(super) fn take_in(&mut self, found: Found, to: Option<DagRunState>) {
        let Found::Ended(active, made) = found else { return };
        let key = active.run.key();
        let now = self.now;
        self.state.past.forget(&active.run);
        self.state.index.note_all(&active);
        self.state.runs.insert(key.clone(), *active);
        if to == Some(DagRunState::Queued) {
            self.move_run(&key, DagRunState::Queued, |run| {
                run.queued_at = now;
                run.start_date = None;
                run.end_date = None;
            });
        }
        for task in made {
            if let Some(ti) = self.task(&task).cloned() {
                self.draft.put_task(&ti);
            }
        }
        self.runs_changed(&key.dag_id);
    }

    fn clear_task(&mut self, key: &TaskInstanceKey) {
        let retries = self.spec(key).map_or(0, |spec| spec.retries);
        if self.task(key).and_then(|ti| ti.state).is_some_and(TaskInstanceState::is_under_way) {
            let why = "cleared while it was under way";
            self.kill(key, why);
            self.close_try(key, TaskInstanceState::Failed, None, Some(why.to_owned()));
        }
        self.move_task(key, None, |ti| {
            ti.max_tries = ti.try_number.saturating_add(retries).saturating_add(1);
            ti.token = None;
            ti.pid = None;
            ti.scheduled_when = None;
            ti.queued_when = None;
            ti.start_date = None;
            ti.end_date = None;
            ti.next_retry_at = None;
            ti.trigger = None;
            ti.trigger_timeout = None;
            ti.note = None;
        });
        self.note_output_taken(key);
        self.forget_output(key);
        self.work.push_back(key.clone());
    }

    /// As in Airflow the outlets of a task that is marked as success tell of nothing, and
    /// nobody is called back.
    fn mark_task(&mut self, key: &TaskInstanceKey, state: TaskInstanceState, why: &str) {
        if self.task(key).and_then(|ti| ti.state).is_some_and(TaskInstanceState::is_under_way) {
            self.kill(key, why);
            self.close_try(key, state, None, Some(why.to_owned()));
        }
        let now = self.now;
        self.mark_as(key, state, |ti| {
            ti.token = None;
            ti.pid = None;
            ti.trigger = None;
            ti.trigger_timeout = None;
            ti.next_retry_at = None;
            ti.start_date = ti.start_date.or(Some(now));
            ti.end_date = ti.end_date.or(Some(now));
            ti.note = Some(why.to_owned());
        });
    }

    /// A run that had ended and has nothing left to do is as its leaves now say, and leaves the
    /// memory again.
    fn leave_if_ended(&mut self, key: &DagRunKey, user: Option<String>) {
        let Some(active) = self.state.runs.get(key) else { return };
        if !active.run.state.is_finished() {
            return;
        }
        let (state, why) = active.verdict();
        if state != active.run.state {
            self.mark_run(key, state, |_| {});
            self.log_end(key, state, user, &why);
        }
        self.remember_past(key);
        if let Some(active) = self.state.runs.remove(key) {
            self.draft.put_run(&active.run);
        }
    }

    fn mark_run_as(&mut self, plan: RunPlan, state: DagRunState, user: Option<String>, by: &str) {
        let key = plan.found.key();
        match plan.found {
            Found::Active(_) => {
                let (running_become, why) = match state {
                    DagRunState::Success => (TaskInstanceState::Success, "marked success"),
                    _ => (TaskInstanceState::Failed, "cancelled"),
                };
                let why = format!("{why}{by}");
                if let Some(active) = self.state.runs.get_mut(&key) {
                    active.run.note.get_or_insert_with(|| why.clone());
                }
                self.break_off_as(&key, running_become, state, user, &why);
            }
            Found::Row(mut run) => {
                transition::check_run_mark(run.state, state).expect("it was planned so");
                run.state = state;
                self.draft.put_run(&run);
                let why = format!("marked {state}{by}");
                self.log_end(&key, state, user, &why);
            }
            ended @ Found::Ended(..) => {
                self.take_in(ended, plan.to);
                let message = format!("run `{}` was queued again{by}", key.dag_run_id);
                self.log(Severity::Info, "dag_run.queued", About::run(&key), user, message);
            }
        }
    }

    fn delete_run(&mut self, key: &DagRunKey, found: &Found) {
        if let Found::Row(run) = found {
            self.state.past.forget(run);
        }
        if let Some(active) = self.state.runs.remove(key) {
            self.state.index.forget_all(&active);
        }
        // What the store has said of its date is true no more.
        self.forget_window(&key.dag_id);
        self.drop_deadlines(key);
        let name = self.removal_name();
        self.draft.delete_run(key, name);
        self.look_back_again(&key.dag_id);
        self.runs_changed(&key.dag_id);
    }
}

impl ActiveRun {
    /// Returns a task instance by its key.
    pub(super) fn instance(&mut self, key: &TaskInstanceKey) -> Option<&mut TaskInstance> {
        self.tasks.get_mut(&(key.task_id.clone(), key.map_index))
    }
}

/// Names the first few.
fn names(tasks: &[TaskMove]) -> String {
    let name = |task: &TaskMove| match task.key.map_index {
        crate::types::ids::UNMAPPED => format!("`{}`", task.key.task_id),
        index => format!("`{}[{index}]`", task.key.task_id),
    };
    let mut text = tasks.iter().take(NAMES_MAX).map(name).collect::<Vec<_>>().join(", ");
    if tasks.len() > NAMES_MAX {
        text.push_str(&format!(" and {} more", tasks.len() - NAMES_MAX));
    }
    text
}
