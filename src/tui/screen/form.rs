//! The trigger form: a row a param, what a trigger would do, and what lies over it for a while.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::screen::missing;
use crate::state::form::{Kind, Over, Stop};
use crate::state::{Form, Slot, State};
use crate::text;
use crate::theme;
use crate::types::DagId;
use crate::widget::dialog::button;
use crate::widget::paint;
use crate::widget::table::offset;

mod over;
mod plan;
mod value;

pub(crate) use value::value_spans;

/// From so many columns on the preview stands beside the fields.
const BESIDE_WIDTH: u16 = 140;
/// The least room for what a field is about.
const ABOUT_WIDTH_MIN: usize = 12;

/// One drawn row, and which stop of the focus it belongs to.
struct Row {
    stop: Option<Stop>,
    line: Line<'static>,
}

/// Draws the screen.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State, dag_id: &DagId) {
    let title = format!("Trigger {dag_id}");
    let Some(form) = state.forms.get(dag_id) else {
        let inside = paint::panel(buf, area, &title, "", true);
        missing(buf, inside, state, &Slot::Dag(dag_id.clone()));
        return;
    };
    let version = state.cache.dag(dag_id).and_then(|dag| dag.dag_version_number);
    let version = version.map(|n| format!("schema v{n} · ")).unwrap_or_default();
    let params = form.fields.iter().filter(|field| !field.is_below_tabs).count();
    let changed = form.changed_count();
    let changed = match changed {
        0 => "all at their defaults".to_owned(),
        n => format!("{n} changed (*)"),
    };
    let changed = if params == 0 { String::new() } else { format!(" · {changed}") };
    let note = format!("{version}{}{changed}", text::count(params, "param"));
    let (fields, preview) = split(area);
    let inside = paint::panel(buf, fields, &title, &note, true);
    let below = draw_rows(buf, Rect { height: inside.height.saturating_sub(1), ..inside }, form);
    draw_buttons(buf, Rect { y: inside.y + below, height: 1, ..inside }, form);
    let inside = paint::panel(buf, preview, "Dry run: what it would do", "", false);
    let lines = plan::lines(state, form, inside);
    paint::put_all(buf, inside, lines, 0);
    match &form.over {
        Some(Over::List(list)) => over::draw_list(buf, area, list),
        Some(Over::Editor(editor)) => over::draw_editor(buf, fields, form, editor),
        None => {}
    }
}

fn split(area: Rect) -> (Rect, Rect) {
    if area.width >= BESIDE_WIDTH {
        let [left, right] =
            Layout::horizontal([Constraint::Percentage(58), Constraint::Min(0)]).areas(area);
        return (left, right);
    }
    let rows = match area.height {
        // What is entered comes before what it would do.
        0..8 => 0,
        8..14 => 4,
        14..22 => 6,
        _ => 8,
    };
    let [top, bottom] =
        Layout::vertical([Constraint::Min(0), Constraint::Length(rows)]).areas(area);
    (top, bottom)
}

/// All of every field where that fits: the value, and below it what is wrong or what it is; else
/// the value alone, with that of the field that has the focus. Returns the first row below.
fn draw_rows(buf: &mut Buffer, area: Rect, form: &Form) -> u16 {
    let height = usize::from(area.height);
    let full = rows(form, area, true);
    let rows = if full.len() <= height { full } else { rows(form, area, false) };
    let focus = rows.iter().rposition(|row| row.stop == Some(form.focus)).unwrap_or(0);
    let first = offset(focus, rows.len(), height);
    let used = u16::try_from(rows.len()).unwrap_or(u16::MAX);
    for (at, row) in (0..area.height).zip(rows.into_iter().skip(first)) {
        paint::put(buf, area, at, row.line);
    }
    // A row of air where there is one.
    used.saturating_add(1).min(area.height)
}

fn rows(form: &Form, area: Rect, is_full: bool) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let indent = name_width(form, area.width) + 5;
    let width = usize::from(area.width).saturating_sub(indent);
    if form.fields.is_empty() {
        let line = paint::line("  This DAG has no params.", theme::DIM);
        rows.push(Row { stop: None, line });
    }
    let mut section = String::new();
    for (at, field) in form.fields.iter().enumerate() {
        if field.section != section {
            section.clone_from(&field.section);
            if is_full && !rows.is_empty() {
                rows.push(Row { stop: None, line: Line::default() });
            }
            rows.push(Row { stop: None, line: paint::line(format!("  {section}"), theme::BOLD) });
        }
        let stop = Stop::Field(at);
        let problem = form.problem(at);
        let line = value::row(field, form, stop, problem.as_deref(), usize::from(area.width));
        rows.push(Row { stop: Some(stop), line });
        // A column of single letters says nothing.
        if width >= ABOUT_WIDTH_MIN && (is_full || form.focus == stop) {
            let about = value::about(field, problem.as_deref());
            for line in text::wrap_words(&about.0, width) {
                let line = format!("{}{line}", " ".repeat(indent));
                rows.push(Row { stop: Some(stop), line: paint::line(line, about.1) });
            }
        }
    }
    rows.extend(advanced_rows(form, area, is_full));
    rows
}

