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
use crate::widget::list::{Field, List, Shown, Value};
use crate::widget::paint;
use crate::widget::table::{fixed, growing, position, right};

/// Draws the screen.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State, dag_id: Option<&DagId>) {
    let level = state.level();
    let runs = rows::runs(state, level);
    let all = state.cache.runs(dag_id).map(<[DagRun]>::len);
    let selected = level.cursor(&rows::keys(state, level));
    let list = list(state, dag_id);
    let title = list.title(state, level, runs.len(), all.unwrap_or(0));
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
    list.draw(buf, inside, state, &runs, Shown::focused(level, selected));
}

/// Describes the list of runs, of all DAGs or of one.
pub(crate) fn list(state: &State, dag_id: Option<&DagId>) -> List<'static, DagRun> {
    let noun = dag_id.map_or("Runs".to_owned(), |dag_id| format!("Runs of {dag_id}"));
    let is_wide = state.size.width >= 160;
    let (dim, plain) = (theme::DIM, theme::PLAIN);
    let mut list = List::new("runs", noun, rows::run_key).words(words).field(Field::new(
        "state",
        fixed("S", 1, 0),
        |_, run: &DagRun| Line::from(paint::glyph(theme::run_mark(run.state))),
    ));
    if dag_id.is_none() {
        list = list.field(
            Field::new("dag", growing("DAG", 18, 0), move |_, run: &DagRun| {
                paint::line(run.dag_id.as_str(), plain)
            })
            .sorted(|_, run| Value::text(run.dag_id.as_str())),
        );
    }
    list.field(
        Field::new("run", growing("RUN", 24, 0), move |_, run: &DagRun| match is_wide {
            true => paint::line(run.dag_run_id.as_str(), plain),
            false => paint::line(text::run_name(run.dag_run_id.as_str()), plain),
        })
        .sorted(|_, run| Value::text(run.dag_run_id.as_str())),
    )
    .field(
        Field::new("state", fixed("STATE", 8, 1), |_, run: &DagRun| {
            let mark = theme::run_mark(run.state);
            Line::styled(mark.word, mark.style)
        })
        .sorted(|_, run| Value::text(theme::run_mark(run.state).word)),
    )
    .field(
        Field::new("by", fixed("BY", 15, 4), move |_, run: &DagRun| paint::line(by(run), dim))
            .sorted(|_, run| Value::text(by(run))),
    )
    .field(
        Field::new("started", right("STARTED", 8, 0), move |look, run: &DagRun| {
            let ago = |at| text::ago(look.state.now, at);
            paint::line(run.start_date.map_or("queued".to_owned(), ago), plain)
        })
        .sorted_down(|_, run| Value::time(run.start_date)),
    )
    .field(
        Field::new("took", right("TOOK", 6, 2), move |look, run: &DagRun| {
            let took = run.duration_secs(look.state.now).map(|secs| match run.end_date {
                Some(_) => text::duration(secs),
                None => text::running(secs),
            });
            paint::line(took.unwrap_or_else(|| "—".to_owned()), plain)
        })
        .sorted_down(|state, run| Value::number(run.duration_secs(state.now))),
    )
    .field(
        Field::new("note", growing("NOTE", 10, 5), move |_, run: &DagRun| {
            paint::line(run.note.as_deref().unwrap_or_default(), dim)
        })
        .sorted(|_, run| Value::text(run.note.as_deref().unwrap_or_default())),
    )
}

fn by(run: &DagRun) -> String {
    match &run.triggering_user_name {
        Some(user) => format!("{} {user}", run.run_type),
        None => run.run_type.to_string(),
    }
}

/// Returns what a run is found by.
fn words(run: &DagRun) -> String {
    format!(
        "{} {} state:{} {} {}",
        run.dag_id,
        run.dag_run_id,
        run.state,
        run.run_type,
        run.note.as_deref().unwrap_or_default()
    )
}
