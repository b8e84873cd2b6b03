//! Collects what is wrong and what is odd, and draws it.

use std::cell::RefCell;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::file::{Source, Span};

/// Holds the sources and the errors found in them so far.
#[derive(Default)]
pub(super) struct Reporter {
    sources: Vec<Source>,
    /// Of each source, where its lines begin: every DAG and every task asks for its line.
    lines: Vec<Vec<usize>>,
    found: RefCell<Vec<(Option<Span>, Diagnostic)>>,
    warned: RefCell<Vec<(Option<Span>, Diagnostic)>>,
}

impl Reporter {
    /// Adds a source and returns its number.
    pub(super) fn add_source(&mut self, source: Source) -> usize {
        let breaks = source.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        self.lines.push(std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect());
        self.sources.push(source);
        self.sources.len() - 1
    }

    pub(super) fn source(&self, file: usize) -> &Source {
        &self.sources[file]
    }

    pub(super) fn sources(&self) -> &[Source] {
        &self.sources
    }

    pub(super) fn is_clean(&self) -> bool {
        self.found.borrow().is_empty()
    }

    /// Notes an error at a place.
    pub(super) fn error(
        &self,
        span: Span,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) {
        let found = self.diagnostic(&Level::ERROR, span, code, message.into(), help.into());
        self.found.borrow_mut().push((Some(span), found));
    }

    /// Notes at a place what is allowed, and probably not what was meant.
    pub(super) fn warning(
        &self,
        span: Span,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) {
        let found = self.diagnostic(&Level::WARNING, span, code, message.into(), help.into());
        self.warned.borrow_mut().push((Some(span), found));
    }

    fn diagnostic(
        &self,
        level: &Level<'_>,
        span: Span,
        code: &'static str,
        message: String,
        help: Option<String>,
    ) -> Diagnostic {
        let source = self.source(span.file);
        let (line, column) = position(&source.text, span.start);
        let file = source.shown.clone();
        let drawing = String::new();
        let mut found = Diagnostic { code, message, file, line, column, help, drawing };
        found.drawing = draw(level, &found, Some((source, span)));
        found
    }

    /// Notes an error of a file as a whole.
    pub(super) fn file_error(
        &self,
        file: &str,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) {
        let mut diagnostic = Diagnostic {
            code,
            message: message.into(),
            file: file.to_owned(),
            line: 0,
            column: 0,
            help: help.into(),
            drawing: String::new(),
        };
        diagnostic.drawing = draw(&Level::ERROR, &diagnostic, None);
        self.found.borrow_mut().push((None, diagnostic));
    }

    /// Narrows the place of a value to the first occurrence of `text` in it, where that stands
    /// there literally.
    pub(super) fn within(&self, span: Span, text: &str) -> Span {
        let written = self.source(span.file).text.get(span.start..span.end).unwrap_or_default();
        match written.find(text).filter(|_| !text.is_empty()) {
            Some(at) => {
                let start = span.start + at;
                Span { start, end: start + text.len(), ..span }
            }
            None => span,
        }
    }

    /// Returns the line of a place, from 1.
    pub(super) fn line(&self, span: Span) -> usize {
        self.lines[span.file].partition_point(|start| *start <= span.start)
    }

    /// Returns all errors in the order of the files.
    pub(super) fn into_diagnostics(self) -> Diagnostics {
        Diagnostics(in_order(self.found.into_inner()))
    }

    /// Returns all warnings in the order of the files.
    pub(super) fn into_warnings(self) -> Vec<Diagnostic> {
        in_order(self.warned.into_inner())
    }
}

fn in_order(mut found: Vec<(Option<Span>, Diagnostic)>) -> Vec<Diagnostic> {
    found.sort_by_key(|(span, _)| *span);
    found.dedup();
    found.into_iter().map(|(_, diagnostic)| diagnostic).collect()
}

/// Returns line and column (in characters), both from 1.
pub(super) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

fn draw(level: &Level<'_>, diagnostic: &Diagnostic, place: Option<(&Source, Span)>) -> String {
    let title = level.clone().primary_title(diagnostic.message.as_str()).id(diagnostic.code);
    let mut group = Group::with_title(title);
    if let Some((source, span)) = place {
        group = group.element(
            Snippet::source(source.text.as_str())
                .path(source.shown.as_str())
                .annotation(AnnotationKind::Primary.span(one_line(&source.text, span))),
        );
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    Renderer::plain().render(&[group])
}

/// Cuts a place that runs over several lines down to its first: a whole table would hide the
/// point.
fn one_line(text: &str, span: Span) -> std::ops::Range<usize> {
    let end = text[span.start..span.end].find('\n').map_or(span.end, |at| span.start + at);
    span.start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        assert_eq!(position("é = 1\nüß = 2", 0), (1, 1));
        assert_eq!(position("é = 1\nüß = 2", 12), (2, 4));
        assert_eq!(position("a", 1), (1, 2));
    }

    #[test]
    fn an_error_is_drawn_with_its_place_and_its_help() {
        let mut report = Reporter::default();
        let text = "[dag.a]\nretires = 1\n".to_owned();
        let file = report.add_source(Source {
            path: "/p/dags.toml".into(),
            shown: "dags.toml".to_owned(),
            text,
        });
        let span = Span { file, start: 8, end: 15 };
        report.error(span, "unknown-key", "no such key", "did you mean `retries`?".to_owned());
        let found = report.into_diagnostics();
        assert_eq!(
            found.0[0].drawing,
            "\
error[unknown-key]: no such key
 --> dags.toml:2:1
  |
2 | retires = 1
  | ^^^^^^^
  |
  = help: did you mean `retries`?"
        );
    }

    #[test]
    fn errors_come_in_the_order_of_the_file_and_once() {
        let mut report = Reporter::default();
        let file = report.add_source(Source {
            path: "dags.toml".into(),
            shown: "dags.toml".to_owned(),
            text: "a\nb\n".to_owned(),
        });
        for start in [2, 0, 2] {
            report.error(Span { file, start, end: start + 1 }, "x", "m", None);
        }
        let lines: Vec<usize> = report.into_diagnostics().0.iter().map(|d| d.line).collect();
        assert_eq!(lines, [1, 2]);
    }
}
