//! A step under way, and the only places where a task instance or a run changes its state: each
//! move is checked against `transition`, indexed, and written into the draft.

use std::collections::{BTreeSet, VecDeque};

use crate::dag::TaskSpec;
use crate::draft::Draft;
use crate::effect::Effect;
use crate::operation::UnderWay;
use crate::state::{ActiveRun, State};
use crate::transition::{self, IllegalMove};
use crate::types::event::{EventLog, Severity};
use crate::types::ids::UNMAPPED;
use crate::types::run::{DagRun, DagRunKey, TaskInstance, TaskTry};
use crate::types::{
    AttemptKey, DagId, DagRunId, DagRunState, LaunchToken, TaskId, TaskInstanceKey,
    TaskInstanceState, Timestamp,
};

type CheckTask =
    fn(Option<TaskInstanceState>, Option<TaskInstanceState>) -> Result<(), IllegalMove>;

/// Why an operation cannot be undone that has brought other instances about.
const REMAPPED: &str = "a task was mapped by it";

/// A step under way.
#[derive(Debug)]
pub(super) struct Decision<'a> {
    pub(super) state: &'a mut State,
    pub(super) now: Timestamp,
    pub(super) draft: Draft,
    /// Tasks whose trigger rule is to be asked: something upstream has ended. A queue, so that
    /// a long chain does not grow the stack.
    pub(super) work: VecDeque<TaskInstanceKey>,
    /// Runs of which nothing is unfinished any more.
    pub(super) maybe_ended: BTreeSet<DagRunKey>,
    /// What a person does to runs in this step.
    pub(super) operation: Option<UnderWay>,
}

impl<'a> Decision<'a> {
    pub(super) fn new(state: &'a mut State, now: Timestamp) -> Self {
        Self {
            state,
            now,
            draft: Draft::default(),
            work: VecDeque::new(),
            maybe_ended: BTreeSet::new(),
            operation: None,
        }
    }

    /// Moves a task instance of a run under way; `edit` sets what else changes with it.
    pub(super) fn move_task(
        &mut self,
        key: &TaskInstanceKey,
        to: Option<TaskInstanceState>,
        edit: impl FnOnce(&mut TaskInstance),
    ) {
        self.set_task(key, to, transition::check_task, edit);
    }

    /// Moves a task instance because a person says so.
    pub(super) fn mark_as(
        &mut self,
        key: &TaskInstanceKey,
        to: TaskInstanceState,
        edit: impl FnOnce(&mut TaskInstance),
    ) {
        self.set_task(key, Some(to), transition::check_mark, edit);
    }

    fn set_task(
        &mut self,
        key: &TaskInstanceKey,
        to: Option<TaskInstanceState>,
        check: CheckTask,
        edit: impl FnOnce(&mut TaskInstance),
    ) {
        if let Some(before) = self.operation.as_ref().and_then(|_| self.task(key)).cloned() {
            self.note_task_before(&before);
        }
        let run_key = run_key(key);
        let active = self.state.runs.get_mut(&run_key).expect("only runs under way have moves");
        let ActiveRun { run, dag, tasks, index, .. } = active;
        let ti = tasks
            .get_mut(&(key.task_id.clone(), key.map_index))
            .expect("only task instances that were made have moves");
        let from = ti.state;
        check(from, to).expect("the scheduler makes legal moves only");

        self.state.index.forget_task(run, dag, index, ti);
        ti.state = to;
        edit(ti);
        self.state.index.note_task(run, dag, index, ti);
        self.draft.put_task(ti);

        let before = from.filter(|state| state.is_finished());
        let after = to.filter(|state| state.is_finished());
        if before == after {
            return;
        }
        index.count(dag, key, before, after);
        if index.unfinished == 0 {
            self.maybe_ended.insert(run_key);
        }
        self.tell_downstream(key);
    }

    /// Has everything looked at that waits for an instance that has ended, or is open again.
    fn tell_downstream(&mut self, key: &TaskInstanceKey) {
        let Some(active) = self.state.runs.get(&run_key(key)) else { return };
        let dag = &active.dag;
        let set_up = dag.plan.set_up_by(&key.task_id);
        let further = set_up.iter().chain(dag.plan.mapped_by(&key.task_id));
        for downstream in dag.graph.downstream(&key.task_id).iter().chain(further) {
            let own = (downstream.clone(), key.map_index);
            let is_one = key.map_index != UNMAPPED
                && active.tasks.contains_key(&own)
                && dag.is_parallel(&key.task_id, downstream);
            if is_one {
                self.work.push_back(TaskInstanceKey { task_id: own.0, ..key.clone() });
            } else {
                let waiting = active.rows(downstream).filter(|ti| ti.state.is_none());
                self.work.extend(waiting.map(|ti| ti.key.clone()));
            }
        }
        self.tell_later_runs(key);
    }

    /// Adds a task instance, without status, to a run under way.
    pub(super) fn put_in_task(&mut self, ti: TaskInstance) {
        let active = self.state.runs.get_mut(&run_key(&ti.key)).expect("only to runs under way");
        active.index.count_row(&active.dag, &ti, 1);
        self.draft.put_task(&ti);
        let key = run_key(&ti.key);
        active.tasks.insert((ti.key.task_id.clone(), ti.key.map_index), ti);
        self.forbid_undo_of(&key, REMAPPED);
    }

    /// Takes a task instance without status out of a run under way.
    pub(super) fn take_out_task(&mut self, key: &TaskInstanceKey) {
        let active = self.state.runs.get_mut(&run_key(key)).expect("only of runs under way");
        let place = (key.task_id.clone(), key.map_index);
        let ti = active.tasks.remove(&place).expect("only one that is there");
        active.index.count_row(&active.dag, &ti, -1);
        self.draft.delete_task(key.clone());
        self.forbid_undo_of(&run_key(key), REMAPPED);
    }

