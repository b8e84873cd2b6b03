//! What needs attention: as a box on the first screen, as one line where that is short, and as a
//! list of its own. Every line says what, why, since when, and which keys do what.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::rows::attention::{self, counts};
use crate::screen::missing;
use crate::state::{Slot, State};
use crate::text;
use crate::theme::{self, Mark};
use crate::types::attention::{AttentionItem, AttentionKind};
use crate::types::event::Severity;
use crate::widget::paint;
use crate::widget::table::{Table, fixed, growing, offset, position, right};

/// Draws the list that `A` opens.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let level = state.level();
    let items = attention::items(state, level);
    let keys: Vec<String> = items.iter().map(|item| attention::key(item)).collect();
    let selected = level.cursor(&keys);
    let mut title = format!("Needs attention {}", items.len());
    if !level.filter.is_empty() {
        title.push_str(&format!(" · /{}", level.filter));
    }
    let inside = paint::panel(buf, area, &title, &position(selected, items.len()), true);
    match state.cache.attention() {
        None => return missing(buf, inside, state, &Slot::Attention),
        Some([]) => {
            let what = "Nothing needs attention";
            let how =
                "failed and stuck runs, late ones, stale assets, alarms and questions show here";
            return paint::empty(buf, inside, what, how);
        }
        Some(_) if items.is_empty() => {
            return paint::empty(buf, inside, "Nothing passes the filter", "esc clears it");
        }
        Some(_) => {}
    }
    let subjects = items.iter().map(|item| text::width(&item.subject)).max().unwrap_or(0);
    // What is wrong gets the room: names are longer than they tell.
    let subjects = u16::try_from(subjects).unwrap_or(u16::MAX).min(inside.width / 4).max(8);
    let columns = [
        fixed("", 1, 0),
        fixed("ABOUT", subjects, 0),
        growing("WHAT", 30, 0),
        right("SINCE", 8, 1),
        fixed("KEYS", 24, 2),
    ];
    let row = |at: usize| {
        let item = items[at];
        vec![
            Line::from(paint::glyph(mark(item))),
            paint::line(text::cut_middle(&item.subject, usize::from(subjects)), theme::BOLD),
            paint::line(&item.text, theme::PLAIN),
            paint::line(since(state, item), theme::PLAIN),
            keys_line(item, state.is_read_only()),
        ]
    };
    Table {
        columns: &columns,
        len: items.len(),
        selected: Some(selected),
        is_focused: true,
        row: &row,
    }
    .draw(buf, inside);
}

/// Draws the box of the first screen.
pub(crate) fn draw_box(buf: &mut Buffer, area: Rect, state: &State) {
    let items = attention::items(state, state.level());
    let keys: Vec<String> = items.iter().map(|item| attention::key(item)).collect();
    let is_focused = attention::is_in_box(state);
    let cursor = state.home.cursor(&keys);
    let note = if is_focused { "tab back to the DAGs" } else { "tab goes here · A all of it" };
    let title = format!("Needs attention ({})", items.len());
    let inside = paint::panel(buf, area, &title, note, is_focused);
    let height = usize::from(inside.height);
    let first = if is_focused { offset(cursor, items.len(), height) } else { 0 };
    let subjects = items.iter().map(|item| text::width(&item.subject)).max().unwrap_or(0);
    let subjects = subjects.clamp(12, 28);
    for (row, (at, item)) in (0..inside.height).zip(items.iter().enumerate().skip(first)) {
        let is_last_row = usize::from(row) + 1 == height;
        let hidden = items.len() - at - 1;
        if is_last_row && hidden > 0 && !is_focused {
            let more = format!("+{} more: A shows them all", hidden + 1);
            paint::put(buf, inside, row, paint::line(more, theme::DIM));
            break;
        }
        draw_item(buf, Rect { y: inside.y + row, height: 1, ..inside }, state, item, subjects);
        if is_focused && at == cursor {
            let row = Rect { y: inside.y + row, height: 1, ..inside };
            crate::widget::table::highlight(buf, row);
        }
    }
}

