//! A run: its tasks, its graph drawn live, the followed log. One selection, three views of it.
//!
//! Below 120 columns one pane at a time, the tasks with the end of the log below them; from 120 the
//! tasks over the task's details, beside them the graph, as high as it needs, over the log.

use std::collections::HashMap;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::hit::{self, Target};
use crate::rows;
use crate::rows::run::{What, weight};
use crate::screen::{details, log, missing};
use crate::state::{Pane, Screen, Slot, State};
use crate::text;
use crate::theme;
use crate::types::run::{DagRunKey, TaskInstance};
use crate::types::view::RunDetailView;
use crate::types::{DagRunState, TaskId};
use crate::view;
use crate::widget::graph::{self, Node};
use crate::widget::paint;

pub(crate) mod tasks;

/// What the list of tasks has beside its rows: frame, history, titles, counts.
const LIST_FRAME: usize = 5;
/// The least height at which the log, and the task's details, are worth their room.
const LOG_MIN: u16 = 6;
const DETAILS_MIN: u16 = 10;

/// Where the panes are; an empty one is not shown.
#[derive(Debug, Clone, Copy, Default)]
struct Panes {
    tasks: Rect,
    graph: Rect,
    log: Rect,
    details: Rect,
}

/// Says whether the task's details have a pane of their own.
pub(crate) fn shows_details(state: &State) -> bool {
    matches!(state.level().screen, Screen::Run(_))
        && !panes(state, rest(view::body(state, state.size))).details.is_empty()
}

/// Returns where the log is; empty where it is not shown.
pub(crate) fn log_area(state: &State) -> Rect {
    panes(state, rest(view::body(state, state.size))).log
}

/// What is below the header.
fn rest(area: Rect) -> Rect {
    Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }
}

fn panes(state: &State, area: Rect) -> Panes {
    let level = state.level();
    let mut panes = Panes::default();
    let shown = |run: &RunDetailView| rows::run::rows(state, level, &run.run.key()).len();
    let list_rows = state.shown_run().map_or(0, shown) + LIST_FRAME;
    let list_rows = u16::try_from(list_rows).unwrap_or(u16::MAX);
    if level.is_zoomed || state.size.width < 120 {
        match level.pane {
            Pane::Tasks if !level.is_zoomed && list_rows + LOG_MIN <= area.height => {
                [panes.tasks, panes.log] =
                    Layout::vertical([Constraint::Length(list_rows), Constraint::Min(0)])
                        .areas(area);
            }
            Pane::Tasks => panes.tasks = area,
            Pane::Graph => panes.graph = area,
            Pane::Log => panes.log = area,
        }
        return panes;
    }
    let left = if state.size.width < 180 { 48 } else { 66 };
    let [left, right] =
        Layout::horizontal([Constraint::Length(left), Constraint::Min(0)]).areas(area);
    let half = area.height * 45 / 100;
    let graph_rows = state.shown_run().map_or(half, |run| {
        let (nodes, edges) = nodes_and_edges(state, run);
        // A frame, and a row of air above and below.
        let room = Rect { width: right.width.saturating_sub(4), height: half.max(4) - 4, ..right };
        graph::rows(&nodes, &edges, room).saturating_add(4)
    });
    // As high as the list of tasks where both fit, so that their lower edges meet.
    let graph_rows = graph_rows.max(list_rows).clamp(half.min(9), half);
    let [graph, log] =
        Layout::vertical([Constraint::Length(graph_rows), Constraint::Min(0)]).areas(right);
    let list_rows = list_rows.max(graph_rows);
    if list_rows + DETAILS_MIN > area.height {
        return Panes { tasks: left, graph, log, details: Rect::default() };
    }
    let [tasks, details] =
        Layout::vertical([Constraint::Length(list_rows), Constraint::Min(0)]).areas(left);
    Panes { tasks, graph, log, details }
}

/// Draws the screen.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State, key: &DagRunKey) {
    let Some(run) = state.cache.run(key) else {
        let inside = paint::panel(buf, area, key.dag_run_id.as_str(), "", true);
        missing(buf, inside, state, &Slot::Run(key.clone()));
        return;
    };
    paint::put(buf, area, 0, header(state, run, usize::from(area.width)));
    let panes = panes(state, rest(area));
    let pane = state.level().pane;
    if !panes.tasks.is_empty() {
        hit::note(panes.tasks, Target::Pane(Pane::Tasks));
        tasks::draw(buf, panes.tasks, state, run, pane == Pane::Tasks);
    }
    if !panes.graph.is_empty() {
        hit::note(panes.graph, Target::Pane(Pane::Graph));
        draw_graph(buf, panes.graph, state, run, pane == Pane::Graph);
    }
    if !panes.log.is_empty() {
        hit::note(panes.log, Target::Pane(Pane::Log));
        log::draw(buf, panes.log, state, pane == Pane::Log);
    }
    if !panes.details.is_empty() {
        details::draw(buf, panes.details, state);
    }
}

