//! Every screen on a terminal that is too small for it: one list with the most needed, down to a
//! few cells.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::rows;
use crate::screen::frame;
use crate::state::{Level, Link, Pane, Screen, State, Tone, View};
use crate::text;
use crate::theme::{self, Mark};
use crate::widget::table::{highlight, offset, position};
use crate::widget::{dialog, paint};

/// Below this a screen is drawn here.
const WIDTH_MIN: u16 = 60;
const HEIGHT_MIN: u16 = 16;

/// Says whether the terminal is too small for the screens as they are.
pub(crate) const fn is_small(area: Rect) -> bool {
    area.width < WIDTH_MIN || area.height < HEIGHT_MIN
}

/// Draws the shown level: where one is, its rows, what happened. `screen` draws a level that has
/// no rows.
pub(crate) fn draw(
    buf: &mut Buffer,
    area: Rect,
    state: &State,
    screen: &dyn Fn(&mut Buffer, Rect),
) {
    let level = state.level();
    let keys = rows::keys(state, level);
    let (top, bottom) = (u16::from(area.height > 2), u16::from(area.height > 1));
    let body = Rect { y: area.y + top, height: area.height - top - bottom, ..area };
    if top > 0 {
        paint::put(buf, area, 0, place(state, &position(level.cursor(&keys), keys.len())));
    }
    if bottom > 0 {
        let row = Rect { y: area.y + area.height - 1, height: 1, ..area };
        paint::put(buf, row, 0, told(state, usize::from(area.width)));
    }
    if keys.is_empty() || !is_list(level) {
        within(buf, body, screen);
        return;
    }
    let first = offset(level.cursor(&keys), keys.len(), usize::from(body.height));
    for (row, at) in (0..body.height).zip(first..keys.len()) {
        let mark = mark(state, level, &keys[at]);
        let mark = mark.map_or_else(|| Span::raw(" "), paint::glyph);
        let name = paint::span(name(&keys[at]), theme::PLAIN);
        let sign = if level.marks.contains(&keys[at]) { "*" } else { " " };
        let line = Line::from(vec![mark, Span::styled(sign, theme::ACCENT), name]);
        paint::put(buf, body, row, line);
        if at == level.cursor(&keys) {
            highlight(buf, Rect { y: body.y + row, height: 1, ..body });
        }
    }
}

/// Says whether the rows' keys are what people call them.
fn is_list(level: &Level) -> bool {
    match &level.screen {
        Screen::Root(view) => {
            matches!(
                view,
                View::Dags | View::Runs | View::Assets | View::Experiments | View::Models
            )
        }
        Screen::Run(_) => level.pane == Pane::Tasks,
        Screen::Dag(_) | Screen::DagRuns(_) => true,
        _ => false,
    }
}

/// Draws a screen without the frame round it.
fn within(buf: &mut Buffer, body: Rect, screen: &dyn Fn(&mut Buffer, Rect)) {
    let mut whole = Buffer::empty(Rect::new(0, 0, body.width + 2, body.height + 2));
    let area = whole.area;
    screen(&mut whole, area);
    for y in 0..body.height {
        for x in 0..body.width {
            let drawn = whole.cell((x + 1, y + 1));
            if let (Some(drawn), Some(cell)) = (drawn, buf.cell_mut((body.x + x, body.y + y))) {
                *cell = drawn.clone();
            }
        }
    }
}

/// Says where one is, the innermost name whole, and whether the daemon answers.
fn place(state: &State, position: &str) -> Line<'static> {
    let (glyph, style) = match state.link {
        Link::Live => ("✓", theme::GOOD),
        Link::Connecting => ("◌", theme::WARN),
        Link::Down { .. } => ("✗", theme::BAD),
    };
    let name = match state.levels().len() {
        1 => state.view.name().to_owned(),
        _ => {
            let mut row = Buffer::empty(Rect::new(0, 0, 400, 1));
            let area = row.area;
            frame::tabs(&mut row, area, state);
            let crumbs: String = row.content.iter().map(|cell| cell.symbol()).collect();
            crumbs.rsplit('›').next().unwrap_or_default().trim().to_owned()
        }
    };
    Line::from(vec![
        Span::styled(format!("{glyph} "), style),
        paint::span(format!("{position} "), theme::DIM),
        paint::span(name, theme::BOLD),
    ])
}

/// Says what is being typed, what just happened, or how to go on.
fn told(state: &State, width: usize) -> Line<'static> {
    if let Some(prompt) = &state.prompt {
        let mut spans = vec![Span::styled("/", theme::KEY)];
        spans.extend(dialog::typed(&prompt.input, width.saturating_sub(2), true));
        return Line::from(spans);
    }
    if let Some(flash) = &state.flash {
        let style = match flash.tone {
            Tone::Good => theme::GOOD,
            Tone::Info => theme::ACCENT,
            Tone::Bad => theme::BAD,
        };
        return paint::line(&flash.text, style);
    }
    let key = |key: &str, word: &str| {
        [Span::styled(key.to_owned(), theme::KEY), Span::raw(format!(" {word}  "))]
    };
    let back = if state.levels().len() > 1 { key("esc", "back") } else { key("q", "leave") };
    Line::from([back, key("?", "keys"), key(":", "go")].concat())
}

/// Shortens a row's key to what is read.
fn name(key: &str) -> String {
    match key.split_once('\n') {
        Some((dag_id, run)) => format!("{dag_id} {}", text::run_name(run)),
        None => key.to_owned(),
    }
}

/// Shows the state of what a row's key names, where it has one.
fn mark(state: &State, level: &Level, key: &str) -> Option<Mark> {
    if let Screen::Run(run) = &level.screen {
        let tasks = &state.cache.run(run)?.tasks;
        let task = tasks.iter().find(|task| rows::task_key(&task.key) == key)?;
        return Some(theme::task_mark(task.state));
    }
    if let Some((dag_id, dag_run_id)) = key.split_once('\n') {
        let of_dag = match &level.screen {
            Screen::DagRuns(dag_id) => Some(dag_id),
            _ => None,
        };
        let runs = state.cache.runs(of_dag).unwrap_or_default();
        let run = runs
            .iter()
            .find(|run| run.dag_id.as_str() == dag_id && run.dag_run_id.as_str() == dag_run_id)?;
        return Some(theme::run_mark(run.state));
    }
    let dag = state.cache.dags()?.iter().find(|dag| dag.dag_id.as_str() == key)?;
    if dag.is_paused {
        return Some(theme::paused());
    }
    dag.recent_runs.last().map(|run| theme::run_mark(run.state))
}
