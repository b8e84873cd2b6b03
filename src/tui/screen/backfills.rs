//! Backfills of a DAG: how far each is, and the dates of the selected one.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::keymap::with_keys;
use crate::rows;
use crate::screen::{filtered_out, missing};
use crate::state::{Slot, State};
use crate::text;
use crate::theme::{self, Mark};
use crate::types::backfill::{BackfillDetailView, BackfillView};
use crate::types::{DagId, DagRunState, Timestamp};
use crate::widget::list::{Field, List, Shown, Value};
use crate::widget::paint;
use crate::widget::table::{fixed, growing, position, right};

/// Draws the screen.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State, dag_id: &DagId) {
    let level = state.level();
    let backfills = rows::backfills(state, level, dag_id);
    let selected = rows::place(level, &backfills);
    let all = state.cache.backfills(dag_id);
    let len = all.map_or(0, <[BackfillView]>::len);
    let rows = u16::try_from(len).unwrap_or(u16::MAX).saturating_add(3);
    let [place, dates] = Layout::vertical([
        Constraint::Length(rows.clamp(6, (area.height / 2).max(6))),
        Constraint::Min(0),
    ])
    .areas(area);
    let list = list(dag_id);
    let title = list.title(state, level, backfills.len(), len);
    let inside = paint::panel(buf, place, &title, &position(selected, backfills.len()), true);
    match all {
        None => return missing(buf, inside, state, &Slot::Backfills(dag_id.clone())),
        Some([]) => {
            return paint::empty(
                buf,
                inside,
                "No backfills yet",
                &with_keys!(state, "{} begins one, with a dry run", Backfill),
            );
        }
        Some(_) if backfills.is_empty() => {
            return filtered_out(buf, inside, state, "No backfill passes the filter");
        }
        Some(_) => {}
    }
    list.draw(buf, inside, state, &backfills, &Shown::focused(level, selected));
    if let Some(backfill) = backfills.get(selected) {
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

/// Describes the list.
pub(crate) fn list(dag_id: &DagId) -> List<'static, BackfillView> {
    let day = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M").to_string();
    let (dim, plain) = (theme::DIM, theme::PLAIN);
    List::new("backfills", format!("{dag_id} · backfills"), |view: &BackfillView| {
        view.backfill.id.to_string()
    })
    .field(
        Field::new("state", fixed("S", 1, 0), |_, view: &BackfillView| {
            Line::from(paint::glyph(mark(view)))
        })
        .sorted(|_, view| Value::text(mark(view).word)),
    )
    .field(
        Field::new("id", right("ID", 4, 0), move |_, view: &BackfillView| {
            paint::line(view.backfill.id.to_string(), dim)
        })
        .sorted_down(|_, view| Value::number(view.backfill.id as f64)),
    )
    .field(
        Field::new("from", fixed("FROM", 16, 0), move |_, view: &BackfillView| {
            paint::line(day(view.backfill.from_date), plain)
        })
        .sorted_down(|_, view| Value::time(view.backfill.from_date)),
    )
    .field(
        Field::new("to", fixed("TO", 16, 0), move |_, view: &BackfillView| {
            paint::line(day(view.backfill.to_date), plain)
        })
        .sorted_down(|_, view| Value::time(view.backfill.to_date)),
    )
    .field(
        Field::new("runs", growing("RUNS", 20, 0), |_, view: &BackfillView| counts(view))
            .sorted_down(|_, view| {
                Value::number(tally(view).map(|(n, _)| n as f64).iter().sum::<f64>())
            }),
    )
    .field(Field::words("reprocess", fixed("REPROCESS", 9, 3), dim, |view: &BackfillView| {
        view.backfill.reprocess_behavior.as_str().to_owned()
    }))
    .field(
        Field::new("at-once", right("AT ONCE", 7, 4), move |_, view: &BackfillView| {
            paint::line(view.backfill.max_active_runs.to_string(), dim)
        })
        .sorted_down(|_, view| Value::number(f64::from(view.backfill.max_active_runs))),
    )
    .field(Field::ago("begun", right("BEGUN", 8, 2), plain, |view: &BackfillView| {
        Some(view.backfill.created_at)
    }))
    .field(Field::words("by", fixed("BY", 8, 5), dim, |view: &BackfillView| {
        view.backfill.triggering_user_name.clone().unwrap_or_default()
    }))
}

/// Counts the runs of a backfill by how they stand.
fn tally(view: &BackfillView) -> [(u64, Mark); 5] {
    [
        (view.success, theme::run_mark(DagRunState::Success)),
        (view.failed, theme::run_mark(DagRunState::Failed)),
        (view.running, theme::run_mark(DagRunState::Running)),
        (view.queued, theme::run_mark(DagRunState::Queued)),
        (view.skipped, theme::task_mark(Some(crate::types::TaskInstanceState::Skipped))),
    ]
}

/// Writes how many of its runs stand how.
pub(crate) fn counts(view: &BackfillView) -> Line<'static> {
    let spans = tally(view).into_iter().filter(|(count, _)| *count > 0);
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
    let keys = with_keys!(state, "{} shows all of it", Open);
    let inside = paint::panel(buf, area, &title(detail), &keys, false);
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
