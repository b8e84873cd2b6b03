//! Puts tasks together to a graph, and reports its circles. An edge of a group stands for edges
//! of its tasks: from its last ones, to its first ones.

use std::cmp::Reverse;

use indexmap::{IndexMap, IndexSet};

use crate::check::Context;
use crate::check::group::Groups;
use crate::check::task::{Draft, Edge};
use crate::file::Span;
use crate::graph::{Cycle, Graph};
use crate::types::TaskId;

/// Each task with what it waits for and where that is said first.
type Edges = IndexMap<TaskId, IndexMap<TaskId, Span>>;

/// Fills `upstream` of every task and builds the graph; `None` where it has a circle.
pub(super) fn connect(
    context: Context<'_>,
    drafts: &mut [Draft],
    groups: &Groups,
) -> Option<Graph> {
    let mut edges = edges(drafts, groups);
    let mut is_clean = true;
    loop {
        let upstream = edges
            .iter()
            .map(|(task, before)| (task.clone(), before.keys().cloned().collect()))
            .collect();
        match Graph::new(upstream) {
            Ok(graph) if is_clean => {
                for draft in drafts {
                    draft.spec.upstream = graph.upstream(&draft.spec.task_id).to_vec();
                }
                return Some(graph);
            }
            Ok(_) => return None,
            Err(cycle) => {
                is_clean = false;
                // Without the edge that closes this circle, the next one can be found.
                if !cut(context, &mut edges, &cycle) {
                    return None;
                }
            }
        }
    }
}

/// An edge as it is said; each end is a task or a group.
struct Said {
    before: TaskId,
    after: TaskId,
    span: Span,
}

fn edges(drafts: &[Draft], groups: &Groups) -> Edges {
    let mut edges: Edges =
        drafts.iter().map(|draft| (draft.spec.task_id.clone(), IndexMap::new())).collect();
    let said = |before: &TaskId, after: &TaskId, span| Said {
        before: before.clone(),
        after: after.clone(),
        span,
    };
    let mut all = Vec::new();
    for draft in drafts {
        let own = &draft.spec.task_id;
        all.extend(draft.edges.iter().map(|Edge { task, span }| said(task, own, *span)));
        all.extend(draft.setups.iter().map(|Edge { task, span }| said(task, own, *span)));
    }
    for draft in drafts {
        let own = &draft.spec.task_id;
        all.extend(draft.targets.iter().map(|Edge { task, span }| said(own, task, *span)));
    }
    for (group, Edge { task, span }) in &groups.edges {
        all.push(said(task, &TaskId::from(group.as_str()), *span));
    }
    let by_id = drafts.iter().map(|draft| (&draft.spec.task_id, draft)).collect();
    let is_group = |end: &TaskId| groups.specs.contains_key(end.as_str());
    let (mut of_groups, plain): (Vec<Said>, Vec<Said>) =
        all.into_iter().partition(|said| is_group(&said.before) || is_group(&said.after));
    for said in plain {
        insert(&mut edges, said);
    }
    // What stands inside a group comes before what leads to it: its first and last tasks are
    // known only then.
    let depth = |end: &TaskId| is_group(end).then(|| groups.depth(end.as_str()));
    of_groups.sort_by_key(|said| {
        Reverse([&said.before, &said.after].into_iter().filter_map(depth).min())
    });
    for Said { before, after, span } in of_groups {
        let members = Members { drafts: &by_id, groups, edges: &edges };
        let last = if is_group(&before) { members.last(&before) } else { vec![before] };
        let first = if is_group(&after) { members.first(&after) } else { vec![after] };
        for before in &last {
            for after in &first {
                insert(&mut edges, said(before, after, span));
            }
        }
    }
    edges
}

/// A task that could not be read is reported already; its edges lead nowhere.
fn insert(edges: &mut Edges, said: Said) {
    if edges.contains_key(&said.before)
        && let Some(before) = edges.get_mut(&said.after)
    {
        before.entry(said.before).or_insert(said.span);
    }
}

/// Finds the first and the last tasks of groups.
struct Members<'a> {
    drafts: &'a IndexMap<&'a TaskId, &'a Draft>,
    groups: &'a Groups,
    edges: &'a Edges,
}

impl<'a> Members<'a> {
    fn of(&self, group: &TaskId) -> IndexSet<&'a TaskId> {
        let drafts = self.drafts.values();
        let inside = drafts
            .filter(|draft| self.groups.holds(group.as_str(), draft.spec.flow.group.as_ref()));
        inside.map(|draft| &draft.spec.task_id).collect()
    }

    fn before(&self, task: &TaskId) -> impl Iterator<Item = &'a TaskId> {
        self.edges.get(task).into_iter().flat_map(|before| before.keys())
    }

    /// Returns the tasks that wait for no other of the group.
    fn first(&self, group: &TaskId) -> Vec<TaskId> {
        let members = self.of(group);
        let waits = |task: &TaskId| self.before(task).any(|before| members.contains(before));
        members.iter().filter(|task| !waits(task)).map(|task| (*task).clone()).collect()
    }

    /// Returns the tasks that no other of the group waits for. As in Airflow teardowns do not
    /// count: the task before one stands for it, unless that is the setup.
    fn last(&self, group: &TaskId) -> Vec<TaskId> {
        let members = self.of(group);
        let flow = |task: &TaskId| self.drafts.get(task).map(|draft| &draft.spec.flow);
        let is_teardown = |task: &TaskId| flow(task).is_some_and(|flow| flow.teardown.is_some());
        let is_setup = |task: &TaskId| flow(task).is_some_and(|flow| flow.is_setup);
        let waited_for: IndexSet<&TaskId> = members
            .iter()
            .filter(|task| !is_teardown(task))
            .flat_map(|task| self.before(task))
            .collect();
        let mut found: IndexSet<&TaskId> = IndexSet::new();
        let ends = members.iter().copied().filter(|task| !waited_for.contains(task));
        let mut open: Vec<&TaskId> = ends.collect();
        let mut seen: IndexSet<&TaskId> = IndexSet::new();
        open.reverse();
        while let Some(task) = open.pop() {
            if !seen.insert(task) {
                continue;
            }
            if is_teardown(task) {
                let before = self.before(task).filter(|b| members.contains(b) && !is_setup(b));
                open.extend(before);
            } else {
                found.insert(task);
            }
        }
        found.into_iter().cloned().collect()
    }
}

fn cut(context: Context<'_>, edges: &mut Edges, cycle: &Cycle) -> bool {
    let closing = cycle.0.first().zip(cycle.0.last());
    let removed = closing.and_then(|(first, last)| edges.get_mut(first)?.shift_remove(last));
    if let Some(span) = removed {
        let help = "a task runs after all that it depends on: take one of these edges out, \
                    also those that `output.…` in templates makes"
            .to_owned();
        let message = format!("tasks wait for each other: {cycle}");
        context.report.error(span, "cycle", message, help);
    }
    removed.is_some()
}
