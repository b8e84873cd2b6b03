//! A line of a log as rows of the screen.

use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthChar;

use crate::state::log::{LogLine, LogOptions};
use crate::text;
use crate::theme;
use crate::types::log::{LogLevel, LogSource, plain};
use crate::widget::log::json::Pieces;
use crate::widget::log::{ansi, json};

/// Cells of the mark before a line, and of the time.
const MARK: usize = 2;
const TIME: usize = 9;
/// The least that a line is wrapped to.
const WRAP_MIN: usize = 12;

/// Returns how many rows a line takes.
pub(crate) fn height(line: &LogLine, options: &LogOptions, width: usize) -> usize {
    if !options.wraps && !options.is_json {
        return 1;
    }
    of(line, options, width, 0).len().max(1)
}

/// Returns the rows of a line, `left` columns of its text left out.
pub(crate) fn of(
    line: &LogLine,
    options: &LogOptions,
    width: usize,
    left: usize,
) -> Vec<Line<'static>> {
    let head = head(line, options);
    let used = MARK + if options.has_times { TIME } else { 0 };
    let room = width.saturating_sub(used).max(WRAP_MIN);
    let mut rows: Vec<Line<'static>> = Vec::new();
    for body in bodies(line, options, left + room) {
        let body = marked(body, options);
        let pieces = match options.wraps {
            true => wrapped(body, room),
            false => vec![without(body, left)],
        };
        for piece in pieces {
            let mut spans =
                if rows.is_empty() { head.clone() } else { vec![Span::raw(" ".repeat(used))] };
            spans.extend(piece.into_iter().map(|(text, style)| Span::styled(text, style)));
            rows.push(Line::from(spans));
        }
    }
    rows
}

/// Makes the time and the mark, which tells by its shape what the colour tells.
fn head(line: &LogLine, options: &LogOptions) -> Vec<Span<'static>> {
    let mut head = Vec::new();
    if options.has_times {
        // Whole seconds: the tail of the time is in the file.
        let time = line.time.map_or(String::new(), |time| time.strftime("%H:%M:%S").to_string());
        head.push(Span::styled(format!("{time:<TIME$}"), theme::DIM));
    }
    let begins = !line.goes_on;
    head.push(match (line.level, line.source) {
        (Some(LogLevel::Error), _) if begins => {
            Span::styled("✗ ", theme::BAD.add_modifier(Modifier::BOLD))
        }
        (Some(LogLevel::Warn), _) if begins => Span::styled("! ", theme::WARN),
        (_, LogSource::Deck) => Span::styled("» ", theme::ACCENT),
        (_, LogSource::Err) => Span::styled("e ", theme::DIM),
        (_, LogSource::Out | LogSource::Raw) => Span::raw("  "),
    });
    head
}

fn style_of(line: &LogLine) -> Style {
    match (line.level, line.source) {
        (Some(LogLevel::Error), _) => theme::BAD,
        (Some(LogLevel::Warn), _) => theme::WARN,
        (Some(LogLevel::Debug), _) => theme::DIM,
        (_, LogSource::Deck) => theme::ACCENT,
        (Some(LogLevel::Info) | None, LogSource::Out | LogSource::Err | LogSource::Raw) => {
            theme::PLAIN
        }
    }
}

/// Returns what is said, a row for each line of JSON. Of a line that is cut, `seen` cells are
/// looked at and not more.
fn bodies(line: &LogLine, options: &LogOptions, seen: usize) -> Vec<Pieces> {
    if options.is_json
        && let Some(rows) = json::rows(&plain(&line.text))
    {
        return rows;
    }
    let mut end = line.text.len();
    if !options.wraps {
        // Characters have up to four bytes, colours some more.
        end = end.min(seen * 8 + 256);
        while !line.text.is_char_boundary(end) {
            end -= 1;
        }
    }
    vec![ansi::pieces(&line.text[..end], style_of(line))]
}

/// Marks what was searched for, and makes the text safe to draw.
fn marked(pieces: Pieces, options: &LogOptions) -> Pieces {
    let whole: String = pieces.iter().map(|(text, _)| text.as_str()).collect();
    let found = options.search.found(&whole);
    let mut out = Vec::new();
    let mut at = 0;
    for (text, style) in pieces {
        let end = at + text.len();
        let mut cuts = vec![at];
        cuts.extend(found.iter().flat_map(|(from, to)| [*from, *to]));
        cuts.retain(|cut| (at..end).contains(cut));
        cuts.push(end);
        for pair in cuts.windows(2) {
            let is_hit = found.iter().any(|(from, to)| (*from..*to).contains(&pair[0]));
            let style = if is_hit { style.add_modifier(Modifier::REVERSED) } else { style };
            let part = text.get(pair[0] - at..pair[1] - at).unwrap_or_default();
            out.push((text::clean(part), style));
        }
        at = end;
    }
    out
}

/// Breaks pieces into rows of at most `max` cells.
fn wrapped(pieces: Pieces, max: usize) -> Vec<Pieces> {
    let mut rows: Vec<Pieces> = vec![Vec::new()];
    let mut used = 0;
    for (text, style) in pieces {
        let mut part = String::new();
        for c in text.chars() {
            let cells = c.width().unwrap_or(0);
            if used + cells > max && used > 0 {
                if let Some(row) = rows.last_mut() {
                    row.push((std::mem::take(&mut part), style));
                }
                rows.push(Vec::new());
                used = 0;
            }
            part.push(c);
            used += cells;
        }
        if let Some(row) = rows.last_mut() {
            row.push((part, style));
        }
    }
    rows
}

/// Leaves out the first `left` cells.
fn without(pieces: Pieces, left: usize) -> Pieces {
    let mut gone = 0;
    let mut out = Vec::new();
    for (text, style) in pieces {
        let kept: String = text
            .chars()
            .skip_while(|c| {
                let is_gone = gone < left;
                gone += if is_gone { c.width().unwrap_or(0) } else { 0 };
                is_gone
            })
            .collect();
        out.push((kept, style));
    }
    out
}
