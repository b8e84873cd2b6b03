//! The first screen: what needs attention, the DAGs, and the selected one in short.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::rows;
use crate::screen::missing;
use crate::state::{Slot, State};
use crate::text;
use crate::theme::{self, Mark};
use crate::types::DagRunState;
use crate::types::view::{DagView, RecentRun};
use crate::widget::list::{Field, List, Shown, Value};
use crate::widget::paint;
use crate::widget::table::{fixed, growing, position, right};

/// Draws the screen.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let roomy = area.height >= 24;
    let items = attention(state, roomy);
    let box_rows = match (items.len(), roomy) {
        (0, _) => 0,
        (_, false) => 1,
        (n, true) => u16::try_from(n.min(4)).unwrap_or(4) + 2,
    };
    let [top, middle] =
        Layout::vertical([Constraint::Length(box_rows), Constraint::Min(0)]).areas(area);
    draw_attention(buf, top, items, roomy);
    let (list, preview) = split(middle);
    draw_list(buf, list, state);
    if !preview.is_empty() {
        draw_preview(buf, preview, state);
    }
}

/// The preview is on the right where the screen is wide, else below.
fn split(area: Rect) -> (Rect, Rect) {
    let constraints = if area.width >= 140 {
        let [list, preview] =
            Layout::horizontal([Constraint::Min(0), Constraint::Length(60)]).areas(area);
        return (list, preview);
    } else if area.height >= 15 {
        [Constraint::Min(0), Constraint::Length(if area.height >= 30 { 10 } else { 6 })]
    } else {
        [Constraint::Min(0), Constraint::Length(0)]
    };
    let [list, preview] = Layout::vertical(constraints).areas(area);
    (list, preview)
}

/// Returns a line for each thing that somebody should look at.
fn attention(state: &State, with_runs: bool) -> Vec<Line<'static>> {
    let mut items = Vec::new();
    for dag in state.cache.dags().unwrap_or_default().iter().filter(|d| rows::needs_attention(d)) {
        let failed = dag.recent_runs.iter().rev().find(|run| run.state == DagRunState::Failed);
        let when = failed.and_then(|run| run.end_date).map(|end| text::ago(state.now, end));
        let run = failed.filter(|_| with_runs).map(|run| run.dag_run_id.to_string());
        items.push(Line::from(vec![
            paint::glyph(theme::run_mark(DagRunState::Failed)),
            paint::span(format!(" {:<24} ", text::cut(dag.dag_id.as_str(), 24)), theme::BOLD),
            paint::span("last run failed ", theme::PLAIN),
            paint::span(format!("{:<8} ", when.unwrap_or_default()), theme::PLAIN),
            paint::span(text::cut_middle(&run.unwrap_or_default(), 48), theme::DIM),
        ]));
    }
    for problem in state.status().map(|status| status.problems.as_slice()).unwrap_or_default() {
        items.push(Line::from(vec![
            Span::styled("! ", theme::WARN),
            paint::span(problem, theme::PLAIN),
        ]));
    }
    items
}

fn draw_attention(buf: &mut Buffer, area: Rect, items: Vec<Line<'static>>, roomy: bool) {
    if area.is_empty() {
        return;
    }
    let count = items.len();
    if !roomy {
        let mut spans = vec![Span::raw(" ")];
        if let Some(first) = items.into_iter().next() {
            spans.extend(first.spans);
        }
        paint::put(buf, area, 0, Line::from(spans));
        if count > 1 {
            let more = format!(" +{} more (A) ", count - 1);
            paint::put_right(buf, area, 0, paint::line(more, theme::WARN));
        }
        return;
    }
    let inside = paint::panel(buf, area, &format!("Needs attention ({count})"), "", false);
    let rows = usize::from(inside.height);
    let mut shown: Vec<Line<'static>> = items;
    if shown.len() > rows {
        shown.truncate(rows.saturating_sub(1));
        let more = format!("+{} more: A shows only these", count - shown.len());
        shown.push(paint::line(more, theme::DIM));
    }
    paint::put_all(buf, inside, shown, 0);
}

fn draw_list(buf: &mut Buffer, area: Rect, state: &State) {
    let level = state.level();
    let (list, dags) = (list(state), rows::dags(state, level));
    let all = state.cache.dags().map_or(0, <[DagView]>::len);
    let mut title = list.title(state, level, dags.len(), all);
    if level.attention_only {
        title.push_str(" · only what needs attention");
    }
    let selected = level.cursor(&rows::keys(state, level));
    let note = position(selected, dags.len());
    let inside = paint::panel(buf, area, &title, &note, true);
    if state.cache.dags().is_none() {
        missing(buf, inside, state, &Slot::Dags);
        return;
    }
    if dags.is_empty() {
        if all == 0 {
            paint::empty(
                buf,
                inside,
                "No DAGs yet",
                "write one in dags.toml: it shows here as soon as the file is saved",
            );
        } else {
            paint::empty(buf, inside, "No DAG passes the filter", "esc clears it");
        }
        return;
    }
    list.draw(buf, inside, state, &dags, Shown::focused(level, selected));
}

