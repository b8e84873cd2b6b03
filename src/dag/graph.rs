//! The graph of a DAG's tasks.

use std::collections::{BTreeSet, HashSet};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::types::TaskId;

/// Tasks and their edges, without cycles. As JSON it is each task with those before it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Upstream", into = "Upstream")]
pub struct Graph {
    upstream: IndexMap<TaskId, Vec<TaskId>>,
    downstream: IndexMap<TaskId, Vec<TaskId>>,
    topological: Vec<TaskId>,
}

/// Each task with the tasks before it.
type Upstream = IndexMap<TaskId, Vec<TaskId>>;

impl From<Graph> for Upstream {
    fn from(graph: Graph) -> Self {
        graph.upstream
    }
}

impl TryFrom<Upstream> for Graph {
    type Error = Cycle;

    fn try_from(upstream: Upstream) -> Result<Self, Cycle> {
        Self::new(upstream)
    }
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
            for one in before {
                downstream.entry(one.clone()).or_default().push(task.clone());
            }
        }
        let topological = sort(&upstream, &downstream);
        if topological.len() < upstream.len() {
            return Err(circle(&upstream, &topological));
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
        let mut reached: HashSet<&TaskId> = HashSet::new();
        let mut open: Vec<&TaskId> = self.downstream(task).iter().collect();
        while let Some(next) = open.pop() {
            if reached.insert(next) {
                open.extend(self.downstream(next));
            }
        }
        self.topological.iter().filter(|one| reached.contains(one)).cloned().collect()
    }

    /// Returns (upstream, downstream) pairs.
    pub fn edges(&self) -> Vec<(TaskId, TaskId)> {
        self.upstream
            .iter()
            .flat_map(|(task, before)| before.iter().map(|b| (b.clone(), task.clone())))
            .collect()
    }
}

impl std::fmt::Display for Cycle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for task in &self.0 {
            write!(f, "{task} → ")?;
        }
        self.0.first().map_or(Ok(()), |first| write!(f, "{first}"))
    }
}

/// Takes, again and again, the first task as written whose upstream tasks have all been taken;
/// what stands in or after a circle is left out.
fn sort(
    upstream: &IndexMap<TaskId, Vec<TaskId>>,
    downstream: &IndexMap<TaskId, Vec<TaskId>>,
) -> Vec<TaskId> {
    let mut waits_for: Vec<usize> = upstream.values().map(Vec::len).collect();
    let mut ready: BTreeSet<usize> =
        (0..waits_for.len()).filter(|index| waits_for[*index] == 0).collect();
    let mut sorted = Vec::with_capacity(upstream.len());
    while let Some(index) = ready.pop_first() {
        let Some((task, _)) = upstream.get_index(index) else { continue };
        for after in downstream.get(task).map_or(&[][..], Vec::as_slice) {
            let Some(after) = upstream.get_index_of(after) else { continue };
            waits_for[after] -= 1;
            if waits_for[after] == 0 {
                ready.insert(after);
            }
        }
        sorted.push(task.clone());
    }
    sorted
}

/// Finds a circle among the tasks that could not be sorted: each of them has one of them
/// upstream, so walking upstream must come back to where it was.
fn circle(upstream: &IndexMap<TaskId, Vec<TaskId>>, sorted: &[TaskId]) -> Cycle {
    let sorted: HashSet<&TaskId> = sorted.iter().collect();
    let mut walked: Vec<&TaskId> = Vec::new();
    let mut next = upstream.keys().find(|task| !sorted.contains(task));
    while let Some(task) = next {
        if let Some(start) = walked.iter().position(|seen| *seen == task) {
            let mut tasks: Vec<TaskId> = walked[start..].iter().copied().cloned().collect();
            tasks.reverse();
            // Begin with the task that is written first, so that the message is stable.
            let first = (0..tasks.len())
                .min_by_key(|index| upstream.get_index_of(&tasks[*index]))
                .unwrap_or(0);
            tasks.rotate_left(first);
            return Cycle(tasks);
        }
        walked.push(task);
        next =
            upstream.get(task).and_then(|before| before.iter().find(|one| !sorted.contains(one)));
    }
    Cycle(walked.into_iter().cloned().collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn graph(edges: &[(&str, &[&str])]) -> Result<Graph, Cycle> {
        Graph::new(
            edges
                .iter()
                .map(|(task, before)| {
                    (TaskId::from(*task), before.iter().map(|b| TaskId::from(*b)).collect())
                })
                .collect(),
        )
    }

    fn names(tasks: &[TaskId]) -> Vec<&str> {
        tasks.iter().map(TaskId::as_str).collect()
    }

    #[test]
    fn tasks_come_after_those_they_wait_for_and_as_written_among_equals() {
        let graph =
            graph(&[("d", &["b", "c"]), ("c", &["a"]), ("b", &["a"]), ("a", &[]), ("z", &[])])
                .unwrap();
        assert_eq!(names(graph.topological()), ["a", "c", "b", "d", "z"]);
        assert_eq!(names(graph.downstream(&"a".into())), ["c", "b"]);
        assert_eq!(names(graph.upstream(&"d".into())), ["b", "c"]);
        assert_eq!(names(&graph.all_downstream(&"a".into())), ["c", "b", "d"]);
        assert!(graph.all_downstream(&"z".into()).is_empty());
        assert_eq!(graph.edges().len(), 4);
    }

    #[test]
    fn a_circle_is_shown_in_its_order_without_those_that_only_wait_for_it() {
        let cycle = graph(&[
            ("before", &[]),
            ("a", &["before", "c"]),
            ("b", &["a"]),
            ("c", &["b"]),
            ("after", &["c"]),
        ])
        .unwrap_err();
        assert_eq!(names(&cycle.0), ["a", "b", "c"]);
        assert_eq!(cycle.to_string(), "a → b → c → a");
    }

    #[test]
    fn a_task_that_waits_for_itself_is_a_circle_of_one() {
        assert_eq!(graph(&[("a", &["a"])]).unwrap_err().to_string(), "a → a");
    }

    proptest! {
        #[test]
        fn any_acyclic_graph_is_sorted(pairs in proptest::collection::vec((0_usize..12, 0_usize..12), 0..40)) {
            let mut upstream: IndexMap<TaskId, Vec<TaskId>> =
                (0..12).map(|n| (TaskId::new(n.to_string()), Vec::new())).collect();
            for (a, b) in pairs {
                // An edge always goes from the smaller number to the larger one.
                let (before, after) = (a.min(b), a.max(b));
                let before = TaskId::new(before.to_string());
                if after.to_string() != before.as_str() && !upstream[after].contains(&before) {
                    upstream[after].push(before);
                }
            }
            let graph = Graph::new(upstream).unwrap();
            let place = |task: &TaskId| graph.topological().iter().position(|t| t == task);
            prop_assert_eq!(graph.topological().len(), 12);
            for (before, after) in graph.edges() {
                prop_assert!(place(&before) < place(&after));
            }
        }
    }
}
