//! The DAGs: how each stands, how its last runs went, when the next one is due.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::keymap::with_keys;
use crate::rows;
use crate::screen::{filtered_out, missing};
use crate::state::{Slot, State};
use crate::text;
use crate::theme::{self, Mark};
use crate::types::DagRunState;
use crate::types::view::{DagView, RecentRun};
use crate::widget::list::{Field, List, Shown, Value};
use crate::widget::paint;
use crate::widget::table::{fixed, growing, position, right};

/// Draws the list.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let level = state.level();
    let (list, dags) = (list(area.width), rows::dags(state, level));
    let all = state.cache.dags().map_or(0, <[DagView]>::len);
    let title = list.title(state, level, dags.len(), all);
    let selected = rows::place(level, &dags);
    let note = position(selected, dags.len());
    let is_focused = !rows::attention::is_in_box(state);
    let inside = paint::panel(buf, area, &title, &note, is_focused);
    if state.cache.dags().is_none() {
        missing(buf, inside, state, &Slot::Dags);
        return;
    }
    if dags.is_empty() {
        if all == 0 {
            let how = match state.options.station.site.folder {
                Some(_) => with_keys!(
                    state,
                    "{} opens dags.toml in your editor; what you save shows here at once",
                    Edit
                ),
                None => "write one in dags.toml: it shows here as soon as the file is saved".into(),
            };
            paint::empty(buf, inside, "No DAGs yet", &how);
        } else {
            filtered_out(buf, inside, state, "No DAG passes the filter");
        }
        return;
    }
    list.draw(buf, inside, state, &dags, &Shown { is_focused, ..Shown::focused(level, selected) });
}

/// Describes the list of DAGs for an area of that width.
pub(crate) fn list(width: u16) -> List<'static, DagView> {
    let (runs, title) = match width {
        0..90 => (8, "RUNS"),
        90..120 => (14, "LAST 14 RUNS"),
        _ => (30, "LAST 30 RUNS"),
    };
    let is_wide = width >= 120;
    let dim = theme::DIM;
    let plain = theme::PLAIN;
    let style = move |dag: &DagView| if dag.is_stale || dag.is_paused { dim } else { plain };
    let last = |dag: &DagView| dag.recent_runs.last().cloned();
    List::new("dags", "DAGs", |dag: &DagView| dag.dag_id.to_string())
        .steady()
        .words(dag_words)
        .field(
            Field::new("state", fixed("S", 1, 0), |_, dag: &DagView| {
                Line::from(paint::glyph(mark(dag)))
            })
            .sorted(|_, dag| Value::text(mark(dag).word)),
        )
        .field(
            Field::new("name", growing("NAME", 20, 0), move |_, dag: &DagView| {
                let name = text::cut_middle(&text::clean(dag.dag_id.as_str()), 60);
                paint::line(name, style(dag))
            })
            .sorted(|_, dag| Value::text(dag.dag_id.as_str())),
        )
        .field(
            Field::new(
                "tags",
                fixed("TAGS", if is_wide { 22 } else { 12 }, 6),
                move |_, dag: &DagView| paint::line(dag.tags.join(","), dim),
            )
            .sorted(|_, dag| Value::text(dag.tags.join(","))),
        )
        .field(
            Field::new(
                "schedule",
                fixed("SCHEDULE", if is_wide { 22 } else { 13 }, 3),
                move |_, dag: &DagView| paint::line(&dag.timetable_summary, style(dag)),
            )
            .sorted(|_, dag| Value::text(&dag.timetable_summary)),
        )
        .field(Field::new("runs", fixed(title, runs, 1), |look, dag: &DagView| {
            strip(&dag.strip, usize::from(look.width.min(30)), None)
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
            Field::new("vsp50", right("vsP50", 5, 5), |look, dag: &DagView| {
                against_usual(look.state, dag)
            })
            .sorted_down(move |state, dag| {
                let run = last(dag);
                let start = run.as_ref().and_then(|run| run.start_date);
                let end = run.and_then(|run| run.end_date).unwrap_or(state.now);
                let usual = dag.median_duration.filter(|usual| *usual > 0.0);
                let took = start.map(|start| text::seconds(start, end));
                Value::number(took.zip(usual).map(|(took, usual)| took / usual))
            }),
        )
        .field(
            Field::new("usual", right("USUAL", 6, 8), move |_, dag: &DagView| {
                paint::line(dag.median_duration.map_or("—".to_owned(), text::duration), dim)
            })
            .sorted_down(|_, dag| Value::number(dag.median_duration))
            .extra(),
        )
        .field(
            Field::new("next", right("NEXT", 7, 2), move |look, dag: &DagView| {
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

/// Returns the glyph of a DAG: gone, paused, or what its last run is.
pub(crate) fn mark(dag: &DagView) -> Mark {
    match dag.recent_runs.last() {
        Some(run) if !run.state.is_finished() => theme::run_mark(run.state),
        _ if dag.is_stale => theme::gone(),
        _ if dag.is_paused => theme::paused(),
        Some(run) => theme::run_mark(run.state),
        None => theme::task_mark(None),
    }
}

/// Draws states of runs as a strip, newest on the right; `current` is shown as the cursor.
pub(crate) fn strip(states: &[DagRunState], cells: usize, current: Option<usize>) -> Line<'static> {
    let first = states.len().saturating_sub(cells);
    let mut spans = vec![Span::raw(" ".repeat(cells - (states.len() - first)))];
    for (at, state) in states.iter().enumerate().skip(first) {
        let mark = theme::run_mark(*state);
        let style =
            if current == Some(at) { mark.style.patch(theme::REVERSED) } else { mark.style };
        spans.push(Span::styled(mark.glyph, style));
    }
    Line::from(spans)
}

/// Says when a run was, or for how long it has been under way.
pub(crate) fn when(state: &State, run: &RecentRun) -> String {
    match (run.start_date, run.end_date) {
        (Some(_), None) => "now".to_owned(),
        (_, Some(end)) => text::ago(state.now, end),
        (None, None) => "queued".to_owned(),
    }
}

/// Says how long a run took, or has taken by now.
pub(crate) fn took(state: &State, run: &RecentRun) -> Option<String> {
    let start = run.start_date?;
    Some(match run.end_date {
        Some(end) => text::duration(text::seconds(start, end)),
        None => text::running(text::seconds(start, state.now)),
    })
}

/// Compares what the last run took with what is usual; far beyond it is told.
fn against_usual(state: &State, dag: &DagView) -> Line<'static> {
    let run = dag.recent_runs.last();
    let start = run.and_then(|run| run.start_date);
    let (Some(run), Some(start), Some(usual)) = (run, start, dag.median_duration) else {
        return paint::line("—", theme::DIM);
    };
    let times = text::seconds(start, run.end_date.unwrap_or(state.now)) / usual.max(0.1);
    let style: Style = if times >= 2.0 { theme::WARN } else { theme::DIM };
    let words = if times < 9.95 { format!("{times:.1}×") } else { format!("{times:.0}×") };
    paint::line(text::cut(&words, 5), style)
}

fn next(state: &State, dag: &DagView) -> String {
    if dag.is_stale {
        return "gone".to_owned();
    }
    if dag.is_paused {
        return "paused".to_owned();
    }
    dag.next_run_after.map_or("—".to_owned(), |at| text::until(state.now, at))
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
    if dag.is_stale {
        words.push_str(" gone");
    }
    if let Some(run) = dag.recent_runs.last() {
        words.push_str(&format!(" state:{}", run.state));
    }
    words
}
