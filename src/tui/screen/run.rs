//! A run: its tasks, its graph drawn live, the followed log. One selection, three views of it.
//!
//! Below 120 columns one pane at a time, the tasks with the end of the log below them; from 120 the
//! tasks over the task's details, beside them the graph, as high as it needs, over the log.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::tui::rows;
use crate::tui::screen::{dags, details, missing};
use crate::tui::state::{Pane, Screen, Slot, State};
use crate::tui::text;
use crate::tui::theme;
use crate::tui::view;
use crate::tui::widget::graph::{self, Node};
use crate::tui::widget::table::{Table, fixed, growing, position, right};
use crate::tui::widget::{log, paint};
use crate::types::DagRunState;
use crate::types::run::{DagRunKey, TaskInstance};
use crate::types::view::{RunDetailView, count_states};

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

/// Returns the rows of the log that are seen, for scrolling by pages.
pub(crate) fn log_height(state: &State) -> usize {
    let panes = panes(state, rest(view::body(state, state.size)));
    usize::from(panes.log.height.saturating_sub(2)).max(1)
}

/// What is below the header.
fn rest(area: Rect) -> Rect {
    Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }
}

fn panes(state: &State, area: Rect) -> Panes {
    let level = state.level();
    let mut panes = Panes::default();
    let list_rows = state.shown_run().map_or(0, |run| run.tasks.len()) + LIST_FRAME;
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
        draw_tasks(buf, panes.tasks, state, run, pane == Pane::Tasks);
    }
    if !panes.graph.is_empty() {
        draw_graph(buf, panes.graph, state, run, pane == Pane::Graph);
    }
    if !panes.log.is_empty() {
        let task = rows::selected_task(state);
        let why = task.map(|task| rows::why_not_started(run, task)).unwrap_or_default();
        let (log, options) = (state.log.as_ref(), state.log_options);
        log::draw(buf, panes.log, task, log, options, &why, pane == Pane::Log);
    }
    if !panes.details.is_empty() {
        details::draw(buf, panes.details, state);
    }
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

fn draw_tasks(buf: &mut Buffer, area: Rect, state: &State, run: &RunDetailView, focused: bool) {
    let level = state.level();
    let selected = level.cursor(&rows::keys(state, level));
    let inside = paint::panel(buf, area, "Tasks", &position(selected, run.tasks.len()), focused);
    paint::put(buf, inside, 0, history(state, run, usize::from(inside.width)));
    let [_, list, counts] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(0), Constraint::Length(1)])
            .areas(inside);
    let columns = [
        fixed("S", 1, 0),
        growing("TASK", 14, 0),
        fixed("STATE", 15, 1),
        right("TOOK", 6, 0),
        right("TRY", 3, 2),
        fixed("OPERATOR", 16, 4),
    ];
    let row = |at: usize| task_cells(state, &run.tasks[at]);
    Table {
        columns: &columns,
        len: run.tasks.len(),
        selected: Some(selected),
        is_focused: focused,
        row: &row,
    }
    .draw(buf, list);
    paint::put(buf, counts, 0, summary(run, usize::from(counts.width)));
}

/// Makes the strip of this DAG's runs with the shown one marked.
fn history(state: &State, run: &RunDetailView, width: usize) -> Line<'static> {
    let Some(dag) = state.cache.dag(&run.run.dag_id) else { return Line::default() };
    let runs = &dag.dag.recent_runs;
    let here = runs.iter().position(|recent| recent.dag_run_id == run.run.dag_run_id);
    let cells = width.saturating_sub(22).min(runs.len());
    let mut line = Line::from(Span::styled("runs ", theme::DIM));
    line.extend(dags::strip(runs, cells, here).spans);
    line.push_span(Span::styled("  [ older  ] newer", theme::DIM));
    line
}

fn task_cells(state: &State, task: &TaskInstance) -> Vec<Line<'static>> {
    let mark = theme::task_mark(task.state);
    // Of a task that did well at once there is nothing to tell.
    let is_open = task.state.is_some_and(|s| !s.is_finished()) && task.max_tries > 1;
    let tried = if task.try_number > 1 || is_open && task.try_number > 0 {
        format!("{}/{}", task.try_number, task.max_tries.max(task.try_number))
    } else {
        String::new()
    };
    vec![
        Line::from(paint::glyph(mark)),
        paint::line(text::cut_middle(&rows::task_key(&task.key), 40), theme::PLAIN),
        Line::styled(mark.word, mark.style),
        paint::line(task_took(state, task), theme::PLAIN),
        paint::line(tried, theme::DIM),
        paint::line(&task.operator, theme::DIM),
    ]
}

fn task_took(state: &State, task: &TaskInstance) -> String {
    let secs = task.duration_secs(state.now).filter(|_| task.try_number > 0);
    match (secs, task.end_date) {
        (Some(secs), Some(_)) => text::duration(secs),
        (Some(secs), None) => text::running(secs),
        (None, _) => String::new(),
    }
}

/// Makes the counts of the states: `✓ 3 success  ► 1 running`, without words where they do not
/// fit.
fn summary(run: &RunDetailView, width: usize) -> Line<'static> {
    let make = |has_words: bool| {
        let mut spans = Vec::new();
        for (task_state, count) in count_states(&run.tasks) {
            let mark = theme::task_mark(task_state);
            let word = if has_words { format!(" {}", mark.word) } else { String::new() };
            spans.push(Span::styled(format!("{} {count}{word}", mark.glyph), mark.style));
            spans.push(Span::raw("  "));
        }
        Line::from(spans)
    };
    let whole = make(true);
    if whole.width() <= width + 2 { whole } else { make(false) }
}

fn draw_graph(buf: &mut Buffer, area: Rect, state: &State, run: &RunDetailView, focused: bool) {
    let note = if focused { "h l along edges  j k next, previous" } else { "" };
    let inside = paint::panel(buf, area, "Graph", note, focused);
    let (nodes, edges) = nodes_and_edges(state, run);
    let level = state.level();
    let selected = level.cursor(&rows::keys(state, level));
    graph::draw(buf, inside, &nodes, &edges, Some(selected));
}

fn nodes_and_edges(state: &State, run: &RunDetailView) -> (Vec<Node>, Vec<(usize, usize)>) {
    let nodes: Vec<Node> = run
        .tasks
        .iter()
        .map(|task| Node {
            mark: theme::task_mark(task.state),
            name: rows::task_key(&task.key),
            note: task_took(state, task),
            note_width: 6,
        })
        .collect();
    let place = |task_id: &crate::types::TaskId| {
        run.tasks.iter().position(|task| task.key.task_id == *task_id)
    };
    let edges = run.edges.iter().filter_map(|(from, to)| place(from).zip(place(to))).collect();
    (nodes, edges)
}
