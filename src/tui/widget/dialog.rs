//! Draws what may lie over a screen: confirms, the palette, the help.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use tui_input::Input;

use crate::hit::{self, Target};
use crate::state::popup::{Confirm, Gate};
use crate::text;
use crate::theme;
use crate::widget::paint;

/// Draws text being typed, with a block for its cursor; keeps the cursor in sight.
pub(crate) fn typed(input: &Input, width: usize, is_focused: bool) -> Vec<Span<'static>> {
    let value = text::clean(input.value());
    if !is_focused {
        return vec![Span::raw(text::cut(&value, width))];
    }
    let at = input.cursor().min(value.chars().count());
    let skip = (at + 1).saturating_sub(width.max(1));
    let shown: Vec<char> = value.chars().skip(skip).take(width).collect();
    let cursor = at - skip;
    let before: String = shown.iter().take(cursor).collect();
    let under: String = shown.get(cursor).map_or(" ".to_owned(), char::to_string);
    let after: String = shown.iter().skip(cursor + 1).collect();
    vec![Span::raw(before), Span::styled(under, theme::REVERSED), Span::raw(after)]
}

/// Draws a button.
pub(crate) fn button(word: &str, is_focused: bool) -> Span<'static> {
    let style = if is_focused { theme::REVERSED.patch(theme::BOLD) } else { theme::PLAIN };
    Span::styled(format!("[ {word} ]"), style)
}

/// Draws the question before a change.
pub(crate) fn confirm(buf: &mut Buffer, area: Rect, confirm: &Confirm) {
    let width = area.width.saturating_sub(6).clamp(20, 84);
    let inner_width = usize::from(width.saturating_sub(4));
    let mut lines: Vec<Line<'static>> = confirm
        .lines
        .iter()
        .flat_map(|line| text::wrap_words(line, inner_width))
        .map(|line| paint::line(line, theme::PLAIN))
        .collect();
    lines.push(Line::default());
    let on_yes = matches!(confirm.gate, Gate::Button { on_yes: true });
    lines.push(Line::from(vec![
        button("No", !on_yes),
        Span::raw("   "),
        button(confirm.verb, on_yes),
    ]));
    let keys = match confirm.gate {
        Gate::Line => "y yes  n no",
        Gate::Button { .. } => "y yes  n no  tab change  enter choose",
    };
    let height = u16::try_from(lines.len()).unwrap_or(20) + 2;
    let place = paint::popup(buf, area, width, height);
    hit::note(place, Target::Popup);
    let inside = paint::panel(buf, place, &confirm.title, keys, true);
    // The last line is the one that is answered: it must be seen on any height.
    let skip = lines.len().saturating_sub(usize::from(inside.height));
    let last = lines.pop();
    if skip == 0 {
        paint::put_all(buf, inside, lines, 0);
    } else {
        lines.truncate(usize::from(inside.height).saturating_sub(1));
        paint::put_all(buf, inside, lines, 0);
    }
    if let Some(last) = last {
        let row = inside.height.saturating_sub(1);
        note_buttons(inside, row, &last);
        paint::put(buf, inside, row, last);
    }
}

/// Notes where the buttons are: No is the first, the change the second.
fn note_buttons(inside: Rect, row: u16, buttons: &Line<'static>) {
    let mut x = inside.x;
    for (at, part) in buttons.spans.iter().enumerate() {
        let width = u16::try_from(part.width()).unwrap_or(0);
        let place = Rect { x, y: inside.y.saturating_add(row), width, height: 1 };
        if at != 1 {
            hit::note(place.intersection(inside), Target::Entry(at / 2));
        }
        x = x.saturating_add(width);
    }
}

/// Draws a question on one row: what is small is not worth a dialog.
pub(crate) fn question(buf: &mut Buffer, row: Rect, confirm: &Confirm) {
    const KEYS: [(&str, &str); 2] = [("n", "no"), ("y", "yes")];
    let keys: u16 = 18;
    let about = confirm.lines.join(" ");
    hit::note(row, Target::Popup);
    let line = Line::from(vec![
        Span::styled(" ? ", theme::WARN.patch(theme::BOLD)),
        paint::span(&confirm.title, theme::BOLD),
        paint::span(format!("  {about}"), theme::PLAIN),
    ]);
    let room = usize::from(row.width.saturating_sub(keys + 1));
    paint::put(buf, row, 0, paint::cut(line, room));
    let mut x = row.width.saturating_sub(keys) + 2;
    for (at, (key, word)) in KEYS.iter().enumerate().rev() {
        let width = u16::try_from(key.len() + word.len() + 1).unwrap_or(0);
        let place = Rect { x: row.x.saturating_add(x), width, ..row };
        hit::note(place.intersection(row), Target::Entry(at));
        let line = Line::from(vec![Span::styled(*key, theme::KEY), Span::raw(format!(" {word}"))]);
        paint::put_at(buf, row, x, 0, line);
        x += width + 3;
    }
}
