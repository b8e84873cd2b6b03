//! The trigger form: a row a param, and what a trigger would do.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use serde_json::Value;

use crate::screen::missing;
use crate::state::form::{Check, Field, Kind};
use crate::state::{Form, Slot, State};
use crate::text;
use crate::theme;
use crate::types::DagId;
use crate::widget::dialog::{button, typed};
use crate::widget::paint;
use crate::widget::table::offset;

/// Draws the screen.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State, dag_id: &DagId) {
    let title = format!("Trigger {dag_id}");
    let Some(form) = state.forms.get(dag_id) else {
        let inside = paint::panel(buf, area, &title, "", true);
        missing(buf, inside, state, &Slot::Dag(dag_id.clone()));
        return;
    };
    let changed = form.fields.iter().filter(|field| field.is_changed()).count();
    let note = format!("{} · {changed} changed", text::count(form.fields.len(), "param"));
    let (fields, preview) = if area.width >= 140 {
        let [left, right] =
            Layout::horizontal([Constraint::Percentage(58), Constraint::Min(0)]).areas(area);
        (left, right)
    } else {
        let [top, bottom] = Layout::vertical([
            Constraint::Min(0),
            Constraint::Length(if area.height < 18 { 4 } else { 7 }),
        ])
        .areas(area);
        (top, bottom)
    };
    let inside = paint::panel(buf, fields, &title, &note, true);
    draw_fields(buf, inside, form);
    let inside = paint::panel(buf, preview, "What it would do", "", false);
    let lines = preview_lines(form, usize::from(inside.width));
    paint::put_all(buf, inside, lines, 0);
}

/// All of every field where that fits: the value, and below it what is wrong or what it is.
fn draw_fields(buf: &mut Buffer, area: Rect, form: &Form) {
    let indent = name_width(form) + 5;
    let width = usize::from(area.width).saturating_sub(indent);
    let abouts: Vec<Vec<Line<'static>>> =
        (0..form.fields.len()).map(|at| about(form, at, width)).collect();
    let rows: usize = abouts.iter().map(|about| about.len() + 1).sum();
    let height = usize::from(area.height);
    if form.fields.is_empty() || rows + 2 > height {
        return draw_short_fields(buf, area, form);
    }
    let gap = u16::from(rows + form.fields.len() + 2 <= height);
    let mut row = 0;
    for (at, about) in abouts.into_iter().enumerate() {
        draw_field(buf, area, row, form, at, true);
        row += 1;
        for line in about {
            paint::put_at(buf, area, u16::try_from(indent).unwrap_or(0), row, line);
            row += 1;
        }
        row += gap;
    }
    draw_buttons(buf, area, row + 1 - gap, form);
}

/// Two rows a field where they fit, else one.
fn draw_short_fields(buf: &mut Buffer, area: Rect, form: &Form) {
    let [list, buttons] = Layout::vertical([Constraint::Min(0), Constraint::Length(2)]).areas(area);
    if form.fields.is_empty() {
        paint::put(buf, list, 0, paint::line("This DAG has no params.", theme::DIM));
    }
    let rows_each: u16 = if usize::from(list.height) >= form.fields.len() * 2 { 2 } else { 1 };
    let seen = usize::from((list.height / rows_each).max(1));
    let first =
        offset(form.focus.min(form.fields.len().saturating_sub(1)), form.fields.len(), seen);
    for (row, at) in (first..form.fields.len()).take(seen).enumerate() {
        let top = u16::try_from(row).unwrap_or(0) * rows_each;
        draw_field(buf, list, top, form, at, rows_each == 2);
        if rows_each == 2 {
            let indent = name_width(form) + 5;
            let line = about(form, at, usize::MAX).into_iter().next().unwrap_or_default();
            paint::put_at(buf, list, u16::try_from(indent).unwrap_or(0), top + 1, line);
        }
    }
    draw_buttons(buf, buttons, 1, form);
}

fn draw_buttons(buf: &mut Buffer, area: Rect, row: u16, form: &Form) {
    let word = if form.is_sent { "Triggering…" } else { "Trigger" };
    let mut spans = vec![
        Span::raw("  "),
        button(word, form.is_on_trigger()),
        Span::raw("  "),
        button("Cancel", form.is_on_cancel()),
    ];
    if let Some(at) = form.first_problem() {
        let name = &form.fields[at].name;
        spans.push(paint::span(format!("   ✗ {name} needs a look"), theme::BAD));
    }
    paint::put(buf, area, row, Line::from(spans));
}

fn name_width(form: &Form) -> usize {
    form.fields.iter().map(|field| text::width(&field.name)).max().unwrap_or(0).min(24)
}

/// Makes the lines below a field: what is wrong with it, else what it is.
fn about(form: &Form, at: usize, width: usize) -> Vec<Line<'static>> {
    let (words, style) = match form.problem(at) {
        Some(problem) => (format!("✗ {problem}"), theme::BAD),
        None => (about_field(&form.fields[at]), theme::DIM),
    };
    text::wrap_words(&words, width).into_iter().map(|line| paint::line(line, style)).collect()
}

