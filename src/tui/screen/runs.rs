//! Runs, of all DAGs or of one.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::rows;
use crate::screen::missing;
use crate::state::{Slot, State};
use crate::text;
use crate::theme;
use crate::types::DagId;
use crate::types::run::DagRun;
use crate::widget::paint;
use crate::widget::table::{Table, fixed, growing, position, right};

/// Draws the screen.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State, dag_id: Option<&DagId>) {
    let level = state.level();
    let runs = rows::runs(state, level);
    let all = state.cache.runs(dag_id).map(<[DagRun]>::len);
    let selected = level.cursor(&rows::keys(state, level));
    let mut title = match dag_id {
        Some(dag_id) => format!("Runs of {dag_id}"),
        None => "Runs".to_owned(),
    };
    title.push_str(&format!(" {}", runs.len()));
    if !level.filter.is_empty() {
        title.push_str(&format!(" of {} · /{}", all.unwrap_or(0), level.filter));
    }
    if !level.marks.is_empty() {
        title.push_str(&format!(" · {} marked (esc clears)", level.marks.len()));
    }
    let inside = paint::panel(buf, area, &title, &position(selected, runs.len()), true);
    match all {
        None => return missing(buf, inside, state, &Slot::Runs(dag_id.cloned())),
        Some(0) => {
            let how = "1 goes to the DAGs, t triggers the selected one";
            return paint::empty(buf, inside, "No runs yet", how);
        }
        Some(_) if runs.is_empty() => {
            return paint::empty(buf, inside, "No run passes the filter", "esc clears it");
        }
        Some(_) => {}
    }
    let columns = [
        fixed("", 1, if level.marks.is_empty() { 9 } else { 0 }),
        fixed("S", 1, 0),
        growing("DAG", 18, if dag_id.is_some() { 9 } else { 0 }),
        growing("RUN", 24, 0),
        fixed("STATE", 8, 1),
        fixed("BY", 15, 4),
        right("STARTED", 8, 0),
        right("TOOK", 6, 2),
        growing("NOTE", 10, 5),
    ];
    let row = |at: usize| {
        let mark = if level.marks.contains(&rows::run_key(runs[at])) { "*" } else { "" };
        let mut cells = cells(state, runs[at]);
        cells.insert(0, paint::line(mark, theme::KEY));
        cells
    };
    Table {
        columns: &columns,
        len: runs.len(),
        selected: Some(selected),
        is_focused: true,
        row: &row,
    }
    .draw(buf, inside);
}

fn cells(state: &State, run: &DagRun) -> Vec<Line<'static>> {
    let mark = theme::run_mark(run.state);
    let by = match &run.triggering_user_name {
        Some(user) => format!("{} {user}", run.run_type),
        None => run.run_type.to_string(),
    };
    let started = run.start_date.map_or("queued".to_owned(), |at| text::ago(state.now, at));
    let took = run.duration_secs(state.now).map(|secs| match run.end_date {
        Some(_) => text::duration(secs),
        None => text::running(secs),
    });
    let name = if state.size.width < 160 {
        text::run_name(run.dag_run_id.as_str())
    } else {
        run.dag_run_id.to_string()
    };
    vec![
        Line::from(paint::glyph(mark)),
        paint::line(run.dag_id.as_str(), theme::PLAIN),
        paint::line(name, theme::PLAIN),
        Line::styled(mark.word, mark.style),
        paint::line(by, theme::DIM),
        paint::line(started, theme::PLAIN),
        paint::line(took.unwrap_or_else(|| "—".to_owned()), theme::PLAIN),
        paint::line(run.note.as_deref().unwrap_or_default(), theme::DIM),
    ]
}
