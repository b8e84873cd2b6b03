//! Which task instances of a run are meant.

use std::collections::{BTreeMap, BTreeSet};

use crate::attempt::left_out_by;
use crate::dag::Dag;
use crate::state::ActiveRun;
use crate::types::ids::UNMAPPED;
use crate::types::operation::{ClearTasks, TaskChoice};
use crate::types::run::TaskInstance;
use crate::types::{MapIndex, TaskId, TaskInstanceState};

/// Tasks with those upstream and downstream of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Selection<'a> {
    /// Empty: all.
    pub(super) tasks: &'a [TaskChoice],
    pub(super) include_upstream: bool,
    pub(super) include_downstream: bool,
}

impl Selection<'_> {
    /// Returns the first task that none of the definitions has.
    pub(super) fn stranger<'d>(
        &self,
        dags: &(impl Iterator<Item = &'d Dag> + Clone),
    ) -> Option<TaskId> {
        let is_known = |id: &TaskId| dags.clone().any(|dag| dag.tasks.contains_key(id));
        self.tasks.iter().map(|choice| &choice.task_id).find(|id| !is_known(id)).cloned()
    }

    /// Returns the task instances of a run that it means, in topological order; not those that
    /// were removed from the definition.
    pub(super) fn of<'r>(&self, active: &'r ActiveRun) -> Vec<&'r TaskInstance> {
        let wanted = self.wanted(&active.dag);
        let is_removed = |ti: &TaskInstance| ti.state == Some(TaskInstanceState::Removed);
        let mut found = Vec::new();
        for task_id in active.dag.graph.topological() {
            let elements = match &wanted {
                None => None,
                Some(wanted) => match wanted.get(task_id) {
                    Some(elements) => elements.as_ref(),
                    None => continue,
                },
            };
            let is_meant =
                |ti: &&TaskInstance| elements.is_none_or(|some| some.contains(&ti.key.map_index));
            let of_task = instances(active, task_id);
            found.extend(of_task.filter(|ti| !is_removed(ti)).filter(is_meant));
        }
        found
    }

    /// Returns the tasks, each with the elements that are meant; `None` means all.
    fn wanted(&self, dag: &Dag) -> Option<BTreeMap<TaskId, Option<BTreeSet<MapIndex>>>> {
        if self.tasks.is_empty() {
            return None;
        }
        let known = || self.tasks.iter().filter(|choice| dag.tasks.contains_key(&choice.task_id));
        let seeds: Vec<&TaskId> = known().map(|choice| &choice.task_id).collect();
        let mut wanted = BTreeMap::new();
        if self.include_upstream {
            let reached = reach(&seeds, |task| dag.graph.upstream(task));
            wanted.extend(reached.into_iter().map(|task| (task, None)));
        }
        if self.include_downstream {
            let reached = reach(&seeds, |task| dag.graph.downstream(task));
            wanted.extend(reached.into_iter().map(|task| (task, None)));
        }
        for choice in known() {
            let elements = choice.map_indexes.iter().copied().collect::<BTreeSet<_>>();
            let elements = (!elements.is_empty()).then_some(elements);
            // One that another one reaches is meant as a whole.
            wanted.entry(choice.task_id.clone()).or_insert(elements);
        }
        Some(wanted)
    }
}

/// Returns the instances of a task, in order of their map index.
pub(crate) fn instances<'r>(
    active: &'r ActiveRun,
    task_id: &TaskId,
) -> impl Iterator<Item = &'r TaskInstance> {
    let from = (task_id.clone(), MapIndex::MIN);
    let to = (task_id.clone(), MapIndex::MAX);
    active.tasks.range(from..=to).map(|(_, ti)| ti)
}

