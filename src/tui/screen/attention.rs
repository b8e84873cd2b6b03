//! What needs attention: as a box on the first screen, as one line where that is short, and as a
//! list of its own. Every line says what, why, since when, and which keys do what.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::keymap::{Action, Place, label, label_at, with_keys};
use crate::rows::attention::{self, counts};
use crate::screen::{filtered_out, missing};
use crate::state::{Slot, State};
use crate::text;
use crate::theme::{self, Mark};
use crate::types::attention::{AttentionItem, AttentionKind};
use crate::types::event::Severity;
use crate::widget::list::{Field, List, Shown, Value};
use crate::widget::paint;
use crate::widget::table::{fixed, growing, position, right};

/// Draws the list that `A` opens.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let level = state.level();
    let items = attention::items(state, level);
    let keys: Vec<String> = items.iter().map(|item| attention::key(item)).collect();
    let selected = level.cursor(&keys);
    let list = list(&items);
    let all = state.cache.attention().map_or(0, <[_]>::len);
    let title = list.title(state, level, items.len(), all);
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
            return filtered_out(buf, inside, state, "Nothing passes the filter");
        }
        Some(_) => {}
    }
    list.draw(buf, inside, state, &items, &Shown::focused(level, selected));
}

/// Describes the list of `items`, as a screen of its own and as the box.
pub(crate) fn list(items: &[&AttentionItem]) -> List<'static, AttentionItem> {
    let subjects = items.iter().map(|item| text::width(&item.subject)).max().unwrap_or(0);
    let subjects = u16::try_from(subjects).unwrap_or(SUBJECT_MAX).clamp(12, SUBJECT_MAX);
    List::new("attention", "Needs attention", attention::key)
        .words(|item| format!("{} {}", item.subject, item.text))
        .field(
            Field::new("severity", fixed("", 1, 0), |_, item: &AttentionItem| {
                Line::from(paint::glyph(mark(item)))
            })
            .sorted_down(|_, item| Value::number(f64::from(item.severity as u8))),
        )
        .field(
            Field::new("about", fixed("ABOUT", subjects, 0), |look, item: &AttentionItem| {
                paint::line(text::cut_middle(&item.subject, usize::from(look.width)), theme::BOLD)
            })
            .sorted(|_, item| Value::text(&item.subject)),
        )
        .field(Field::words(
            "what",
            growing("WHAT", 30, 0),
            theme::PLAIN,
            |item: &AttentionItem| item.text.clone(),
        ))
        .field(
            Field::new("since", right("SINCE", 8, 1), |look, item: &AttentionItem| {
                let since = item.since.map_or(String::new(), |at| text::ago(look.state.now, at));
                paint::line(since, theme::PLAIN)
            })
            .sorted_down(|_, item| Value::time(item.since)),
        )
        .field(Field::new("keys", fixed("KEYS", KEYS_WIDTH, 2), |look, item: &AttentionItem| {
            keys_line(look.state, item)
        }))
}

/// Draws the box of the first screen.
pub(crate) fn draw_box(buf: &mut Buffer, area: Rect, state: &State) {
    let items = attention::items(state, state.level());
    let keys: Vec<String> = items.iter().map(|item| attention::key(item)).collect();
    let is_focused = attention::is_in_box(state);
    let cursor = state.home.cursor(&keys);
    let note = match is_focused {
        true => with_keys!(state, "{} back to the DAGs", AttentionBox),
        false => with_keys!(state, "{} goes here · {} all of it", AttentionBox, Attention),
    };
    let title = format!("Needs attention ({})", items.len());
    let inside = paint::panel(buf, area, &title, &note, is_focused);
    // The last row says how many more there are, until the selection may stand among them.
    let height = usize::from(inside.height);
    let is_cut = items.len() > height && !is_focused;
    let seen = if is_cut { height.saturating_sub(1) } else { items.len() };
    let selected = is_focused.then_some(cursor);
    let shown = Shown { level: None, selected, is_focused, has_titles: false };
    list(&items).draw(buf, inside, state, &items[..seen], &shown);
    if is_cut {
        let hidden = items.len() - seen;
        let more = with_keys!(state, "+{hidden} more: {} shows them all", Attention);
        paint::put(buf, inside, inside.height.saturating_sub(1), paint::line(more, theme::DIM));
    }
}

/// The keys of all lines stand under each other.
const KEYS_WIDTH: u16 = 24;
/// Cells of what a line is about, at most.
const SUBJECT_MAX: u16 = 28;

/// Draws one line with the counts and the most urgent thing.
pub(crate) fn draw_line(buf: &mut Buffer, row: Rect, state: &State) {
    // The most urgent first, whatever order the list has.
    let items: Vec<&AttentionItem> = state.cache.attention().unwrap_or_default().iter().collect();
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
    let hint = Line::from(vec![
        paint::span(format!("  {}", label(state, Action::Attention)), theme::KEY),
        Span::styled(" shows all ", theme::DIM),
    ]);
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

/// Says which keys do what there.
fn keys_line(state: &State, item: &AttentionItem) -> Line<'static> {
    use AttentionKind as K;
    let keys: &[(Action, &str)] = match item.kind {
        K::FailedRun if state.is_read_only() => {
            &[(Action::Open, "open"), (Action::FailedLog, "log")]
        }
        K::FailedRun => {
            &[(Action::Open, "open"), (Action::Clear, "clear"), (Action::FailedLog, "log")]
        }
        K::SlowTask => &[(Action::Open, "open"), (Action::FailedLog, "log")],
        K::MissedDeadline | K::WaitingTasks | K::WaitingRuns => {
            &[(Action::Open, "open"), (Action::Why, "why")]
        }
        K::OverdueRun => &[(Action::Open, "DAG"), (Action::Why, "why")],
        K::StaleAsset => &[(Action::Open, "why")],
        K::Serving => &[(Action::Open, "serving")],
        K::Approval => &[(Action::Open, "answer")],
        K::Definitions => &[(Action::Open, "errors")],
        K::Problem | K::Executor => &[(Action::Open, "system")],
    };
    let mut spans = Vec::new();
    for (action, word) in keys {
        let key = match label_at(state, Place::Attention, *action) {
            key if key == "enter" => "↵".to_owned(),
            key => key,
        };
        spans.push(paint::span(key, theme::KEY));
        spans.push(Span::styled(format!(" {word}  "), Style::new()));
    }
    Line::from(spans)
}
