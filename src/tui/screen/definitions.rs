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
            lines.push(paint::line(row, if at == 0 { theme::BAD } else { theme::PLAIN }));
        }
        lines.push(Line::default());
    }
    let hidden = lines.len().saturating_sub(usize::from(inside.height));
    paint::put_all(buf, inside, lines, state.level().scroll.min(hidden));
}