/// Returns every task that is reached from the seeds, at any distance, without them unless one
/// reaches another.
pub(crate) fn reach<'g>(
    seeds: &[&'g TaskId],
    next: impl Fn(&TaskId) -> &'g [TaskId],
) -> BTreeSet<TaskId> {
    let mut reached: BTreeSet<&TaskId> = BTreeSet::new();
    let mut open: Vec<&TaskId> = seeds.iter().flat_map(|seed| next(seed)).collect();
    while let Some(task) = open.pop() {
        if reached.insert(task) {
            open.extend(next(task));
        }
    }
    reached.into_iter().cloned().collect()
}

/// Returns what of a run is to be cleared.
pub(super) fn to_clear<'r>(wish: &ClearTasks, active: &'r ActiveRun) -> Vec<&'r TaskInstance> {
    let selection = Selection {
        tasks: &wish.tasks,
        include_upstream: wish.reach.include_upstream,
        include_downstream: wish.reach.include_downstream,
    };
    let chosen: Vec<_> =
        selection.of(active).into_iter().filter(|ti| is_clearable(wish, ti.state)).collect();
    let chosen = with_setups_and_teardowns(active, chosen);
    let cleared: BTreeSet<&TaskId> = chosen.iter().map(|ti| &ti.key.task_id).collect();
    let stays_out = |ti: &TaskInstance| is_left_out(active, ti, &cleared);
    chosen.iter().copied().filter(|ti| !stays_out(ti)).collect()
}

/// Adds what the tasks need around them, however that had ended: as in Airflow their setups, and
/// the teardowns of these.
fn with_setups_and_teardowns<'r>(
    active: &'r ActiveRun,
    chosen: Vec<&'r TaskInstance>,
) -> Vec<&'r TaskInstance> {
    let named: BTreeSet<TaskId> = chosen.iter().map(|ti| ti.key.task_id.clone()).collect();
    let all = active.dag.with_setups_and_teardowns(&named);
    if all.len() == named.len() {
        return chosen;
    }
    let own: BTreeSet<(&TaskId, MapIndex)> =
        chosen.iter().map(|ti| (&ti.key.task_id, ti.key.map_index)).collect();
    let is_meant = |ti: &&TaskInstance| {
        let is_added = !named.contains(&ti.key.task_id) && all.contains(&ti.key.task_id);
        let has_begun = !matches!(ti.state, None | Some(TaskInstanceState::Removed));
        own.contains(&(&ti.key.task_id, ti.key.map_index)) || (is_added && has_begun)
    };
    let topological = active.dag.graph.topological().iter();
    topological.flat_map(|task| instances(active, task)).filter(is_meant).collect()
}

fn is_clearable(wish: &ClearTasks, state: Option<TaskInstanceState>) -> bool {
    use TaskInstanceState as S;
    let is_any = !wish.only_failed && !wish.only_running;
    match state {
        None | Some(S::Removed) => false,
        Some(S::Failed | S::UpstreamFailed) => is_any || wish.only_failed,
        Some(S::Running | S::Restarting | S::Deferred) => is_any || wish.only_running,
        Some(_) => is_any,
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
        .get(&(branch.clone(), ti.key.map_index))
        .or_else(|| active.tasks.get(&(branch.clone(), UNMAPPED)))
        .is_some_and(|ti| ti.state == Some(TaskInstanceState::Success));
    has_succeeded && !cleared.contains(&branch)
}

/// Returns what had failed downstream of marked tasks, or because of them: it runs again.
pub(super) fn to_resume<'r>(
    active: &'r ActiveRun,
    marked: &BTreeSet<(TaskId, MapIndex)>,
) -> Vec<&'r TaskInstance> {
    use TaskInstanceState as S;
    let seeds: Vec<&TaskId> = marked.iter().map(|(task_id, _)| task_id).collect();
    let reached = reach(&seeds, |task| active.dag.graph.downstream(task));
    let topological = active.dag.graph.topological().iter();
    topological
        .filter(|task| reached.contains(*task))
        .flat_map(|task| instances(active, task))
        .filter(|ti| matches!(ti.state, Some(S::Failed | S::UpstreamFailed)))
        .filter(|ti| !marked.contains(&(ti.key.task_id.clone(), ti.key.map_index)))
        .collect()
}
