//! What people do to runs, many at once: everything is looked at before anything is changed.
//!
//! ```text
//! gather (memory, or rows of ended runs) ─► plan (rejects) ─► dry run: say it
//!                                              └─► begin ─► carry out ─► close (images, audit)
//! ```

use std::collections::BTreeSet;

use crate::command::select::{Selection, to_clear, to_resume};
use crate::decision::Decision;
use crate::input::{Operate, Rejected, Reply};
use crate::recover::definition_of;
use crate::state::{ActiveRun, EndedRun};
use crate::types::operation::{
    ClearTasks, MarkTasks, Operation, OperationView, RunMove, TaskChoice, TaskMove,
};
use crate::types::run::{DagRun, DagRunKey, TaskInstance};
use crate::types::{DagRunState, TaskInstanceKey, TaskInstanceState};

/// A run that is meant.
#[derive(Debug)]
pub(crate) enum Found {
    /// It is under way.
    Active(DagRunKey),
    /// It has ended: its rows under its definition, and the instances that had to be made.
    Ended(Box<ActiveRun>, Vec<TaskInstanceKey>),
    /// It has ended, and nobody needs its tasks.
    Row(Box<DagRun>),
}

/// What is to become of one run.
#[derive(Debug)]
pub(super) struct RunPlan {
    pub(super) found: Found,
    pub(super) from: DagRunState,
    /// `None`: it goes.
    pub(super) to: Option<DagRunState>,
    pub(super) tasks: Vec<TaskMove>,
}

