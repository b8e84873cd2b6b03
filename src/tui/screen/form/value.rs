//! One field of a form: its value as it is entered, and what it is.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use serde_json::Value;
use tui_input::Input;

use crate::screen::form::name_width;
use crate::state::Form;
use crate::state::form::{Field, Kind, Stop};
use crate::text;
use crate::theme;
use crate::widget::dialog::typed;
use crate::widget::paint;

/// Makes a field's row: name, mark of a change, value, what it may be.
pub(super) fn row(
    field: &Field,
    form: &Form,
    stop: Stop,
    problem: Option<&str>,
    width: usize,
) -> Line<'static> {
    let is_focused = form.focus == stop;
    let names = name_width(form, u16::try_from(width).unwrap_or(u16::MAX));
    // Besides the value there is room for a gauge and for what may be entered.
    let value_width = width.saturating_sub(names + 42).clamp(12.max(width / 3), 44);
    let hint = hint(field);
    // A long text has what its hint leaves.
    let free = width.saturating_sub(names + 6 + text::width(&hint));
    let value_width = match field.kind {
        Kind::Text | Kind::Json if text::width(field.input.value()) >= value_width => {
            free.max(value_width)
        }
        _ => value_width,
    };
    let mut style = if is_focused { theme::KEY } else { theme::PLAIN };
    if problem.is_some() {
        style = theme::BAD;
    }
    let name = if field.is_below_tabs { format!("  {}", field.name) } else { field.name.clone() };
    let mut spans = vec![
        Span::styled(if is_focused { "▸ " } else { "  " }, theme::ACCENT),
        paint::span(format!("{:<names$} ", text::cut(&text::clean(&name), names)), style),
        Span::styled(if field.is_changed() { "* " } else { "  " }, theme::WARN),
    ];
    let value = value_spans(field, value_width, is_focused);
    let used: usize = value.iter().map(Span::width).sum();
    spans.extend(value);
    spans.push(Span::raw(" ".repeat(value_width.saturating_sub(used) + 1)));
    if let Some(share) =
        field.share().filter(|_| matches!(field.kind, Kind::Integer | Kind::Number))
    {
        spans.push(Span::styled(gauge(share), theme::ACCENT));
        spans.push(Span::raw(" "));
    }
    spans.push(paint::span(hint, theme::DIM));
    Line::from(spans)
}

/// What may be entered; of a day counted from now what it comes to.
fn hint(field: &Field) -> String {
    match field.counted() {
        Some(counted) => format!("= {counted}"),
        None if field.is_required() && field.input.value().is_empty() && field.value.is_none() => {
            format!("{}, required", field.rule())
        }
        None => field.rule(),
    }
}

/// Shows where between its bounds a figure stands: `[==|-----]`.
fn gauge(share: f64) -> String {
    const CELLS: usize = 9;
    let at = (share * (CELLS - 1) as f64).round() as usize;
    format!("[{}|{}]", "=".repeat(at), "-".repeat(CELLS - 1 - at))
}

/// Says what is wrong with a field, else what it is.
pub(super) fn about(field: &Field, problem: Option<&str>) -> (String, Style) {
    if let Some(problem) = problem {
        return (format!("✗ {problem}"), theme::BAD);
    }
    let mut words = Vec::new();
    if !field.description.is_empty() && !field.is_below_tabs {
        words.push(field.description.clone());
    }
    if let (Some(default), true) =
        (&field.default, field.is_changed() && field.kind != Kind::Secret)
    {
        words.push(format!("default {}", text::clean(&field.label(default))));
    }
    if let Kind::Choice(choices) = &field.kind {
        let names: Vec<String> = choices.iter().map(|choice| field.label(choice)).collect();
        words.push(text::clean(&names.join(" ")));
    }
    (words.join(" · "), theme::DIM)
}

/// Draws what a field holds, as it is entered.
pub(crate) fn value_spans(field: &Field, width: usize, is_focused: bool) -> Vec<Span<'static>> {
    let style = if is_focused { theme::REVERSED } else { theme::PLAIN };
    match &field.kind {
        Kind::Choice(_) => {
            let value = field.value.as_ref().map_or("—".to_owned(), |value| field.label(value));
            cycled(&value, width, style)
        }
        Kind::Tabs(_) => tabs(field, width, is_focused),
        Kind::Bool => {
            let is_on = field.value.as_ref().and_then(Value::as_bool).unwrap_or(false);
            vec![Span::styled(if is_on { "[x]" } else { "[ ]" }, style)]
        }
        Kind::Set(choices) => set(field, choices, width, is_focused),
        Kind::Secret => {
            let hidden = "•".repeat(field.input.value().chars().count());
            // The cursor stays at the end: nobody edits what cannot be seen.
            underlined(typed(&Input::new(hidden), width, is_focused), width)
        }
        Kind::Integer | Kind::Number | Kind::Text | Kind::Date | Kind::DateTime | Kind::Json => {
            underlined(typed(&field.input, width, is_focused), width)
        }
    }
}

fn cycled(value: &str, width: usize, style: Style) -> Vec<Span<'static>> {
    vec![
        Span::styled("◂ ", theme::ACCENT),
        paint::span(text::cut(&text::clean(value), width.saturating_sub(4)), style),
        Span::styled(" ▸", theme::ACCENT),
    ]
}

/// The names of the tabs where they fit, the open one in brackets; else only that one.
fn tabs(field: &Field, width: usize, is_focused: bool) -> Vec<Span<'static>> {
    let names = field.tabs();
    let all: usize = names.iter().map(|name| text::width(name) + 3).sum();
    let open = if is_focused { theme::REVERSED } else { theme::BOLD };
    if all > width {
        let name = names.get(field.at).map_or("", String::as_str);
        return cycled(name, width, open);
    }
    let tab = |(at, name): (usize, &String)| match at == field.at {
        true => vec![Span::raw("["), paint::span(name, open), Span::raw("] ")],
        false => vec![Span::raw(" "), paint::span(name, theme::DIM), Span::raw("  ")],
    };
    names.iter().enumerate().flat_map(tab).collect()
}

/// The choices as boxes, moved so that the cursor is seen.
fn set(field: &Field, choices: &[Value], width: usize, is_focused: bool) -> Vec<Span<'static>> {
    let name = |choice: &Value| text::cut(&text::clean(&field.label(choice)), 16);
    let cells = |choice: &Value| text::width(&name(choice)) + 6;
    let mut first = 0;
    while first < field.at && choices[first..=field.at].iter().map(cells).sum::<usize>() > width {
        first += 1;
    }
    let mut room = width;
    let mut spans = Vec::new();
    for (at, choice) in choices.iter().enumerate().skip(first) {
        if cells(choice) > room + 2 {
            spans.push(Span::styled("…", theme::DIM));
            break;
        }
        room = room.saturating_sub(cells(choice));
        let mark = if field.has(choice) { "[x]" } else { "[ ]" };
        let here = is_focused && at == field.at;
        spans.push(Span::styled(mark, if here { theme::REVERSED } else { theme::PLAIN }));
        spans.push(paint::span(format!(" {}  ", name(choice)), theme::PLAIN));
    }
    spans
}

fn underlined(mut spans: Vec<Span<'static>>, width: usize) -> Vec<Span<'static>> {
    let used: usize = spans.iter().map(Span::width).sum();
    let line = "_".repeat(width.min(24).saturating_sub(used));
    spans.push(Span::styled(line, theme::DIM));
    spans
}
