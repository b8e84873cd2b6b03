//! How a task stands among the others beyond its upstream: its group, what it is mapped over,
//! setup and teardown, what it waits for in the run before, and its own limits.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::mapping::Expand;
use crate::plan::Plan;
use crate::spec::Dag;
use crate::types::{GroupId, TaskId};

/// How a task stands among the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    pub group: Option<GroupId>,
    /// Its own; a mapped group maps its tasks too.
    pub expand: Option<Expand>,
    /// Instances of it in flight at once, over all runs.
    pub max_active_tis_per_dag: Option<u32>,
    /// Instances of it in flight at once in each run.
    pub max_active_tis_per_dagrun: Option<u32>,
    pub is_setup: bool,
    pub teardown: Option<Teardown>,
    pub depends_on_past: bool,
    pub wait_for_downstream: bool,
    pub ignore_first_depends_on_past: bool,
    /// A template: where it gives a falsehood, the task is skipped.
    pub run_if: Option<String>,
}

/// What a teardown adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Teardown {
    /// Whether its failure fails the run.
    pub on_failure_fail_dagrun: bool,
}

/// A group of tasks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupSpec {
    pub group_id: GroupId,
    pub parent: Option<GroupId>,
    pub tooltip: Option<String>,
    pub expand: Option<Expand>,
    /// From 1.
    pub line: usize,
}

impl Default for Flow {
    fn default() -> Self {
        Self {
            group: None,
            expand: None,
            max_active_tis_per_dag: None,
            max_active_tis_per_dagrun: None,
            is_setup: false,
            teardown: None,
            depends_on_past: false,
            wait_for_downstream: false,
            // As Airflow's default.
            ignore_first_depends_on_past: true,
            run_if: None,
        }
    }
}

impl Flow {
    /// Says whether it waits for the run before.
    pub const fn looks_back(&self) -> bool {
        self.depends_on_past || self.wait_for_downstream
    }

    /// Says whether it is a teardown whose end the run does not look at.
    pub fn is_ignored_teardown(&self) -> bool {
        self.teardown.is_some_and(|teardown| !teardown.on_failure_fail_dagrun)
    }
}

/// Returns a group and those around it, the inner one first. Ends also where groups stand in a
/// circle, which the check reports.
pub fn ancestry<'g>(
    groups: &'g IndexMap<GroupId, GroupSpec>,
    group: Option<&'g GroupId>,
) -> impl Iterator<Item = &'g GroupSpec> {
    let first = group.and_then(|group| groups.get(group));
    std::iter::successors(first, |inner| groups.get(inner.parent.as_ref()?)).take(groups.len())
}

impl Dag {
    /// Returns what a task is mapped over: itself, or with the group it stands in.
    pub fn mapping(&self, task: &TaskId) -> Option<&Expand> {
        let own = self.tasks.get(task)?.flow.expand.as_ref();
        own.or_else(|| self.groups.get(self.plan.mapped_group(task)?)?.expand.as_ref())
    }

    /// Says whether each instance of `downstream` waits only for that of `upstream` with its own
    /// map index: both stand in one mapped group.
    pub fn is_parallel(&self, upstream: &TaskId, downstream: &TaskId) -> bool {
        let group = self.plan.mapped_group(upstream);
        group.is_some() && group == self.plan.mapped_group(downstream)
    }

    /// Returns the tasks that a branch means: a group stands for its first tasks.
    pub fn chosen(&self, ids: &[TaskId]) -> Vec<TaskId> {
        let mut found = Vec::new();
        for id in ids {
            match self.plan.group_roots(id.as_str()) {
                Some(roots) if !self.tasks.contains_key(id) => found.extend_from_slice(roots),
                _ => found.push(id.clone()),
            }
        }
        found
    }

    /// Works out what follows from tasks, groups and graph; to be done when these are whole.
    pub fn with_plan(mut self) -> Self {
        self.plan = Plan::of(&self);
        self
    }
}
