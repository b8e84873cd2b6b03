//! One backfill: how far it is, what was asked and by whom, and its dates with their runs.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::rows;
use crate::screen::{backfills, filtered_out, missing, run_preview};
use crate::state::{State, backfill};
use crate::text;
use crate::theme;
use crate::types::Timestamp;
use crate::types::backfill::{BackfillDagRunView, BackfillDetailView, BackfillId};
use crate::widget::list::{Field, List, Shown, Value};
use crate::widget::paint;
use crate::widget::table::{fixed, growing, position, right};

/// Columns from which the facts stand beside the dates.
const WIDE: u16 = 120;
/// Rows of the facts above the dates, with their frame.
const FACTS_ROWS: u16 = 8;

/// Draws the page.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State, id: BackfillId) {
    let Some(detail) = backfill::shown(state, state.level(), id) else {
        let inside = paint::panel(buf, area, &format!("Backfill {id}"), "", true);
        return missing(buf, inside, state, &backfill::slot(state.level(), id));
    };
    let (facts, dates) = if area.width >= WIDE {
        let [dates, facts] =
            Layout::horizontal([Constraint::Min(0), Constraint::Percentage(36)]).areas(area);
        (facts, dates)
    } else {
        let rows = if area.height >= 16 { FACTS_ROWS } else { 4 };
        let [facts, dates] =
            Layout::vertical([Constraint::Length(rows), Constraint::Min(0)]).areas(area);
        (facts, dates)
    };
    let title = format!("Backfill {id} of {}", detail.backfill.backfill.dag_id);
    let inside = paint::panel(buf, facts, &title, "", false);
    paint::put_all(buf, inside, facts_of(state, detail, usize::from(inside.width)), 0);
    draw_dates(buf, dates, state, detail);
}

fn facts_of(state: &State, detail: &BackfillDetailView, width: usize) -> Vec<Line<'static>> {
    let view = &detail.backfill;
    let backfill = &view.backfill;
    let mut head = paint::worded(backfills::mark(view)).to_vec();
    head.push(Span::raw("  "));
    head.extend(progress(detail, (width / 3).clamp(6, 30)));
    let mut lines = vec![Line::from(head)];
    if detail.is_dag_paused && backfill.completed_at.is_none() {
        lines.push(paint::line("! held: the DAG is paused", theme::WARN));
    }
    lines.push(backfills::counts(view));
    let order = if backfill.run_backwards { "newest first" } else { "oldest first" };
    let (from, to) = (day(backfill.from_date), day(backfill.to_date));
    lines.push(paint::pair("dates", format!("{from} to {to}, {order}")));
    let by = backfill.triggering_user_name.as_deref().unwrap_or("nobody said who");
    let begun = text::ago(state.now, backfill.created_at);
    let ended = backfill.completed_at.map(|at| format!(", ended {}", text::ago(state.now, at)));
    lines.push(paint::pair("begun", format!("{begun} by {by}{}", ended.unwrap_or_default())));
    let again = reprocess(backfill.reprocess_behavior);
    lines.push(paint::pair("runs", format!("{} at once; {again}", backfill.max_active_runs)));
    let params = match &backfill.dag_run_conf {
        Some(conf) => run_preview::words(conf),
        None => "none given: the DAG's; a cleared run keeps its own".to_owned(),
    };
    for (at, piece) in text::wrap_words(&params, width.saturating_sub(13).max(8)).iter().enumerate()
    {
        lines.push(paint::pair(if at == 0 { "params" } else { "" }, piece));
    }
    lines
}

/// Says what becomes of dates that have a run.
fn reprocess(behavior: crate::types::state::ReprocessBehavior) -> &'static str {
    use crate::types::state::ReprocessBehavior as R;
    match behavior {
        R::None => "dates that have a run are left out",
        R::Failed => "dates whose run failed run again",
        R::Completed => "dates whose run has ended run again",
    }
}

