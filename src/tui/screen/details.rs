//! A task instance in full: what it was given, what it gave, its tries.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use serde_json::Value;

use crate::keymap::{scroll_note, with_keys};
use crate::rows;
use crate::screen::run::cell::progress;
use crate::state::State;
use crate::text;
use crate::theme;
use crate::types::run::{TaskInstance, TaskTry};
use crate::widget::paint;

/// Draws the details as a pane.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let Some(task) = rows::selected_task(state) else {
        paint::panel(buf, area, "Task", "", false);
        return;
    };
    let title = format!("Task {}", rows::task_key(&task.key));
    let inside =
        paint::panel(buf, area, &title, &with_keys!(state, "{} in full", TaskDetails), false);
    paint::put_all(buf, inside, lines(state, task, usize::from(inside.width)), 0);
}

/// Draws the details over the screen.
pub(crate) fn popup(buf: &mut Buffer, area: Rect, state: &State, scroll: usize) {
    let Some(task) = rows::selected_task(state) else { return };
    let width = area.width.saturating_sub(4).min(110);
    let lines = lines(state, task, usize::from(width.saturating_sub(4)));
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).min(area.height);
    let place = paint::popup(buf, area, width, height);
    let title = format!("Task {}", rows::task_key(&task.key));
    let hidden = lines.len().saturating_sub(usize::from(height.saturating_sub(2)));
    let inside = paint::panel(buf, place, &title, &scroll_note(state, hidden), true);
    paint::put_all(buf, inside, lines, scroll.min(hidden));
}

fn lines(state: &State, task: &TaskInstance, width: usize) -> Vec<Line<'static>> {
    let mut head = paint::worded(theme::task_mark(task.state)).to_vec();
    head.push(paint::span(format!("  {}  pool {}", task.operator, task.pool), theme::DIM));
    let mut lines = vec![Line::from(head)];
    if let Some(note) = &task.note {
        lines
            .extend(text::wrap_words(note, width).into_iter().map(|l| paint::line(l, theme::WARN)));
    }
    if let Some(progress) =
        state.shown_run().filter(|_| task.is_open()).and_then(|run| progress(run, task))
    {
        let share = progress.fraction;
        let bar = share.map(|share| format!("{} {:.0}%  ", paint::bar(share, 20), share * 100.0));
        let said = format!("{}{}", bar.unwrap_or_default(), progress.text);
        lines.push(paint::pair("progress", said));
    }
    if let Some(note) = &task.user_note {
        lines.push(paint::pair("note", note.replace('\n', " · ")));
    }
    let why = rows::why_not_started(state, task);
    lines.extend(text::wrap_words(&why, width).into_iter().map(|l| paint::line(l, theme::DIM)));
    lines.extend(upstream(state, task, width));
    if let Some(at) = task.next_retry_at {
        lines.push(paint::pair("next try", text::until(state.now, at)));
    }
    if let Some(start) = task.start_date {
        let queued = task.queued_when.map(|at| text::seconds(at, start));
        let queued = queued.filter(|secs| *secs >= 1.0).map(text::duration);
        let waited =
            queued.map(|waited| format!("  after {waited} in the queue")).unwrap_or_default();
        lines.push(paint::pair("started", format!("{}{waited}", text::instant(start))));
    }
    if let Some(end) = task.end_date {
        lines.push(paint::pair("ended", text::instant(end)));
    }
    let Some(detail) = state.cache.task(&task.key) else {
        lines.push(paint::line("loading…", theme::DIM));
        return lines;
    };
    lines.extend(detail.task.place.words().map(|words| {
        let pid = detail.task.pid.filter(|_| task.end_date.is_none());
        let pid = pid.map(|pid| format!(" · pid {pid}")).unwrap_or_default();
        paint::pair("executor", format!("{words}{pid}"))
    }));
    lines.extend(detail.task.place.adopted.as_ref().map(|why| paint::pair("adopted", why)));
    if !detail.tries.is_empty() {
        lines.push(paint::line("TRIES", theme::DIM));
        for tried in &detail.tries {
            lines.push(try_line(tried));
            // Where the last one is stands above.
            lines.extend(place_line(tried).filter(|_| tried.key.try_number < task.try_number));
        }
    }
    if let Some(rendered) = &detail.rendered {
        lines.push(paint::line("ARGUMENTS AS RENDERED", theme::DIM));
        for (name, value) in rendered {
            value_lines(&mut lines, name, value, width);
        }
    }
    if let Some(output) = &detail.output {
        lines.push(paint::line("OUTPUT", theme::DIM));
        match output {
            Value::Object(map) => {
                map.iter().for_each(|(name, value)| value_lines(&mut lines, name, value, width));
            }
            other => value_lines(&mut lines, "", other, width),
        }
    }
    lines
}

