//! Draws a menu.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::hit::{self, Target};
use crate::state::menu::{Item, Menu};
use crate::text;
use crate::theme;
use crate::widget::paint;
use crate::widget::table::{highlight, offset};

/// Draws it in the middle of `area`.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, menu: &Menu) {
    let label = menu.items.iter().map(|item| text::width(&item.label)).max().unwrap_or(0).min(40);
    let note = menu.items.iter().map(|item| text::width(&item.note)).max().unwrap_or(0);
    let keys = "letter or enter  esc close";
    let widest = (label + note + 12).max(text::width(keys) + 4).max(text::width(&menu.title) + 4);
    let width = u16::try_from(widest).unwrap_or(u16::MAX).min(area.width.saturating_sub(2));
    let height = u16::try_from(menu.items.len() + 2).unwrap_or(u16::MAX);
    let place = paint::popup(buf, area, width, height);
    hit::note(place, Target::Popup);
    let inside = paint::panel(buf, place, &menu.title, keys, true);
    let first = offset(menu.selected, menu.items.len(), usize::from(inside.height));
    for (row, at) in (0..inside.height).zip(first..menu.items.len()) {
        paint::put(buf, inside, row, line(&menu.items[at], label));
        let whole = Rect { y: inside.y + row, height: 1, ..inside };
        hit::note(whole, Target::Entry(at));
        if at == menu.selected {
            highlight(buf, whole);
        }
    }
}

fn line(item: &Item, label: usize) -> Line<'static> {
    let mark = match item.is_on {
        Some(true) => "✓ ",
        Some(false) | None => "  ",
    };
    let name = text::cut_middle(&text::clean(&item.label), label);
    let pad = " ".repeat(label.saturating_sub(text::width(&name)));
    Line::from(vec![
        Span::styled(format!("{} ", item.key), theme::KEY),
        Span::styled(mark, theme::GOOD),
        Span::styled(format!("{name}{pad}  "), theme::PLAIN),
        paint::span(&item.note, theme::DIM),
    ])
}