fn draw_item(buf: &mut Buffer, row: Rect, state: &State, item: &AttentionItem, subjects: usize) {
    let since = format!("{:>8}", since(state, item));
    let keys = keys_line(item, state.is_read_only());
    // The keys go first where there is no room for what is wrong.
    let keys_width = if row.width >= 90 { KEYS_WIDTH + 2 } else { 0 };
    let room =
        usize::from(row.width).saturating_sub(2 + subjects + 2 + 1 + since.len() + keys_width);
    let text = text::clean(&item.text);
    let line = Line::from(vec![
        paint::glyph(mark(item)),
        Span::raw(" "),
        paint::span(pad(&text::cut_middle(&item.subject, subjects), subjects + 2), theme::BOLD),
        paint::span(pad(&text::cut(&text, room), room + 1), theme::PLAIN),
        paint::span(since, theme::PLAIN),
    ]);
    paint::put(buf, row, 0, line);
    if keys_width > 0 {
        paint::put_right(buf, row, 0, keys);
    }
}

/// The keys of all lines stand under each other.
const KEYS_WIDTH: usize = 24;

fn pad(text: &str, cells: usize) -> String {
    format!("{text}{}", " ".repeat(cells.saturating_sub(text::width(text))))
}

/// Draws one line with the counts and the most urgent thing.
pub(crate) fn draw_line(buf: &mut Buffer, row: Rect, state: &State) {
    let items = attention::items(state, state.level());
    let Some(first) = items.first() else { return };
    let [errors, warnings, questions] = counts(&items);
    let mut spans = vec![Span::raw(" ")];
    for (glyph, count, style) in [
        ("✗", errors, theme::BAD.patch(theme::BOLD)),
        ("!", warnings, theme::WARN),
        ("?", questions, theme::ACCENT),
    ] {
        if count > 0 {
            spans.push(Span::styled(format!("{glyph}{count} "), style));
        }
    }
    spans.push(Span::raw(" "));
    spans.push(paint::span(&first.subject, theme::BOLD));
    spans.push(paint::span(format!("  {}", first.text), theme::PLAIN));
    let hint =
        Line::from(vec![Span::styled("  A", theme::KEY), Span::styled(" shows all ", theme::DIM)]);
    let room = usize::from(row.width).saturating_sub(hint.width());
    paint::put(buf, row, 0, paint::cut(Line::from(spans), room));
    paint::put_right(buf, row, 0, hint);
}

fn mark(item: &AttentionItem) -> Mark {
    match (item.kind, item.severity) {
        (AttentionKind::Approval, _) => theme::question(),
        (_, Severity::Info | Severity::Warning | Severity::Error) => {
            theme::severity_mark(item.severity)
        }
    }
}

fn since(state: &State, item: &AttentionItem) -> String {
    item.since.map_or(String::new(), |at| text::ago(state.now, at))
}

/// Says which keys do what there.
fn keys_line(item: &AttentionItem, read_only: bool) -> Line<'static> {
    use AttentionKind as K;
    let keys: &[(&str, &str)] = match item.kind {
        K::FailedRun if read_only => &[("↵", "open"), ("L", "log")],
        K::FailedRun => &[("↵", "open"), ("c", "clear"), ("L", "log")],
        K::SlowTask => &[("↵", "open"), ("L", "log")],
        K::MissedDeadline | K::WaitingTasks | K::WaitingRuns => &[("↵", "open"), ("w", "why")],
        K::OverdueRun => &[("↵", "DAG"), ("w", "why")],
        K::StaleAsset => &[("↵", "why")],
        K::Serving => &[("↵", "serving")],
        K::Approval => &[("↵", "answer")],
        K::Definitions => &[("↵", "errors")],
        K::Problem => &[("↵", "system")],
    };
    let mut spans = Vec::new();
    for (key, word) in keys {
        spans.push(Span::styled(*key, theme::KEY));
        spans.push(Span::styled(format!(" {word}  "), Style::new()));
    }
    let used: usize = spans.iter().map(Span::width).sum();
    spans.push(Span::raw(" ".repeat(KEYS_WIDTH.saturating_sub(used))));
    Line::from(spans)
}
