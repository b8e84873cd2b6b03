//! `dags graph` and `dags grid`: a DAG's graph in several notations, and its last runs side by
//! side. Both are made of what the deck is made of.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use crate::cli::args::GraphFormat;
use crate::cli::output::table;
use crate::tui::{GraphNode, draw_graph, state_mark};
use crate::types::grid::{GridTask, GridView};
use crate::types::view::{DagDetailView, RunDetailView, TaskPlace};
use crate::types::{DagId, DagRunId, DagRunState, GroupId, TaskId, TaskInstanceState};

/// Columns of a drawing, which is wider where it must be.
const WIDTH: u16 = 120;

/// A graph, of a definition or of a run.
#[derive(Debug, Serialize)]
pub struct Graph {
    dag_id: DagId,
    #[serde(skip_serializing_if = "Option::is_none")]
    dag_run_id: Option<DagRunId>,
    /// In topological order.
    nodes: Vec<GraphTask>,
    /// (upstream, downstream).
    edges: Vec<(TaskId, TaskId)>,
    groups: Vec<GraphGroup>,
}

#[derive(Debug, Serialize)]
struct GraphTask {
    task_id: TaskId,
    operator: String,
    #[serde(flatten)]
    place: TaskPlace,
    /// In the run, of a mapped task the state that matters most.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<Option<TaskInstanceState>>,
    /// Its instances in the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    instances: Option<usize>,
}

#[derive(Debug, Serialize)]
struct GraphGroup {
    group_id: GroupId,
    parent: Option<GroupId>,
}

impl Graph {
    /// The graph of a definition.
    pub fn of_dag(dag: &DagDetailView) -> Self {
        let node = |task: &crate::types::view::TaskView| GraphTask {
            task_id: task.task_id.clone(),
            operator: task.operator.clone(),
            place: task.place.clone(),
            state: None,
            instances: None,
        };
        let edges = dag.tasks.iter().flat_map(|task| {
            task.upstream_task_ids.iter().map(|up| (up.clone(), task.task_id.clone()))
        });
        let groups = dag.groups.iter();
        Self {
            dag_id: dag.dag.dag_id.clone(),
            dag_run_id: None,
            nodes: dag.tasks.iter().map(node).collect(),
            edges: edges.collect(),
            groups: groups
                .map(|group| GraphGroup {
                    group_id: group.group_id.clone(),
                    parent: group.parent.clone(),
                })
                .collect(),
        }
    }

    /// The graph that a run runs, with the states of its tasks.
    pub fn of_run(detail: &RunDetailView) -> Self {
        let mut nodes: Vec<GraphTask> = Vec::new();
        let mut places: HashMap<&TaskId, usize> = HashMap::new();
        for task in &detail.tasks {
            let at = *places.entry(&task.key.task_id).or_insert_with(|| {
                nodes.push(GraphTask {
                    task_id: task.key.task_id.clone(),
                    operator: task.operator.clone(),
                    place: detail.places.get(&task.key.task_id).cloned().unwrap_or_default(),
                    state: None,
                    instances: Some(0),
                });
                nodes.len() - 1
            });
            let node = &mut nodes[at];
            node.instances = node.instances.map(|count| count + 1);
            let is_worse = |other: Option<TaskInstanceState>| {
                TaskInstanceState::weight(task.state) < TaskInstanceState::weight(other)
            };
            if node.state.is_none_or(is_worse) {
                node.state = Some(task.state);
            }
        }
        let groups = detail.groups.iter();
        Self {
            dag_id: detail.run.dag_id.clone(),
            dag_run_id: Some(detail.run.dag_run_id.clone()),
            nodes,
            edges: detail.edges.clone(),
            groups: groups
                .map(|group| GraphGroup {
                    group_id: group.group_id.clone(),
                    parent: group.parent.clone(),
                })
                .collect(),
        }
    }

    /// Writes it in a notation.
    pub fn written(&self, format: GraphFormat) -> String {
        match format {
            GraphFormat::Ascii => self.drawn(),
            GraphFormat::Dot => self.dot(),
            GraphFormat::Mermaid => self.mermaid(),
            GraphFormat::Json => serde_json::to_string_pretty(self).unwrap_or_default(),
        }
    }