    /// Moves a run under way; `edit` sets what else changes with it.
    pub(super) fn move_run(
        &mut self,
        key: &DagRunKey,
        to: DagRunState,
        edit: impl FnOnce(&mut DagRun),
    ) {
        self.set_run(key, to, transition::check_run, edit);
    }

    /// Moves a run because a person says so.
    pub(super) fn mark_run(
        &mut self,
        key: &DagRunKey,
        to: DagRunState,
        edit: impl FnOnce(&mut DagRun),
    ) {
        self.set_run(key, to, transition::check_run_mark, edit);
    }

    fn set_run(
        &mut self,
        key: &DagRunKey,
        to: DagRunState,
        check: fn(DagRunState, DagRunState) -> Result<(), IllegalMove>,
        edit: impl FnOnce(&mut DagRun),
    ) {
        let active = self.state.runs.get_mut(key).expect("only runs under way have moves");
        let had_ended = active.run.state.is_finished();
        check(active.run.state, to).expect("the scheduler makes legal moves only");
        self.state.index.forget_run(&active.run, &active.dag);
        active.run.state = to;
        edit(&mut active.run);
        self.state.index.note_run(&active.run, &active.dag);
        self.draft.put_run(&active.run);
        let run = active.run.clone();
        match to {
            DagRunState::Queued => self.set_deadlines_again(key),
            DagRunState::Success | DagRunState::Failed if !had_ended => self.deadlines_end(&run),
            DagRunState::Success | DagRunState::Failed | DagRunState::Running => {}
        }
    }

    /// Returns a task instance of a run under way.
    pub(super) fn task(&self, key: &TaskInstanceKey) -> Option<&TaskInstance> {
        self.state.runs.get(&run_key(key))?.tasks.get(&(key.task_id.clone(), key.map_index))
    }

    /// Returns the definition of a task of a run under way, as the run began with it.
    pub(super) fn spec(&self, key: &TaskInstanceKey) -> Option<&TaskSpec> {
        self.state.runs.get(&run_key(key))?.dag.tasks.get(&key.task_id)
    }

    pub(super) fn next_token(&mut self) -> LaunchToken {
        let token = format!("{}-{}", self.state.token_prefix, self.state.next_token);
        self.state.next_token += 1;
        LaunchToken::new(token)
    }

    /// Writes how the try in flight ended, before the move that ends it.
    pub(super) fn close_try(
        &mut self,
        key: &TaskInstanceKey,
        state: TaskInstanceState,
        exit_code: Option<i32>,
        error: Option<String>,
    ) {
        let Some(ti) = self.task(key) else { return };
        let Some(token) = ti.token.clone() else { return };
        let task_try = TaskTry {
            start_date: ti.start_date,
            end_date: Some(self.now),
            exit_code,
            error,
            ..open_try(ti, ti.attempt(), token, state)
        };
        self.draft.put_try(task_try);
    }

    /// Has the try under way ended, where there is one.
    pub(super) fn kill(&mut self, key: &TaskInstanceKey, reason: &str) {
        let Some(ti) = self.task(key) else { return };
        let is_under_way = ti.state.is_some_and(TaskInstanceState::is_under_way);
        let Some(token) = ti.token.clone().filter(|_| is_under_way) else { return };
        let effect = Effect::Kill { key: ti.attempt(), token, reason: reason.to_owned() };
        self.draft.effect(effect);
    }

    /// Appends a line to the feed.
    pub(super) fn log(
        &mut self,
        severity: Severity,
        event: &str,
        about: About<'_>,
        owner: Option<String>,
        message: String,
    ) {
        self.draft.log(EventLog {
            id: 0,
            when: self.now,
            severity,
            event: event.to_owned(),
            dag_id: about.0.cloned(),
            dag_run_id: about.1.cloned(),
            task_id: about.2.cloned(),
            owner,
            message,
        });
    }
}

/// What a line of the feed is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct About<'a>(
    pub(super) Option<&'a DagId>,
    pub(super) Option<&'a DagRunId>,
    pub(super) Option<&'a TaskId>,
);

impl<'a> About<'a> {
    pub(super) fn run(key: &'a DagRunKey) -> Self {
        Self(Some(&key.dag_id), Some(&key.dag_run_id), None)
    }

    pub(super) fn task(key: &'a TaskInstanceKey) -> Self {
        Self(Some(&key.dag_id), Some(&key.dag_run_id), Some(&key.task_id))
    }
}

/// Names the run that a task instance belongs to.
pub(super) fn run_key(key: &TaskInstanceKey) -> DagRunKey {
    DagRunKey { dag_id: key.dag_id.clone(), dag_run_id: key.dag_run_id.clone() }
}

/// Ends the attempt that a task instance has under way: no token is in force any more.
/// The row of a try that goes on, where its task instance says it is.
pub(super) fn open_try(
    ti: &TaskInstance,
    key: AttemptKey,
    token: LaunchToken,
    state: TaskInstanceState,
) -> TaskTry {
    TaskTry {
        key,
        token,
        state,
        start_date: None,
        end_date: None,
        exit_code: None,
        error: None,
        pid: ti.pid,
        place: ti.place.clone(),
    }
}

pub(super) fn end_attempt(ti: &mut TaskInstance, now: Timestamp) {
    ti.token = None;
    ti.pid = None;
    ti.trigger = None;
    ti.trigger_timeout = None;
    ti.next_retry_at = None;
    ti.end_date = Some(now);
}
