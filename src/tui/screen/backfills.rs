//! Backfills of a DAG: how far each is, and the dates of the selected one.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::rows;
use crate::screen::missing;
use crate::state::{Slot, State};
use crate::text;
use crate::theme::{self, Mark};
use crate::types::backfill::{BackfillDetailView, BackfillView};
use crate::types::{DagId, DagRunState};
use crate::widget::paint;
use crate::widget::table::{Table, fixed, growing, position, right};

/// Draws the screen.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State, dag_id: &DagId) {
    let level = state.level();
    let all = state.cache.backfills(dag_id);
    let selected = level.cursor(&rows::keys(state, level));
    let len = all.map_or(0, <[BackfillView]>::len);
    let rows = u16::try_from(len).unwrap_or(u16::MAX).saturating_add(3);
    let [list, dates] = Layout::vertical([
        Constraint::Length(rows.clamp(6, (area.height / 2).max(6))),
        Constraint::Min(0),
    ])
    .areas(area);
    let title = format!("{dag_id} · backfills {len}");
    let inside = paint::panel(buf, list, &title, &position(selected, len), true);
    let all = match all {
        None => return missing(buf, inside, state, &Slot::Backfills(dag_id.clone())),
        Some([]) => {
            return paint::empty(buf, inside, "No backfills yet", "b begins one, with a dry run");
        }
        Some(all) => all,
    };
    let columns = [
        fixed("S", 1, 0),
        right("ID", 4, 0),
        fixed("FROM", 16, 0),
        fixed("TO", 16, 0),
        growing("RUNS", 20, 0),
        fixed("REPROCESS", 9, 3),
        right("AT ONCE", 7, 4),
        right("BEGUN", 8, 2),
        fixed("BY", 8, 5),
    ];
    let row = |at: usize| cells(state, &all[at]);
    Table { columns: &columns, len, selected: Some(selected), is_focused: true, row: &row }
        .draw(buf, inside);
    if let Some(backfill) = all.get(selected) {
        draw_dates(buf, dates, state, backfill);
    }
}

/// Returns how a backfill stands.
pub(crate) fn mark(view: &BackfillView) -> Mark {
    match (&view.backfill.completed_at, view.backfill.is_paused) {
        (None, true) => theme::paused(),
        (None, false) => theme::run_mark(DagRunState::Running),
        (Some(_), _) if view.failed > 0 => theme::run_mark(DagRunState::Failed),
        (Some(_), _) => theme::run_mark(DagRunState::Success),
    }
}

fn cells(state: &State, view: &BackfillView) -> Vec<Line<'static>> {
    let backfill = &view.backfill;
    let by = backfill.triggering_user_name.as_deref().unwrap_or_default();
    let day = |at: crate::types::Timestamp| at.strftime("%Y-%m-%d %H:%M").to_string();
    vec![
        Line::from(paint::glyph(mark(view))),
        paint::line(backfill.id.to_string(), theme::DIM),
        paint::line(day(backfill.from_date), theme::PLAIN),
        paint::line(day(backfill.to_date), theme::PLAIN),
        counts(view),
        paint::line(backfill.reprocess_behavior.as_str(), theme::DIM),
        paint::line(backfill.max_active_runs.to_string(), theme::DIM),
        paint::line(text::ago(state.now, backfill.created_at), theme::PLAIN),
        paint::line(by, theme::DIM),
    ]
}

/// Counts its runs by state.
pub(crate) fn counts(view: &BackfillView) -> Line<'static> {
    let told = [
        (view.success, theme::run_mark(DagRunState::Success)),
        (view.failed, theme::run_mark(DagRunState::Failed)),
        (view.running, theme::run_mark(DagRunState::Running)),
        (view.queued, theme::run_mark(DagRunState::Queued)),
        (view.skipped, theme::task_mark(Some(crate::types::TaskInstanceState::Skipped))),
    ];
    let spans = told.into_iter().filter(|(count, _)| *count > 0);
    let spans =
        spans.map(|(count, mark)| Span::styled(format!("{count} {}  ", mark.glyph), mark.style));
    Line::from(spans.collect::<Vec<_>>())
}

fn draw_dates(buf: &mut Buffer, area: Rect, state: &State, view: &BackfillView) {
    let id = view.backfill.id;
    let Some(detail) = state.cache.backfill(id, 1) else {
        let inside = paint::panel(buf, area, "Dates", "", false);
        return missing(buf, inside, state, &Slot::Backfill(id, 1));
    };
    let inside = paint::panel(buf, area, &title(detail), "enter all of them", false);
    if detail.dag_runs.is_empty() {
        return paint::empty(
            buf,
            inside,
            "No date was dealt with yet",
            "its runs stand here as they are made",
        );
    }
    let lines = detail.dag_runs.iter().map(|run| {
        let date =
            paint::span(format!("{:<22} ", text::instant(run.dag_run.logical_date)), theme::PLAIN);
        let mut spans = vec![date];
        match (run.state, run.dag_run.exception_reason) {
            (Some(state), _) => spans.extend(paint::worded(theme::run_mark(state))),
            (None, Some(reason)) => {
                spans.push(paint::span(format!("left out: {reason}"), theme::DIM));
            }
            (None, None) => spans.push(paint::span("its run is gone", theme::DIM)),
        }
        Line::from(spans)
    });
    paint::put_all(buf, inside, lines.collect(), 0);
}

fn title(detail: &BackfillDetailView) -> String {
    let done = detail.backfill.backfill.position;
    let total = detail.total_dates.map_or("very many".to_owned(), |total| total.to_string());
    let held = if detail.is_dag_paused { " · held: the DAG is paused" } else { "" };
    let id = detail.backfill.backfill.id;
    format!("Dates of {id} · {done} of {total}, the last one first{held}")
}