/// Names the tasks right before it, each with its state.
fn upstream(state: &State, task: &TaskInstance, width: usize) -> Option<Line<'static>> {
    let (_, index) = rows::run::shown(state)?;
    let before = &index.up[index.task(&task.key.task_id)? as usize];
    let mut spans = vec![paint::span(format!("{:<12}", "after"), theme::DIM)];
    for up in before {
        let up = &index.tasks[*up as usize];
        spans.push(paint::glyph(theme::task_mark(up.counts.worst())));
        spans.push(paint::span(format!(" {}  ", up.task_id), theme::PLAIN));
    }
    (!before.is_empty()).then(|| paint::cut(Line::from(spans), width))
}

fn try_line(tried: &TaskTry) -> Line<'static> {
    let mark = theme::task_mark(Some(tried.state));
    let mut spans = vec![paint::span(format!("  {} ", tried.key.try_number), theme::DIM)];
    spans.extend(paint::worded(mark));
    if let (Some(start), Some(end)) = (tried.start_date, tried.end_date) {
        spans.push(paint::span(
            format!("  {}", text::duration(text::seconds(start, end))),
            theme::PLAIN,
        ));
    }
    if let Some(code) = tried.exit_code.filter(|code| *code != 0) {
        spans.push(paint::span(format!("  exit {code}"), theme::BAD));
    }
    let is_said = tried.exit_code.map(|code| format!("exit code {code}"));
    if let Some(error) = tried.error.as_ref().filter(|error| is_said.as_ref() != Some(error)) {
        spans.push(paint::span(format!("  {error}"), theme::BAD));
    }
    Line::from(spans)
}

/// Says where a try ran, and why it was adopted.
fn place_line(tried: &TaskTry) -> Option<Line<'static>> {
    let mut said = tried.place.words()?;
    if let Some(pid) = tried.pid {
        said.push_str(&format!(" · pid {pid}"));
    }
    if let Some(why) = &tried.place.adopted {
        said.push_str(&format!(" · adopted {why}"));
    }
    Some(paint::line(format!("    {said}"), theme::DIM))
}

/// Adds `name value`, the value broken over lines and cut after eight.
fn value_lines(lines: &mut Vec<Line<'static>>, name: &str, value: &Value, width: usize) {
    const KEPT: usize = 8;
    let text = match value {
        Value::String(text) => text.clone(),
        // Metrics and the like: a line each.
        Value::Object(map) if !map.is_empty() => {
            let pairs: Vec<String> = map.iter().map(|(key, value)| pair(key, value)).collect();
            pairs.join("\n")
        }
        other => other.to_string(),
    };
    let room = width.saturating_sub(16).max(8);
    let pieces: Vec<String> =
        text.lines().flat_map(|line| text::wrap_softly(&text::clean(line), room)).collect();
    for (at, piece) in pieces.iter().take(KEPT).enumerate() {
        let label = if at == 0 { text::cut(name, 13) } else { String::new() };
        lines.push(Line::from(vec![
            paint::span(format!("  {label:<13} "), theme::ACCENT),
            paint::span(piece, theme::PLAIN),
        ]));
    }
    if pieces.len() > KEPT {
        let more = format!("{:16}… {} more lines", "", pieces.len() - KEPT);
        lines.push(paint::line(more, theme::DIM));
    }
}

fn pair(key: &str, value: &Value) -> String {
    match value {
        Value::Number(number) if number.is_f64() => {
            format!("{key} {}", number.as_f64().map_or_else(|| number.to_string(), text::figure))
        }
        Value::String(text) => format!("{key} {text}"),
        other => format!("{key} {other}"),
    }
}
