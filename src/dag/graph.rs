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
    pub fn new(upstream: IndexMap<TaskId, Vec<TaskId>>) -> Result<Self, Cycle> {
        let mut downstream: IndexMap<TaskId, Vec<TaskId>> =
            upstream.keys().map(|task| (task.clone(), Vec::new())).collect();
        for (task, before) in &upstream {
            for b in before {
                if let Some(after) = downstream.get_mut(b) {
                    after.push(task.clone());
                }
            }
        }
        let mut waits: Vec<usize> = upstream.values().map(Vec::len).collect();
        let mut ready: std::collections::BTreeSet<usize> =
            (0..waits.len()).filter(|i| waits[*i] == 0).collect();
        let mut topological = Vec::new();
        while let Some(i) = ready.pop_first() {
            let Some((task, _)) = upstream.get_index(i) else { continue };
            topological.push(task.clone());
            for d in downstream.get(task).into_iter().flatten() {
                if let Some(j) = upstream.get_index_of(d) {
                    waits[j] -= 1;
                    if waits[j] == 0 {
                        ready.insert(j);
                    }
                }
            }
        }
        if topological.len() < upstream.len() {
            return Err(Cycle(Vec::new()));
        }
        Ok(Self { upstream, downstream, topological })
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
    pub fn all_downstream(&self, task: &TaskId) -> Vec<TaskId> {
        let mut seen = std::collections::BTreeSet::new();
        let mut left = vec![task.clone()];
        while let Some(t) = left.pop() {
            for d in self.downstream(&t) {
                if seen.insert(d.clone()) {
                    left.push(d.clone());
                }
            }
        }
        self.topological.iter().filter(|t| seen.contains(*t)).cloned().collect()
    }

    /// Returns (upstream, downstream) pairs.
    pub fn edges(&self) -> Vec<(TaskId, TaskId)> {
        self.upstream
            .iter()
            .flat_map(|(task, before)| before.iter().map(|b| (b.clone(), task.clone())))
            .collect()
    }
}
