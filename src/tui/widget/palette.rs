//! Draws the palette: what is typed, what fits it with the typed letters bright, the key that does
//! the same at the right.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::hit::{self, Target};
use crate::keymap::{self, scroll_note};
use crate::state::State;
use crate::state::popup::{Palette, Scope};
use crate::text;
use crate::theme;
use crate::update::palette::{Entry, Offers, help, letters};
use crate::widget::dialog::typed;
use crate::widget::paint;
use crate::widget::table::offset;

/// A row: an entry by its number, or the name of a group.
#[derive(Clone, Copy)]
enum Row {
    Entry(usize),
    Group(&'static str),
}

/// Draws it over `area`.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State, palette: &Palette) {
    let (offers, typed_text) = (&state.commands.offers, palette.input.value().trim());
    // The keys of a pane are few and stand in groups; what has a name may be thousands.
    let grouped = (palette.scope == Scope::Here && typed_text.is_empty()).then(|| groups(offers));
    let len = grouped.as_ref().map_or(offers.len(), Vec::len);
    let row = |at: usize| match &grouped {
        Some(rows) => rows.get(at).copied(),
        None => (at < len).then_some(Row::Entry(at)),
    };
    let width = area.width.saturating_sub(4).clamp(20, 90);
    let most = area.height.saturating_sub(if palette.scope == Scope::Here { 3 } else { 6 });
    let most = if palette.scope == Scope::Here { most } else { most.min(16) };
    let rows = u16::try_from(len).unwrap_or(u16::MAX).min(most);
    let place = paint::popup(buf, area, width, rows.max(1) + 3);
    hit::note(place, Target::Popup);
    let (title, note) = match palette.scope {
        Scope::All => ("Command".to_owned(), "enter run  tab complete  ↑ before  esc close"),
        Scope::Here => {
            let place = keymap::place(state).name().replace('-', " ");
            (format!("Keys: {place}"), "type to find  enter run  :keys all  esc close")
        }
    };
    let inside = paint::panel(buf, place, &title, note, true);
    let sign = if palette.scope == Scope::Here { "?" } else { ":" };
    let mut spans = vec![Span::styled(sign, theme::KEY)];
    spans.extend(typed(&palette.input, usize::from(inside.width.saturating_sub(2)), true));
    paint::put(buf, inside, 0, Line::from(spans));
    if len == 0 {
        paint::put(buf, inside, 1, paint::line("no command fits", theme::DIM));
    }
    let is_selected = |row: &Row| matches!(row, Row::Entry(at) if *at == palette.selected);
    let selected = match &grouped {
        Some(rows) => rows.iter().position(is_selected).unwrap_or(0),
        None if palette.selected < len => palette.selected,
        None => 0,
    };
    // At the top the first group's name is seen too.
    let selected = if selected == 1 { 0 } else { selected };
    let first = offset(selected, len, usize::from(rows));
    let name = offers.widest().clamp(16, (usize::from(inside.width) * 2 / 5).max(16));
    for (y, row) in (1..=rows).zip((first..).map_while(row)) {
        match row {
            Row::Group(name) => paint::put(buf, inside, y, paint::line(name, theme::DIM)),
            Row::Entry(at) => {
                let Some(entry) = offers.get(at) else { continue };
                hit::note(Rect { y: inside.y + y, height: 1, ..inside }, Target::Entry(at));
                let spans = name_spans(entry, typed_text, name, at == palette.selected);
                draw_entry(buf, inside, y, entry, help(state, entry), spans);
            }
        }
    }
}

/// Returns the rows of all that fits, each group under its name.
fn groups(offers: &Offers) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut before = None;
    for (at, entry) in (0..).map_while(|at| Some((at, offers.get(at)?))) {
        if before != Some(entry.group) {
            rows.push(Row::Group(entry.group));
        }
        before = Some(entry.group);
        rows.push(Row::Entry(at));
    }
    rows
}

fn draw_entry(
    buf: &mut Buffer,
    inside: Rect,
    y: u16,
    entry: &Entry,
    help: &str,
    name: Vec<Span<'static>>,
) {
    let keys = text::width(&entry.key);
    let is_off = entry.reason.is_some();
    let mut spans = name;
    let taken: usize = spans.iter().map(Span::width).sum();
    let help = entry.reason.unwrap_or(help);
    let room = usize::from(inside.width).saturating_sub(taken + 3 + keys);
    let style = if is_off { theme::WARN } else { theme::DIM };
    spans.push(Span::raw("  "));
    spans.push(Span::styled(text::cut(&text::clean(help), room), style));
    paint::put(buf, inside, y, Line::from(spans));
    let style = if is_off { theme::DIM } else { theme::KEY };
    paint::put_right(buf, inside, y, paint::line(&entry.key, style));
}

/// Writes a name in `width` cells, the typed letters bright.
fn name_spans(entry: &Entry, typed: &str, width: usize, is_selected: bool) -> Vec<Span<'static>> {
    let letters = letters(entry, typed);
    let base = match (entry.reason.is_some(), is_selected) {
        (true, _) => theme::DIM,
        (false, true) => theme::REVERSED,
        (false, false) => theme::PLAIN,
    };
    let mut spans = vec![Span::styled(if is_selected { "▸ " } else { "  " }, theme::ACCENT)];
    let mut cells = 0;
    for (at, c) in entry.name.chars().enumerate() {
        let piece = text::clean(&c.to_string());
        if cells + text::width(&piece) > width {
            break;
        }
        cells += text::width(&piece);
        let is_typed = letters.contains(&at);
        let style = if is_typed { base.patch(theme::KEY) } else { base };
        spans.push(Span::styled(piece, style));
    }
    spans.push(Span::raw(" ".repeat(width - cells)));
    spans
}

/// Draws every key with what it does and what says so.
pub(crate) fn keys(buf: &mut Buffer, area: Rect, state: &State, scroll: usize) {
    let width = area.width.saturating_sub(4).clamp(20, 110);
    let mut lines: Vec<Line<'static>> = Vec::new();
    let path = state.keymap.path.clone().unwrap_or_default();
    for problem in &state.keymap.problems {
        let told = format!("✗ {path}:{problem}");
        let wrapped = text::wrap_words(&told, usize::from(width.saturating_sub(4)));
        lines.extend(wrapped.into_iter().map(|line| paint::line(line, theme::BAD)));
    }
    for (place, bound) in keymap::listed(&state.keymap) {
        lines.push(paint::line(format!("[keys.{place}]"), theme::BOLD));
        for bound in bound {
            let origin = match bound.line {
                Some(line) => format!("{path}:{line}"),
                None => "default".to_owned(),
            };
            lines.push(Line::from(vec![
                paint::span(format!("  {:<20} ", bound.action.name()), theme::PLAIN),
                paint::span(format!("{:<18} ", bound.keys.join(", ")), theme::KEY),
                paint::span(format!("{origin:<10} "), theme::ACCENT),
                paint::span(bound.help, theme::DIM),
            ]));
        }
    }
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).min(area.height);
    let place = paint::popup(buf, area, width, height);
    hit::note(place, Target::Popup);
    let hidden = lines.len().saturating_sub(usize::from(height.saturating_sub(2)));
    let inside = paint::panel(buf, place, "Every key", &scroll_note(state, hidden), true);
    paint::put_all(buf, inside, lines, scroll.min(hidden));
}
