//! How a run ends: of itself, when nothing of it can move any more, or broken off.

use crate::callback::Told;
use crate::decision::{About, Decision, end_attempt};
use crate::state::ActiveRun;
use crate::types::event::Severity;
use crate::types::run::DagRunKey;
use crate::types::{DagRunState, TaskId, TaskInstanceKey, TaskInstanceState};

impl Decision<'_> {
    /// Ends a run of which nothing is unfinished: as Airflow, by its leaves.
    pub(super) fn end_if_done(&mut self, key: &DagRunKey) {
        let Some(active) = self.state.runs.get(key) else { return };
        if active.index.unfinished > 0 || active.run.state != DagRunState::Running {
            return;
        }
        let (state, why) = active.verdict();
        self.tell_of_run(key, state, &why);
        self.end_run(key, state, None, &why);
    }

    /// Brings about what a DAG says of how its run is about to end. As in Airflow nobody is told
    /// where somebody ended it by hand.
    pub(super) fn tell_of_run(&mut self, key: &DagRunKey, state: DagRunState, why: &str) {
        let Some(active) = self.state.runs.get(key) else { return };
        let dag = active.dag.clone();
        let told = Told::of_run(state, Some(why).filter(|why| !why.is_empty()));
        self.call_back_run(key, dag.callbacks.of(told.event), told);
    }

    /// Ends a run; it leaves the memory.
    pub(super) fn end_run(
        &mut self,
        key: &DagRunKey,
        state: DagRunState,
        user: Option<String>,
        why: &str,
    ) {
        let now = self.now;
        self.move_run(key, state, |run| run.end_date = Some(now));
        self.leave(key, state, user, why);
    }

    fn leave(&mut self, key: &DagRunKey, state: DagRunState, user: Option<String>, why: &str) {
        self.remember_past(key);
        let ended = self.state.runs.remove(key);
        self.runs_changed(&key.dag_id);
        let is_by_hand = user.is_some();
        self.log_end(key, state, user, why);
        if let Some(active) = ended {
            self.forget_window_of(&active.run);
            self.note_failures(&active.run, is_by_hand);
        }
    }

    /// Tells of the end of a run.
    pub(super) fn log_end(
        &mut self,
        key: &DagRunKey,
        state: DagRunState,
        user: Option<String>,
        why: &str,
    ) {
        let (severity, event, text) = match state {
            DagRunState::Failed => (Severity::Error, "dag_run.failed", "failed"),
            _ => (Severity::Info, "dag_run.success", "ended well"),
        };
        let mut message = format!("run `{}` {text}", key.dag_run_id);
        if !why.is_empty() {
            message.push_str(": ");
            message.push_str(why);
        }
        self.log(severity, event, About::run(key), user, message);
    }

    /// Ends a run as failed before its tasks have.
    pub(super) fn break_off(
        &mut self,
        key: &DagRunKey,
        running_become: TaskInstanceState,
        user: Option<String>,
        why: &str,
    ) {
        self.break_off_as(key, running_become, DagRunState::Failed, user, why);
    }

    /// Ends a run before its tasks have: those in flight are killed. `running_become` is what
    /// becomes of a task that runs or is deferred; any other is skipped.
    pub(super) fn break_off_as(
        &mut self,
        key: &DagRunKey,
        running_become: TaskInstanceState,
        state: DagRunState,
        user: Option<String>,
        why: &str,
    ) {
        let Some(active) = self.state.runs.get(key) else { return };
        let open = active.tasks.values().filter(|ti| !ti.state.is_some_and(|s| s.is_finished()));
        let open: Vec<TaskInstanceKey> = open.map(|ti| ti.key.clone()).collect();
        for task in open {
            let stood = self.task(&task).and_then(|ti| ti.state);
            let to = match stood {
                Some(TaskInstanceState::Running | TaskInstanceState::Deferred) => running_become,
                _ => TaskInstanceState::Skipped,
            };
            if stood.is_some_and(TaskInstanceState::is_under_way) {
                self.kill(&task, why);
                self.close_try(&task, to, None, Some(why.to_owned()));
            }
            let now = self.now;
            self.move_task(&task, Some(to), |ti| {
                end_attempt(ti, now);
                ti.note = Some(why.to_owned());
            });
        }
        let now = self.now;
        self.mark_run(key, state, |run| run.end_date = Some(now));
        self.leave(key, state, user, why);
    }
}

impl ActiveRun {
    /// Says how a run of which nothing is unfinished ends, and why.
    pub(super) fn verdict(&self) -> (DagRunState, String) {
        let dag = &self.dag;
        // Where there are only teardowns, their ends decide after all.
        let has_deciding = dag.tasks.keys().any(|task| dag.is_deciding(task));
        let decides = |task: &TaskId| match has_deciding {
            true => dag.is_deciding(task),
            false => dag.graph.downstream(task).is_empty(),
        };
        let of_dag =
            || self.tasks.values().filter(|ti| self.dag.tasks.contains_key(&ti.key.task_id));
        let has_failed = of_dag().any(|ti| {
            decides(&ti.key.task_id)
                && matches!(
                    ti.state,
                    Some(TaskInstanceState::Failed | TaskInstanceState::UpstreamFailed)
                )
        });
        if !has_failed {
            return (DagRunState::Success, String::new());
        }
        let failed: Vec<String> = of_dag()
            .filter(|ti| ti.state == Some(TaskInstanceState::Failed))
            .map(|ti| format!("`{}`", ti.key.task_id))
            .collect();
        let why = match failed.as_slice() {
            [] => "a task upstream of its last ones failed".to_owned(),
            [one] => format!("{one} failed"),
            [one, rest @ ..] => format!("{one} and {} more failed", rest.len()),
        };
        (DagRunState::Failed, why)
    }
}
