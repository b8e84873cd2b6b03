//! Draws what may lie over a screen: confirms, the palette, the help.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use tui_input::Input;

use crate::hit::{self, Target};
use crate::screen::experiments::metric_rank;
use crate::state::popup::{Confirm, Gate, Subject};
use crate::text;
use crate::theme;
use crate::types::view::{AliasPlan, ModelVersionView};
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
    let mut lines: Vec<Line<'static>> = match &confirm.subject {
        Subject::Lines(lines) => lines
            .iter()
            .flat_map(|line| text::wrap_words(line, inner_width))
            .map(|line| paint::line(line, theme::PLAIN))
            .collect(),
        Subject::Alias(plan) => alias_lines(plan, usize::from(area.height).saturating_sub(9)),
    };
    lines.push(Line::default());
    let keys = match &confirm.gate {
        Gate::Button { on_yes } => {
            lines.push(Line::from(vec![
                button("No", !on_yes),
                Span::raw("   "),
                button(confirm.verb, *on_yes),
            ]));
            "y yes  n no  tab change  enter choose"
        }
        Gate::Name { expected, input } => {
            let mut spans = vec![
                paint::span("Type ", theme::PLAIN),
                paint::span(expected, theme::BOLD),
                paint::span(" to confirm: ", theme::PLAIN),
            ];
            spans.extend(typed(input, 24, true));
            if confirm.is_open() {
                let go = format!("  enter: {}", confirm.verb);
                spans.push(paint::span(go, theme::GOOD.patch(theme::BOLD)));
            }
            lines.push(Line::from(spans));
            "enter confirm  esc leave as it is"
        }
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
        if matches!(confirm.gate, Gate::Button { .. }) {
            note_buttons(inside, row, &last);
        }
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

fn version(version: &ModelVersionView) -> String {
    format!("v{}", version.version)
}

/// Says what moving an alias changes: where it points, the figures, the params, what starts.
fn alias_lines(plan: &AliasPlan, room: usize) -> Vec<Line<'static>> {
    let from = plan.from.as_ref().map_or("nothing".to_owned(), version);
    let to = version(&plan.to);
    let mut lines = vec![Line::from(vec![
        paint::span(format!("{}  ", plan.alias), theme::BOLD),
        paint::span(format!("{from} → {to}"), theme::ACCENT),
    ])];
    let starts = match plan.starts_dags.as_slice() {
        [] => "starts no DAG".to_owned(),
        dags => {
            let names: Vec<&str> = dags.iter().map(|dag| dag.as_str()).collect();
            format!("starts {}", names.join(", "))
        }
    };
    lines.push(paint::line(starts, theme::WARN));
    lines.push(Line::default());
    if !plan.metrics.is_empty() {
        let head = format!("{:<18} {:>10} {:>10}", "METRIC", from, to);
        lines.push(paint::line(head, theme::DIM));
    }
    let mut metrics: Vec<_> = plan.metrics.iter().collect();
    metrics.sort_by_key(|(name, _, _)| metric_rank(name));
    for (name, before, after) in metrics {
        lines.push(metric_line(name, *before, *after));
    }
    if !plan.params.is_empty() {
        lines.push(paint::line("PARAMS THAT DIFFER", theme::DIM));
    }
    for (name, before, after) in &plan.params {
        let word = |value: &Option<String>| value.clone().unwrap_or_else(|| "—".to_owned());
        let row = format!("{:<18} {} → {}", text::cut(name, 18), word(before), word(after));
        lines.push(paint::line(row, theme::PLAIN));
    }
    if lines.len() > room.max(4) {
        let more = lines.len() - room.max(4) + 1;
        lines.truncate(room.max(4) - 1);
        lines.push(paint::line(
            format!("… and {more} more lines: enlarge the terminal"),
            theme::DIM,
        ));
    }
    lines
}

/// Says whether less is better of a metric, by its name.
pub(crate) fn is_loss(name: &str) -> bool {
    let name = name.to_lowercase();
    ["rmse", "mae", "mape", "mse", "loss", "error", "brier", "ece"]
        .iter()
        .any(|part| name.contains(part))
}

fn metric_line(name: &str, before: Option<f64>, after: Option<f64>) -> Line<'static> {
    let word = |value: Option<f64>| value.map_or("—".to_owned(), text::figure);
    let row = format!("{:<18} {:>10} {:>10}  ", text::cut(name, 18), word(before), word(after));
    let mut spans = vec![paint::span(row, theme::PLAIN)];
    if let (Some(before), Some(after)) = (before, after) {
        let gain = if is_loss(name) { before - after } else { after - before };
        let (arrow, word, style) = match gain {
            g if g.abs() < 1e-9 => ("=", "same", theme::DIM),
            g if g > 0.0 => ("▲", "better", theme::GOOD),
            _ => ("▼", "worse", theme::BAD),
        };
        spans.push(paint::span(format!("{:+.4} {arrow} {word}", after - before), style));
    }
    Line::from(spans)
}
