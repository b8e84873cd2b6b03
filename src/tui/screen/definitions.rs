//! The errors of `dags.toml`, each with its place drawn.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::keymap::with_keys;
use crate::state::State;
use crate::text;
use crate::theme;
use crate::widget::paint;

/// Draws the screen.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let diagnostics = state.definitions().map(|d| d.diagnostics.as_slice()).unwrap_or_default();
    let title = format!("dags.toml: {}", text::count(diagnostics.len(), "error"));
    let note = with_keys!(state, "{} {} scroll  {} back", Down, Up, Back);
    let inside = paint::panel(buf, area, &title, &note, true);
    if diagnostics.is_empty() {
        return paint::empty(buf, inside, "✓ No errors", "what dags.toml says is in force");
    }
    let mut lines: Vec<Line<'static>> = vec![
        paint::line("The last good version stays in force until these are gone.", theme::WARN),
        Line::default(),
    ];
    for diagnostic in diagnostics {
        if diagnostic.drawing.is_empty() {
            let place = format!("{}:{}:{}", diagnostic.file, diagnostic.line, diagnostic.column);
            lines.push(paint::line(format!("{place} {}", diagnostic.message), theme::BAD));
            lines.extend(
                diagnostic.help.iter().map(|help| paint::line(format!("help: {help}"), theme::DIM)),
            );
        }
        for (at, row) in diagnostic.drawing.lines().enumerate() {
            let style = if at == 0 { theme::BAD } else { theme::PLAIN };
            lines.extend(spread(row, usize::from(inside.width)).map(|row| paint::line(row, style)));
        }
        lines.push(Line::default());
    }
    let hidden = lines.len().saturating_sub(usize::from(inside.height));
    paint::put_all(buf, inside, lines, state.level().scroll.min(hidden));
}

/// Breaks words that are too long for the screen; lines of the file stay one line each.
fn spread(row: &str, width: usize) -> impl Iterator<Item = String> {
    let is_help = row.trim_start().starts_with("= ");
    let indent = row.find("= ").map_or(0, |at| at + 2);
    if !is_help || text::width(row) <= width {
        return vec![row.to_owned()].into_iter();
    }
    let (head, words) = row.split_at(indent);
    let mut lines = text::wrap_words(words, width.saturating_sub(indent));
    for (at, line) in lines.iter_mut().enumerate() {
        *line = if at == 0 { format!("{head}{line}") } else { format!("{:indent$}{line}", "") };
    }
    lines.into_iter()
}