/// Describes the list of DAGs.
pub(crate) fn list(state: &State) -> List<'static, DagView> {
    let (runs, title) =
        if state.size.width >= 130 { (30, "LAST 30 RUNS") } else { (14, "LAST 14 RUNS") };
    let dim = theme::DIM;
    let plain = theme::PLAIN;
    let last = |dag: &DagView| dag.recent_runs.last().cloned();
    List::new("dags", "DAGs", |dag: &DagView| dag.dag_id.to_string())
        .words(dag_words)
        .field(
            Field::new("state", fixed("S", 1, 0), |_, dag: &DagView| {
                Line::from(paint::glyph(mark(dag)))
            })
            .sorted(|_, dag| Value::text(mark(dag).word)),
        )
        .field(
            Field::new("name", growing("NAME", 22, 0), move |_, dag: &DagView| {
                paint::line(text::cut_middle(&text::clean(dag.dag_id.as_str()), 60), plain)
            })
            .sorted(|_, dag| Value::text(dag.dag_id.as_str())),
        )
        .field(
            Field::new("tags", fixed("TAGS", 14, 6), move |_, dag: &DagView| {
                paint::line(dag.tags.join(","), dim)
            })
            .sorted(|_, dag| Value::text(dag.tags.join(","))),
        )
        .field(
            Field::new("schedule", fixed("SCHEDULE", 14, 2), move |_, dag: &DagView| {
                paint::line(&dag.timetable_summary, plain)
            })
            .sorted(|_, dag| Value::text(&dag.timetable_summary)),
        )
        .field(Field::new("runs", fixed(title, runs, 1), |look, dag: &DagView| {
            strip(&dag.recent_runs, usize::from(look.width.min(30)), None)
        }))
        .field(
            Field::new("last", right("LAST", 8, 0), move |look, dag: &DagView| {
                let when = last(dag).map_or("never".to_owned(), |run| when(look.state, &run));
                paint::line(when, plain)
            })
            .sorted_down(move |_, dag| Value::time(last(dag).and_then(|run| run.start_date))),
        )
        .field(
            Field::new("took", right("TOOK", 6, 4), move |look, dag: &DagView| {
                let took = last(dag).and_then(|run| took(look.state, &run));
                paint::line(took.unwrap_or_else(|| "—".to_owned()), plain)
            })
            .sorted_down(move |state, dag| {
                let run = last(dag);
                let start = run.as_ref().and_then(|run| run.start_date);
                let end = run.and_then(|run| run.end_date).unwrap_or(state.now);
                Value::number(start.map(|start| text::seconds(start, end)))
            }),
        )
        .field(
            Field::new("usual", right("USUAL", 6, 5), move |_, dag: &DagView| {
                paint::line(dag.median_duration.map_or("—".to_owned(), text::duration), dim)
            })
            .sorted_down(|_, dag| Value::number(dag.median_duration)),
        )
        .field(
            Field::new("next", right("NEXT", 7, 3), move |look, dag: &DagView| {
                let style = if dag.is_paused { dim } else { plain };
                paint::line(next(look.state, dag), style)
            })
            .sorted(|_, dag| Value::time(dag.next_run_after.filter(|_| !dag.is_paused))),
        )
        .field(
            Field::new("owner", fixed("OWNER", 10, 7), move |_, dag: &DagView| {
                paint::line(dag.owner.as_deref().unwrap_or("—"), dim)
            })
            .sorted(|_, dag| Value::text(dag.owner.as_deref().unwrap_or_default()))
            .extra(),
        )
}

/// Returns the glyph of a DAG: paused, or what its last run is.
pub(crate) fn mark(dag: &DagView) -> Mark {
    match dag.recent_runs.last() {
        Some(run) if !run.state.is_finished() => theme::run_mark(run.state),
        _ if dag.is_paused => theme::paused(),
        Some(run) => theme::run_mark(run.state),
        None => theme::task_mark(None),
    }
}

/// Draws runs as a strip, newest on the right; `current` is shown as the cursor.
pub(crate) fn strip(runs: &[RecentRun], cells: usize, current: Option<usize>) -> Line<'static> {
    let first = runs.len().saturating_sub(cells);
    let mut spans = Vec::new();
    if runs.len() < cells {
        spans.push(Span::raw(" ".repeat(cells - runs.len())));
    }
    for (at, run) in runs.iter().enumerate().skip(first) {
        let mark = theme::run_mark(run.state);
        let style =
            if current == Some(at) { mark.style.patch(theme::REVERSED) } else { mark.style };
        spans.push(Span::styled(mark.glyph, style));
    }
    Line::from(spans)
}

fn when(state: &State, run: &RecentRun) -> String {
    match (run.start_date, run.end_date) {
        (Some(start), None) => text::running(text::seconds(start, state.now)),
        (_, Some(end)) => text::ago(state.now, end),
        (None, None) => "queued".to_owned(),
    }
}

