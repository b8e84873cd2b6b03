//! Tasks over time: `░` while they waited in the queue, `█` while they ran, `▒` between the first
//! and the last of several; a line where now is.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::rows::run::{RunRow, What};
use crate::state::State;
use crate::text;
use crate::theme;
use crate::types::TaskInstanceState;
use crate::types::run::TaskInstance;
use crate::types::view::RunDetailView;
use crate::widget::{paint, table};

/// Which time is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    start: f64,
    secs: f64,
    /// Where now is, while the run runs.
    now: Option<f64>,
}

impl Scale {
    /// From the run's start to its end, or to a little after now.
    pub(super) fn new(state: &State, run: &RunDetailView) -> Self {
        let start = run.run.start_date.unwrap_or(run.run.queued_at);
        let until = run.run.end_date.unwrap_or(state.now);
        let secs = text::seconds(start, until).max(0.001);
        let is_open = run.run.end_date.is_none();
        let secs = if is_open { secs * 1.06 } else { secs };
        let now = is_open.then(|| text::seconds(start, state.now));
        Self { start: start.as_millisecond() as f64 / 1000.0, secs, now }
    }

    fn cell(&self, secs: f64, cells: u16) -> u16 {
        let share = (secs / self.secs).clamp(0.0, 1.0);
        ((share * f64::from(cells)) as u16).min(cells.saturating_sub(1))
    }

    fn after(&self, at: crate::types::Timestamp) -> f64 {
        at.as_millisecond() as f64 / 1000.0 - self.start
    }
}

/// Draws the time axis: a mark at every so many cells.
pub(super) fn axis(buf: &mut Buffer, area: Rect, scale: &Scale) {
    let step = 14.min(area.width / 2).max(7);
    for x in (0..area.width.saturating_sub(6)).step_by(usize::from(step)) {
        let secs = f64::from(x) / f64::from(area.width.max(1)) * scale.secs;
        let words = if x == 0 { "│0s".to_owned() } else { format!("│{}", text::running(secs)) };
        paint::put_at(buf, area, x, 0, paint::line(words, theme::DIM));
    }
}

/// Draws the bar of a row.
pub(super) fn bar(buf: &mut Buffer, area: Rect, row: &RunRow<'_>, scale: &Scale) {
    if area.width < 4 {
        return;
    }
    if let Some(now) = scale.now {
        let x = scale.cell(now, area.width);
        paint::put_at(buf, area, x, 0, paint::line("│", theme::DIM));
    }
    match row.what {
        What::Task(task) => task_bar(buf, area, task, scale),
        What::Mapped(_) | What::Group(_) => {
            let first = row.tasks().filter_map(|task| task.start_date).min();
            let is_open =
                row.tasks().any(|task| task.start_date.is_some() && task.end_date.is_none());
            let last = row.tasks().filter_map(|task| task.end_date).max();
            let last = if is_open { scale.now } else { last.map(|end| scale.after(end)) };
            let (Some(first), Some(last)) = (first, last) else { return };
            let style = theme::task_mark(row.index.counts_of(row.id).worst()).style;
            fill(buf, area, (scale.after(first), last), scale, ("▒", style));
        }
    }
}

fn task_bar(buf: &mut Buffer, area: Rect, task: &TaskInstance, scale: &Scale) {
    let mark = theme::task_mark(task.state);
    let start = task.start_date.map(|at| scale.after(at));
    if let Some(queued) = task.queued_when.map(|at| scale.after(at)) {
        let until = start.or(scale.now).unwrap_or(queued);
        if start.is_none() || until - queued >= scale.secs / f64::from(area.width) {
            fill(buf, area, (queued, until), scale, ("░", theme::DIM));
        }
    }
    let Some(start) = start else { return };
    let end = task.end_date.map(|at| scale.after(at)).or(scale.now).unwrap_or(start);
    let last = fill(buf, area, (start, end), scale, ("█", mark.style));
    // Which state it is in, and that it was tried before, is told without colour too.
    let mut words = Vec::new();
    if task.try_number > 1 {
        words.push(Span::styled(format!("↻{}", task.try_number), theme::WARN));
    }
    if task.state != Some(TaskInstanceState::Success) {
        words.push(paint::glyph(mark));
    }
    let words = Line::from(words);
    let cells = u16::try_from(words.width()).unwrap_or(0);
    let x =
        if last + 1 + cells <= area.width { last + 1 } else { area.width - cells.min(area.width) };
    paint::put_at(buf, area, x, 0, words);
}

/// Fills a stretch of time; returns its last cell.
fn fill(
    buf: &mut Buffer,
    area: Rect,
    (from, to): (f64, f64),
    scale: &Scale,
    (glyph, style): (&str, ratatui::style::Style),
) -> u16 {
    let (first, last) = (scale.cell(from, area.width), scale.cell(to, area.width));
    let cells = usize::from(last.saturating_sub(first)) + 1;
    paint::put_at(buf, area, first, 0, Line::styled(glyph.repeat(cells), style));
    last
}

/// Draws the bars as a pane of their own, of the rows that the grid shows.
pub(super) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let Some((run, index)) = crate::rows::run::shown(state) else { return };
    let inside = paint::panel(buf, area, "Time", "░ queued  █ ran  ▒ several", false);
    let names = (inside.width / 3).clamp(10, 24);
    let scale = Scale::new(state, run);
    let bars = |row: Rect| Rect {
        x: row.x + names + 1,
        width: row.width.saturating_sub(names + 1),
        ..row
    };
    axis(buf, bars(inside), &scale);
    let selected = crate::rows::run::cursor(state);
    let height = usize::from(inside.height.saturating_sub(1));
    let first = table::offset(selected, index.fold.rows.len(), height);
    let rows = index.fold.rows.iter().enumerate().skip(first).take(height);
    for (y, (at, row)) in (1..).zip(rows) {
        let Some(row) = RunRow::new(run, index, row.id) else { continue };
        let line = Rect { y: inside.y + y, height: 1, ..inside };
        let style = if at == selected { theme::REVERSED } else { theme::PLAIN };
        let name = text::cut_middle(&text::clean(&row.name(false)), usize::from(names));
        paint::put(buf, line, 0, paint::line(name, style));
        bar(buf, bars(line), &row, &scale);
    }
}
