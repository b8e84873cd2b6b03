//! What single cells of the run view say: how far something is, how long it took, what it is.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::rows::run::{RunRow, What};
use crate::state::State;
use crate::state::run::Counts;
use crate::state::run::counts::states;
use crate::text;
use crate::theme::{self, Mark};
use crate::types::TaskInstanceState;
use crate::types::progress::Progress;
use crate::types::run::TaskInstance;
use crate::types::view::RunDetailView;
use crate::widget::paint;

/// Returns how far a task says it is.
pub(crate) fn progress<'a>(run: &'a RunDetailView, task: &TaskInstance) -> Option<&'a Progress> {
    run.progress.iter().find(|(key, _)| *key == task.key).map(|(_, progress)| progress)
}

/// Draws how far a task is: `██████░░░░ 60%`, or what it said.
fn bar(progress: &Progress, cells: usize, style: Style) -> Line<'static> {
    match progress.fraction {
        Some(share) => {
            let percent = (share.clamp(0.0, 1.0) * 100.0).floor();
            let bar = paint::bar(share, cells.saturating_sub(5));
            Line::styled(format!("{bar} {percent:>3.0}%"), style)
        }
        None => paint::line(&progress.text, style),
    }
}

/// Says how a row stands: its state in a word, its progress, the counts of what it stands for.
pub(super) fn about(row: &RunRow<'_>, cells: usize) -> Line<'static> {
    let What::Task(task) = row.what else { return counts(row_counts(row), false) };
    let mark = theme::task_mark(task.state);
    match progress(row.run, task).filter(|_| task.is_open()) {
        Some(progress) => bar(progress, cells, mark.style),
        None => Line::styled(mark.word, mark.style),
    }
}

/// What there is to say beside a name where the state has no column of its own: of a mapped task
/// its counts and its instances as a strip, of one that runs how far it is.
pub(super) fn extra(row: &RunRow<'_>, room: usize) -> Line<'static> {
    match row.what {
        What::Task(task) => {
            let said = progress(row.run, task).filter(|_| task.is_open() && room >= 9);
            let style = theme::task_mark(task.state).style;
            said.map(|said| bar(said, room.min(11), style)).unwrap_or_default()
        }
        What::Mapped(_) => {
            let counts = counts(row_counts(row), false);
            let left = room.saturating_sub(counts.width() + 1);
            if left < 4 {
                return strip(row, room.min(10));
            }
            let mut line = counts;
            line.push_span(Span::raw(" "));
            line.extend(strip(row, left.min(10)).spans);
            line
        }
        What::Group(_) => Line::default(),
    }
}

fn row_counts(row: &RunRow<'_>) -> Counts {
    match row.what {
        What::Task(task) => {
            let mut counts = Counts::default();
            counts.add(task.state);
            counts
        }
        What::Mapped(_) | What::Group(_) => row.index.counts_of(row.id),
    }
}

/// Draws the instances of a mapped task as a strip: a cell stands for as many as must share it,
/// in the state of the one that matters most.
pub(super) fn strip(row: &RunRow<'_>, cells: usize) -> Line<'static> {
    let count = row.tasks().count();
    if count < 2 || cells == 0 {
        return Line::default();
    }
    let states: Vec<_> = row.tasks().map(|task| task.state).collect();
    Line::from(heat(&states, cells.min(count)))
}

/// Draws states as a strip of cells, the worst of each bucket.
pub(crate) fn heat(states: &[Option<TaskInstanceState>], cells: usize) -> Vec<Span<'static>> {
    let bucket = |cell: usize| {
        let (from, to) = (cell * states.len() / cells, (cell + 1) * states.len() / cells);
        let of = states.get(from..to.max(from + 1)).unwrap_or(&[]).iter().copied();
        let worst = of.min_by_key(|state| TaskInstanceState::weight(*state)).flatten();
        paint::glyph(theme::task_mark(worst))
    };
    (0..cells).map(bucket).collect()
}

/// Counts states: `18/32  ✗ 1  ► 3  ✓ 18`; without words those that look alike are one.
pub(super) fn counts(counts: Counts, has_words: bool) -> Line<'static> {
    let (done, total) = (counts.finished(), counts.total());
    let mut told: Vec<_> = states().filter(|state| counts.of(*state) > 0).collect();
    told.sort_by_key(|state| TaskInstanceState::weight(*state));
    let mut marks: Vec<(Mark, usize)> = Vec::new();
    for state in told {
        let mark = theme::task_mark(state);
        match marks.last_mut() {
            Some((last, count)) if !has_words && last.glyph == mark.glyph => {
                *count += counts.of(state);
            }
            _ => marks.push((mark, counts.of(state))),
        }
    }
    let mut spans = vec![Span::styled(format!("{done}/{total}"), theme::BOLD)];
    spans.extend(marks.into_iter().map(|(mark, count)| {
        let told = match has_words {
            true => format!("  {} {count} {}", mark.glyph, mark.word),
            false => format!(" {} {count}", mark.glyph),
        };
        Span::styled(told, mark.style)
    }));
    Line::from(spans)
}

/// Says how long a row took, or has been running; of several from the first start to the last end.
pub(super) fn took(state: &State, row: &RunRow<'_>) -> String {
    if let What::Task(task) = row.what {
        return task_took(state, task);
    }
    let Some(start) = row.tasks().filter_map(|task| task.start_date).min() else {
        return String::new();
    };
    let counts = row_counts(row);
    if counts.finished() < counts.total() {
        return text::running(text::seconds(start, state.now));
    }
    let end = row.tasks().filter_map(|task| task.end_date).max();
    end.map(|end| text::duration(text::seconds(start, end))).unwrap_or_default()
}

/// Says how long a task took, or has been running.
pub(crate) fn task_took(state: &State, task: &TaskInstance) -> String {
    let secs = task.duration_secs(state.now).filter(|_| task.try_number > 0);
    match (secs, task.end_date) {
        (Some(secs), Some(_)) => text::duration(secs),
        (Some(secs), None) => text::running(secs),
        (None, _) => String::new(),
    }
}

/// Of a task that did well at once there is nothing to tell.
pub(super) fn tried(row: &RunRow<'_>) -> String {
    let What::Task(task) = row.what else { return String::new() };
    let is_open = task.state.is_some_and(|s| !s.is_finished()) && task.max_tries > 1;
    if task.try_number > 1 || is_open && task.try_number > 0 {
        format!("{}/{}", task.try_number, task.max_tries.max(task.try_number))
    } else {
        String::new()
    }
}

/// Says what a row is, or what a deferred task waits for.
pub(super) fn operator(row: &RunRow<'_>) -> Line<'static> {
    match row.what {
        What::Task(task) => match (&task.note, task.state) {
            (Some(note), Some(TaskInstanceState::Deferred)) => paint::line(note, theme::ACCENT),
            _ => paint::line(&task.operator, theme::DIM),
        },
        What::Mapped(_) => {
            let operator = row.tasks().next().map_or("", |task| task.operator.as_str());
            paint::line(operator, theme::DIM)
        }
        What::Group(group) => paint::line(group.tooltip.as_deref().unwrap_or("group"), theme::DIM),
    }
}
