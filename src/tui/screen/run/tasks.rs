//! The list of a run's tasks: groups, mapped tasks in one row, bars of those that say how far
//! they are.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::rows::run::{RunRow, What, place, rows, weight};
use crate::screen::dags;
use crate::state::State;
use crate::text;
use crate::theme;
use crate::types::TaskInstanceState;
use crate::types::progress::Progress;
use crate::types::run::TaskInstance;
use crate::types::view::{RunDetailView, count_states};
use crate::widget::paint;
use crate::widget::table::{Table, fixed, growing, position, right};

/// Draws the pane.
pub(super) fn draw(
    buf: &mut Buffer,
    area: Rect,
    state: &State,
    run: &RunDetailView,
    focused: bool,
) {
    let level = state.level();
    let shown = rows(state, level, &run.run.key());
    let keys: Vec<String> = shown.iter().map(|row| row.key.clone()).collect();
    let selected = level.cursor(&keys);
    let inside = paint::panel(buf, area, "Tasks", &position(selected, shown.len()), focused);
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
    let is_folded = shown.iter().any(RunRow::is_foldable);
    let row = |at: usize| {
        let row = &shown[at];
        let mut cells = cells(state, run, row);
        let marked = match level.marks.contains(&row.key) {
            true => "*",
            false if level.marks.is_empty() => "",
            false => " ",
        };
        let name = format!("{marked}{}", name(run, row, is_folded));
        cells.insert(1, paint::line(text::cut_middle(&name, 44), theme::PLAIN));
        cells
    };
    Table {
        columns: &columns,
        len: shown.len(),
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
    line.extend(dags::strip(&dag.dag.strip, cells, here).spans);
    line.push_span(Span::styled("  h older  l newer", theme::DIM));
    line
}

/// Names a row, moved in by its depth, with what tells setups, teardowns and what opens.
fn name(run: &RunDetailView, row: &RunRow<'_>, is_folded: bool) -> String {
    let fold = match &row.what {
        What::Group { is_open: true, .. } | What::Mapped { is_open: true, .. } => "▾ ",
        What::Group { .. } | What::Mapped { .. } => "▸ ",
        What::Task(_) if is_folded => "  ",
        What::Task(_) => "",
    };
    let size = match &row.what {
        What::Mapped { instances, .. } => format!("[{}]", instances.len()),
        What::Group { .. } => String::new(),
        What::Task(task) => {
            // It will be mapped once what it is mapped over is known.
            let is_unmapped = task.key.map_index < 0;
            let place = place(run, &task.key.task_id);
            let is_mapped = place.is_some_and(|place| place.is_mapped);
            if is_mapped && is_unmapped { "[…]".to_owned() } else { String::new() }
        }
    };
    format!("{}{fold}{}{}{size}", "  ".repeat(row.depth), duty(run, row), row.name)
}

/// Says with an arrow that a task sets something up or tears it down.
fn duty(run: &RunDetailView, row: &RunRow<'_>) -> &'static str {
    let task = match &row.what {
        What::Mapped { task_id, .. } => Some(*task_id),
        What::Task(task) => Some(&task.key.task_id),
        What::Group { .. } => None,
    };
    match task.and_then(|task_id| place(run, task_id)) {
        Some(place) if place.is_setup => "↑ ",
        Some(place) if place.is_teardown => "↓ ",
        _ => "",
    }
}

/// Makes the cells of a row but for its name.
fn cells(state: &State, run: &RunDetailView, row: &RunRow<'_>) -> Vec<Line<'static>> {
    let task = match &row.what {
        What::Task(task) => *task,
        What::Group { group, tasks, .. } => {
            let word = group.tooltip.clone().unwrap_or_else(|| "group".to_owned());
            return several(state, tasks, &word);
        }
        What::Mapped { instances, .. } => {
            let operator = instances.first().map_or("", |task| task.operator.as_str());
            return several(state, instances, operator);
        }
    };
    let mark = theme::task_mark(task.state);
    let about = match (&task.note, task.state) {
        (Some(note), Some(TaskInstanceState::Deferred)) => paint::line(note, theme::ACCENT),
        _ => paint::line(&task.operator, theme::DIM),
    };
    let word = match progress(run, task).filter(|_| task.is_open()) {
        Some(progress) => bar(progress, mark.style),
        None => Line::styled(mark.word, mark.style),
    };
    vec![
        Line::from(paint::glyph(mark)),
        word,
        paint::line(took(state, task), theme::PLAIN),
        paint::line(tried(task), theme::DIM),
        about,
    ]
}

/// Returns how far a task says it is.
pub(crate) fn progress<'a>(run: &'a RunDetailView, task: &TaskInstance) -> Option<&'a Progress> {
    run.progress.iter().find(|(key, _)| *key == task.key).map(|(_, progress)| progress)
}

/// Draws how far a task is: `██████░░░░ 60%`, or what it said.
fn bar(progress: &Progress, style: ratatui::style::Style) -> Line<'static> {
    match progress.fraction {
        Some(share) => {
            let percent = (share.clamp(0.0, 1.0) * 100.0).floor();
            Line::styled(format!("{} {percent:>3.0}%", paint::bar(share, 10)), style)
        }
        None => paint::line(&progress.text, style),
    }
}

