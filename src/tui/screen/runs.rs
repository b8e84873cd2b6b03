//! Runs, of all DAGs or of one.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

use crate::keymap::with_keys;
use crate::rows;
use crate::screen::{filtered_out, missing, run_preview};
use crate::state::runs::RunsQuery;
use crate::state::{Slot, State, View};
use crate::text;
use crate::theme;
use crate::types::DagId;
use crate::types::run::DagRun;
use crate::widget::list::{Field, List, Shown, Value};
use crate::widget::paint;
use crate::widget::table::{fixed, growing, position, right};

/// Cells of the longest run's bar.
const BAR: u16 = 10;

/// Draws the screen.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State, dag_id: Option<&DagId>) {
    let level = state.level();
    let runs = rows::runs(state, level);
    let (query, _) = RunsQuery::read(level);
    let first = rows::runs_slots(level, &query).into_iter().next();
    let first = first.unwrap_or_else(|| Slot::Runs(dag_id.cloned()));
    let all = state.cache.runs_total(&first).map(|all| usize::try_from(all).unwrap_or(usize::MAX));
    let selected = rows::place(level, &runs);
    let list = list(state, dag_id);
    let mut title = list.title(state, level, runs.len(), all.unwrap_or(0));
    if level.attention_only {
        title.push_str(&with_keys!(state, " · only failed ones ({})", Attention));
    }
    let (area, preview) = split(area);
    if !preview.is_empty() {
        run_preview::draw(buf, preview, state, runs.get(selected).copied());
    }
    let inside = paint::panel(buf, area, &title, &position(selected, runs.len()), true);
    match all {
        None => return missing(buf, inside, state, &first),
        Some(0) if query.is_plain() => {
            let how = with_keys!(
                state,
                "{} goes to the DAGs, {} triggers the selected one",
                Show(View::Dags),
                Trigger
            );
            return paint::empty(buf, inside, "No runs yet", &how);
        }
        Some(_) if runs.is_empty() => {
            return filtered_out(buf, inside, state, "No run passes the filter");
        }
        Some(_) => {}
    }
    list.draw(buf, inside, state, &runs, &Shown::focused(level, selected));
}

/// The preview is on the right where the screen is wide, below where it is high.
fn split(area: Rect) -> (Rect, Rect) {
    if area.width >= 180 {
        let [list, preview] =
            Layout::horizontal([Constraint::Min(0), Constraint::Length(70)]).areas(area);
        return (list, preview);
    }
    if area.height >= 24 {
        let [list, preview] =
            Layout::vertical([Constraint::Min(0), Constraint::Length(8)]).areas(area);
        return (list, preview);
    }
    (area, Rect::default())
}

/// Describes the list of runs, of all DAGs or of one.
pub(crate) fn list(state: &State, dag_id: Option<&DagId>) -> List<'static, DagRun> {
    let noun = dag_id.map_or("Runs".to_owned(), |dag_id| format!("Runs of {dag_id}"));
    let (dim, plain) = (theme::DIM, theme::PLAIN);
    let (query, _) = RunsQuery::read(state.level());
    let slots = rows::runs_slots(state.level(), &query);
    let runs = slots.iter().flat_map(|slot| state.cache.runs_of(slot).unwrap_or_default());
    let longest = runs.filter_map(|run| run.duration_secs(state.now)).fold(0.0, f64::max);
    let mut list = List::new("runs", noun, rows::run_key).steady().words(words).field(Field::new(
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
        // The preview has the id in full.
        Field::new("run", growing("RUN", 24, 0), move |_, run: &DagRun| {
            paint::line(text::run_name(run.dag_run_id.as_str()), plain)
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
    .field(Field::new("bar", fixed("", BAR, 3), move |look, run: &DagRun| {
        let secs = run.duration_secs(look.state.now).unwrap_or(0.0);
        let cells = (secs / longest.max(1.0) * f64::from(BAR)).ceil() as usize;
        let mark = theme::run_mark(run.state);
        Line::styled("▇".repeat(cells.min(usize::from(BAR))), mark.style)
    }))
    .field(
        Field::new("note", growing("NOTE", 10, 5), move |_, run: &DagRun| {
            paint::line(run.note.as_deref().unwrap_or_default(), dim)
        })
        .sorted(|_, run| Value::text(run.note.as_deref().unwrap_or_default())),
    )
}

fn by(run: &DagRun) -> String {
    match (&run.triggering_user_name, &run.partition_key) {
        (Some(user), _) => format!("{} {user}", run.run_type),
        (None, Some(key)) => format!("{key} {}", run.run_type),
        (None, None) => run.run_type.to_string(),
    }
}

/// Returns what a run is found by.
fn words(run: &DagRun) -> String {
    format!(
        "{} {} state:{} {} {} {}",
        run.dag_id,
        run.dag_run_id,
        run.state,
        run.run_type,
        run.partition_key.as_deref().unwrap_or_default(),
        run.note.as_deref().unwrap_or_default()
    )
}
