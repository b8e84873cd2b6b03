//! A DAG's definition: its graph, the selected task, its schedule in words, params, doc. Where the
//! room is short the parts below the graph are turned over by tab.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

use crate::keymap::with_keys;
use crate::rows;
use crate::screen::missing;
use crate::state::{Pane, Slot, State};
use crate::text;
use crate::theme;
use crate::types::DagId;
use crate::types::view::{DagDetailView, TaskView};
use crate::view;
use crate::widget::graph::{self, Node, Sketch};
use crate::widget::paint;

mod facts;

/// From so many columns on all parts are seen at once.
const BESIDE_WIDTH: u16 = 140;

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
    let task = tasks.get(selected).copied();
    let [top, below, right] = areas(area);
    if !right.is_empty() {
        draw_graph(buf, top, state, dag, &tasks, selected);
        draw_text(buf, below, "Task", "", |width| facts::task(task, width), 0);
        let whole = |width| {
            let mut lines = facts::definition(state, dag, width);
            lines.push(Line::default());
            lines.extend(facts::params(dag, width));
            lines.push(Line::default());
            lines.extend(facts::doc(dag, width));
            lines
        };
        let note = with_keys!(state, "{} {} scroll", HalfDown, HalfUp);
        draw_text(buf, right, "Definition", &note, whole, level.scroll);
        return;
    }
    draw_graph(buf, top, state, dag, &tasks, selected);
    let names = ["Definition", "Params", "Doc"];
    let open = match level.pane {
        Pane::Tasks => 0,
        Pane::Graph => 1,
        Pane::Log => 2,
    };
    let tab = |(at, name): (usize, &&str)| match at == open {
        true => format!("[{name}]"),
        false => format!(" {name} "),
    };
    let title: Vec<String> = names.iter().enumerate().map(tab).collect();
    let lines = |width| match open {
        0 => {
            let mut lines = facts::definition(state, dag, width);
            lines.push(Line::default());
            lines.extend(facts::task(task, width));
            lines
        }
        1 => facts::params(dag, width),
        _ => facts::doc(dag, width),
    };
    let note = with_keys!(state, "{} turns over · {} {} scroll", NextPane, HalfDown, HalfUp);
    draw_text(buf, below, &title.join(""), &note, lines, level.scroll);
}

/// Returns where the graph, what is below it and what is at the right of both stand.
fn areas(area: Rect) -> [Rect; 3] {
    if area.width < BESIDE_WIDTH {
        let [top, below] =
            Layout::vertical([Constraint::Percentage(45), Constraint::Min(0)]).areas(area);
        return [top, below, Rect::default()];
    }
    let [left, right] =
        Layout::horizontal([Constraint::Min(0), Constraint::Length(72)]).areas(area);
    let [top, below] = Layout::vertical([Constraint::Min(0), Constraint::Length(12)]).areas(left);
    [top, below, right]
}

/// Returns the graph that is drawn, with the room that it has.
pub(crate) fn sketch(state: &State, dag_id: &DagId) -> Option<(Sketch, Rect)> {
    let tasks = rows::dag_tasks(state, dag_id);
    let [top, ..] = areas(view::body(state, state.size));
    (!tasks.is_empty()).then(|| (definition_graph(&tasks), paint::inside(top)))
}

fn draw_graph(
    buf: &mut Buffer,
    area: Rect,
    state: &State,
    dag: &DagDetailView,
    tasks: &[&TaskView],
    selected: usize,
) {
    let version = dag.dag_version_number.map(|n| format!(" · v{n}")).unwrap_or_default();
    let count = text::count(tasks.len(), "task");
    let title = format!("{} · graph of {count}{version}", dag.dag.dag_id);
    let note = match state.size.width {
        ..100 => String::new(),
        _ => with_keys!(
            state,
            "{} trigger · {} versions · {} backfills",
            Trigger,
            Versions,
            Backfills
        ),
    };
    let inside = paint::panel(buf, area, &title, &note, true);
    let sketch = definition_graph(tasks);
    graph::draw(buf, inside, &sketch, state.graph.sketched(sketch.shape()), Some(selected));
}

fn draw_text(
    buf: &mut Buffer,
    area: Rect,
    title: &str,
    note: &str,
    lines: impl FnOnce(usize) -> Vec<Line<'static>>,
    scroll: usize,
) {
    let inside = paint::panel(buf, area, title, note, false);
    let lines = lines(usize::from(inside.width));
    let last = lines.len().saturating_sub(usize::from(inside.height));
    paint::put_all(buf, inside, lines, scroll.min(last));
}

/// Makes the graph of a definition.
pub(crate) fn definition_graph(tasks: &[&TaskView]) -> Sketch {
    let node = |task: &&TaskView| Node {
        mark: theme::task_mark(None),
        name: task.task_id.to_string(),
        note: if task.place.is_mapped { "[ ]".to_owned() } else { String::new() },
        note_width: if task.place.is_mapped { 3 } else { 0 },
    };
    let mut edges = Vec::new();
    for (to, task) in tasks.iter().enumerate() {
        for up in &task.upstream_task_ids {
            edges.extend(tasks[..to].iter().position(|t| t.task_id == *up).map(|from| (from, to)));
        }
    }
    Sketch { nodes: tasks.iter().map(node).collect(), edges }
}
