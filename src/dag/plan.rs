//! What follows from the tasks, groups and graph of a DAG, worked out once: mapped groups, whose
//! outputs are mapped over, and which setups and teardowns belong to a task.

use std::collections::{BTreeSet, HashSet};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::flow::{Flow, ancestry};
use crate::graph::Graph;
use crate::mapping::Source;
use crate::spec::{Dag, TaskSpec};
use crate::types::{GroupId, TaskId};

/// Parts of an output that tasks are mapped over, as paths into it.
pub type Paths = Vec<Vec<String>>;

/// What follows from a DAG's tasks, groups and graph. Only tasks that something is to be said of
/// stand in it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    mapped_groups: IndexMap<TaskId, GroupId>,
    sources: IndexMap<TaskId, Paths>,
    /// Who is mapped over a task's output without being directly downstream of it: tasks further
    /// down in a mapped group.
    mapped_by: IndexMap<TaskId, Vec<TaskId>>,
    setups: IndexMap<TaskId, Vec<TaskId>>,
    /// The other way round: who waits for a setup further up.
    set_up_by: IndexMap<TaskId, Vec<TaskId>>,
    group_roots: IndexMap<GroupId, Vec<TaskId>>,
    looks_back: bool,
}

impl Plan {
    /// Works it out.
    pub fn of(dag: &Dag) -> Self {
        let mut plan = Self {
            looks_back: dag.tasks.values().any(|task| task.flow.looks_back()),
            ..Self::default()
        };
        for task in dag.tasks.values() {
            let mut around = ancestry(&dag.groups, task.flow.group.as_ref());
            if let Some(group) = around.find(|group| group.expand.is_some()) {
                plan.mapped_groups.insert(task.task_id.clone(), group.group_id.clone());
            }
        }
        let own = dag.tasks.values().filter_map(|task| task.flow.expand.as_ref());
        let of_groups = dag.groups.values().filter_map(|group| group.expand.as_ref());
        for source in own.chain(of_groups).flat_map(|expand| expand.sources()) {
            let Source::Output { task, path } = source else { continue };
            let paths = plan.sources.entry(task.clone()).or_default();
            if !paths.contains(path) {
                paths.push(path.clone());
            }
        }
        plan.note_mapped_by(dag);
        for group in dag.groups.keys() {
            plan.group_roots.insert(group.clone(), roots(dag, group));
        }
        plan.note_setups(dag);
        plan
    }

    fn note_mapped_by(&mut self, dag: &Dag) {
        for (task, group) in &self.mapped_groups {
            let expand = dag.groups.get(group).and_then(|group| group.expand.as_ref());
            for source in expand.into_iter().flat_map(|expand| expand.tasks()) {
                if !dag.graph.upstream(task).contains(source) {
                    self.mapped_by.entry(source.clone()).or_default().push(task.clone());
                }
            }
        }
    }

    fn note_setups(&mut self, dag: &Dag) {
        if !dag.tasks.values().any(|task| task.flow.is_setup) {
            return;
        }
        for task in dag.tasks.values().filter(|task| task.flow.teardown.is_none()) {
            let direct = dag.graph.upstream(&task.task_id);
            let relevant = setups_of(dag, &task.task_id);
            let indirect: Vec<TaskId> =
                relevant.into_iter().filter(|setup| !direct.contains(setup)).collect();
            for setup in &indirect {
                let after = self.set_up_by.entry(setup.clone()).or_default();
                after.push(task.task_id.clone());
            }
            if !indirect.is_empty() {
                self.setups.insert(task.task_id.clone(), indirect);
            }
        }
    }

    /// Returns the mapped group that a task stands in.
    pub fn mapped_group(&self, task: &TaskId) -> Option<&GroupId> {
        self.mapped_groups.get(task)
    }

    /// Returns the tasks that are mapped with a group.
    pub fn mapped_with<'p>(&'p self, group: &'p GroupId) -> impl Iterator<Item = &'p TaskId> {
        self.mapped_groups.iter().filter(move |(_, of)| *of == group).map(|(task, _)| task)
    }

    /// Returns the parts of a task's output that others are mapped over.
    pub fn mapped_over(&self, task: &TaskId) -> &[Vec<String>] {
        self.sources.get(task).map_or(&[], Vec::as_slice)
    }

