//! The graph of a DAG's tasks.

use indexmap::IndexMap;

use crate::types::TaskId;

/// Tasks and their edges, without cycles.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Graph {
    upstream: IndexMap<TaskId, Vec<TaskId>>,
    downstream: IndexMap<TaskId, Vec<TaskId>>,
    topological: Vec<TaskId>,
}

/// Tasks that wait for each other, in the order of the circle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle(pub Vec<TaskId>);

impl Graph {
    /// Builds the graph of `upstream` (each task with the tasks before it, all of them known).
    pub fn new(_upstream: IndexMap<TaskId, Vec<TaskId>>) -> Result<Self, Cycle> {
        todo!("dag helper")
    }

    /// Returns the tasks directly before `task`.
    pub fn upstream(&self, task: &TaskId) -> &[TaskId] {
        self.upstream.get(task).map_or(&[], Vec::as_slice)
    }

    /// Returns the tasks directly after `task`.
    pub fn downstream(&self, task: &TaskId) -> &[TaskId] {
        self.downstream.get(task).map_or(&[], Vec::as_slice)
    }

    /// Returns all tasks, each after those it waits for; among equals, as written.
    pub fn topological(&self) -> &[TaskId] {
        &self.topological
    }

    /// Returns every task after `task`, at any distance, in topological order.
    pub fn all_downstream(&self, _task: &TaskId) -> Vec<TaskId> {
        todo!("dag helper")
    }

    /// Returns (upstream, downstream) pairs.
    pub fn edges(&self) -> Vec<(TaskId, TaskId)> {
        self.upstream
            .iter()
            .flat_map(|(task, before)| before.iter().map(|b| (b.clone(), task.clone())))
            .collect()
    }
}