/// Makes the cells of a row that stands for several instances.
fn several(state: &State, tasks: &[&TaskInstance], about: &str) -> Vec<Line<'static>> {
    let worst = tasks.iter().copied().min_by_key(|task| weight(task.state));
    let mark = theme::task_mark(worst.and_then(|task| task.state));
    vec![
        Line::from(paint::glyph(mark)),
        counts(tasks),
        paint::line(span(state, tasks), theme::PLAIN),
        Line::default(),
        paint::line(about, theme::DIM),
    ]
}

/// Counts the states: `7/10 ✓ 1 ✗ 1 ►`.
pub(crate) fn counts(tasks: &[&TaskInstance]) -> Line<'static> {
    use TaskInstanceState as S;
    let count = |wanted: Option<S>| tasks.iter().filter(|task| task.state == wanted).count();
    let good = theme::task_mark(Some(S::Success));
    let mut spans = vec![Span::styled(
        format!("{}/{} {}", count(Some(S::Success)), tasks.len(), good.glyph),
        good.style,
    )];
    let told = [
        S::Failed,
        S::UpForRetry,
        S::Running,
        S::Deferred,
        S::Queued,
        S::UpstreamFailed,
        S::Skipped,
        S::Restarting,
        S::UpForReschedule,
    ];
    for state in told {
        let (mark, n) = (theme::task_mark(Some(state)), count(Some(state)));
        if n > 0 {
            spans.push(Span::styled(format!(" {n} {}", mark.glyph), mark.style));
        }
    }
    Line::from(spans)
}

/// Says how long several took together, from the first start to the last end.
fn span(state: &State, tasks: &[&TaskInstance]) -> String {
    let Some(start) = tasks.iter().filter_map(|task| task.start_date).min() else {
        return String::new();
    };
    if tasks.iter().any(|task| task.is_open()) {
        return text::running(text::seconds(start, state.now));
    }
    let end = tasks.iter().filter_map(|task| task.end_date).max();
    end.map(|end| text::duration(text::seconds(start, end))).unwrap_or_default()
}

/// Of a task that did well at once there is nothing to tell.
fn tried(task: &TaskInstance) -> String {
    let is_open = task.state.is_some_and(|s| !s.is_finished()) && task.max_tries > 1;
    if task.try_number > 1 || is_open && task.try_number > 0 {
        format!("{}/{}", task.try_number, task.max_tries.max(task.try_number))
    } else {
        String::new()
    }
}

/// Says how long a task took, or has been running.
pub(super) fn took(state: &State, task: &TaskInstance) -> String {
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
