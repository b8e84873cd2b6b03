//! A DAG's definition: its graph, its facts, its doc.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

use crate::rows;
use crate::screen::missing;
use crate::state::{Slot, State};
use crate::text;
use crate::theme;
use crate::types::DagId;
use crate::types::view::{DagDetailView, TaskView};
use crate::widget::graph::{self, Node};
use crate::widget::paint;

/// Draws the screen.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State, dag_id: &DagId) {
    let Some(dag) = state.cache.dag(dag_id) else {
        let inside = paint::panel(buf, area, dag_id.as_str(), "", true);
        missing(buf, inside, state, &Slot::Dag(dag_id.clone()));
        return;
    };
    let tasks = rows::dag_tasks(state, dag_id);
    let level = state.level();
    let selected = level.cursor(&rows::keys(state, level));
    let (top, bottom) = if area.width >= 120 {
        let [left, right] =
            Layout::horizontal([Constraint::Min(0), Constraint::Length(56)]).areas(area);
        (left, right)
    } else {
        let [top, bottom] =
            Layout::vertical([Constraint::Percentage(50), Constraint::Min(0)]).areas(area);
        (top, bottom)
    };
    let title = format!("{dag_id} · graph of {}", text::count(tasks.len(), "task"));
    let inside = paint::panel(buf, top, &title, "", true);
    let (nodes, edges) = definition_graph(&tasks);
    graph::draw(buf, inside, &nodes, &edges, Some(selected));
    let inside = paint::panel(buf, bottom, "Definition", "", false);
    let lines = facts(state, dag, tasks.get(selected).copied(), usize::from(inside.width));
    paint::put_all(buf, inside, lines, 0);
}

pub(crate) fn definition_graph(tasks: &[&TaskView]) -> (Vec<Node>, Vec<(usize, usize)>) {
    let nodes = tasks
        .iter()
        .map(|task| Node {
            mark: theme::task_mark(None),
            name: task.task_id.to_string(),
            note: String::new(),
            note_width: 0,
        })
        .collect();
    let mut edges = Vec::new();
    for (to, task) in tasks.iter().enumerate() {
        for up in &task.upstream_task_ids {
            edges.extend(tasks[..to].iter().position(|t| t.task_id == *up).map(|from| (from, to)));
        }
    }
    (nodes, edges)
}

fn facts(
    state: &State,
    dag: &DagDetailView,
    task: Option<&TaskView>,
    width: usize,
) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if let Some(task) = task {
        lines.push(paint::line(format!("task {}", task.task_id), theme::BOLD));
        lines.push(paint::pair("operator", &task.operator));
        lines.push(paint::pair("runs when", &task.trigger_rule));
        lines.push(paint::pair("retries", format!("{}   pool {}", task.retries, task.pool)));
        if !task.inlets.is_empty() {
            lines.push(paint::pair("inlets", task.inlets.join(", ")));
        }
        if !task.outlets.is_empty() {
            lines.push(paint::pair("outlets", task.outlets.join(", ")));
        }
        lines.push(Line::default());
    }
    lines.push(paint::line(format!("DAG {}", dag.dag.dag_id), theme::BOLD));
    if let Some(description) = &dag.dag.description {
        lines.extend(
            text::wrap_words(description, width).into_iter().map(|l| paint::line(l, theme::PLAIN)),
        );
    }
    let next = match (dag.dag.is_paused, dag.dag.next_run_after) {
        (true, _) => "paused: p unpauses".to_owned(),
        (false, Some(at)) => format!("next {}", text::until(state.now, at)),
        (false, None) => "no next run by itself".to_owned(),
    };
    lines.push(paint::pair("schedule", format!("{} ({next})", dag.dag.timetable_summary)));
    lines.push(paint::pair(
        "at once",
        format!("{} runs, {} tasks", dag.max_active_runs, dag.max_active_tasks),
    ));
    if !dag.params.is_empty() {
        let params: Vec<String> = dag.params.iter().map(|(k, v)| format!("{k}={v}")).collect();
        lines.push(paint::pair("params", params.join("  ")));
    }
    lines.push(paint::pair("defined", format!("{}:{}", dag.fileloc, dag.line)));
    if dag.dag.recent_runs.is_empty() {
        lines.push(paint::line("No run yet: t triggers one.", theme::ACCENT));
    }
    if let Some(doc) = &dag.doc_md {
        lines.push(Line::default());
        lines.extend(
            text::wrap_words(doc.trim(), width).into_iter().map(|l| paint::line(l, theme::DIM)),
        );
    }
    lines
}
