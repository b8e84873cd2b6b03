//! The text of one DAG out of a file: the lines of its tables, with the comments among them.

use crate::check::names::Declared;
use crate::file::{Node, Source, Span, Written};

/// Returns the lines that a definition takes, and the comments above and between them.
pub(super) fn of(source: &Source, declared: Declared<'_>) -> String {
    let mut spans = vec![declared.key];
    collect(declared.node, &mut spans);
    // A file may hold thousands of DAGs: only the stretch of this one is looked at.
    let (begin, text) = stretch(&source.text, &spans);
    let lines: Vec<&str> = text.lines().collect();
    let starts: Vec<usize> =
        std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let line_of = |at: usize| {
        let at = at.saturating_sub(begin);
        starts.partition_point(|start| *start <= at).saturating_sub(1)
    };
    let mut is_taken = vec![false; lines.len()];
    for span in spans {
        let last = line_of(span.end.saturating_sub(1).max(span.start));
        for line in line_of(span.start)..=last {
            if let Some(taken) = is_taken.get_mut(line) {
                *taken = true;
            }
        }
    }
    take_comments(&lines, &mut is_taken);
    let taken = lines.iter().zip(&is_taken).filter(|(_, taken)| **taken);
    taken.flat_map(|(line, _)| [*line, "\n"]).collect()
}

/// Returns the whole lines from the first place to the last one with the comments right above,
/// and where they begin.
fn stretch<'t>(text: &'t str, spans: &[Span]) -> (usize, &'t str) {
    let first = spans.iter().map(|span| span.start).min().unwrap_or(0);
    let last = spans.iter().map(|span| span.end).max().unwrap_or(0);
    let before = |at: usize| text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let mut begin = before(first);
    while begin > 0 {
        let above = before(begin - 1);
        if !is_comment(&text[above..begin]) {
            break;
        }
        begin = above;
    }
    let end = text[last..].find('\n').map_or(text.len(), |newline| last + newline);
    (begin, &text[begin..end])
}

/// A table with a header has its span there; the keys below it have their own.
fn collect(node: &Node, spans: &mut Vec<Span>) {
    match &node.value {
        Written::Table(table) => {
            for entry in table.0.values() {
                spans.push(entry.key);
                collect(&entry.node, spans);
            }
        }
        Written::List(items) => {
            spans.push(node.span);
            items.iter().for_each(|item| collect(item, spans));
        }
        Written::Text(_)
        | Written::Integer(_)
        | Written::Float(_)
        | Written::Bool(_)
        | Written::Datetime(_) => spans.push(node.span),
    }
}

/// What stands between two lines of a definition belongs to it where it is no other definition;
/// so do the comments above its first line.
fn take_comments(lines: &[&str], is_taken: &mut [bool]) {
    let is_filler = |line: usize| is_comment(lines[line]) || lines[line].trim().is_empty();
    let taken: Vec<usize> = (0..lines.len()).filter(|line| is_taken[*line]).collect();
    for pair in taken.windows(2) {
        let between = pair[0] + 1..pair[1];
        if between.clone().all(is_filler) {
            between.for_each(|line| is_taken[line] = true);
        } else {
            let above = between.rev().take_while(|line| is_comment(lines[*line]));
            above.for_each(|line| is_taken[line] = true);
        }
    }
    (0..taken.first().copied().unwrap_or(0)).for_each(|line| is_taken[line] = true);
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}