impl Decision<'_> {
    pub(super) fn operate(&mut self, wish: Operate) -> Result<Reply, Rejected> {
        let Operate { operation, runs, ended, user, dry_run } = wish;
        let found = self.gather(&runs, ended, &operation)?;
        let plans = self.plan(found, &operation)?;
        let view = Box::new(view(&operation, &plans));
        if dry_run {
            return Ok(Reply::Operated(view));
        }
        let wish = serde_json::json!({ "wish": operation, "runs": runs });
        let keys = plans.iter().map(|plan| plan.found.key()).collect();
        self.begin_operation(operation.kind(), keys, user.clone(), wish);
        let by = user.as_ref().map(|user| format!(" by {user}")).unwrap_or_default();
        for plan in plans {
            self.carry_out(plan, &operation, user.clone(), &by);
        }
        Ok(Reply::Operated(view))
    }

    /// Clears all tasks of one run, as a part of something larger that is kept by itself. One that
    /// has ended (`ended`: its rows) takes the last version of its DAG.
    pub(crate) fn clear_all(
        &mut self,
        key: &DagRunKey,
        ended: Option<EndedRun>,
        user: Option<String>,
    ) -> Result<(), Rejected> {
        let DagRunKey { dag_id, dag_run_id } = key.clone();
        let wish = ClearTasks { run_on_latest_version: true, ..ClearTasks::default() };
        let operation = Operation::ClearTasks(wish.clone());
        let found = match ended {
            _ if self.state.runs.contains_key(key) => Found::Active(key.clone()),
            Some(ended) => self.load(ended, &operation)?,
            None => return Err(Rejected::NoRun { dag_id, dag_run_id }),
        };
        let plan = self.plan_clear(found, &wish)?;
        let plan = plan.ok_or(Rejected::NothingToClear { dag_run_id })?;
        let by = user.as_ref().map(|user| format!(" by {user}")).unwrap_or_default();
        self.carry_out(plan, &operation, user, &by);
        Ok(())
    }

    /// Finds each run once, in the order in which they were named.
    fn gather(
        &self,
        runs: &[DagRunKey],
        ended: Vec<EndedRun>,
        operation: &Operation,
    ) -> Result<Vec<Found>, Rejected> {
        let mut ended: std::collections::BTreeMap<DagRunKey, EndedRun> =
            ended.into_iter().map(|found| (found.run.key(), found)).collect();
        let mut seen = BTreeSet::new();
        let mut all = Vec::new();
        for key in runs.iter().filter(|key| seen.insert((*key).clone())) {
            if self.state.runs.contains_key(key) {
                all.push(Found::Active(key.clone()));
                continue;
            }
            let Some(found) = ended.remove(key).filter(|found| found.run.state.is_finished())
            else {
                let DagRunKey { dag_id, dag_run_id } = key.clone();
                return Err(Rejected::NoRun { dag_id, dag_run_id });
            };
            all.push(match operation.needs_tasks() {
                true => self.load(found, operation)?,
                false => Found::Row(Box::new(found.run)),
            });
        }
        Ok(all)
    }

    /// Puts a run that has ended under the definition that it began with, or the last one.
    fn load(&self, ended: EndedRun, operation: &Operation) -> Result<Found, Rejected> {
        let takes_latest =
            matches!(operation, Operation::ClearTasks(clear) if clear.run_on_latest_version);
        let present = self.state.deck.dags.get(&ended.run.dag_id);
        let kept = match takes_latest {
            true => None,
            false => definition_of(&ended, present),
        };
        let dag = match kept {
            Some(dag) => dag,
            None => self.known_dag(&ended.run.dag_id)?,
        };
        let is_other = ended.run.dag_version != dag.version;
        let (mut active, made) = ActiveRun::reload(ended, dag, self.state.deck.max_map_length);
        if is_other {
            let latest = self.state.dag_versions.get(&active.run.dag_id);
            let latest = latest.filter(|latest| latest.dag_version == active.run.dag_version);
            active.run.dag_version_number = latest.map_or(0, |latest| latest.version_number);
        }
        Ok(Found::Ended(Box::new(active), made))
    }

    fn plan(&self, found: Vec<Found>, operation: &Operation) -> Result<Vec<RunPlan>, Rejected> {
        let first = found.first().map(|found| found.key().dag_run_id);
        check_states(operation)?;
        self.check_tasks(&found, operation)?;
        let mut plans = Vec::new();
        for one in found {
            let plan = match operation {
                Operation::ClearTasks(wish) => self.plan_clear(one, wish)?,
                Operation::MarkTasks(wish) => self.plan_mark(one, wish),
                Operation::NoteTasks { tasks, note } => self.plan_note_tasks(one, tasks, note)?,
                Operation::MarkRuns { state } => self.plan_mark_run(one, *state)?,
                Operation::NoteRuns { note } => self.plan_note_run(one, note)?,
                Operation::DeleteRuns => self.plan_delete(one)?,
            };
            plans.extend(plan);
        }
        match first {
            Some(dag_run_id) if plans.is_empty() => Err(match operation {
                Operation::ClearTasks(_) => Rejected::NothingToClear { dag_run_id },
                _ => Rejected::NothingToMark { dag_run_id },
            }),
            _ => Ok(plans),
        }
    }

    /// A task that some of the runs do not have is passed over there; one that none has is a
    /// slip.
    fn check_tasks(&self, found: &[Found], operation: &Operation) -> Result<(), Rejected> {
        let tasks: &[TaskChoice] = match operation {
            Operation::ClearTasks(ClearTasks { tasks, .. })
            | Operation::MarkTasks(MarkTasks { tasks, .. })
            | Operation::NoteTasks { tasks, .. } => tasks,
            Operation::MarkRuns { .. } | Operation::NoteRuns { .. } | Operation::DeleteRuns => &[],
        };
        let selection = selection(tasks, false, false);
        let dags = found.iter().filter_map(|one| self.active(one)).map(|active| &*active.dag);
        match (selection.stranger(&dags), found.first()) {
            (Some(task_id), Some(first)) => {
                Err(Rejected::NoTask { dag_id: first.key().dag_id, task_id })
            }
            _ => Ok(()),
        }
    }

    /// Returns a run with its tasks, where they were needed.
    pub(super) fn active<'f>(&'f self, found: &'f Found) -> Option<&'f ActiveRun> {
        match found {
            Found::Active(key) => self.state.runs.get(key),
            Found::Ended(active, _) => Some(active),
            Found::Row(_) => None,
        }
    }

    fn plan_clear(&self, found: Found, wish: &ClearTasks) -> Result<Option<RunPlan>, Rejected> {
        let Some(active) = self.active(&found) else { return Ok(None) };
        if wish.run_on_latest_version && matches!(found, Found::Active(_)) {
            let latest = self.state.dag_versions.get(&active.run.dag_id);
            if latest.is_some_and(|latest| latest.dag_version != active.run.dag_version) {
                let dag_run_id = active.run.dag_run_id.clone();
                let what = "it keeps the version it began with until it ends";
                return Err(Rejected::RunUnderWay { dag_run_id, what });
            }
        }
        let tasks: Vec<TaskMove> =
            to_clear(wish, active).into_iter().map(|ti| moved(ti, None)).collect();
        let from = active.run.state;
        let to = Some(if from.is_finished() { DagRunState::Queued } else { from });
        Ok((!tasks.is_empty()).then_some(RunPlan { found, from, to, tasks }))
    }

    /// Marks those that are not in that state yet; what had failed downstream of them runs
    /// again, as in Airflow.
    fn plan_mark(&self, found: Found, wish: &MarkTasks) -> Option<RunPlan> {
        let active = self.active(&found)?;
        let reach = wish.reach;
        let meant = selection(&wish.tasks, reach.include_upstream, reach.include_downstream);
        let marked = meant.of(active).into_iter().filter(|ti| ti.state != Some(wish.state));
        let mut tasks: Vec<TaskMove> = marked.map(|ti| moved(ti, Some(wish.state))).collect();
        if tasks.is_empty() {
            return None;
        }
        let place = |one: &TaskMove| (one.key.task_id.clone(), one.key.map_index);
        let places = tasks.iter().map(place).collect();
        let resumed = to_resume(active, &places);
        let from = active.run.state;
        let to = Some(match (from.is_finished(), resumed.is_empty()) {
            (true, false) => DagRunState::Queued,
            // What its leaves then say is seen when it is done.
            (true, true) | (false, _) => from,
        });
        tasks.extend(resumed.into_iter().map(|ti| moved(ti, None)));
        Some(RunPlan { found, from, to, tasks })
    }
}