    /// Returns the tasks that are mapped over a task's output without being directly downstream
    /// of it.
    pub fn mapped_by(&self, task: &TaskId) -> &[TaskId] {
        self.mapped_by.get(task).map_or(&[], Vec::as_slice)
    }

    /// Returns the setups further up that must have succeeded before a task may run.
    pub fn indirect_setups(&self, task: &TaskId) -> &[TaskId] {
        self.setups.get(task).map_or(&[], Vec::as_slice)
    }

    /// Returns the tasks that wait for a setup without being directly downstream of it.
    pub fn set_up_by(&self, setup: &TaskId) -> &[TaskId] {
        self.set_up_by.get(setup).map_or(&[], Vec::as_slice)
    }

    /// Returns the tasks of a group that wait for none of its others.
    pub fn group_roots(&self, group: &str) -> Option<&[TaskId]> {
        self.group_roots.get(group).map(Vec::as_slice)
    }

    /// Says whether a task of the DAG waits for the run before.
    pub const fn looks_back(&self) -> bool {
        self.looks_back
    }
}

impl Dag {
    /// Adds to tasks that are to run again what they need around them: as in Airflow their
    /// setups, and the teardowns of these.
    pub fn with_setups_and_teardowns(&self, tasks: &BTreeSet<TaskId>) -> BTreeSet<TaskId> {
        let mut all = tasks.clone();
        for task in tasks {
            for setup in setups_of(self, task) {
                all.extend(teardowns_after(self, &setup).cloned());
                all.insert(setup);
            }
            if self.tasks.get(task).is_some_and(|task| task.flow.is_setup) {
                all.extend(teardowns_after(self, task).cloned());
            }
        }
        all
    }

    /// Says whether the end of a task decides about the run's, as in Airflow: nothing comes after
    /// it but teardowns that do not count, and it is none of these.
    pub fn is_deciding(&self, task: &TaskId) -> bool {
        let is_ignored = |task: &TaskId| flow(self, task).is_some_and(Flow::is_ignored_teardown);
        !is_ignored(task) && self.graph.downstream(task).iter().all(is_ignored)
    }
}

fn flow<'d>(dag: &'d Dag, task: &TaskId) -> Option<&'d Flow> {
    dag.tasks.get(task).map(|task: &TaskSpec| &task.flow)
}

fn teardowns_after<'d>(dag: &'d Dag, setup: &TaskId) -> impl Iterator<Item = &'d TaskId> {
    let after = dag.graph.downstream(setup).iter();
    after.filter(|task| flow(dag, task).is_some_and(|flow| flow.teardown.is_some()))
}

/// Returns the setups upstream of a task at any distance that have no teardown, or one downstream
/// of the task.
fn setups_of(dag: &Dag, task: &TaskId) -> Vec<TaskId> {
    let after: HashSet<TaskId> = dag.graph.all_downstream(task).into_iter().collect();
    let mut found = Vec::new();
    for before in all_upstream(&dag.graph, task) {
        if !flow(dag, &before).is_some_and(|flow| flow.is_setup) {
            continue;
        }
        let teardowns: Vec<&TaskId> = teardowns_after(dag, &before).collect();
        if teardowns.is_empty() || teardowns.iter().any(|teardown| after.contains(*teardown)) {
            found.push(before);
        }
    }
    found
}

fn all_upstream(graph: &Graph, task: &TaskId) -> Vec<TaskId> {
    let mut reached: HashSet<&TaskId> = HashSet::new();
    let mut open: Vec<&TaskId> = graph.upstream(task).iter().collect();
    while let Some(next) = open.pop() {
        if reached.insert(next) {
            open.extend(graph.upstream(next));
        }
    }
    graph.topological().iter().filter(|one| reached.contains(one)).cloned().collect()
}

fn roots(dag: &Dag, group: &GroupId) -> Vec<TaskId> {
    let stands_in = |task: &TaskId| {
        let inner = flow(dag, task).and_then(|flow| flow.group.as_ref());
        ancestry(&dag.groups, inner).any(|around| around.group_id == *group)
    };
    let inside = dag.tasks.keys().filter(|task| stands_in(task));
    inside.filter(|task| !dag.graph.upstream(task).iter().any(stands_in)).cloned().collect()
}
