//! Draws Markdown simply: headings, lists, code, emphasis. What it does not know it shows as it
//! is written.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::text;
use crate::theme;
use crate::widget::paint;

/// Makes lines of at most `width` cells.
pub(crate) fn lines(source: &str, width: usize) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> = Vec::new();
    let mut paragraph = String::new();
    let mut is_code = false;
    for line in source.trim().lines() {
        let trimmed = line.trim();
        if trimmed.starts_with("```") {
            flush(&mut paragraph, &mut lines, width);
            is_code = !is_code;
        } else if is_code {
            lines.push(paint::line(format!("  {line}"), theme::ACCENT));
        } else if trimmed.is_empty() {
            flush(&mut paragraph, &mut lines, width);
            if lines.last().is_some_and(|line| line.width() > 0) {
                lines.push(Line::default());
            }
        } else if let Some(heading) = heading(trimmed) {
            flush(&mut paragraph, &mut lines, width);
            lines.push(paint::line(heading, theme::ACCENT.patch(theme::BOLD)));
        } else if let Some((mark, item)) = item(line) {
            flush(&mut paragraph, &mut lines, width);
            lines.extend(wrapped(&mark, item, width));
        } else {
            if !paragraph.is_empty() {
                paragraph.push(' ');
            }
            paragraph.push_str(trimmed);
        }
    }
    flush(&mut paragraph, &mut lines, width);
    lines
}

fn flush(paragraph: &mut String, lines: &mut Vec<Line<'static>>, width: usize) {
    if !paragraph.is_empty() {
        lines.extend(wrapped("", &std::mem::take(paragraph), width));
    }
}

fn heading(line: &str) -> Option<&str> {
    let text = line.trim_start_matches('#');
    (text.len() < line.len()).then(|| text.strip_prefix(' ')).flatten()
}

/// Reads an item of a list: its mark, moved in as it is written, and its text.
fn item(line: &str) -> Option<(String, &str)> {
    let text = line.trim_start();
    let indent = (line.len() - text.len()).min(8);
    let pad = " ".repeat(indent);
    for mark in ["- ", "* ", "+ "] {
        if let Some(rest) = text.strip_prefix(mark) {
            return Some((format!("{pad}· "), rest));
        }
    }
    let (number, rest) = text.split_once(". ")?;
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| (format!("{pad}{number}. "), rest))
}

/// Wraps words, each in its style; lines after the first stand under the first one's text.
fn wrapped(mark: &str, source: &str, width: usize) -> Vec<Line<'static>> {
    let indent = text::width(mark);
    let mut lines = Vec::new();
    let mut spans = vec![paint::span(mark, theme::DIM)];
    let mut used = indent;
    for (word, style) in words(source) {
        let cells = text::width(&word);
        if used > indent && used + 1 + cells > width {
            lines.push(Line::from(std::mem::take(&mut spans)));
            spans.push(Span::raw(" ".repeat(indent)));
            used = indent;
        } else if used > indent {
            spans.push(Span::raw(" "));
            used += 1;
        }
        used += cells;
        spans.push(Span::styled(word, style));
    }
    lines.push(Line::from(spans));
    lines
}

/// Splits into words with their styles: `code`, **strong**, *emphasised*.
fn words(source: &str) -> Vec<(String, Style)> {
    let source = text::clean(source);
    let mut words = Vec::new();
    let mut rest = source.as_str();
    while !rest.is_empty() {
        let next = [("`", theme::ACCENT), ("**", theme::BOLD), ("*", theme::EMPHASIS)]
            .into_iter()
            .filter_map(|(sign, style)| Some((rest.find(sign)?, sign, style)))
            .min_by_key(|(at, sign, _)| (*at, std::cmp::Reverse(sign.len())));
        let inside = next.and_then(|(at, sign, style)| {
            let begin = at + sign.len();
            let length = rest[begin..].find(sign).filter(|length| *length > 0)?;
            let is_open = !rest[begin..].starts_with(' ');
            is_open.then_some((at, begin, begin + length, begin + length + sign.len(), style))
        });
        let Some((at, begin, end, after, style)) = inside else {
            words.extend(rest.split_whitespace().map(|word| (word.to_owned(), theme::PLAIN)));
            break;
        };
        words.extend(rest[..at].split_whitespace().map(|word| (word.to_owned(), theme::PLAIN)));
        words.extend(rest[begin..end].split_whitespace().map(|word| (word.to_owned(), style)));
        rest = &rest[after..];
        // What touches what was emphasised, such as a full stop, stays with it.
        let touching = rest.find(char::is_whitespace).unwrap_or(rest.len());
        if touching > 0
            && rest[..touching].chars().all(|c| c.is_ascii_punctuation() && c != '*' && c != '`')
        {
            if let Some((last, _)) = words.last_mut() {
                last.push_str(&rest[..touching]);
            }
            rest = &rest[touching..];
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(source: &str, width: usize) -> Vec<String> {
        lines(source, width).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn headings_lists_and_code_are_laid_out() {
        let source = "# Title\nSome *words* of\ntext.\n\n- one item that wraps\n  - deeper\n1. first\n\n```sh\nls  -l\n```\n#no heading";
        assert_eq!(
            shown(source, 14),
            [
                "Title",
                "Some words of",
                "text.",
                "",
                "· one item",
                "  that wraps",
                "  · deeper",
                "1. first",
                "",
                "  ls  -l",
                "#no heading",
            ]
        );
    }

    #[test]
    fn emphasis_is_drawn_and_what_is_left_open_stays_as_written() {
        let line = &lines("a `b c`, **d**. 2 * 3", 80)[0];
        assert_eq!(line.to_string(), "a b c, d. 2 * 3");
        let styles: Vec<Style> = line
            .spans
            .iter()
            .filter(|s| ["b", "c,", "d."].contains(&&*s.content))
            .map(|s| s.style)
            .collect();
        assert_eq!(styles, [theme::ACCENT, theme::ACCENT, theme::BOLD]);
        assert_eq!(shown("an * open and a ` too", 80), ["an * open and a ` too"]);
        assert_eq!(shown("", 10), Vec::<String>::new());
    }
}