fn took(state: &State, run: &RecentRun) -> Option<String> {
    let start = run.start_date?;
    Some(match run.end_date {
        Some(end) => text::duration(text::seconds(start, end)),
        None => text::running(text::seconds(start, state.now)),
    })
}

fn next(state: &State, dag: &DagView) -> String {
    if dag.is_paused {
        return "paused".to_owned();
    }
    dag.next_run_after.map_or("—".to_owned(), |at| text::until(state.now, at))
}

fn draw_preview(buf: &mut Buffer, area: Rect, state: &State) {
    let level = state.level();
    let Some(dag) = rows::selected(state, level, &rows::dags(state, level)) else {
        paint::panel(buf, area, "", "", false);
        return;
    };
    let inside = paint::panel(buf, area, dag.dag_id.as_str(), "", false);
    let width = usize::from(inside.width);
    let is_tall = inside.height > 8;
    let mut lines = Vec::new();
    if let Some(description) = &dag.description {
        lines.extend(
            text::wrap_words(description, width).into_iter().map(|l| paint::line(l, theme::PLAIN)),
        );
    }
    let detail = state.cache.dag(&dag.dag_id);
    let mut facts = vec![
        text::count(dag.task_count, "task"),
        text::count(dag.param_count, "param"),
        format!("schedule {}", dag.timetable_summary),
    ];
    facts.extend(dag.owner.as_ref().map(|owner| format!("owner {owner}")));
    if !dag.tags.is_empty() {
        facts.push(format!("tags {}", dag.tags.join(",")));
    }
    facts.extend(dag.is_stale.then(|| "gone from dags.toml".to_owned()));
    lines.push(paint::line(facts.join(" · "), theme::DIM));
    lines.push(last_run(state, dag));
    if let Some(detail) = detail {
        let mut outlets: Vec<&str> = Vec::new();
        for outlet in detail.tasks.iter().flat_map(|task| &task.outlets) {
            if !outlets.contains(&outlet.as_str()) {
                outlets.push(outlet);
            }
        }
        if !outlets.is_empty() {
            lines.push(paint::pair("produces", outlets.join(", ")));
        }
        if is_tall {
            lines.extend(preview_tasks(state, dag));
            lines.push(paint::pair("defined", format!("{}:{}", detail.fileloc, detail.line)));
            if let Some(doc) = &detail.doc_md {
                lines.push(Line::default());
                lines.extend(
                    text::wrap_words(doc.trim(), width)
                        .into_iter()
                        .map(|l| paint::line(l, theme::DIM)),
                );
            }
        }
    }
    paint::put_all(buf, inside, lines, 0);
}

fn preview_tasks(state: &State, dag: &DagView) -> Vec<Line<'static>> {
    let mut lines = vec![Line::default()];
    for task in rows::dag_tasks(state, &dag.dag_id).iter().take(12) {
        lines.push(Line::from(vec![
            paint::span(
                format!("  {:<20} ", text::cut_middle(task.task_id.as_str(), 20)),
                theme::PLAIN,
            ),
            paint::span(&task.operator, theme::DIM),
        ]));
    }
    if dag.task_count > 12 {
        lines.push(paint::line(format!("  and {} more", dag.task_count - 12), theme::DIM));
    }
    lines.push(Line::default());
    lines
}

fn last_run(state: &State, dag: &DagView) -> Line<'static> {
    let Some(run) = dag.recent_runs.last() else {
        return paint::line("no run yet: t triggers one", theme::DIM);
    };
    let mut spans = vec![Span::styled("last run ", theme::DIM)];
    spans.extend(paint::worded(theme::run_mark(run.state)));
    spans.push(paint::span(format!(" {}", when(state, run)), theme::PLAIN));
    if let (DagRunState::Running, Some(start), Some(usual)) =
        (run.state, run.start_date, dag.median_duration)
    {
        let share = text::seconds(start, state.now) / usual.max(0.1);
        spans.push(Span::styled(format!("  {}", paint::bar(share, 12)), theme::ACCENT));
        spans.push(paint::span(format!(" usually {}", text::duration(usual)), theme::DIM));
    } else if let Some(took) = took(state, run) {
        spans.push(paint::span(format!(", took {took}"), theme::DIM));
    }
    Line::from(spans)
}

/// Returns what a DAG is found by.
fn dag_words(dag: &DagView) -> String {
    let mut words = format!("{} {}", dag.dag_id, dag.timetable_summary);
    for tag in &dag.tags {
        words.push_str(&format!(" tag:{tag}"));
    }
    if let Some(owner) = &dag.owner {
        words.push_str(&format!(" owner:{owner}"));
    }
    if dag.is_paused {
        words.push_str(" paused");
    }
    if let Some(run) = dag.recent_runs.last() {
        words.push_str(&format!(" state:{}", run.state));
    }
    words
}
