//! Draws the followed log.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use crate::state::log::{LogLine, Reading, Source};
use crate::state::{LogOptions, LogPane};
use crate::text;
use crate::theme;
use crate::types::TaskInstanceState;
use crate::types::run::TaskInstance;
use crate::widget::paint;

/// Draws the log of the selected task with its frame.
pub(crate) fn draw(
    buf: &mut Buffer,
    area: Rect,
    task: Option<&TaskInstance>,
    log: Option<&LogPane>,
    options: LogOptions,
    why_not_started: &str,
    is_focused: bool,
) {
    let Some((task, log)) = task.zip(log).filter(|(task, log)| task.key == log.key) else {
        let inside = paint::panel(buf, area, "Log", "", is_focused);
        paint::empty(buf, inside, "No task is selected", "its log would be here");
        return;
    };
    let inside = paint::panel(buf, area, &title(task, log), &note(task, log, options), is_focused);
    if log.lines.is_empty() {
        draw_empty(buf, inside, task, log, why_not_started);
        return;
    }
    let rows = visible(log, options, inside);
    paint::put_all(buf, inside, rows, 0);
}

fn title(task: &TaskInstance, log: &LogPane) -> String {
    let name = crate::rows::task_key(&task.key);
    if task.try_number == 0 {
        return format!("Log {name}");
    }
    let tries = if task.max_tries > 1 || task.try_number > 1 {
        format!(" · try {}/{}", log.shown_try, task.max_tries.max(task.try_number))
    } else {
        String::new()
    };
    let follow = match (log.follows, &log.reading) {
        (true, Reading::Ended) => " · ended",
        (true, _) => " · following",
        (false, _) => " · scrolled (f follows)",
    };
    format!("Log {name}{tries}{follow}")
}

fn note(task: &TaskInstance, log: &LogPane, options: LogOptions) -> String {
    if task.try_number == 0 {
        return String::new();
    }
    let mut note = text::count(log.lines.len(), "line");
    if task.try_number > 1 {
        note.push_str(" · ( ) other tries");
    }
    if options.wraps {
        note.push_str(" · wrapped");
    }
    if !log.search.is_empty() {
        note.push_str(&format!(" · /{}  n next  N previous", log.search));
    }
    note
}

fn draw_empty(
    buf: &mut Buffer,
    inside: Rect,
    task: &TaskInstance,
    log: &LogPane,
    why_not_started: &str,
) {
    let mark = theme::task_mark(task.state);
    let why = task.note.clone().unwrap_or_else(|| why_not_started.to_owned());
    match &log.reading {
        Reading::Failed(problem) => {
            paint::empty(buf, inside, "The log could not be read", problem);
        }
        Reading::Ended => paint::empty(buf, inside, "The task wrote nothing", &why),
        _ if task.try_number == 0 => {
            let what = format!("Not started: {}", mark.word);
            let is_over = task.state.is_some_and(TaskInstanceState::is_finished);
            let how = match why.as_str() {
                "" if is_over => "",
                "" => "the log appears here when it starts",
                why => why,
            };
            paint::empty(buf, inside, &what, how);
        }
        _ => paint::empty(buf, inside, "Waiting for the first line", &why),
    }
}

/// Returns the rows that are seen: the last ones while it follows.
fn visible(log: &LogPane, options: LogOptions, area: Rect) -> Vec<Line<'static>> {
    let height = usize::from(area.height);
    let width = usize::from(area.width);
    if log.follows {
        let mut rows: Vec<Line<'static>> = Vec::new();
        for line in log.lines.iter().rev() {
            let mut pieces = rows_of(line, log, options, width);
            pieces.reverse();
            rows.extend(pieces);
            if rows.len() >= height {
                break;
            }
        }
        rows.truncate(height);
        rows.reverse();
        return rows;
    }
    let shown = log.lines.iter().skip(log.top.min(log.lines.len().saturating_sub(1)));
    shown.flat_map(|line| rows_of(line, log, options, width)).take(height).collect()
}

fn rows_of(line: &LogLine, log: &LogPane, options: LogOptions, width: usize) -> Vec<Line<'static>> {
    let mut head = Vec::new();
    if options.has_times && !line.time.is_empty() {
        // Whole seconds: the tail of the time is in the file.
        let time = line.time.split('.').next().unwrap_or(&line.time);
        head.push(paint::span(format!("{time} "), theme::DIM));
    }
    let style = match line.source {
        Source::Out | Source::Raw => theme::PLAIN,
        Source::Err => theme::WARN,
        Source::Deck => theme::ACCENT,
    };
    match line.source {
        Source::Err => head.push(Span::styled("! ", style)),
        Source::Deck => head.push(Span::styled("» ", style)),
        Source::Out => head.push(Span::raw("  ")),
        Source::Raw => {}
    }
    let used: usize = head.iter().map(Span::width).sum();
    let pieces = if options.wraps {
        text::wrap(&line.text, width.saturating_sub(used).max(8))
    } else {
        vec![line.text.clone()]
    };
    let mut rows = Vec::new();
    for piece in pieces {
        let mut spans =
            if rows.is_empty() { head.clone() } else { vec![Span::raw(" ".repeat(used))] };
        spans.extend(with_matches(&piece, &log.search, style));
        rows.push(Line::from(spans));
    }
    rows
}

/// Marks what was searched for.
fn with_matches(text: &str, search: &str, style: Style) -> Vec<Span<'static>> {
    // Lowering may change lengths outside ASCII; there the line is shown unmarked.
    let (low, needle) = (text.to_lowercase(), search.to_lowercase());
    if needle.is_empty() || low.len() != text.len() {
        return vec![paint::span(text, style)];
    }
    let mut spans = Vec::new();
    let mut rest = 0;
    for (at, found) in low.match_indices(&needle) {
        let (Some(before), Some(hit)) = (text.get(rest..at), text.get(at..at + found.len())) else {
            return vec![paint::span(text, style)];
        };
        spans.push(paint::span(before, style));
        spans.push(paint::span(hit, style.add_modifier(Modifier::REVERSED)));
        rest = at + found.len();
    }
    spans.push(paint::span(text.get(rest..).unwrap_or_default(), style));
    spans
}