/// Says which deadline was missed, or when the next one is.
fn deadline(state: &State, run: &RunDetailView) -> Option<Span<'static>> {
    if let Some(missed) = run.deadlines.iter().find(|deadline| deadline.missed) {
        let when = text::ago(state.now, missed.deadline_time);
        return Some(paint::span(format!("  ! deadline missed {when}"), theme::WARN));
    }
    let open = run.deadlines.iter().filter(|deadline| deadline.met_at.is_none());
    let next = open.map(|deadline| deadline.deadline_time).min()?;
    Some(paint::span(format!("  deadline {}", text::until(state.now, next)), theme::DIM))
}

/// Makes the line of state, progress, time and the estimate of the rest.
fn header(state: &State, run: &RunDetailView, width: usize) -> Line<'static> {
    let mut spans = vec![Span::raw(" ")];
    spans.extend(paint::worded(theme::run_mark(run.run.state)));
    let done = run.tasks.iter().filter(|t| t.state.is_some_and(|s| s.is_finished())).count();
    let total = run.tasks.len();
    let share = done as f64 / total.max(1) as f64;
    let bar = paint::bar(share, (width / 6).clamp(8, 30));
    spans.push(Span::styled(format!("  {bar}"), theme::run_mark(run.run.state).style));
    spans.push(paint::span(format!(" {done}/{total}"), theme::BOLD));
    if let Some(secs) = run.run.duration_secs(state.now) {
        let took = match run.run.end_date {
            Some(_) => format!("  took {}", text::duration(secs)),
            None => format!("  {}", text::running(secs)),
        };
        spans.push(paint::span(took, theme::PLAIN));
        if let (DagRunState::Running, Some(usual)) = (run.run.state, run.median_duration) {
            let left = usual - secs;
            let eta = match left > 1.0 {
                true => format!("  eta {}", text::running(left)),
                false => format!("  longer than usual ({})", text::duration(usual)),
            };
            spans.push(paint::span(eta, theme::DIM));
        }
    }
    spans.extend(deadline(state, run));
    let by = match &run.run.triggering_user_name {
        Some(user) => format!("  {} by {user}", run.run.run_type),
        None => format!("  {}", run.run.run_type),
    };
    spans.push(paint::span(by, theme::DIM));
    for (name, value) in &run.run.params {
        if value.as_object().is_some_and(serde_json::Map::is_empty) {
            continue;
        }
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        spans.push(paint::span(format!("  {name}="), theme::DIM));
        spans.push(paint::span(value, theme::ACCENT));
    }
    if let Some(note) = &run.run.note {
        spans.push(paint::span(format!("  {note}"), theme::DIM));
    }
    Line::from(spans)
}

fn draw_graph(buf: &mut Buffer, area: Rect, state: &State, run: &RunDetailView, focused: bool) {
    let note = if focused { "h l along edges  j k next, previous" } else { "" };
    let inside = paint::panel(buf, area, "Graph", note, focused);
    let (nodes, edges) = nodes_and_edges(state, run);
    let here = rows::run::selected(state).and_then(|row| match row.what {
        What::Mapped { task_id, .. } => Some(task_id),
        What::Task(task) => Some(&task.key.task_id),
        What::Group { tasks, .. } => tasks.first().map(|task| &task.key.task_id),
    });
    let selected = here.and_then(|task_id| by_task(run).iter().position(|(id, _)| *id == task_id));
    graph::draw(buf, inside, &nodes, &edges, selected);
}

/// Returns the tasks with their instances, in the run's order.
fn by_task(run: &RunDetailView) -> Vec<(&TaskId, Vec<&TaskInstance>)> {
    let mut places: HashMap<&TaskId, usize> = HashMap::new();
    let mut tasks: Vec<(&TaskId, Vec<&TaskInstance>)> = Vec::new();
    for task in &run.tasks {
        let at = *places.entry(&task.key.task_id).or_insert_with(|| {
            tasks.push((&task.key.task_id, Vec::new()));
            tasks.len() - 1
        });
        tasks[at].1.push(task);
    }
    tasks
}

fn nodes_and_edges(state: &State, run: &RunDetailView) -> (Vec<Node>, Vec<(usize, usize)>) {
    let tasks = by_task(run);
    let places: HashMap<&TaskId, usize> = tasks.iter().map(|(id, _)| *id).zip(0..).collect();
    let edges = run.edges.iter();
    let edges = edges.filter_map(|(from, to)| Some((*places.get(from)?, *places.get(to)?)));
    (tasks.iter().map(|(id, instances)| node(state, id, instances)).collect(), edges.collect())
}

/// A mapped task is one node, in the state that matters most.
fn node(state: &State, task_id: &TaskId, instances: &[&TaskInstance]) -> Node {
    let worst = instances.iter().min_by_key(|task| weight(task.state));
    let mark = theme::task_mark(worst.and_then(|task| task.state));
    match instances {
        [task] if task.key.map_index < 0 => {
            Node { mark, name: task_id.to_string(), note: tasks::took(state, task), note_width: 6 }
        }
        _ => Node {
            mark,
            name: format!("{task_id}[{}]", instances.len()),
            note: String::new(),
            note_width: 0,
        },
    }
}
