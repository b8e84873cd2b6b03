//! A run: its tasks, its graph drawn live, the followed log. One selection, three views of it.
//!
//! Below 120 columns one pane at a time; from 120 the tasks beside graph over log; from 180 three
//! columns with the task's details under the graph.

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
        && state.size.width >= 180
        && !state.level().is_zoomed
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
    if level.is_zoomed || state.size.width < 120 {
        match level.pane {
            Pane::Tasks => panes.tasks = area,
            Pane::Graph => panes.graph = area,
            Pane::Log => panes.log = area,
        }
        return panes;
    }
    if state.size.width < 180 {
        let [left, right] =
            Layout::horizontal([Constraint::Length(48), Constraint::Min(0)]).areas(area);
        let [graph, log] =
            Layout::vertical([Constraint::Percentage(42), Constraint::Min(0)]).areas(right);
        return Panes { tasks: left, graph, log, details: Rect::default() };
    }
    let [left, middle, right] = Layout::horizontal([
        Constraint::Length(52),
        Constraint::Percentage(36),
        Constraint::Min(0),
    ])
    .areas(area);
    let [graph, details] =
        Layout::vertical([Constraint::Percentage(45), Constraint::Min(0)]).areas(middle);
    Panes { tasks: left, graph, log: right, details }
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
        log::draw(buf, panes.log, task, state.log.as_ref(), state.log_options, pane == Pane::Log);
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
    paint::put(buf, counts, 0, summary(run));
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
    let tried = if task.try_number > 0 && task.max_tries > 1 || task.try_number > 1 {
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
    let secs = task.duration_secs(state.now);
    match (secs, task.end_date) {
        (Some(secs), Some(_)) => text::duration(secs),
        (Some(secs), None) => text::running(secs),
        (None, _) => String::new(),
    }
}

/// Makes the counts of the states: `3 ✓  1 ►  2 ·`.
fn summary(run: &RunDetailView) -> Line<'static> {
    let mut spans = Vec::new();
    for (task_state, count) in count_states(&run.tasks) {
        let mark = theme::task_mark(task_state);
        spans.push(Span::styled(format!("{} {count} {}", mark.glyph, mark.word), mark.style));
        spans.push(Span::raw("  "));
    }
    Line::from(spans)
}

fn draw_graph(buf: &mut Buffer, area: Rect, state: &State, run: &RunDetailView, focused: bool) {
    let note = if focused { "h l along edges  j k next, previous" } else { "" };
    let inside = paint::panel(buf, area, "Graph", note, focused);
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
    let edges: Vec<(usize, usize)> =
        run.edges.iter().filter_map(|(from, to)| place(from).zip(place(to))).collect();
    let level = state.level();
    let selected = level.cursor(&rows::keys(state, level));
    graph::draw(buf, inside, &nodes, &edges, Some(selected));
}