    fn label(node: &GraphTask) -> String {
        match node.instances {
            Some(count) if node.place.is_mapped => format!("{}[{count}]", node.task_id),
            _ => node.task_id.to_string(),
        }
    }

    /// The nodes by their places, and the edges between those.
    fn indexed(&self) -> Vec<(usize, usize)> {
        let places: HashMap<&TaskId, usize> =
            self.nodes.iter().map(|node| &node.task_id).zip(0..).collect();
        let edge = |(from, to): &(TaskId, TaskId)| Some((*places.get(from)?, *places.get(to)?));
        self.edges.iter().filter_map(edge).collect()
    }

    fn drawn(&self) -> String {
        let node = |node: &GraphTask| GraphNode { name: Self::label(node), state: node.state };
        let nodes: Vec<GraphNode> = self.nodes.iter().map(node).collect();
        let too_large = || {
            format!("{} tasks are too many to be drawn: --format dot, mermaid or json", nodes.len())
        };
        draw_graph(&nodes, &self.indexed(), WIDTH).unwrap_or_else(too_large)
    }

    fn dot(&self) -> String {
        let mut lines = vec![
            format!("digraph {} {{", dot_quoted(self.dag_id.as_str())),
            "  rankdir=LR;".to_owned(),
            "  node [shape=box, style=rounded];".to_owned(),
        ];
        self.in_groups(None, 1, &mut lines, &|lines, indent, node| {
            let state = node.state.map(|state| format!(", color={}", dot_colour(state)));
            lines.push(format!(
                "{indent}{} [label={}{}];",
                dot_quoted(node.task_id.as_str()),
                dot_quoted(&Self::label(node)),
                state.unwrap_or_default()
            ));
        });
        for (from, to) in &self.edges {
            lines.push(format!("  {} -> {};", dot_quoted(from.as_str()), dot_quoted(to.as_str())));
        }
        lines.push("}".to_owned());
        lines.join("\n")
    }

    /// Adds the nodes of a group, and the groups in it, each within its braces.
    fn in_groups(
        &self,
        group: Option<&GroupId>,
        depth: usize,
        lines: &mut Vec<String>,
        node: &dyn Fn(&mut Vec<String>, &str, &GraphTask),
    ) {
        let indent = "  ".repeat(depth);
        for one in self.nodes.iter().filter(|one| one.place.group_id.as_ref() == group) {
            node(lines, &indent, one);
        }
        // A circle of groups is refused where they are parsed.
        for inner in self.groups.iter().filter(|one| one.parent.as_ref() == group && depth < 32) {
            let name = dot_quoted(&format!("cluster_{}", inner.group_id));
            lines.push(format!("{indent}subgraph {name} {{"));
            lines.push(format!("{indent}  label={};", dot_quoted(inner.group_id.as_str())));
            self.in_groups(Some(&inner.group_id), depth + 1, lines, node);
            lines.push(format!("{indent}}}"));
        }
    }

    fn mermaid(&self) -> String {
        let places: BTreeMap<&TaskId, usize> =
            self.nodes.iter().map(|node| &node.task_id).zip(0..).collect();
        let mut lines = vec!["flowchart LR".to_owned()];
        self.mermaid_group(None, 1, &places, &mut lines);
        for (from, to) in self.indexed() {
            lines.push(format!("  n{from} --> n{to}"));
        }
        lines.join("\n")
    }

    fn mermaid_group(
        &self,
        group: Option<&GroupId>,
        depth: usize,
        places: &BTreeMap<&TaskId, usize>,
        lines: &mut Vec<String>,
    ) {
        let indent = "  ".repeat(depth);
        for one in self.nodes.iter().filter(|one| one.place.group_id.as_ref() == group) {
            let at = places.get(&one.task_id).copied().unwrap_or(0);
            let state = one.state.map(|state| format!("{} ", state_mark(state).0));
            let label = mermaid_label(&Self::label(one));
            lines.push(format!("{indent}n{at}[\"{}{label}\"]", state.unwrap_or_default()));
        }
        for (at, inner) in self.groups.iter().enumerate() {
            if inner.parent.as_ref() != group || depth > 32 {
                continue;
            }
            let label = mermaid_label(inner.group_id.as_str());
            lines.push(format!("{indent}subgraph g{at}[\"{label}\"]"));
            self.mermaid_group(Some(&inner.group_id), depth + 1, places, lines);
            lines.push(format!("{indent}end"));
        }
    }
}

