//! The DAGs: how each stands, how its last runs went, when the next one is due.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::rows;
use crate::screen::missing;
use crate::state::{Slot, State};
use crate::text;
use crate::theme::{self, Mark};
use crate::types::DagRunState;
use crate::types::view::{DagView, RecentRun};
use crate::widget::paint;
use crate::widget::table::{Table, fixed, growing, position, right};

/// Draws the list.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let level = state.level();
    let dags = rows::dags(state, level);
    let all = state.cache.dags().map_or(0, <[DagView]>::len);
    let mut title = if dags.len() == all {
        format!("DAGs {all}")
    } else {
        format!("DAGs {} of {all}", dags.len())
    };
    if !level.filter.is_empty() {
        title.push_str(&format!(" · /{}", level.filter));
    }
    let selected = level.cursor(&rows::keys(state, level));
    let note = position(selected, dags.len());
    let is_focused = !rows::attention::is_in_box(state);
    let inside = paint::panel(buf, area, &title, &note, is_focused);
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
    let (strip, runs) = match area.width {
        0..90 => (8, "RUNS"),
        90..130 => (14, "LAST 14 RUNS"),
        _ => (30, "LAST 30 RUNS"),
    };
    let columns = [
        fixed("S", 1, 0),
        growing("NAME", 20, 0),
        fixed("TAGS", 12, 6),
        fixed("SCHEDULE", 13, 3),
        fixed(runs, strip, 1),
        right("LAST", 8, 0),
        right("TOOK", 6, 4),
        right("vsP50", 5, 5),
        right("NEXT", 7, 2),
    ];
    let row = |at: usize| cells(state, dags[at], usize::from(strip));
    Table { columns: &columns, len: dags.len(), selected: Some(selected), is_focused, row: &row }
        .draw(buf, inside);
}

fn cells(state: &State, dag: &DagView, strip: usize) -> Vec<Line<'static>> {
    let last = dag.recent_runs.last();
    let dim = theme::DIM;
    let name = if dag.is_stale || dag.is_paused { dim } else { theme::PLAIN };
    let took = last.and_then(|run| took(state, run)).unwrap_or_else(|| "—".to_owned());
    vec![
        Line::from(paint::glyph(mark(dag))),
        paint::line(text::cut_middle(&text::clean(dag.dag_id.as_str()), 60), name),
        paint::line(dag.tags.join(","), dim),
        paint::line(&dag.timetable_summary, name),
        self::strip(&dag.strip, strip, None),
        paint::line(last.map_or("never".to_owned(), |run| when(state, run)), theme::PLAIN),
        paint::line(took, theme::PLAIN),
        against_usual(state, dag),
        paint::line(next(state, dag), if dag.is_paused { dim } else { theme::PLAIN }),
    ]
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
