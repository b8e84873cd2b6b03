//! Puts tasks together to a graph, and reports its circles.

use std::collections::HashSet;

use indexmap::IndexMap;

use crate::dag::check::Context;
use crate::dag::check::task::{Draft, Edge};
use crate::dag::file::Span;
use crate::dag::graph::{Cycle, Graph};
use crate::types::TaskId;

/// Fills `upstream` of every task and builds the graph; `None` where it has a circle.
pub(super) fn connect(context: Context<'_>, drafts: &mut [Draft]) -> Option<Graph> {
    let mut edges = edges(drafts);
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

/// Returns every task with what it waits for and where that is said first.
fn edges(drafts: &[Draft]) -> IndexMap<TaskId, IndexMap<TaskId, Span>> {
    let mut edges: IndexMap<TaskId, IndexMap<TaskId, Span>> = IndexMap::new();
    for draft in drafts {
        let before = edges.entry(draft.spec.task_id.clone()).or_default();
        for Edge { task, span } in &draft.edges {
            before.entry(task.clone()).or_insert(*span);
        }
    }
    for draft in drafts {
        for Edge { task, span } in &draft.targets {
            let Some(before) = edges.get_mut(task) else { continue };
            before.entry(draft.spec.task_id.clone()).or_insert(*span);
        }
    }
    // A task that could not be read is reported already; its edges lead nowhere.
    let known: HashSet<TaskId> = edges.keys().cloned().collect();
    for before in edges.values_mut() {
        before.retain(|task, _| known.contains(task));
    }
    edges
}

fn cut(
    context: Context<'_>,
    edges: &mut IndexMap<TaskId, IndexMap<TaskId, Span>>,
    cycle: &Cycle,
) -> bool {
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