/// A bar of the dates: done well, failed, under way, to come; with the figures.
fn progress(detail: &BackfillDetailView, cells: usize) -> Vec<Span<'static>> {
    let view = &detail.backfill;
    let dealt = u64::from(view.backfill.position);
    let Some(total) = detail.total_dates else {
        return vec![paint::span(format!("{dealt} dates so far"), theme::PLAIN)];
    };
    let total = total.max(dealt);
    let part = |n: u64, style: Style, glyph: &str| {
        let share = n as f64 / total.max(1) as f64;
        // Whatever there is shows, be it one of ten thousand.
        let width = ((share * cells as f64).floor() as usize).max(usize::from(n > 0));
        Span::styled(glyph.repeat(width), style)
    };
    let mut spans = vec![Span::raw("[")];
    spans.push(part(view.success + view.skipped, theme::GOOD, "█"));
    spans.push(part(view.failed, theme::BAD, "█"));
    spans.push(part(view.running, theme::ACCENT, "▒"));
    let used: usize = spans.iter().skip(1).map(Span::width).sum();
    spans.push(Span::styled("░".repeat(cells.saturating_sub(used)), theme::DIM));
    let ended = view.success + view.failed + view.skipped;
    spans.push(paint::span(format!("] {ended} of {total} dates ended"), theme::PLAIN));
    spans
}

fn day(at: Timestamp) -> String {
    let whole = at.strftime("%H:%M").to_string() == "00:00";
    at.strftime(if whole { "%Y-%m-%d" } else { "%Y-%m-%d %H:%MZ" }).to_string()
}

fn draw_dates(buf: &mut Buffer, area: Rect, state: &State, detail: &BackfillDetailView) {
    let level = state.level();
    let dates = rows::backfill::dates(state, level, detail.backfill.backfill.id);
    let selected = rows::place(level, &dates);
    let list = list();
    let dealt = detail.backfill.backfill.position as usize;
    let shown = if level.filter.is_empty() { dealt } else { dates.len() };
    let title = list.title(state, level, shown, dealt);
    let inside = paint::panel(buf, area, &title, &position(selected, dates.len()), true);
    if detail.dag_runs.is_empty() {
        let how = "its runs stand here as they are made";
        return paint::empty(buf, inside, "No date was dealt with yet", how);
    }
    if dates.is_empty() {
        return filtered_out(buf, inside, state, "No date passes the filter");
    }
    list.draw(buf, inside, state, &dates, &Shown::focused(level, selected));
}

/// Describes the list of dates.
pub(crate) fn list() -> List<'static, BackfillDagRunView> {
    List::new("backfill", "Dates", |run: &BackfillDagRunView| run.dag_run.sort_ordinal.to_string())
        .field(
            Field::new("order", right("#", 4, 2), |_, run: &BackfillDagRunView| {
                paint::line(run.dag_run.sort_ordinal.to_string(), theme::DIM)
            })
            .sorted_down(|_, run| Value::number(f64::from(run.dag_run.sort_ordinal))),
        )
        .field(
            Field::new("date", fixed("DATE", 17, 0), |_, run: &BackfillDagRunView| {
                paint::line(day(run.dag_run.logical_date), theme::PLAIN)
            })
            .sorted_down(|_, run| Value::time(run.dag_run.logical_date)),
        )
        .field(
            Field::new("state", fixed("STATE", 24, 0), |_, run: &BackfillDagRunView| standing(run))
                .sorted(|_, run| Value::text(standing(run).to_string())),
        )
        .field(Field::ago(
            "started",
            right("STARTED", 8, 1),
            theme::PLAIN,
            |run: &BackfillDagRunView| run.start_date,
        ))
        .field(
            Field::new("took", right("TOOK", 7, 1), |look, run: &BackfillDagRunView| {
                let words = |secs| match run.end_date {
                    Some(_) => text::duration(secs),
                    None => text::running(secs),
                };
                paint::line(took(look.state, run).map(words).unwrap_or_default(), theme::PLAIN)
            })
            .sorted_down(|state, run| Value::number(took(state, run))),
        )
        .field(Field::words(
            "run",
            growing("RUN", 16, 3),
            theme::DIM,
            |run: &BackfillDagRunView| {
                run.dag_run.dag_run_id.as_ref().map(ToString::to_string).unwrap_or_default()
            },
        ))
}

/// Says how the run of a date stands, or why it has none.
fn standing(run: &BackfillDagRunView) -> Line<'static> {
    match (run.state, run.dag_run.exception_reason) {
        (Some(state), _) => Line::from(paint::worded(theme::run_mark(state)).to_vec()),
        (None, Some(reason)) => paint::line(format!("left out: {reason}"), theme::DIM),
        (None, None) => paint::line("its run is gone", theme::DIM),
    }
}

/// Returns how long its run took, or has run by now, in seconds.
fn took(state: &State, run: &BackfillDagRunView) -> Option<f64> {
    let start = run.start_date?;
    Some(text::seconds(start, run.end_date.unwrap_or(state.now)))
}