fn draw_field(buf: &mut Buffer, area: Rect, row: u16, form: &Form, at: usize, has_second: bool) {
    let field = &form.fields[at];
    let is_focused = form.focus == at;
    let name_width = name_width(form);
    let value_width = usize::from(area.width).saturating_sub(name_width + 26).clamp(10, 44);
    let problem = form.problem(at);
    let mark = if is_focused { "▸ " } else { "  " };
    let mut name = if is_focused { theme::KEY } else { theme::PLAIN };
    if problem.is_some() {
        name = theme::BAD;
    }
    let mut spans = vec![
        Span::styled(mark, theme::ACCENT),
        paint::span(format!("{:<name_width$} ", text::cut(&field.name, 24)), name),
        Span::styled(if field.is_changed() { "* " } else { "  " }, theme::WARN),
    ];
    let value = value_spans(field, value_width, is_focused);
    let used: usize = value.iter().map(Span::width).sum();
    spans.extend(value);
    spans.push(Span::raw(" ".repeat(value_width.saturating_sub(used) + 1)));
    let about = match &problem {
        Some(problem) if !has_second => paint::span(format!("✗ {problem}"), theme::BAD),
        _ => paint::span(field.rule(), theme::DIM),
    };
    spans.push(about);
    paint::put(buf, area, row, Line::from(spans));
}

fn about_field(field: &Field) -> String {
    let mut words = Vec::new();
    if !field.description.is_empty() {
        words.push(field.description.clone());
    }
    if let (Some(default), true) = (&field.default, field.is_changed()) {
        words.push(format!("default {default}"));
    }
    if let Kind::Choice(choices) = &field.kind {
        let names: Vec<String> = choices.iter().map(plain).collect();
        words.push(names.join(" "));
    }
    words.join(" · ")
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Draws what a field holds, as it is entered.
pub(crate) fn value_spans(field: &Field, width: usize, is_focused: bool) -> Vec<Span<'static>> {
    match &field.kind {
        Kind::Choice(_) => {
            let value = field.value.as_ref().map_or("—".to_owned(), plain);
            let style = if is_focused { theme::REVERSED } else { theme::PLAIN };
            vec![
                Span::styled("◂ ", theme::ACCENT),
                paint::span(text::cut(&value, width.saturating_sub(4)), style),
                Span::styled(" ▸", theme::ACCENT),
            ]
        }
        Kind::Bool => {
            let is_on = field.value.as_ref().and_then(Value::as_bool).unwrap_or(false);
            let style = if is_focused { theme::REVERSED } else { theme::PLAIN };
            vec![Span::styled(if is_on { "[x]" } else { "[ ]" }, style)]
        }
        Kind::Integer | Kind::Number | Kind::Text | Kind::Json => {
            let mut spans = typed(&field.input, width, is_focused);
            let used: usize = spans.iter().map(Span::width).sum();
            let line = "_".repeat(width.min(24).saturating_sub(used));
            spans.push(Span::styled(line, theme::DIM));
            spans
        }
    }
}

fn preview_lines(form: &Form, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let say = |text: String, style: Style| paint::line(text, style);
    match &form.check {
        _ if form.first_problem().is_some() => {
            lines.push(say("It cannot run as it stands.".to_owned(), theme::BAD));
        }
        Check::Unchecked => lines.push(say("checking…".to_owned(), theme::DIM)),
        Check::Failed(why) => lines.push(say(format!("✗ {why}"), theme::BAD)),
        Check::Problems(problems) => {
            let general = problems.iter().filter(|p| form.fields.iter().all(|f| f.name != p.param));
            lines.extend(general.map(|p| say(format!("✗ {} {}", p.param, p.message), theme::BAD)));
        }
        Check::Good(plan) => {
            let usual = match plan.median_duration {
                Some(secs) => format!("usually {}", text::duration(secs)),
                None => "no run yet that tells how long".to_owned(),
            };
            lines.push(Line::from(vec![
                paint::span("✓ ", theme::GOOD),
                paint::span(
                    format!("{}, {usual}", text::count(plan.task_count, "task")),
                    theme::PLAIN,
                ),
            ]));
            let at_most = usize::try_from(plan.max_active_runs).unwrap_or(usize::MAX);
            if plan.active_runs >= at_most {
                let text =
                    format!("{} of {at_most} runs are under way: it will wait", plan.active_runs);
                lines.push(say(text, theme::WARN));
            } else {
                let text =
                    format!("starts at once: {} of {at_most} runs are under way", plan.active_runs);
                lines.push(say(text, theme::DIM));
            }
        }
    }
    lines.push(say("the same on the command line:".to_owned(), theme::DIM));
    lines.extend(
        text::wrap(&form.command(), width).into_iter().map(|l| paint::line(l, theme::ACCENT)),
    );
    lines
}
