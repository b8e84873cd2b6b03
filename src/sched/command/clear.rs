//! Lets tasks run again: their instances lose their status and get fresh tries.

use std::collections::BTreeSet;

use crate::sched::attempt::left_out_by;
use crate::sched::decision::{About, Decision};
use crate::sched::input::{Rejected, Reply};
use crate::sched::state::{ActiveRun, EndedRun};
use crate::types::event::Severity;
use crate::types::ids::UNMAPPED;
use crate::types::run::{DagRunKey, TaskInstance};
use crate::types::{AttemptKey, DagRunState, TaskId, TaskInstanceKey, TaskInstanceState};

/// Which task instances of a run are to be cleared.
#[derive(Debug)]
pub(super) struct Selection {
    /// Empty: all.
    pub(super) task_ids: Vec<TaskId>,
    pub(super) only_failed: bool,
    pub(super) include_downstream: bool,
}

impl Decision<'_> {
    pub(super) fn clear_tasks(
        &mut self,
        key: DagRunKey,
        selection: &Selection,
        user: Option<String>,
        ended: Option<Box<EndedRun>>,
    ) -> Result<Reply, Rejected> {
        let ended = match ended.filter(|_| !self.state.runs.contains_key(&key)) {
            Some(ended) => Some(self.reopen(*ended)?),
            None => None,
        };
        let reopened = ended.as_ref().map(|(active, _)| active);
        let Some(active) = reopened.or_else(|| self.state.runs.get(&key)) else {
            let DagRunKey { dag_id, dag_run_id } = key;
            return Err(Rejected::NoRun { dag_id, dag_run_id });
        };
        let selected = selection.of(active)?;
        if selected.is_empty() {
            return Err(Rejected::NothingToClear { dag_run_id: key.dag_run_id });
        }
        if let Some((active, made)) = ended {
            self.take_back(active, &made);
        }
        let cleared: Vec<AttemptKey> =
            selected.iter().filter_map(|key| self.task(key).map(TaskInstance::attempt)).collect();
        for task in &selected {
            self.clear_task(task);
        }
        let by = user.as_ref().map(|user| format!(" by {user}")).unwrap_or_default();
        let names: Vec<String> = selected.iter().map(|key| format!("`{}`", key.task_id)).collect();
        let message = format!("run `{}`: {} cleared{by}", key.dag_run_id, names.join(", "));
        self.log(Severity::Info, "dag_run.cleared", About::run(&key), user, message);
        Ok(Reply::Cleared(cleared))
    }

    /// Puts a run that has ended under the present definition of its DAG.
    fn reopen(&self, ended: EndedRun) -> Result<(ActiveRun, Vec<TaskInstanceKey>), Rejected> {
        let dag = self.known_dag(&ended.run.dag_id)?;
        Ok(ActiveRun::reload(ended, dag, self.state.deck.max_map_length))
    }

    /// Takes a run that had ended back into the memory; it waits for its turn.
    fn take_back(&mut self, active: ActiveRun, made: &[TaskInstanceKey]) {
        let key = active.run.key();
        let now = self.now;
        let has_ended = active.run.state.is_finished();
        self.state.past.forget(&active.run);
        self.state.index.note_all(&active);
        self.state.runs.insert(key.clone(), active);
        if has_ended {
            self.move_run(&key, DagRunState::Queued, |run| {
                run.queued_at = now;
                run.start_date = None;
                run.end_date = None;
            });
        }
        for task in made {
            if let Some(ti) = self.task(task).cloned() {
                self.draft.put_task(&ti);
            }
        }
        self.runs_changed(&key.dag_id);
    }

    fn clear_task(&mut self, key: &TaskInstanceKey) {
        let retries = self.spec(key).map_or(0, |spec| spec.retries);
        if self.task(key).and_then(|ti| ti.state).is_some_and(TaskInstanceState::is_in_flight) {
            let why = "cleared while it was in flight";
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
            ti.note = None;
        });
        self.forget_output(key);
        self.work.push_back(key.clone());
    }
}

impl Selection {
    /// Returns the task instances that it means, in topological order.
    fn of(&self, active: &ActiveRun) -> Result<Vec<TaskInstanceKey>, Rejected> {
        let graph = &active.dag.graph;
        let mut wanted: BTreeSet<TaskId> = BTreeSet::new();
        for task_id in &self.task_ids {
            if !active.dag.tasks.contains_key(task_id) {
                return Err(Rejected::NoTask {
                    dag_id: active.run.dag_id.clone(),
                    task_id: task_id.clone(),
                });
            }
            wanted.insert(task_id.clone());
            if self.include_downstream {
                wanted.extend(graph.all_downstream(task_id));
            }
        }
        let is_wanted = |task: &TaskId| self.task_ids.is_empty() || wanted.contains(task);
        let of_task = |task_id: &TaskId| {
            let all = active.tasks.range((task_id.clone(), i32::MIN)..);
            let task_id = task_id.clone();
            all.take_while(move |((of, _), _)| *of == task_id).map(|(_, ti)| ti)
        };
        let chosen: Vec<&TaskInstance> = graph
            .topological()
            .iter()
            .filter(|task| is_wanted(task))
            .flat_map(of_task)
            .filter(|ti| self.fits(ti.state))
            .collect();
        let cleared: BTreeSet<&TaskId> = chosen.iter().map(|ti| &ti.key.task_id).collect();
        let stays_out = |ti: &TaskInstance| is_left_out(active, ti, &cleared);
        Ok(chosen.iter().filter(|ti| !stays_out(ti)).map(|ti| ti.key.clone()).collect())
    }

    fn fits(&self, state: Option<TaskInstanceState>) -> bool {
        use TaskInstanceState as S;
        match state {
            None | Some(S::Removed) => false,
            Some(S::Failed | S::UpstreamFailed) => true,
            Some(_) => !self.only_failed,
        }
    }
}

/// Says whether a branch that is not cleared with it has left this task out: it would only be
/// skipped again, as in Airflow.
fn is_left_out(active: &ActiveRun, ti: &TaskInstance, cleared: &BTreeSet<&TaskId>) -> bool {
    let skipped = ti.state == Some(TaskInstanceState::Skipped);
    let Some(branch) = ti.note.as_deref().filter(|_| skipped).and_then(left_out_by) else {
        return false;
    };
    let has_succeeded = active
        .tasks
        .get(&(branch.clone(), UNMAPPED))
        .is_some_and(|ti| ti.state == Some(TaskInstanceState::Success));
    has_succeeded && !cleared.contains(&branch)
}
