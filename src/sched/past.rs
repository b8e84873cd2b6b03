//! What the run before has left: `depends_on_past` and `wait_for_downstream`. Runs that have
//! ended leave the memory; of the last ones of a DAG is kept which tasks did not end well.

use std::collections::{BTreeMap, BTreeSet};

use crate::dag::{Dag, TaskSpec};
use crate::decision::{Decision, run_key};
use crate::state::{ActiveRun, State};
use crate::types::run::{DagRun, DagRunKey, TaskInstance};
use crate::types::state::DagRunType;
use crate::types::{DagId, DagRunId, TaskId, TaskInstanceKey, TaskInstanceState, Timestamp};

/// How many ended runs of a DAG are remembered; what lies before them counts as never run.
pub const PAST_RUNS_MAX: usize = 100;

/// A run that has ended, as the next one looks at it.
#[derive(Debug, Clone, PartialEq)]
pub struct PastRun {
    pub dag_id: DagId,
    pub dag_run_id: DagRunId,
    pub run_type: DagRunType,
    pub logical_date: Timestamp,
    /// Tasks of which an instance neither succeeded nor was skipped.
    pub unsuccessful: BTreeSet<TaskId>,
}

/// The last runs of each DAG that have ended.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Past {
    runs: BTreeMap<DagId, BTreeMap<(Timestamp, DagRunId), PastRun>>,
}

impl Past {
    pub(super) fn add(&mut self, run: PastRun, count_max: usize) {
        let of_dag = self.runs.entry(run.dag_id.clone()).or_default();
        of_dag.insert((run.logical_date, run.dag_run_id.clone()), run);
        while of_dag.len() > count_max {
            of_dag.pop_first();
        }
    }

    /// Forgets a run that goes on, or is deleted.
    pub(super) fn forget(&mut self, run: &DagRun) {
        let Some(date) = run.logical_date else { return };
        if let Some(of_dag) = self.runs.get_mut(&run.dag_id) {
            of_dag.remove(&(date, run.dag_run_id.clone()));
        }
    }

    fn before(
        &self,
        dag_id: &DagId,
        date: Timestamp,
        counts: impl Fn(DagRunType) -> bool,
    ) -> Option<&PastRun> {
        let first = (date, DagRunId::new(""));
        let earlier = self.runs.get(dag_id)?.range(..first).rev();
        earlier.map(|(_, run)| run).find(|run| counts(run.run_type))
    }
}

impl PastRun {
    /// Draws it from a run and its task instances; `None` where it has no logical date.
    pub fn of<'a>(run: &DagRun, tasks: impl Iterator<Item = &'a TaskInstance>) -> Option<Self> {
        Some(Self {
            dag_id: run.dag_id.clone(),
            dag_run_id: run.dag_run_id.clone(),
            run_type: run.run_type,
            logical_date: run.logical_date?,
            unsuccessful: tasks
                .filter(|ti| !is_successful(ti.state))
                .map(|ti| ti.key.task_id.clone())
                .collect(),
        })
    }
}

/// The run before, whether it is under way or has ended.
enum Before<'a> {
    Active(&'a ActiveRun),
    Past(&'a PastRun),
}

impl Before<'_> {
    fn is_unsuccessful(&self, task: &TaskId) -> bool {
        match self {
            Self::Active(active) => active.rows(task).any(|ti| !is_successful(ti.state)),
            Self::Past(past) => past.unsuccessful.contains(task),
        }
    }
}

/// Says whether the run before lets an instance of a task run. As Airflow: with `catchup` only
/// scheduled runs count, and a run without a logical date has none before it.
pub(super) fn allows(state: &State, active: &ActiveRun, spec: &TaskSpec) -> bool {
    if !spec.flow.looks_back() {
        return true;
    }
    let Some(before) = run_before(state, &active.dag, &active.run) else { return true };
    let is_unsuccessful = |task: &TaskId| before.is_unsuccessful(task);
    if is_unsuccessful(&spec.task_id) {
        return false;
    }
    let downstream = active.dag.graph.downstream(&spec.task_id);
    !spec.flow.wait_for_downstream || !downstream.iter().any(is_unsuccessful)
}

fn run_before<'a>(state: &'a State, dag: &Dag, run: &DagRun) -> Option<Before<'a>> {
    let date = run.logical_date?;
    let counts = |run_type: DagRunType| !dag.catchup || run_type != DagRunType::Manual;
    let active = state
        .runs_of(&run.dag_id)
        .filter(|other| counts(other.run.run_type))
        .filter_map(|other| Some((other.run.logical_date?, other)))
        .filter(|(other, _)| *other < date)
        .max_by_key(|(other, _)| *other);
    let past = state.past.before(&run.dag_id, date, counts);
    match (active, past) {
        (Some((at, _)), Some(past)) if past.logical_date > at => Some(Before::Past(past)),
        (Some((_, active)), _) => Some(Before::Active(active)),
        (None, past) => past.map(Before::Past),
    }
}

impl Decision<'_> {
    /// Says whether the run before lets an instance run.
    pub(super) fn past_allows(&self, key: &TaskInstanceKey) -> bool {
        let Some(active) = self.state.runs.get(&run_key(key)) else { return false };
        let Some(spec) = active.dag.tasks.get(&key.task_id) else { return false };
        allows(self.state, active, spec)
    }

    /// Has runs that look back look again: a run before them has changed by hand.
    pub(super) fn look_back_again(&mut self, dag_id: &DagId) {
        for run in self.state.runs_of(dag_id).filter(|run| run.dag.plan.looks_back()) {
            let waiting = run.tasks.values().filter(|ti| ti.state.is_none());
            self.work.extend(waiting.map(|ti| ti.key.clone()));
        }
    }

    /// Has later runs look at what waits for an instance that has ended.
    pub(super) fn tell_later_runs(&mut self, key: &TaskInstanceKey) {
        let run = run_key(key);
        let Some(active) = self.state.runs.get(&run) else { return };
        let Some(date) = active.run.logical_date else { return };
        for later in self.state.runs_of(&key.dag_id) {
            if !later.dag.plan.looks_back() || later.run.logical_date.is_none_or(|d| d <= date) {
                continue;
            }
            let upstream = later.dag.graph.upstream(&key.task_id);
            for task in upstream.iter().chain(std::iter::once(&key.task_id)) {
                let waiting = later.rows(task).filter(|ti| ti.state.is_none());
                self.work.extend(waiting.map(|ti| ti.key.clone()));
            }
        }
    }

    /// Remembers a run that ends, and has later runs look at all that waits.
    pub(super) fn remember_past(&mut self, key: &DagRunKey) {
        let Some(active) = self.state.runs.get(key) else { return };
        let Some(past) = PastRun::of(&active.run, active.tasks.values()) else { return };
        for later in self.state.runs_of(&key.dag_id) {
            let is_later = later.run.logical_date.is_some_and(|date| date > past.logical_date);
            if later.dag.plan.looks_back() && is_later {
                let waiting = later.tasks.values().filter(|ti| ti.state.is_none());
                self.work.extend(waiting.map(|ti| ti.key.clone()));
            }
        }
        // Its definition may come to look back while it is in force: then the last one counts.
        let count_max = if active.dag.plan.looks_back() { PAST_RUNS_MAX } else { 1 };
        self.state.past.add(past, count_max);
    }
}

/// As Airflow: what was skipped counts as well ended.
const fn is_successful(state: Option<TaskInstanceState>) -> bool {
    matches!(state, Some(TaskInstanceState::Success | TaskInstanceState::Skipped))
}