impl Found {
    pub(crate) fn key(&self) -> DagRunKey {
        match self {
            Self::Active(key) => key.clone(),
            Self::Ended(active, _) => active.run.key(),
            Self::Row(run) => run.key(),
        }
    }
}

/// Only what has ended can be set by hand, and a run can be put back into the queue.
fn check_states(operation: &Operation) -> Result<(), Rejected> {
    use TaskInstanceState as S;
    match operation {
        Operation::MarkTasks(MarkTasks { state, .. })
            if !matches!(state, S::Success | S::Failed | S::Skipped) =>
        {
            let allowed = "`success`, `failed` and `skipped`";
            Err(Rejected::CannotMark { what: "a task", state: state.to_string(), allowed })
        }
        Operation::MarkRuns { state: DagRunState::Running } => {
            let state = DagRunState::Running.to_string();
            let allowed = "`success`, `failed` and `queued`";
            Err(Rejected::CannotMark { what: "a run", state, allowed })
        }
        _ => Ok(()),
    }
}

pub(super) fn selection(tasks: &[TaskChoice], up: bool, down: bool) -> Selection<'_> {
    Selection { tasks, include_upstream: up, include_downstream: down }
}

pub(super) fn moved(ti: &TaskInstance, to: Option<TaskInstanceState>) -> TaskMove {
    TaskMove { key: ti.key.clone(), try_number: ti.try_number, from: ti.state, to }
}

fn view(operation: &Operation, plans: &[RunPlan]) -> OperationView {
    let run = |plan: &RunPlan| {
        let DagRunKey { dag_id, dag_run_id } = plan.found.key();
        RunMove { dag_id, dag_run_id, from: plan.from, to: plan.to }
    };
    OperationView {
        id: None,
        kind: operation.kind().to_owned(),
        tasks: plans.iter().flat_map(|plan| plan.tasks.iter().cloned()).collect(),
        runs: plans.iter().map(run).collect(),
        final_since: None,
    }
}
