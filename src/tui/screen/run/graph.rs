//! The graph of a run: the whole of it where it is small, else what is near the selection, below
//! the states of all its tasks as a strip, and above many thousands as a map of levels.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::rows;
use crate::rows::run::{RunRow, What};
use crate::screen::run::{cell, heat};
use crate::state::State;
use crate::state::graph::{Plan, Spot};
use crate::state::run::{RowId, RunIndex, SMALL};
use crate::text;
use crate::theme;
use crate::types::TaskInstanceState;
use crate::widget::graph::{self, Look, Node};
use crate::widget::paint;

/// Cells of the map of where in the run the graph is.
const MINIMAP: usize = 16;

/// Returns the room for the nodes below the strip and the map.
pub(crate) fn room(area: Rect, index: &RunIndex) -> Rect {
    let above = above(area, index);
    Rect { y: area.y + above, height: area.height.saturating_sub(above), ..area }
}

/// Rows above the nodes: none of a small run, a strip of a larger one, a map of a huge one.
fn above(area: Rect, index: &RunIndex) -> u16 {
    if index.tasks.len() <= SMALL * 2 || area.height < 8 {
        return 0;
    }
    1 + heat::rows(index, area.height)
}

/// Draws the pane.
pub(super) fn draw(buf: &mut Buffer, area: Rect, state: &State, focused: bool) {
    let Some((_, index)) = rows::run::shown(state) else { return };
    let seen = state.graph.seen();
    let inside = paint::panel(buf, area, &title(state), "", focused);
    let room = room(inside, index);
    if room.y > inside.y {
        let strip: Vec<Option<TaskInstanceState>> =
            index.tasks.iter().map(|task| task.counts.worst()).collect();
        let cells = usize::from(inside.width).min(strip.len());
        paint::put(buf, inside, 0, Line::from(cell::heat(&strip, cells)));
        let map = Rect { y: inside.y + 1, height: room.y - inside.y - 1, ..inside };
        heat::draw(buf, map, state, index);
    }
    let Some((plan, laid)) = seen else {
        if !room.is_empty() {
            paint::empty(buf, room, "The graph is being laid out", "");
        }
        return;
    };
    let nodes = nodes(state, plan);
    let selected = rows::run::selected(state).and_then(|row| state.graph.place(index, row.id));
    let is_on_path = |spot: &Spot| match spot {
        Spot::Task(at) => index.path.critical.get(*at as usize) == Some(&true),
        Spot::Group(_) | Spot::More { .. } => tasks(index, *spot)
            .iter()
            .any(|at| index.path.critical.get(*at as usize) == Some(&true)),
    };
    let path: Vec<bool> = match state.graph.is_critical {
        true => plan.nodes.iter().map(is_on_path).collect(),
        false => Vec::new(),
    };
    let look = Look { selected, path: &path };
    let drawn = graph::draw_laid(buf, room, &nodes, &plan.edges, laid, look);
    if drawn.len() < index.tasks.len() {
        let map = minimap(index, plan, &drawn);
        let line = Rect { y: area.bottom().saturating_sub(1), height: 1, x: area.x + 2, ..area };
        let line = Rect { width: area.width.saturating_sub(4), ..line };
        paint::put(buf, line, 0, map);
    }
}

fn title(state: &State) -> String {
    let Some((plan, _)) = state.graph.seen() else { return "Graph".to_owned() };
    let drawn = plan.nodes.iter().filter(|spot| !matches!(spot, Spot::More { .. })).count();
    let critical = if state.graph.is_critical { " · critical path" } else { "" };
    match plan.hops {
        None => format!("Graph · {}{critical}", text::count(plan.total, "node")),
        Some(hops) => {
            format!("Graph · ±{hops} hops · {drawn} of {} nodes{critical}", plan.total)
        }
    }
}

/// Shows which part of the run, in its order, is drawn.
fn minimap(index: &RunIndex, plan: &Plan, drawn: &[usize]) -> Line<'static> {
    let mut cells = [(false, false); MINIMAP];
    let place = |task: u32| (task as usize * MINIMAP / index.tasks.len().max(1)).min(MINIMAP - 1);
    for spot in drawn.iter().filter_map(|at| plan.nodes.get(*at)) {
        for task in tasks(index, *spot) {
            cells[place(*task)].0 = true;
        }
    }
    for (task, at) in index.tasks.iter().zip(0..) {
        cells[place(at)].1 |= task.counts.of(Some(TaskInstanceState::Failed)) > 0;
    }
    let mut spans = vec![Span::styled(" ", theme::DIM)];
    for (is_drawn, has_failed) in cells {
        spans.push(match (is_drawn, has_failed) {
            (_, true) => Span::styled("✗", theme::BAD),
            (true, false) => Span::styled("█", theme::ACCENT),
            (false, false) => Span::styled("░", theme::DIM),
        });
    }
    spans.push(Span::styled(" ", theme::DIM));
    Line::from(spans)
}

fn tasks(index: &RunIndex, spot: Spot) -> &[u32] {
    match spot {
        Spot::Group(at) => index.tasks_of(RowId::Group(at)),
        Spot::Task(at) => index.tasks_of(RowId::Task(at)),
        Spot::More { .. } => &[],
    }
}

/// Makes the nodes of a plan as their states are now.
pub(crate) fn nodes(state: &State, plan: &Plan) -> Vec<Node> {
    let Some((run, index)) = rows::run::shown(state) else { return Vec::new() };
    let node = |spot: &Spot| {
        let id = match spot {
            Spot::Group(at) => RowId::Group(*at),
            Spot::Task(at) => RowId::Task(*at),
            Spot::More { count, is_down, .. } => return more(*count, *is_down),
        };
        RunRow::new(run, index, id).map_or_else(|| more(0, true), |row| of_row(state, &row))
    };
    plan.nodes.iter().map(node).collect()
}

/// A mapped task and a group are one node each, in the state that matters most.
fn of_row(state: &State, row: &RunRow<'_>) -> Node {
    let name = row.name(false);
    let mark = |worst| theme::task_mark(worst);
    match row.what {
        What::Task(task) => {
            Node { mark: mark(task.state), name, note: cell::task_took(state, task), note_width: 6 }
        }
        What::Mapped(_) => Node {
            mark: mark(row.index.counts_of(row.id).worst()),
            name: format!("{name}[{}]", row.tasks().count()),
            note: String::new(),
            note_width: 0,
        },
        What::Group(_) => Node {
            mark: mark(row.index.counts_of(row.id).worst()),
            name: format!("{name} ({})", row.index.tasks_of(row.id).len()),
            note: String::new(),
            note_width: 0,
        },
    }
}

fn more(count: u32, is_down: bool) -> Node {
    let glyph = if is_down { "▸" } else { "◂" };
    let mark = theme::Mark { glyph, word: "more", style: theme::DIM };
    Node { mark, name: format!("+{count}"), note: String::new(), note_width: 0 }
}