fn advanced_rows(form: &Form, area: Rect, is_full: bool) -> Vec<Row> {
    let is_focused = form.focus == Stop::Advanced;
    let mut rows = Vec::new();
    if is_full {
        rows.push(Row { stop: None, line: Line::default() });
    }
    let style = if is_focused { theme::KEY } else { theme::PLAIN };
    let given = |at: usize, none: &str| form.given(at).unwrap_or_else(|| none.to_owned());
    let words = format!(
        "   run id {} · logical date {} · note {}",
        given(0, "made"),
        given(1, "now"),
        given(2, "none")
    );
    let head = Line::from(vec![
        Span::styled(if form.is_open { "▾ " } else { "▸ " }, theme::ACCENT),
        Span::styled("Advanced", style),
        paint::span(if form.is_open { String::new() } else { words }, theme::DIM),
    ]);
    rows.push(Row { stop: Some(Stop::Advanced), line: head });
    if !form.is_open {
        return rows;
    }
    for (at, field) in form.advanced.iter().enumerate() {
        let stop = Stop::AdvancedField(at);
        let problem = form.advanced_problem(at);
        let line = value::row(field, form, stop, problem.as_deref(), usize::from(area.width));
        rows.push(Row { stop: Some(stop), line });
        if let Some(problem) = problem {
            let indent = name_width(form, area.width) + 5;
            let width = usize::from(area.width).saturating_sub(indent);
            for line in text::wrap_words(&format!("✗ {problem}"), width) {
                let line = format!("{}{line}", " ".repeat(indent));
                rows.push(Row { stop: Some(stop), line: paint::line(line, theme::BAD) });
            }
        }
    }
    rows
}

fn draw_buttons(buf: &mut Buffer, row: Rect, form: &Form) {
    let word = if form.is_sent { "Triggering…" } else { "Trigger" };
    let mut spans = vec![
        Span::raw("  "),
        button(word, form.focus == Stop::Trigger),
        Span::raw("  "),
        button("Cancel", form.focus == Stop::Cancel),
    ];
    let is_wrong = |at: &usize| form.problem(*at).is_some();
    let wrong: Vec<usize> = (0..form.fields.len()).filter(is_wrong).collect();
    match wrong.as_slice() {
        [] => {}
        [one] => {
            let name = &form.fields[*one].name;
            spans.push(paint::span(format!("   ✗ 1 error: {name}"), theme::BAD));
        }
        many => spans.push(paint::span(format!("   ✗ {} errors", many.len()), theme::BAD)),
    }
    paint::put(buf, row, 0, Line::from(spans));
}

/// Returns the cells that the names of all fields take, of a screen so wide.
fn name_width(form: &Form, width: u16) -> usize {
    let below = |stop: bool| if stop { 2 } else { 0 };
    let names =
        form.fields.iter().map(|field| text::width(&field.name) + below(field.is_below_tabs));
    let names = names.max().unwrap_or(0);
    let advanced = if form.is_open { "partition key".len() } else { 0 };
    // On the narrowest screens some of each value is seen.
    names.max(advanced).min(24).min(usize::from(width).saturating_sub(14).max(4))
}

/// Returns the keys that are good for what has the focus; the first one leads out.
pub(crate) fn hints(form: Option<&Form>) -> Vec<(&'static str, &'static str)> {
    let Some(form) = form else { return vec![("esc", "back")] };
    match &form.over {
        Some(Over::List(_)) => return vec![("esc", "close"), ("↑ ↓", "select"), ("enter", "take")],
        Some(Over::Editor(_)) => return vec![("esc", "leave it as it was"), ("ctrl-s", "take it")],
        None => {}
    }
    let mut pairs = vec![("esc", "back"), ("tab", "field")];
    match form.focused().map(|field| &field.kind) {
        Some(Kind::Choice(choices)) if choices.len() > 5 => pairs.push(("enter", "list")),
        Some(Kind::Choice(_) | Kind::Integer | Kind::Number | Kind::Tabs(_)) => {
            pairs.push(("← →", "change"));
        }
        Some(Kind::Bool) => pairs.push(("space", "switch")),
        Some(Kind::Set(_)) => pairs.extend([("← →", "move"), ("space", "in or out")]),
        Some(Kind::Date | Kind::DateTime) => {
            pairs.extend([("↑ ↓", "day"), ("pgup pgdn", "month")]);
        }
        Some(Kind::Json) => pairs.push(("enter", "editor")),
        Some(Kind::Text | Kind::Secret) => {}
        None => pairs.push(("enter", "do it")),
    }
    pairs.extend([
        ("ctrl-s", "trigger"),
        ("ctrl-r", "recent"),
        ("ctrl-j", "JSON"),
        ("ctrl-y", "copy command"),
        ("ctrl-d", "defaults"),
    ]);
    pairs
}