/// Writes a text as Graphviz reads it, within its quotes.
pub(in crate::cli) fn dot_quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Writes a text as Mermaid reads it between quotes.
pub(in crate::cli) fn mermaid_label(text: &str) -> String {
    text.replace('"', "#quot;")
}

fn dot_colour(state: Option<TaskInstanceState>) -> &'static str {
    use TaskInstanceState as S;
    match state {
        Some(S::Success) => "forestgreen",
        Some(S::Failed) => "red",
        Some(S::UpstreamFailed) => "orchid",
        Some(S::Running | S::Restarting) => "royalblue",
        Some(S::UpForRetry | S::UpForReschedule | S::Deferred) => "orange",
        Some(S::Skipped | S::Removed) => "gray",
        Some(S::Queued | S::Scheduled) | None => "black",
    }
}

/// Draws the last runs side by side, newest right.
pub fn grid(grid: &GridView) -> String {
    if grid.runs.is_empty() {
        return "no runs: `dagdeck trigger DAG` makes one".to_owned();
    }
    let heads: String = grid.runs.iter().map(|run| run_glyph(run.state)).collect();
    let row = |task: &GridTask| {
        let cell = |code| match code {
            ' ' => " ",
            code => state_mark(TaskInstanceState::from_code(code)).0,
        };
        vec![
            task.task_id.to_string(),
            task.states.chars().map(cell).collect(),
            task.median_duration.map_or_else(|| "-".to_owned(), crate::cli::output::duration),
        ]
    };
    let mut text = table(&["TASK", &heads, "MEDIAN"], grid.tasks.iter().map(row), "no tasks");
    if let (Some(first), Some(last)) = (grid.runs.first(), grid.runs.last()) {
        text.push_str(&format!("\n{} … {}", first.dag_run_id, last.dag_run_id));
    }
    text
}

fn run_glyph(state: DagRunState) -> &'static str {
    match state {
        DagRunState::Queued => state_mark(Some(TaskInstanceState::Queued)).0,
        DagRunState::Running => state_mark(Some(TaskInstanceState::Running)).0,
        DagRunState::Success => state_mark(Some(TaskInstanceState::Success)).0,
        DagRunState::Failed => state_mark(Some(TaskInstanceState::Failed)).0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph() -> Graph {
        let node = |id: &str, group: Option<&str>| GraphTask {
            task_id: id.into(),
            operator: "python".into(),
            place: TaskPlace { group_id: group.map(Into::into), ..TaskPlace::default() },
            state: Some(Some(TaskInstanceState::Success)),
            instances: Some(1),
        };
        Graph {
            dag_id: "etl".into(),
            dag_run_id: None,
            nodes: vec![node("extract", None), node("load.write", Some("load"))],
            edges: vec![("extract".into(), "load.write".into())],
            groups: vec![GraphGroup { group_id: "load".into(), parent: None }],
        }
    }

    #[test]
    fn a_graph_is_written_in_each_notation_with_its_groups() {
        let graph = graph();
        assert_eq!(graph.written(GraphFormat::Ascii), "✓ extract ─── ✓ load.write");
        let dot = graph.written(GraphFormat::Dot);
        assert!(dot.contains("subgraph \"cluster_load\""), "{dot}");
        assert!(dot.contains("\"extract\" -> \"load.write\";"), "{dot}");
        let mermaid = graph.written(GraphFormat::Mermaid);
        assert!(
            mermaid.contains("subgraph g0[\"load\"]\n    n1[\"✓ load.write\"]\n  end"),
            "{mermaid}"
        );
        assert!(mermaid.ends_with("n0 --> n1"), "{mermaid}");
        let json: serde_json::Value =
            serde_json::from_str(&graph.written(GraphFormat::Json)).unwrap();
        assert_eq!(json["nodes"][1]["group_id"], "load");
    }
}
